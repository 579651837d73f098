"""What the detector says of past windows is a pure function of windows and settings."""

from __future__ import annotations

import json
from math import log

import numpy as np
import pytest
from drift_ml.evidence import Budget, MixtureDetector, Settings
from drift_ml.replay.evidence import events_per_day, replay_windows, window_since
from drift_ml.replay.outcome import conclude, page
from drift_ml.window import Window

from tests.replay.conftest import HOUSES

SIZE = 100


@pytest.fixture(scope="module")
def drifting(cut):
    return cut(rows=4000, size=SIZE, shift=1.0, begin=2000)


def test_shift(made, drifting):
    """A shift is found, named and dated."""
    replay = replay_windows(made.baseline, drifting)
    alarm = replay.standing
    assert (alarm.finding.channel, alarm.finding.kind, alarm.finding.direction) == ("sqft", "location", "up")
    assert 2000 < alarm.row <= 2200
    assert abs(alarm.since_row - 2000) <= SIZE
    assert alarm.since_ms == drifting[alarm.since_row // SIZE].first_ms


def test_training_traffic(made, cut):
    """Traffic as in training raises no alarm."""
    replay = replay_windows(made.baseline, cut(rows=4000, size=SIZE))
    assert replay.alarms == ()
    assert max(step.evidence for step in replay.steps) < log(replay.budget.events)


def test_same_evidence(made, drifting):
    """The evidence is that of the detector itself."""
    detector = MixtureDetector(Settings(made.baseline.channels))
    expected = []
    for window in drifting[:15]:
        detector.update(window.channel_counts(), events=window.events, timestamp_s=window.first_ms / 1000)
        expected.append(max(detector.evidence, 0.0))
    assert [step.evidence for step in replay_windows(made.baseline, drifting[:15]).steps] == expected


def test_larger_budget(made, drifting):
    """A larger budget never fires earlier."""
    rows = [replay_windows(made.baseline, drifting, budget=Budget(size)).alarms[0].row for size in (1e3, 1e5, 1e12)]
    assert rows == sorted(rows)


def test_joined_channels(made, cut):
    """What moves with a drift is told with it, and is no large effect without evidence."""
    windows = cut(rows=4000, size=100, shift=2.0, begin=1000)
    replay = replay_windows(made.baseline, windows)
    outcome = conclude(made.baseline, windows, replay)
    assert outcome.verdict.unproven == ""
    shown = page(outcome, made.baseline, HOUSES, source="a", made="b")
    assert {name for alarm in replay.alarms for name in (alarm.finding.channel, *alarm.joined)} >= {
        "sqft",
        "prediction",
    }
    assert "; with it moved " in shown


def test_minimum_effect(made, drifting):
    """A drift below the minimum effect is no alarm."""
    assert not replay_windows(made.baseline, drifting, minimum_effect=5.0).alarms


def test_empty_windows(made, drifting):
    """Empty windows change nothing."""
    empty = Window.empty(made.baseline, drifting[0].model_version)
    with_empty = [window for each in drifting for window in (each, empty)]
    assert replay_windows(made.baseline, with_empty) == replay_windows(made.baseline, drifting)


def test_no_windows(made):
    """Without windows there is nothing to report."""
    replay = replay_windows(made.baseline, [])
    assert (replay.events, replay.standing, replay.time_at(3)) == (0, None, None)


def test_rows_as_clock(made, cut):
    """Without times, rows are the clock."""
    windows = cut(rows=4000, size=SIZE, shift=1.0, begin=2000, timed=False)
    alarm = replay_windows(made.baseline, windows).standing
    assert (alarm.at_ms, alarm.since_ms) == (None, None)
    assert abs(alarm.since_row - 2000) <= SIZE


def test_recovery(made, cut, drifting):
    """A drift that ends is recovered."""
    after = cut(rows=4000, size=SIZE, seed=9)
    replay = replay_windows(made.baseline, [*drifting[:26], *after])
    assert replay.standing is None
    assert replay.alarms[0].recovered_row > 2600


def test_progress(made, drifting):
    """Progress is reported for every window."""
    told = []
    replay_windows(made.baseline, drifting, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 40) for done in range(1, 41)]


def test_a_replay_is_json(made, drifting):
    """A replay can be written as JSON."""
    document = json.loads(json.dumps(replay_windows(made.baseline, drifting).to_json(), allow_nan=False))
    assert len(document["evidence"]) == 40
    assert document["alarms"][0]["finding"]["channel"] == "sqft"


def test_row_to_window(made, drifting):
    """A row has the time of the window that holds it."""
    replay = replay_windows(made.baseline, drifting)
    assert replay.time_at(SIZE - 1) == drifting[0].first_ms
    assert replay.time_at(SIZE) == drifting[1].first_ms


def test_windows_since(drifting):
    """The windows since a row add up."""
    assert window_since(drifting, 3900) == drifting[-1]
    assert window_since(drifting, 0).events == 4000
    with pytest.raises(ValueError, match="at or after"):
        window_since(drifting, 4000)


def test_traffic_per_day(drifting):
    """Traffic a day is the number of events over their span."""
    assert events_per_day(drifting) == pytest.approx(86_400 * 4000 / 3999)
    assert events_per_day(drifting[:0]) is None
    assert np.isclose(Budget.per_days(2, events_per_day(drifting)).events, 172_843, rtol=1e-3)
