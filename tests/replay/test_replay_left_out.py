"""Days that are marked are no evidence of a replay, and nothing is learned from them; their rows count."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_ml.left_out import left_out_of_texts
from drift_ml.replay.allowance import Basis, allowance_of
from drift_ml.replay.commands import replay
from drift_ml.replay.evidence import replay_windows
from drift_ml.window import Window
from pyarrow import csv, table

#: The first of January 2025, in milliseconds.
BEGIN_MS = 1_735_689_600_000
HOUR_MS = 3_600_000
#: Rows an hour.
ROWS = 20
A_DAY = 24 * ROWS


@pytest.fixture
def told(made, houses, tmp_path):
    """Replay days of houses that are larger by so many standard deviations each; return code, document, errors."""

    def run(shifts, *more, time=("--time-column", "time")):
        hours = np.repeat(np.arange(24 * len(shifts)), ROWS)
        columns = houses(len(hours), seed=10)
        columns["sqft"] += 250 * np.repeat(shifts, A_DAY)
        columns["time"] = BEGIN_MS + hours * HOUR_MS
        path = tmp_path / "houses.csv"
        csv.write_csv(table(columns), path)
        words = ["--data", str(path), "--baseline", str(made.folder), *time, *more]
        done = CliRunner().invoke(replay, [*words, "--json"])
        return done.exit_code, json.loads(done.stdout or "null"), done.stderr.strip()

    return run


@pytest.mark.parametrize("more", [(), ("--no-rhythm",)], ids=["rhythm", "no rhythm"])
@pytest.mark.parametrize("days", [5, 17])
def test_holiday(told, days, more):
    """A holiday is drift, and none where it is marked; its rows are counted, and the words name it."""
    shifts = [0.0] * days
    shifts[-3] = 2.0
    code, plain, _ = told(shifts, *more)
    assert (code, bool(plain["replay"]["alarms"])) == (1, True)
    marked = f"2025-01-{days - 2:02d}"
    code, document, errors = told(shifts, "--left-out", f"{marked}=stocktaking", *more)
    assert (code, document["replay"]["alarms"], errors) == (0, [], "")
    assert document["replay"]["events"] == days * A_DAY
    words = f"Days that are left out, with {A_DAY} rows: {days - 2} January 2025 (stocktaking)"
    assert words in document["rhythm"]["words"]


def test_drift_behind_a_holiday(told):
    """A drift that begins after a marked day is found at its rows of the file."""
    _, document, _ = told([0.0, 0.0, 2.0, 0.0, 1.0], "--left-out", "2025-01-03=stocktaking")
    (alarm,) = document["replay"]["alarms"]
    assert 3.5 * A_DAY < alarm["since_row"] < 4 * A_DAY < alarm["row"] < 4.5 * A_DAY


def test_drift_over_a_holiday(told):
    """A marked day is no evidence that a drift has ended."""
    _, document, _ = told([0.0, 1.0, 0.0, 0.0, 0.0, 1.0], "--left-out", "2025-01-03/2025-01-05=stocktaking")
    (alarm,) = document["replay"]["alarms"]
    assert (alarm["row"] < 2 * A_DAY, alarm["recovered_row"]) == (True, None)


def test_day_without_rows(told):
    """Days of which the file has no row are said, as the year may be mistyped."""
    _, document, errors = told([0.0, 0.0], "--left-out", "2024-01-02=a holiday")
    assert errors == "--left-out: no row is of 2 January 2024 (a holiday)"
    assert "left out" not in document["rhythm"]["words"]


def test_without_times(told):
    """Without a column of times no row has a day."""
    code, _, errors = told([0.0], "--left-out", "2025-01-01=a holiday", time=())
    assert (code, "--time-column" in errors) == (2, True)


def test_every_day(made, houses):
    """Where every day is marked nothing is learned, and there is no evidence."""
    window = Window.empty(made.baseline, "0" * 12)
    window.observe_rows(houses(500, seed=1, shift=3.0), np.ones(500), BEGIN_MS + np.arange(500))
    left_out = left_out_of_texts(["2025-01-01=a holiday"])
    allowance = allowance_of(made.baseline, [window], left_out=left_out)
    assert (allowance.basis, allowance.left_out) == (Basis.SHORT, left_out)
    replayed = replay_windows(made.baseline, [window], phases=allowance.phases, left_out=left_out)
    assert (replayed.alarms, replayed.events) == ((), 500)
    assert [step.evidence for step in replayed.steps] == [0.0]
