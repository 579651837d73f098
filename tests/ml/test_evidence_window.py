"""From a baseline and windows of traffic to an alarm: the rooms meet on the counts per channel."""

from __future__ import annotations

import numpy as np
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, MixtureDetector, Settings
from drift_ml.window import Window

from benchmarks.simulate.coding import codes
from benchmarks.simulate.streams import feature_set

RNG = np.random.default_rng(11)
TRAINING = RNG.standard_normal((2000, 3))
TRAINING[:, 2] = np.round(TRAINING[:, 2])
BASELINE = fit_baseline(feature_set(3), {f"x{i}": TRAINING[:, i] for i in range(3)})


def window(rows: np.ndarray) -> Window:
    counted = Window.empty(BASELINE)
    counted.observe_rows({f"x{i}": rows[:, i] for i in range(3)})
    return counted


def traffic(rows: int) -> np.ndarray:
    found = RNG.standard_normal((rows, 3))
    found[:, 2] = np.round(found[:, 2])
    return found


def test_same_bins() -> None:
    """The simulation puts rows into the product's bins."""
    rows = traffic(500)
    rows[::7, 0] = np.nan
    rows[::11, 2] = 40.0
    found = codes(BASELINE, rows)
    counted = window(rows).channel_counts()
    for place, channel in enumerate(BASELINE.channels):
        seen = found[:, place][found[:, place] >= 0]
        assert np.bincount(seen, minlength=len(channel.counts)).tolist() == counted[channel.name], channel.name


def test_quiet_then_shift() -> None:
    """Windows of good traffic are quiet, and a shift of a single feature is named."""
    detector = MixtureDetector(Settings(BASELINE.channels, Budget(100_000)))
    for minute in range(60):
        assert not detector.update(window(traffic(50)).channel_counts(), events=50, timestamp_s=60.0 * minute)
    minute = 60
    while detector.alarm is None:
        rows = traffic(50)
        rows[:, 1] -= 0.5
        detector.update(window(rows).channel_counts(), events=50, timestamp_s=60.0 * minute)
        minute += 1
    assert minute < 66
    assert (detector.alarm.channel, detector.alarm.direction) == ("x1", "down")
    assert 55 * 60 <= detector.alarm.since <= 63 * 60
