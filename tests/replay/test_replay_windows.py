"""What the detector says of past windows is a pure function of windows and settings."""

from __future__ import annotations

import json
from math import log

import numpy as np
import pytest
from drift_ml.evidence import Budget, MixtureDetector, Settings
from drift_ml.replay.evidence import events_per_day, replay_windows, window_since
from drift_ml.window import Window

SIZE = 100


@pytest.fixture(scope="module")
def drifting(cut):
    return cut(rows=4000, size=SIZE, shift=1.0, begin=2000)


def test_a_shift_is_found_named_and_dated(made, drifting):
    replay = replay_windows(made.baseline, drifting)
    alarm = replay.standing
    assert (alarm.finding.channel, alarm.finding.kind, alarm.finding.direction) == ("sqft", "location", "up")
    assert 2000 < alarm.row <= 2200
    assert abs(alarm.since_row - 2000) <= SIZE
    assert alarm.since_ms == drifting[alarm.since_row // SIZE].first_ms


def test_traffic_as_in_training_raises_no_alarm(made, cut):
    replay = replay_windows(made.baseline, cut(rows=4000, size=SIZE))
    assert replay.alarms == ()
    assert max(step.evidence for step in replay.steps) < log(replay.budget.events)


def test_the_evidence_is_what_the_detector_itself_says(made, drifting):
    detector = MixtureDetector(Settings(made.baseline.channels))
    expected = []
    for window in drifting[:15]:
        detector.update(window.channel_counts(), events=window.events, timestamp_s=window.first_ms / 1000)
        expected.append(max(detector.evidence, 0.0))
    assert [step.evidence for step in replay_windows(made.baseline, drifting[:15]).steps] == expected


def test_a_larger_budget_never_fires_earlier(made, drifting):
    rows = [replay_windows(made.baseline, drifting, budget=Budget(size)).alarms[0].row for size in (1e3, 1e5, 1e12)]
    assert rows == sorted(rows)


def test_what_is_below_the_minimum_effect_is_no_alarm(made, drifting):
    assert not replay_windows(made.baseline, drifting, minimum_effect=5.0).alarms


def test_empty_windows_change_nothing(made, drifting):
    empty = Window.empty(made.baseline, drifting[0].model_version)
    with_empty = [window for each in drifting for window in (each, empty)]
    assert replay_windows(made.baseline, with_empty) == replay_windows(made.baseline, drifting)


def test_without_windows_there_is_nothing_to_say(made):
    replay = replay_windows(made.baseline, [])
    assert (replay.events, replay.standing, replay.time_at(3)) == (0, None, None)


def test_without_times_rows_are_the_clock(made, cut):
    windows = cut(rows=4000, size=SIZE, shift=1.0, begin=2000, timed=False)
    alarm = replay_windows(made.baseline, windows).standing
    assert (alarm.at_ms, alarm.since_ms) == (None, None)
    assert abs(alarm.since_row - 2000) <= SIZE


def test_a_drift_that_ends_is_taken_back(made, cut, drifting):
    after = cut(rows=4000, size=SIZE, seed=9)
    replay = replay_windows(made.baseline, [*drifting[:26], *after])
    assert replay.standing is None
    assert replay.alarms[0].recovered_row > 2600


def test_progress_is_told_of_every_window(made, drifting):
    told = []
    replay_windows(made.baseline, drifting, progress=lambda done, total: told.append((done, total)))
    assert told == [(done, 40) for done in range(1, 41)]


def test_a_replay_is_json(made, drifting):
    document = json.loads(json.dumps(replay_windows(made.baseline, drifting).to_json(), allow_nan=False))
    assert len(document["evidence"]) == 40
    assert document["alarms"][0]["finding"]["channel"] == "sqft"


def test_a_row_lies_in_the_window_that_holds_it(made, drifting):
    replay = replay_windows(made.baseline, drifting)
    assert replay.time_at(SIZE - 1) == drifting[0].first_ms
    assert replay.time_at(SIZE) == drifting[1].first_ms


def test_the_windows_since_a_row_add_up(drifting):
    assert window_since(drifting, 3900) == drifting[-1]
    assert window_since(drifting, 0).events == 4000
    with pytest.raises(ValueError, match="at or after"):
        window_since(drifting, 4000)


def test_traffic_a_day_is_events_over_their_span(drifting):
    assert events_per_day(drifting) == pytest.approx(86_400 * 4000 / 3999)
    assert events_per_day(drifting[:0]) is None
    assert np.isclose(Budget.per_days(2, events_per_day(drifting)).events, 172_843, rtol=1e-3)
