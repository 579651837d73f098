"""A caller of a replayed file that is another population is left out and watched by itself, as in the service."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_engine.bundle import load_bundle
from drift_ml.evidence import Budget
from drift_ml.populations import MOST_PARTS, population_difference
from drift_ml.replay.answering import Answers
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.caller_replays import left_out_in_words
from drift_ml.replay.callers import CallerWindows
from drift_ml.replay.commands import replay
from drift_ml.replay.evidence import plain_settings
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


@pytest.fixture
def replayed(made):
    """Return what is left of windows, and the callers that were left out, each with its alarms."""

    def run(windows, counted, least=0.1):
        return counted.replay(windows, plain_settings(made.baseline, Budget(100_000), least), {})

    return run


def events_at_night(windows):
    """Return the events of the job's hour of each day."""
    return [window.events for window in windows[3::24]]


def test_job_left_out(days, replayed):
    """After its first whole day a job is left out, its first night is not."""
    windows, counted = days([2.0, 2.0, 2.0])
    remaining, callers = replayed(windows, counted)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS]
    assert "caller job since 2 January 2025, 1,200 of 3,960 rows" in left_out_in_words(callers, 3_960)
    assert sum(window.events for window in windows) == 3_960


def test_job_like_the_rest(days, replayed):
    """A job that asks as everybody does stays, also when it changes later: that is drift."""
    windows, counted = days([0.0, 0.0, 2.0, 2.0, 2.0])
    assert replayed(windows, counted) == (windows, ())


def test_job_becomes_alike(days, replayed):
    """A job that no longer differs is counted again, for good."""
    windows, counted = days([2.0, 0.0, 0.0, 2.0])
    remaining, (caller,) = replayed(windows, counted)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS + JOB_ROWS, ROWS + JOB_ROWS]
    # The night of which it is counted again is the third.
    assert caller.end.row == 2 * (24 * ROWS + JOB_ROWS)
    assert (caller.rows, caller.watched) == (JOB_ROWS, None)


def test_job_on_some_days(days, replayed):
    """A job that does not ask on a day stays left out."""
    windows, counted = days([2.0, None, 2.0, 2.0])
    remaining, _ = replayed(windows, counted)
    assert events_at_night(remaining) == [ROWS + JOB_ROWS, ROWS, ROWS, ROWS]


def test_watched_job_becomes_alike(days, replayed):
    """A job that was watched is counted again where no alarm of it stands, as below the minimum effect."""
    windows, counted = days([0.8, 0.8, 0.8, 0.0, 0.0, 0.0])
    _, (caller,) = replayed(windows, counted, least=3.0)
    assert (caller.alarms, caller.events) == ((), 2 * JOB_ROWS)
    assert caller.end.row == 4 * (24 * ROWS + JOB_ROWS)


def test_job_without_a_value(days, replayed):
    """A value that a job has not sent before is held against the training rows, which are all that is known of it."""
    windows, counted = days([np.nan, np.nan, np.nan, 2.0])
    _, (caller,) = replayed(windows, counted)
    (alarm,) = caller.alarms
    assert alarm.words.startswith("sqft: the mean rose from 1,99")


def test_alarm_keeps_job_out(days, replayed):
    """A job that has become like the rest stays left out while an alarm of it stands: that is its drift."""
    windows, counted = days([1.0, 1.0, 1.0, 1.0, 0.0, 0.0, 0.0])
    remaining, (caller,) = replayed(windows, counted)
    assert events_at_night(remaining)[1:] == [ROWS] * 6
    assert [alarm.recovered_row for alarm in caller.alarms] == [None]


def test_many_callers(made, houses, replayed):
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
    assert replayed(windows, counted) == (windows, ())
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
    assert [each["caller"] for each in told["callers"]] == ["upper"]
    assert plain["callers"] == []
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


@pytest.fixture
def watched(made, houses, tmp_path):
    """Replay days in which callers ask for other houses, at an hour or each hour; return code, document and page.

    How other is by caller, of each day or each hour.
    """

    def run(days, shifts_by_caller, *more):
        plan = [(hour, None, ROWS, 0.0) for hour in range(24 * days)]
        for name, (at_hour, rows, shifts) in shifts_by_caller.items():
            hours = [hour for hour in range(24 * days) if at_hour in (hour % 24, None)]
            plan += [(hour, name, rows, shifts[hour * len(shifts) // (24 * days)]) for hour in hours]
        parts = []
        for seed, (hour, name, rows, shift) in enumerate(sorted(plan, key=lambda each: each[0])):
            part = houses(rows, seed=seed)
            part["sqft"] += 250 * shift
            part |= {"desk": np.array([name] * rows, dtype=object), "time": np.full(rows, BEGIN_MS + hour * HOUR_MS)}
            parts.append(part)
        path, page = tmp_path / "callers.csv", tmp_path / "callers.html"
        csv.write_csv(table({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}), path)
        words = ["--data", str(path), "--baseline", str(made.folder), "--time-column", "time", "--caller", "desk"]
        done = CliRunner().invoke(replay, [*words, *more, "--json", "--html", str(page)])
        return done.exit_code, json.loads(done.stdout), page.read_text("utf-8")

    return run


def found(document):
    """Return whether the first night of all rows, before anybody is left out, is all that was found of them."""
    return all(alarm["recovered_row"] for alarm in document["replay"]["alarms"])


def test_steady_caller(watched):
    """A job of other houses that stays as it is raises no alarm of its own."""
    _, document, page = watched(8, {"job": (3, JOB_ROWS, [1.5] * 8)})
    (caller,) = document["callers"]
    a_day = 24 * ROWS + JOB_ROWS
    assert (caller["left_out_row"], caller["left_out_rows"]) == (a_day, 7 * JOB_ROWS)
    # Once a day of its own is known: behind its second night.
    assert (caller["watched_row"] > 2 * a_day, caller["events"]) == (True, 6 * JOB_ROWS)
    assert (caller["alarms"], found(document)) == ([], True)
    assert "1 caller was held against its own former traffic: none drifts." in page
    assert "<h2>Callers</h2>" in page


def test_caller_drifts(watched):
    """A shift of a job by half a standard deviation is found within its night, by what it had before."""
    code, document, page = watched(8, {"job": (3, JOB_ROWS, [1.5] * 6 + [2.0] * 2)})
    (caller,) = document["callers"]
    (alarm,) = caller["alarms"]
    a_day = 24 * ROWS + JOB_ROWS
    assert code == 1
    assert 6 * a_day < alarm["row"] <= 7 * a_day
    assert alarm["words"].startswith("sqft: the mean rose from 2,3")
    assert alarm["words"].endswith("in caller job")
    assert "in caller job" in document["verdict"]["headline"]
    assert found(document)
    assert f"drift in caller job (from row {alarm['row']:,} on)" in page
    assert alarm["words"] in page
    assert f"Found at 2025-01-07 03:00 (row {alarm['row']:,})." in page


def test_two_callers_drift(watched):
    """Two callers that are left out are watched each by itself; one that asks at all hours drifts a day later."""
    callers = {"job": (3, JOB_ROWS, [1.5] * 6 + [2.0] * 3), "desk": (None, 22, [-1.5] * 7 + [-1.0] * 2)}
    code, document, page = watched(9, callers)
    desk, job = document["callers"]
    a_day = 24 * (ROWS + 22) + JOB_ROWS
    assert (code, desk["caller"], job["caller"]) == (1, "desk", "job")
    assert [7 * a_day < alarm["row"] <= 8 * a_day for alarm in desk["alarms"]] == [True]
    assert [6 * a_day < alarm["row"] <= 7 * a_day for alarm in job["alarms"]] == [True]
    assert "2 callers were each held against their own former traffic: drift in caller desk" in page


def test_second_drift_of_caller(watched):
    """A drift of a caller that is over is taken back, and a second one is another alarm."""
    shifts = [1.5] * 5 + [2.0] * 3 + [1.5] * 10 + [2.0] * 2
    code, document, _ = watched(20, {"job": (3, JOB_ROWS, shifts)})
    first, second = document["callers"][0]["alarms"]
    a_day = 24 * ROWS + JOB_ROWS
    assert code == 1
    assert 5 * a_day < first["row"] <= 6 * a_day
    assert 8 * a_day < first["recovered_row"] <= 18 * a_day
    assert 18 * a_day < second["row"] <= 19 * a_day
    assert second["recovered_row"] is None


def test_drifting_caller_learned(watched):
    """A drift that lasts is not learned as normal: its alarm stands after the caller's own rhythm is known."""
    code, document, _ = watched(22, {"desk": (None, 22, [-1.5] * 8 + [-1.0] * 14)})
    (alarm,) = document["callers"][0]["alarms"]
    assert (code, alarm["recovered_row"]) == (1, None)


def test_dependent_caller(watched):
    """Hours of a caller that differ by themselves are no drift of it, and hide none until the day is over."""
    shifts = np.random.default_rng(5).normal(-2.5, 0.5, 24 * 9)
    shifts[24 * 8 :] += 1.5
    _, document, _ = watched(9, {"desk": (None, 22, shifts.tolist())})
    (alarm,) = document["callers"][0]["alarms"]
    assert 8 * 24 * (ROWS + 22) < alarm["row"] <= (8 * 24 + 12) * (ROWS + 22)


@pytest.mark.parametrize("night", [0, 6])
def test_night_left_out(watched, night):
    """A night that is marked is no drift of a job, and its own traffic is not of it."""
    shifts = [1.5] * 8
    shifts[night] = 3.0
    marked = ("--left-out", f"2025-01-{night + 1:02d}=stocktaking")
    _, document, _ = watched(8, {"job": (3, JOB_ROWS, shifts)}, *marked)
    (caller,) = document["callers"]
    assert (caller["events"], caller["alarms"]) == (5 * JOB_ROWS, [])


def test_muted_caller(watched):
    """A drift of a muted feature is muted of a caller too."""
    shifts = {"job": (3, JOB_ROWS, [1.5] * 4 + [2.0] * 2)}
    mutings = ("--muted-features", "sqft=2030-01-01", "--muted-features", "prediction=2030-01-01")
    code, document, _ = watched(6, shifts, *mutings)
    assert (code, bool(document["callers"][0]["alarms"])) == (0, True)


def test_unwatched_caller(watched, made, tmp_path):
    """A caller of which no day is known before the file ends is left out and named as not watched."""
    _, document, page = watched(2, {"job": (3, JOB_ROWS, [1.5] * 2)})
    (caller,) = document["callers"]
    assert (caller["watched_row"], caller["events"]) == (None, 0)
    words = ["--data", str(tmp_path / "callers.csv"), "--baseline", str(made.folder), "--time-column", "time"]
    text = " ".join(CliRunner().invoke(replay, [*words, "--caller", "desk"]).output.split())
    assert "Not watched, as too little of its own was known: caller job." in text
    assert "<td>not watched</td>" in page


def test_caller_counted_again(watched):
    """The page says until when a caller was left out that has become like the rest."""
    _, document, page = watched(4, {"job": (3, JOB_ROWS, [2.0, 0.0, 0.0, 0.0])})
    (caller,) = document["callers"]
    assert caller["counted_again_row"] == 2 * (24 * ROWS + JOB_ROWS)
    assert "until 2025-01-03 00:00" in page


def test_budget_is_shared(watched):
    """Callers have a part of the budget, as one more feature that cuts has."""
    _, document, _ = watched(2, {"job": (3, JOB_ROWS, [1.5] * 2)}, "--budget", "50000")
    assert document["replay"]["budget_events"] == pytest.approx(55_000)
