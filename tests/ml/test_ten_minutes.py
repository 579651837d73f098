"""Ten minutes of a day or a week in which another population comes, learned as slices of their own."""

from __future__ import annotations

import numpy as np
import pytest
from drift_contracts import schemas
from drift_ml.evidence import Budget, MixtureDetector, Seasonality, Settings, add_counts, observe_window
from drift_ml.rhythm import Hours, Rhythm, learn_rhythm
from drift_ml.rhythm import _hours as hours_module
from drift_ml.window import Window

from tests.ml.test_rhythm import baseline_of

EVENTS_A_DAY = 10_000
SLOTS = 144
#: Ten minutes of the day in which the job comes.
JOB = 13


def traffic(seed, days, *, job=1.0, weekday=None, weekend=0.0):
    """Return per ten minutes its begin and its columns.

    Args:
        seed: of the generator.
        days: how many.
        job: standard deviations by which the events of the job are higher; there are two for each other one.
        weekday: the only day of the week on which it comes; None for each day.
        weekend: by which `load` is less on two days of seven.
    """
    rng = np.random.default_rng(seed)
    parts = []
    for slot in range(SLOTS * days):
        rows = int(rng.poisson(EVENTS_A_DAY / SLOTS))
        load, size = rng.normal(size=rows) - weekend * (slot // SLOTS % 7 >= 5), rng.normal(size=rows)
        if job and slot % SLOTS == JOB and weekday in (None, slot // SLOTS % 7):
            load = np.append(load, rng.normal(size=2 * rows) + job)
            size = np.append(size, rng.normal(size=2 * rows))
        shop = np.where(rng.random(len(load)) < 0.2, "shop", "web")
        parts.append((slot * 600.0, {"load": load, "size": size, "channel": shop}))
    return parts


def counted(baseline, parts):
    batches = []
    for begin_s, columns in parts:
        window = Window.empty(baseline)
        window.observe_rows(columns)
        batches.append((begin_s, window.channel_counts()))
    return batches


def by_hour(batches):
    hours = {}
    for begin_s, counts in batches:
        add_counts(hours.setdefault(begin_s // 3_600 * 3_600, {}), counts)
    return sorted(hours.items())


def learned(baseline, batches):
    return learn_rhythm(baseline, by_hour(batches), finer=batches)


def alarms(baseline, batches, rhythm):
    seasonality = rhythm.seasonality(baseline.channels)
    detector = MixtureDetector(Settings(baseline.channels, Budget(100_000), seasonality=seasonality))
    raised = []
    for begin_s, counts in batches:
        step = observe_window(detector, counts, events=sum(counts["load"]), timestamp_s=begin_s)
        raised += [alarm.finding.channel for alarm in step.raised]
    return raised


@pytest.fixture(scope="module")
def quiet():
    return baseline_of(traffic(1, 7, job=0))


@pytest.fixture(scope="module")
def nightly(quiet):
    """Return two weeks of traffic with a nightly job, and what is learned of them."""
    batches = counted(quiet, traffic(2, 14))
    return batches, learned(quiet, batches)


@pytest.mark.no_cover
def test_nightly_job(quiet, nightly):
    """A job of ten minutes a night alarms under the hours of the day, and not under its own slice."""
    batches, rhythm = nightly
    assert rhythm.strata == 144
    assert "144 strata" in str(rhythm)
    week = counted(quiet, traffic(3, 4))
    assert "load" in alarms(quiet, week, learn_rhythm(quiet, by_hour(batches)))
    assert "load" not in alarms(quiet, week, rhythm)
    assert len(rhythm.seasonality(quiet.channels).strata) < 40


def test_structureless(quiet):
    """Traffic without a job has no slices of ten minutes."""
    rhythm = learned(quiet, counted(quiet, traffic(4, 14, job=0)))
    assert rhythm.strata == 1


def test_job_of_a_weekday(quiet, monkeypatch):
    """A job of one day a week is a slice of the week, as long as there is room for so many counts."""
    batches = counted(quiet, traffic(5, 14, weekday=2, weekend=0.6))
    rhythm = learned(quiet, batches)
    assert len(rhythm.cycles["load"]) == 1_008
    schemas.check("rhythm.v1", rhythm.to_json())
    assert Rhythm.from_json(rhythm.to_json(), baseline=quiet.digest, channels=quiet.channels) == rhythm
    monkeypatch.setattr("drift_ml.rhythm._learning.MOST_COUNTS", 0)
    assert len(learned(quiet, batches).cycles["load"]) == 168


def test_slices_together(quiet, nightly):
    """Cycles of hours and of ten minutes fit into one another, and only what differs has a stratum."""
    _, rhythm = nightly
    load = rhythm.cycles["load"]
    bins = len(quiet.channel("size").counts)
    week = tuple((hour + 1,) * bins for hour in range(168))
    both = Rhythm(quiet.digest, 0.0, 1.0, 1, {"load": load, "size": week}, {})
    assert (both.strata, both.step_s) == (1_008, 600)
    seasonality = both.seasonality(quiet.channels)
    time_s = 3 * 86_400 + JOB * 600
    stratum = seasonality.strata[seasonality.stratum(time_s)]
    assert stratum["load"] == load[JOB]
    assert stratum["size"] == week[3 * 24 + JOB // 6]
    assert Seasonality.from_json(seasonality.to_json()) == seasonality


def test_rows_with_times(quiet, monkeypatch):
    """Rows are summed by ten minutes too, of the newest fifteen days, where there are few bins."""
    hours = Hours(quiet)
    times = np.array([0, 1, 20, 20.5, 20.51]) * 86_400_000
    columns = {"load": np.zeros(5), "size": np.zeros(5), "channel": np.full(5, "web")}
    hours.take(columns, times.astype(np.int64), np.zeros(5))
    assert len(hours.batches()) == 4
    assert [begin_s for begin_s, _ in hours.tens()] == [20 * 86_400, 20.5 * 86_400, 20.5 * 86_400 + 600]
    monkeypatch.setattr(hours_module, "MOST_TEN_MINUTE_BINS", 5)
    many = Hours(quiet)
    many.take(columns, times.astype(np.int64), np.zeros(5))
    assert many.tens() == []
