"""Segments of training rows: levels, baselines of their own, documents, and the budget that they share."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_engine.bundle import SEGMENTS, BundleError, describe_files
from drift_ml.baseline.fit import fit_baseline
from drift_ml.offline_files import offline_document
from drift_ml.segments import (
    OTHER,
    BudgetShares,
    Levels,
    Segments,
    SegmentsError,
    Told,
    levels_of,
    read_segments,
)
from drift_ml.segments.fit import HeldOutAnswers, fit_segments

ROWS = 2_000


def feature_set(**target):
    """Return features that cut the traffic by a category, a boolean and a number."""
    kinds = {
        "region": {"type": "category", "categories": ["north", "south", "east"], "other": True, "example": "north"},
        "new": {"type": "boolean", "nullable": True, "example": True},
        "area": {"type": "number", "nullable": True, "example": 90},
    }
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "flats",
            "version": "1.0.0",
            "description": "Flats.",
            "target": {"name": "rent", "description": "Rent."} | (target or {"unit": "EUR"}),
            "features": [{"name": name, "unit": "none", "description": "One.", **kind} for name, kind in kinds.items()],
            "segments": [{"feature": "region"}, {"feature": "new"}, {"feature": "area", "cuts": [80, 100.5]}],
        }
    )


def columns(rows=ROWS):
    """Return columns of which a tenth is north, and some have no value."""
    random = np.random.default_rng(3)
    names = np.array(["north", "south", "east", "west"], dtype=object)
    area = random.normal(90, 15, rows)
    area[:50] = np.nan
    return {
        "region": random.choice(names, rows, p=[0.1, 0.6, 0.28, 0.02]),
        "new": np.where(np.arange(rows) < 40, np.nan, random.integers(0, 2, rows).astype(float)),
        "area": area,
    }


@pytest.fixture(scope="module")
def fitted():
    """Return a baseline and the segments of its rows."""
    features, table = feature_set(), columns()
    answers = HeldOutAnswers(table, predictions=table["area"])
    baseline = fit_baseline(features, table, predictions=table["area"])
    return baseline, fit_segments(features, table, baseline, answers)


def test_every_row_once(fitted):
    """The segments of each feature hold every row once, the most frequent category first."""
    _, segments = fitted
    for cut in segments.cuts:
        assert sum(segment.rows for segment in cut.segments) == ROWS
        assert cut.segments[-1].value == OTHER
    assert [segment.value for segment in segments.cuts[0].segments] == ["south", "east", "north", OTHER]
    assert [segment.value for segment in segments.cuts[2].segments][:3] == ["below 80", "80 to 100.5", "from 100.5"]


def test_own_baseline(fitted):
    """A segment's baseline is of its rows alone; one of too few rows has none, and that is in words."""
    _, segments = fitted
    south, north = segments.named("region", "south"), segments.named("region", "north")
    assert south.baseline.rows == south.rows
    assert [channel.name for channel in south.baseline.channels if channel.of == ("region",)] == []
    assert segments.named("area", "80 to 100.5").baseline.channel("region").counts[1] > 0
    assert south.baseline.channel("prediction")
    assert north.baseline is None
    assert "fewer than 500" in str(segments)
    full = replace(segments.cuts[0], segments=segments.cuts[0].segments[:1])
    assert str(Segments("", (full,))) == "1 watched, by region"
    assert north not in segments.watched
    with pytest.raises(SegmentsError, match="region south"):
        segments.named("region", "west")


@pytest.mark.parametrize(
    ("features", "expected"),
    [
        ({"region": "south", "new": True, "area": 90}, ["south", "true", "80 to 100.5"]),
        ({"region": "north", "new": None, "area": 80}, ["80 to 100.5"]),
        ({"region": "west", "new": False, "area": None}, ["false"]),
        ({"region": 3, "area": float("nan")}, []),
    ],
)
def test_segments_of_event(fitted, features, expected):
    """An event is in one segment of each feature; those that are not watched are left out."""
    _, segments = fitted
    assert [segment.value for segment in segments.of_event(features)] == expected


def test_rows_as_events(fitted):
    """Training puts a row into the segment that the aggregator puts its event into."""
    _, segments = fitted
    table, counted = columns(), {}
    for row in range(ROWS):
        features = {name: values[row] for name, values in table.items()}
        new = features["new"]
        features["new"] = None if np.isnan(new) else bool(new)
        features["area"] = float(features["area"])
        for cut in segments.cuts:
            segment = cut.segment_of(features)
            counted[segment.code] = counted.get(segment.code, 0) + 1
    assert counted == {segment.code: segment.rows for segment in segments if segment.rows}


def test_document(fitted):
    """Segments are read back as they were written, and refused beside another baseline."""
    baseline, segments = fitted
    document = json.loads(json.dumps(segments.to_json()))
    assert Segments.from_json(document, baseline=baseline.digest).to_json() == segments.to_json()
    with pytest.raises(SegmentsError, match="/baseline"):
        Segments.from_json(document, baseline="0" * 64)
    with pytest.raises(SegmentsError, match="required at /cuts/0/segments/0"):
        Segments.from_json(document | {"cuts": [{"feature": "a", "segments": [{"value": "b"}]}]}, baseline="")


def test_bundled_file(fitted, tmp_path):
    """A bundle without segments has none; a file that was changed, or is no document, is refused."""
    baseline, segments = fitted

    def manifest(data):
        (tmp_path / SEGMENTS).write_bytes(data)
        return {"offline_files": describe_files({SEGMENTS: data})}

    assert read_segments(tmp_path, {}, baseline) is None
    good = manifest(json.dumps(segments.to_json()).encode())
    assert len(read_segments(tmp_path, good, baseline).watched) == len(segments.watched)
    (tmp_path / SEGMENTS).write_bytes(b"{}")
    with pytest.raises(BundleError, match="it was changed"):
        read_segments(tmp_path, good, baseline)
    with pytest.raises(BundleError, match="JSON"):
        offline_document(tmp_path, manifest(b"{"), SEGMENTS)
    with pytest.raises(BundleError, match="segments of this bundle"):
        read_segments(tmp_path, manifest(b"{}"), baseline)


def test_nothing_is_cut():
    """Where the feature set names no segment there are none, and the whole has all of the budget."""
    document = feature_set().to_json()
    del document["segments"]
    whole = FeatureSet.from_json(document)
    assert fit_segments(whole, columns(), fit_baseline(whole, columns())) is None
    assert BudgetShares(0).whole(1_000) == 1_000


def test_answers_of_classifier():
    """A classifier's labels and scores are counted by segment; without answers none are."""
    features, table = feature_set(kind="classification", classes=["low", "high"]), columns()
    scores = np.tile([0.4, 0.6], (ROWS, 1))
    answers = HeldOutAnswers(table, labels=np.ones(ROWS), scores=scores)
    baseline = fit_baseline(features, table)
    segments = fit_segments(features, table, baseline, answers)
    assert segments.named("region", "south").baseline.channel("label").counts[0] == 0
    for other in (None, HeldOutAnswers(table), HeldOutAnswers({name: column[:0] for name, column in table.items()})):
        plain = fit_segments(features, table, baseline, other)
        assert plain.named("region", "south").baseline.label is None


def test_most_levels():
    """Of many categories the twenty most frequent are levels; one that is called other is none."""
    rows = {f"c{place}": place for place in range(40)} | {OTHER: 99}
    levels = levels_of("shop", rows=rows)
    assert levels.names[0] == "c39"
    assert len(levels.names) == 20
    assert levels.level(OTHER) == OTHER == Levels("shop", (), ()).level("c39")


@pytest.mark.parametrize("cuts", [1, 2, 5])
def test_shared_budget(fitted, cuts):
    """The rates of the whole and of all cuts add up to that of the budget."""
    shares = BudgetShares(cuts)
    assert fitted[1].shares == BudgetShares(3)
    rate = 1 / shares.whole(50_000) + cuts / shares.segment(50_000)
    assert rate == pytest.approx(1 / 50_000)


@pytest.mark.parametrize(
    ("standing", "other", "expected"),
    [
        (Told(("a",), 0.5, 0, 9), Told(("a",), 1.4, 20, 30, share=0.1), True),
        (Told(("a",), 0.5, 0, 9), Told(("a",), 1.6, 20, 30, share=0.1), False),
        (Told(("a",), 0.1, 0, 9), Told(("a",), 1.0, 5, 30, share=0.1), True),
        (Told(("a",), 0.5, 0, 9), Told(("b",), 0.5, 20, 30, share=0.1), False),
        (Told(("a",), 0.5, 0, 9), Told(("a",), 0.5, 20, 30), False),
        (Told(("prediction",), 0.5, 0, 9), Told(("a",), 0.5, 20, 30, share=0.1), False),
        (Told(("prediction",), 0.5, 0, 9), Told(("a",), 0.5, 5, 30, share=0.1), True),
        (Told(("a",), 0.5, 0, 9), Told(("prediction",), 0.5, 20, 30, share=0.1), True),
        (Told(("a", "b", "c"), 0.5, 0, 9), Told(("a",), 0.5, 5, 30, share=0.1), True),
        (Told(("a",), 1.0, 0, 9, share=0.1), Told(("a",), 0.25, 5, 30), True),
        (Told(("a",), 1.0, 0, 9, share=0.1), Told(("a",), 0.4, 5, 30), False),
        (Told(("a",), 1.0, 0, 9, share=0.1), Told(("a",), 0.5, 5, 30, share=0.5), True),
        (Told(("a",), 1.0, 0, 9, share=0.1), Told(("a",), 0.9, 5, 30, share=0.1), False),
    ],
)
def test_one_cause(standing, other, expected):
    """A drift that is that of another seen from afar, or part of it, says nothing new; a later or larger one does."""
    assert standing.explains(other) == expected
