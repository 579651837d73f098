"""How events depend before there is enough traffic for a rhythm."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.rhythm import Rhythm, dependence_so_far, is_like, varying_channels
from drift_ml.window import Window

TEN_MINUTES, HOUR = 600.0, 3_600.0
NUMBER = {"type": "number", "example": 0.0, "unit": "1", "description": "A number."}
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "two-numbers",
        "version": "1.0.0",
        "description": "Two numbers.",
        "target": {"name": "y", "unit": "1", "description": "A number."},
        "features": [{"name": "load", **NUMBER}, {"name": "size", **NUMBER}],
    }
)


def traffic(seed, batches, *, alike=1, events=60, moved=0.0, cycle=0.0, step_s=TEN_MINUTES):
    """Return per batch its begin and its columns.

    Args:
        seed: of the generator.
        batches: how many.
        alike: rows of `size` that come together and are nearly the same.
        events: of a batch.
        moved: standard deviations that `load` is higher in the second half.
        cycle: standard deviations that `load` is higher at the peak of a day.
        step_s: seconds that a batch spans.
    """
    rng = np.random.default_rng(seed)
    for batch in range(batches):
        angle = 2 * np.pi * batch * step_s / (24 * HOUR)
        load = rng.normal(size=events) + cycle * np.cos(angle) + moved * (batch >= batches / 2)
        size = np.repeat(rng.normal(size=events // alike), alike) + 0.05 * rng.normal(size=events)
        yield batch * step_s, {"load": load, "size": size}


@pytest.fixture(scope="module")
def baseline():
    table = [columns for _, columns in traffic(0, 100)]
    return fit_baseline(FEATURES, {name: np.concatenate([each[name] for each in table]) for name in FEATURES.names})


def counted(baseline, batches):
    for begin, columns in batches:
        window = Window.empty(baseline)
        window.observe_rows(columns)
        yield begin, window.channel_counts()


def depends(baseline, *args, **options):
    return dependence_so_far(baseline, counted(baseline, traffic(*args, **options)))


@pytest.mark.parametrize(
    "options",
    [{}, {"moved": 2.0}, {"cycle": 0.7}, {"events": 4, "alike": 4}],
    ids=["independent", "a-drift", "a-cycle", "too-few-events"],
)
def test_nothing_depends(baseline, options):
    """Independent events, a drift and a cycle are no dependence, and four events say nothing of theirs."""
    for seed in range(5):
        assert depends(baseline, seed, 144, **options) is None


def test_three_hours(baseline):
    """Sessions of five are known after three hours, about as much as they are, of what they touch alone."""
    early = [depends(baseline, seed, 18, alike=5) for seed in range(9)]
    assert 4 < np.median([rhythm.variance_inflation["size"] for rhythm in early]) < 12
    rhythm = early[0]
    assert "load" not in rhythm.variance_inflation
    assert (rhythm.from_s, rhythm.to_s, rhythm.events) == (0.0, 17 * TEN_MINUTES, 18 * 60)
    later = depends(baseline, 1, 1_000, alike=5)
    assert 4 < later.variance_inflation["size"] < 6.5
    assert later.bounded == ()
    assert later.seasonality(baseline.channels).is_early
    assert not replace(later, to_s=14 * 24 * HOUR).is_early
    assert Rhythm.from_json(later.to_json(), baseline=baseline.digest, channels=baseline.channels) == later


def test_what_was_hardly_ever_seen(baseline):
    """Values out of range are taken to come in sessions where the values do."""
    inflation = depends(baseline, 1, 144, alike=5).variance_inflation
    assert inflation["out_of_range:size"] == inflation["missing:size"] == inflation["size"]
    assert "missing:load" not in inflation


def test_it_is_bounded(baseline):
    """Of rows that all come together it is said that more is not allowed for."""
    rhythm = depends(baseline, 1, 144, alike=60)
    assert rhythm.variance_inflation["size"] == 25
    assert "size" in rhythm.bounded
    assert "size" in rhythm.seasonality(baseline.channels).bursting


def test_too_little(baseline):
    """Without traffic, or with an hour of it, nothing is certain."""
    assert dependence_so_far(baseline, []) is None
    assert dependence_so_far(baseline, [(0.0, {}), (TEN_MINUTES, {})]) is None
    assert depends(baseline, 1, 6, alike=60) is None


def test_sessions_are_no_cycle(baseline):
    """Hours that differ as much as their sessions make them do not vary with the hour; a cycle does."""
    hours = list(counted(baseline, traffic(3, 24, alike=10, events=600, step_s=HOUR)))
    assert "size" in varying_channels(baseline, hours)
    inflation = depends(baseline, 3, 144, alike=10).variance_inflation
    assert "size" not in varying_channels(baseline, hours, inflation=inflation)
    hours = list(counted(baseline, traffic(3, 24, alike=10, events=600, step_s=HOUR, cycle=0.7)))
    assert "load" in varying_channels(baseline, hours, inflation=inflation)


def test_about_the_same(baseline):
    """A fifth more is no other dependence; one that is new, gone or half as large is."""
    rhythm = depends(baseline, 1, 144, alike=5)
    more, half = [
        replace(rhythm, variance_inflation={name: value * by for name, value in rhythm.variance_inflation.items()})
        for by in (1.2, 0.5)
    ]
    assert is_like(rhythm, more)
    assert is_like(None, None)
    for other in (half, None):
        assert not is_like(rhythm, other)
        assert not is_like(other, rhythm)
