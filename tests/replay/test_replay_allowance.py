"""A file that follows the hour or the week is no drift, the report says why, and true drift in it is found."""

from __future__ import annotations

import json

import numpy as np
import pytest
from click.testing import CliRunner
from drift_engine.bundle import load_bundle
from drift_ml.replay.allowance import Basis, allowance_of
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.commands import replay
from drift_ml.replay.outcome import conclude, page
from drift_ml.replay.training_rows import TrainingRows
from drift_ml.rhythm import Rhythm
from drift_ml.tables.row_digests import Comparison
from drift_ml.window import Window
from pyarrow import csv, table

HOUR_MS = 3_600_000
#: Monday, the 5th of January 2026.
BEGIN_MS = 1_767_571_200_000
#: Rows an hour.
ROWS = 12
OTHER_ROWS = TrainingRows(Comparison(500, 0, 0, 0.001, 200, 0))


@pytest.fixture
def shop(made, houses, tmp_path):
    """Write a file whose areas follow the hour, or the week, and conclude its replay."""

    def concluded(*, days=15.0, daily=150.0, weekend=0.0, late_age=None, larger=0.0, timed=True, seed=3, **request):
        hours = np.repeat(np.arange(round(24 * days)), ROWS)
        columns = houses(len(hours), seed)
        is_weekend = hours // 24 % 7 >= 5
        # As spread as in training, all hours together.
        within = np.sqrt(1 - (daily**2 / 2 + weekend**2 * 10 / 49) / 250**2)
        columns["sqft"] = 2000 + (columns["sqft"] - 2000) * within
        columns["sqft"] += daily * np.sin(2 * np.pi * hours / 24) + weekend * (is_weekend - 2 / 7) + larger
        if late_age is not None:
            older = np.minimum(columns["age"] + 8, 49)
            columns["age"] = np.where(hours >= 24 * late_age, older, columns["age"])
        if timed:
            columns["time"] = BEGIN_MS + hours * HOUR_MS + np.tile(np.arange(ROWS) * 1000, len(hours) // ROWS)
        path = tmp_path / "shop.csv"
        csv.write_csv(table(columns), path)
        time = "time" if timed else None
        result = backtest(load_bundle(made.folder), Request(path, time=time, window=60, **request))
        return conclude(
            made.baseline,
            result.windows,
            result.replay,
            training_rows=OTHER_ROWS,
            allowance=result.allowance,
        )

    return concluded


def channels(outcome):
    """Return which channels an outcome's alarms are of."""
    return {alarm.finding.channel for alarm in outcome.replay.alarms}


def test_two_weeks(shop, made):
    """A daily peak is held against its own rhythm, half a deviation of another feature is told within a day."""
    outcome = shop(late_age=10)
    assert outcome.allowance.basis == Basis.LEARNED
    (alarm,) = outcome.replay.alarms
    days = (alarm.at_ms - BEGIN_MS) / HOUR_MS / 24
    assert 10 < days < 11.01
    # It stands under the rhythm of after two weeks too.
    assert (alarm.finding.channel, alarm.recovered_row) == ("age", None)
    assert outcome.to_json()["rhythm"]["channels"][0] == "sqft"
    assert "5 January 2026 to 18 January 2026" in outcome.allowance.words
    html = page(outcome, made.baseline, load_bundle(made.folder).feature_set, source="shop.csv", made="now")
    assert "5 January 2026 to 18 January 2026" in html


def test_few_days(shop):
    """Three days are held against whole days, in which true drift is told."""
    quiet, drifting = shop(days=3), shop(days=3, late_age=1)
    assert quiet.allowance.basis == Basis.WHOLE_DAYS
    assert "sqft" in quiet.allowance.channels
    assert "sqft" in quiet.allowance.words
    assert (channels(quiet), channels(drifting)) == (set(), {"age"})


def test_one_day(shop):
    """The one day of a file is a whole one though nothing comes after it."""
    assert channels(shop(days=1)) == set()
    assert "sqft" in channels(shop(days=1, larger=250))


def test_part_of_a_day(shop):
    """Of six hours it is said that a difference may be that of the hour."""
    outcome = shop(days=0.25)
    assert outcome.allowance.basis == Basis.SHORT
    assert "6 hours" in outcome.allowance.words


def test_flat_days(shop):
    """Traffic that does not vary with the hour is held against training as a whole."""
    assert shop(days=2, daily=0).allowance.basis == Basis.CONSTANT


def test_switched_off(shop):
    """Without the rhythm a daily peak alarms."""
    outcome = shop(days=2, cycles=False)
    assert outcome.allowance.basis == Basis.OFF
    assert "sqft" in channels(outcome)


def test_rows_without_times(shop):
    """A daily peak without times is a pattern in the order of the rows."""
    outcome = shop(days=4, timed=False)
    assert outcome.allowance.basis == Basis.UNTIMED
    assert outcome.explained["sqft"] == "Not drift, but the order of the rows"
    assert "carries a pattern" in "".join(outcome.verdict.others)


def test_week_in_a_short_file(shop):
    """A weekend that differs, in less than two weeks, may be the week's; a drift that stays is none."""
    weekly = shop(days=9, daily=0, weekend=300)
    assert channels(weekly) == set()
    assert weekly.explained["sqft"].name == "WEEK"
    drifting = shop(days=9, daily=0, weekend=300, late_age=4)
    assert channels(drifting) == {"age"}


def make_windows(made, houses, hours):
    windows = []
    for hour in hours:
        window = Window.empty(made.baseline)
        columns = houses(2, hour)
        window.observe_rows(columns, np.full(2, 4e5), np.full(2, BEGIN_MS + hour * HOUR_MS))
        windows.append(window)
    return windows


def test_traffic_too_thin(made, houses):
    """A rhythm takes more than two hours of each day; then a gap leaves the last rhythm in force."""
    thin = allowance_of(made.baseline, make_windows(made, houses, range(0, 16 * 24, 24)))
    assert thin.basis in (Basis.CONSTANT, Basis.WHOLE_DAYS)
    windows = make_windows(made, houses, [*range(0, 15 * 24, 2), 70 * 24])
    gap = allowance_of(made.baseline, windows)
    assert gap.phases[-1].seasonality == gap.phases[-2].seasonality != gap.phases[1].seasonality
    assert [round((phase.from_s - BEGIN_MS / 1000) / 86_400) for phase in gap.phases[1:4]] == [14, 22, 30]


@pytest.mark.parametrize(("hours", "basis"), [(6, Basis.SHORT), (48, Basis.CONSTANT)])
def test_rows_that_are_alike(made, houses, hours, basis):
    """In a file that is too short for a rhythm rows that come alike count for less, and are named."""
    windows = []
    for number in range(6 * hours):
        window = Window.empty(made.baseline)
        columns = {name: np.repeat(values, 10) for name, values in houses(6, number).items()}
        window.observe_rows(columns, np.full(60, 4e5), np.full(60, BEGIN_MS + number * HOUR_MS // 6))
        windows.append(window)
    allowed = allowance_of(made.baseline, windows)
    assert allowed.basis == basis
    assert "alike and count for less: " in allowed.words
    (phase,) = allowed.phases
    assert phase.seasonality.variance_inflation["sqft"] > 5
    assert phase.whole_days == ()


def test_rhythm_of_the_bundle(made, houses):
    """The bundle's rhythm holds throughout; of no windows nothing is known."""
    windows = make_windows(made, houses, [0, 24])
    rhythm = Rhythm(made.baseline.digest, 0.0, 14 * 86_400.0, 1_000, {}, {})
    assert allowance_of(made.baseline, windows, rhythm).basis == Basis.BUNDLE
    assert allowance_of(made.baseline, []).basis == Basis.UNTIMED


def test_command(made, traffic):
    """Terminal and document say what the traffic was held against."""
    path = str(traffic(rows=300))
    words = ["--data", path, "--baseline", str(made.folder), "--time-column", "time"]
    shown = CliRunner().invoke(replay, words).stdout
    assert "may be that of the hour" in " ".join(shown.split())
    document = json.loads(CliRunner().invoke(replay, [*words, "--json"]).stdout)
    assert document["rhythm"]["basis"] == "less-than-a-day"
