"""The named detectors over vectors give the alarms that they give value by value."""

from __future__ import annotations

import numpy as np
import pytest
from drift_ml.detectors import Adwin, Cusum, MeanAbsoluteZ, PageHinkley, WindowedKs, WindowedPsi
from drift_ml.detectors.vectorised import CusumScan, KsScan, MeanScoreScan, PageHinkleyScan, PsiScan
from drift_ml.detectors.vectorised_adwin import AdwinScan
from drift_ml.replay.reference_detectors import FARTHEST, ReferenceDetectors
from hypothesis import given, settings
from hypothesis import strategies as st

EDGES = [-1.0, -0.3, 0.3, 1.0]
REFERENCE = [160, 220, 240, 220, 160]
LEVEL = 0.01


def values(seed, *, rows=5000):
    random = np.random.default_rng(seed)
    drawn = random.normal(size=rows)
    drawn[random.integers(0, rows) :] += random.choice([0.0, 0.2, -0.4, 1.0, -2.0])
    return drawn


def first_alarm(detector, items):
    """The place of the value that raised it, and the reason."""
    for place, item in enumerate(items):
        if detector.update([item]):
            return place, detector.reason
    return None


def first_hit(scan, items, sizes):
    start = 0
    while start < len(items):
        size = sizes[start % len(sizes)]
        hit = scan.take(items[start : start + size])
        if hit is not None:
            return start + hit.place, start + hit.since, hit.direction
        start += size
    return None


PAIRS = {
    "cusum": (lambda: Cusum(mean=0.0, std=1.0), CusumScan),
    "page-hinkley": (PageHinkley, PageHinkleyScan),
    "adwin": (Adwin, AdwinScan),
}
chunks = st.lists(st.integers(1, 3000), min_size=1, max_size=3)


@pytest.mark.no_cover
@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=chunks)
def test_scans(name, seed, sizes):
    """A scan fires where its detector does, in the same direction."""
    detector, scan = PAIRS[name]
    items = values(seed)
    alarm, hit = first_alarm(detector(), items), first_hit(scan(), items, sizes)
    assert (alarm is None) == (hit is None)
    if alarm and hit:
        assert hit[0] == alarm[0]
        assert f"mean {hit[2]}" in alarm[1]


@pytest.mark.no_cover
@pytest.mark.parametrize("name", PAIRS)
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=chunks)
def test_chunk_sizes(name, seed, sizes):
    """The size of chunks changes neither alarm nor onset."""
    scan = PAIRS[name][1]
    items = values(seed)
    assert first_hit(scan(), items, sizes) == first_hit(scan(), items, [len(items)])


@pytest.mark.parametrize("name", ["cusum", "adwin"])
def test_onset(name):
    """The onset is near the change and before the alarm."""
    items = np.random.default_rng(3).normal(size=600)
    items[400:] += 2.0
    place, since, direction = first_hit(PAIRS[name][1](), items, [150])
    assert 330 <= since <= place
    assert direction == "up"


@pytest.mark.parametrize("kind", ["psi", "ks"])
@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=chunks)
def test_windowed_detectors(kind, seed, sizes):
    """Windowed detectors fire at the same window."""
    items = values(seed)
    detector, scan = {
        "psi": (WindowedPsi(edges=EDGES, reference=REFERENCE), PsiScan(REFERENCE)),
        "ks": (WindowedKs(edges=EDGES, reference=REFERENCE, level=LEVEL), KsScan(REFERENCE, LEVEL)),
    }[kind]
    alarm = first_alarm(detector, items)
    hit = first_hit(scan, np.searchsorted(EDGES, items), sizes)
    assert (hit and hit[0]) == (alarm and alarm[0])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), sizes=chunks)
def test_mean_score(seed, sizes):
    """The rule of the mean score fires at the same row as its detector."""
    items = values(seed)
    items[1500:] *= 4
    alarm = first_alarm(MeanAbsoluteZ(means=[0.0], stds=[1.0]), [[item] for item in items])
    hit = first_hit(MeanScoreScan(), np.abs(items), sizes)
    assert (hit and hit[0]) == (alarm and alarm[0])


def detections_over(baseline, columns, predictions, size=1500):
    detectors = ReferenceDetectors(baseline)
    for start in range(0, len(predictions), size):
        part = slice(start, start + size)
        detectors.take({name: column[part] for name, column in columns.items()}, predictions[part])
    return {detection.detector: detection for detection in detectors.detections()}


def test_all_detectors(made, houses):
    """Every detector answers, and the shifted feature is named."""
    columns = houses(4000, 5, shift=2.0, begin=1000)
    found = detections_over(made.baseline, columns, np.full(4000, np.nan))
    assert list(found) == ["CUSUM", "Page-Hinkley", "ADWIN", "PSI", "KS", "mean |z|"]
    for name in ("ADWIN", "PSI", "KS"):
        assert (found[name].column, found[name].direction) == ("sqft", "up")
        assert 900 <= found[name].since_row <= found[name].row <= 2000
    assert found["mean |z|"].row is None


def test_missing_values(made, houses):
    """Missing values are skipped, and their rows still count."""
    columns = houses(4000, 5, shift=3.0, begin=2000)
    columns["sqft"][:1000] = np.nan
    found = detections_over(made.baseline, columns, np.full(4000, np.nan))
    assert found["ADWIN"].column == "sqft"
    assert 1800 <= found["ADWIN"].since_row <= found["ADWIN"].row < 2100


def test_empty_rows(made, houses):
    """Rows without any value have no score."""
    columns = {name: np.full(3000, np.nan) for name in houses(1, 5)}
    found = detections_over(made.baseline, columns, np.full(3000, np.nan))
    assert all(detection.row is None for detection in found.values())


def test_huge_values(made, houses):
    """Huge values count as the largest score."""
    columns = houses(3000, 5)
    columns["sqft"][:] = 1e300
    found = detections_over(made.baseline, columns, np.full(3000, made.baseline.prediction.mean))
    assert FARTHEST == 100.0
    assert found["mean |z|"].row == 1999
