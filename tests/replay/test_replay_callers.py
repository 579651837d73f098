"""A caller of a replayed file that is another population is left out of all rows, as in the service."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_engine.bundle import load_bundle
from drift_ml.populations import MOST_PARTS, population_difference
from drift_ml.replay.answering import Answers
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.callers import CallerWindows
from drift_ml.replay.commands import replay
from drift_ml.window import Window
from pyarrow import csv, table

#: The first of January 2025, in milliseconds.
BEGIN_MS = 1_735_689_600_000
HOUR_MS = 3_600_000
#: Rows an hour of everybody, and of the job in one hour of the night.
ROWS, JOB_ROWS = 30, 600


@pytest.fixture
def days(made, houses):
    """Count days of hours, in one of which a job asks for other houses; return windows and callers' windows."""

    def count(shifts, job="job"):
        windows, counted = [], CallerWindows(made.baseline, "0" * 12)
        for hour in range(24 * len(shifts)):
            is_job = hour % 24 == 3 and shifts[hour // 24] is not None
            rows = houses(ROWS + JOB_ROWS * is_job, seed=hour)
            names = np.array(["a", None] * (ROWS // 2) + [job] * JOB_ROWS * is_job, dtype=object)
            if is_job:
                rows["sqft"][ROWS:] += 250 * shifts[hour // 24]
            times = BEGIN_MS + hour * HOUR_MS + np.arange(len(names))
            window = Window.empty(made.baseline, "0" * 12)
            window.observe_rows(rows, np.ones(len(names)), times)
            counted.take(rows, Answers(np.ones(len(names))), times, names, None)
            counted.close()
            windows.append(window)
        return windows, counted

    return count


def events_at_night(windows):
    """Return the events of the job's hour of each day."""
    return [window.events for window in windows[3::24]]


def test_job_left_out(days):
    """After its first whole day a job is left out, its first night is not."""
    windows, counted = days([2.0, 2.0, 2.0])
    remaining, words = counted.without_others(windows)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS]
    assert "caller job since 2 January 2025, 1,200 of 3,960 rows" in words
    assert sum(window.events for window in windows) == 3_960


def test_job_like_the_rest(days):
    """A job that asks as everybody does stays, also when it changes later: that is drift."""
    windows, counted = days([0.0, 0.0, 2.0, 2.0, 2.0])
    assert counted.without_others(windows) == (windows, "")


def test_job_becomes_alike(days):
    """A job that no longer differs is counted again, for good."""
    windows, counted = days([2.0, 0.0, 0.0, 2.0])
    remaining, _ = counted.without_others(windows)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS + JOB_ROWS, ROWS + JOB_ROWS]


def test_job_on_some_days(days):
    """A job that does not ask on a day stays left out."""
    windows, counted = days([2.0, None, 2.0, 2.0])
    remaining, _ = counted.without_others(windows)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS, ROWS]


def test_many_callers(made, houses):
    """The first callers have windows of their own, all others one together."""
    counted = CallerWindows(made.baseline, "0" * 12)
    names = np.array([f"c{number:02d}" for number in range(50)] * 40, dtype=object)
    rows = houses(len(names), seed=1)
    rows["sqft"] += np.where(names > "c47", 1_000, 0)
    windows = []
    for day in range(2):
        times = BEGIN_MS + day * 24 * HOUR_MS + np.arange(len(names))
        window = Window.empty(made.baseline, "0" * 12)
        window.observe_rows(rows, np.ones(len(names)), times)
        counted.take(rows, Answers(np.ones(len(names))), times, names, names)
        counted.close()
        windows.append(window)
    assert counted.without_others(windows) == (windows, "")
    assert counted.names == [f"c{number:02d}" for number in range(MOST_PARTS)]


def test_nobody_else(made, days):
    """Where nobody else has asked, a caller differs from nobody."""
    ((window, *_), _) = days([None])
    empty = Window.empty(made.baseline, "0" * 12)
    assert population_difference(made.baseline, window, empty, 1) == (0.0, False)


@pytest.fixture
def desks(houses, tmp_path):
    """Write three days of traffic in which a desk asks for larger houses, and return the path."""
    hours = np.repeat(np.arange(72), 40)
    rows = houses(len(hours), seed=4)
    desks = np.where(np.arange(len(hours)) % 2, "upper", "lower").astype(object)
    desks[::40] = None
    rows["sqft"] += np.where(desks == "upper", 375, 0)
    rows |= {"desk": desks, "time": BEGIN_MS + hours * HOUR_MS + np.arange(len(hours)) % 40}
    path = tmp_path / "desks.csv"
    csv.write_csv(table(rows), path)
    return path


def test_command(made, desks):
    """The command says who is left out; without times or with cycles switched off it refuses the option."""
    words = ["--data", str(desks), "--baseline", str(made.folder), "--time-column", "time", "--json"]
    told = json.loads(CliRunner().invoke(replay, [*words, "--caller", "desk"]).stdout)
    plain = json.loads(CliRunner().invoke(replay, words).stdout)
    assert "caller upper since 3 January 2025" in told["rhythm"]["words"]
    assert "caller" not in plain["rhythm"]["words"]
    assert told["replay"]["events"] == plain["replay"]["events"] - 480 == 2_400
    for more in ((), ("--time-column", "time", "--no-rhythm"), ("--time-column", "time", "--no-segments")):
        refused = CliRunner().invoke(replay, [*words[:4], "--caller", "desk", *more])
        assert (refused.exit_code, "--time-column" in refused.output) == (2, True)


def test_no_callers_without_times(made, desks):
    """Callers that a feature names are told apart where rows have times, and switched off with segments."""
    bundle = load_bundle(made.folder)
    document = {**bundle.feature_set.to_json(), "contract": "feature-set.v2", "caller": {"feature": "bedrooms"}}
    vars(bundle)["feature_set"] = type(bundle.feature_set).from_json(document)
    named = backtest(bundle, Request(desks, time="time"))
    off = backtest(bundle, Request(desks, time="time", tells_callers=False))
    untimed = backtest(bundle, Request(desks))
    assert [sum(window.events for window in result.windows) for result in (named, off, untimed)] == [2_880] * 3
