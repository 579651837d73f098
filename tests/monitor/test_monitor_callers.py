"""Callers: a nightly job is a population of its own, held against its own former traffic."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from click.testing import CliRunner
from drift_console.verify import verify
from drift_contracts import FeatureSet, feature_set, schemas
from drift_contracts.timestamps import utc_text_of_seconds
from drift_ml.evidence import Budget
from drift_ml.populations import OTHER
from drift_ml.replay.answering import Answers
from drift_ml.replay.callers import CallerWindows
from drift_ml.replay.evidence import plain_settings
from drift_ml.window import Window
from drift_monitor.aggregate import Aggregator
from drift_monitor.callers import (
    MOST_CALLERS,
    Roster,
    caller_segment,
    caller_series,
)
from drift_monitor.errors import BadEvent, Conflict, Unanswered
from drift_monitor.evaluate import Policy
from drift_monitor.keys import Series, WindowKey
from drift_monitor.reference import without_segments
from drift_monitor.rules import Rules
from drift_monitor.stores import Fragment, MemoryStore

from tests.monitor.test_monitor_evaluate import World
from tests.support.house_tables import columns, price
from tests.support.series import SERIES

JOB = "5d41402abc4b2a76"
NAME = JOB[:8]
DAY = 1440
#: A midnight, in minutes since 1970.
MIDNIGHT = 20_625 * DAY


@pytest.fixture(scope="module")
def named(reference):
    """Return the reference of houses whose requests name their caller."""
    document = feature_set("house-price").to_json() | {"contract": "feature-set.v2"}
    houses = FeatureSet.from_json(document | {"caller": {"header": "x-caller"}})
    return replace(reference, feature_set=houses)


class NightWorld(World):
    """Days of traffic, of which a caller asks in ten minutes of the night."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.minute = MIDNIGHT
        self.job = Roster(self.store).part({"caller": JOB}, SERIES)
        self.evaluator = self.evaluator_of(Policy(100_000))

    def days(self, number, *, job=1.5, rest=0.0, rows=150):
        """Days of traffic; areas of the job and of the rest are moved, in standard deviations."""
        found = []
        for _ in range(number):
            for hour in range(24):
                self.count(hour * 60 + 30, rows, rest)
            for minute in range(10):
                self.count(120 + minute, 60, job, of_job=True)
            # A while after midnight, when the day is over and summed.
            self.minute += DAY + 5
            found += self.evaluator.run()
            self.minute -= 5
        return found

    def count(self, minute, rows, shift, *, of_job=False):
        """Store the windows of a minute of the day."""
        self.seed += 1
        table = columns(rows, self.seed, shift)
        window = Window.empty(self.reference.baseline, SERIES.version)
        window.observe_rows(table, price(table))
        places = [SERIES, self.job] if of_job else [SERIES]
        keys = [WindowKey(series, self.minute + minute) for series in places]
        batch = str(self.seed)
        self.store.add(batch, [Fragment(key, batch, window.to_json()) for key in keys])


@pytest.fixture
def verified(world, monkeypatch, tmp_path):
    """Return a function that tells whether `driftctl verify` holds, by the windows of the world."""
    bundle = SimpleNamespace(feature_set=world.reference.feature_set)
    found = (tmp_path, bundle, world.reference.baseline)
    monkeypatch.setattr("drift_console.verify.bundle_of", lambda *_: found)
    monkeypatch.setattr("drift_console.verify.open_windows", lambda *_: world.store)

    def run(alert):
        path = tmp_path / "alert.json"
        path.write_text(json.dumps(alert))
        done = CliRunner().invoke(verify, [str(path), "--table", "windows"])
        return done.exit_code == 0 and "to the last bit" in " ".join(done.output.split())

    return run


@pytest.fixture
def world(named, make_events, as_logs):
    return NightWorld(named, MemoryStore(), make_events, as_logs)


def test_nightly_job(world):
    """After its first night a job raises no alarm, and the page says what is left out and why."""
    world.days(1)
    of_first_night = len(world.sent)
    found = world.days(4)
    assert [alert for alert in world.sent[of_first_night:] if alert["state"] == "ALARM"] == []
    assert not found[-1].alarm
    assert f"caller {NAME}" in found[-1].rhythm
    assert "its own former traffic" in found[-1].rhythm


def test_shift_beside_job(world, verified):
    """A shift of half a standard deviation elsewhere is told, of windows that can be verified."""
    world.days(3)
    before = len(world.sent)
    world.days(1, rest=0.5)
    alert = next(each for each in world.sent[before:] if each["state"] == "ALARM")
    schemas.check("alert.v2", alert)
    assert "segment" not in alert
    assert [each["caller"] for each in alert["drift"]["detector"]["callers"]] == [NAME]
    assert verified(alert)


def test_drift_of_job(world, verified):
    """A drift of the job itself is told once its own traffic is known, and names the caller."""
    world.days(4)
    before = len(world.sent)
    world.days(2, job=2.5)
    alert = next(each for each in world.sent[before:] if each["state"] == "ALARM")
    schemas.check("alert.v2", alert)
    assert (alert["segment"]["name"], alert["segment"]["value"]) == ("caller", NAME)
    assert f"caller {NAME}" in alert["title"]
    assert verified(alert)


def test_job_like_others(world):
    """A job that asks for what all do stays in the whole; what changes in it later is drift."""
    world.days(2, job=0.0)
    assert world.sent == []
    found = world.days(2, job=3.0)
    assert world.sent
    assert "left out" not in found[-1].rhythm


def test_job_becomes_alike(world):
    """A job that asks for what all do from some day on is part of the whole again."""
    world.days(1)
    (found,) = world.days(1, job=0.0)
    assert f"caller {NAME}" in found.rhythm
    assert "not watched until" in found.rhythm
    found = world.days(1, job=0.0)
    assert "caller" not in found[-1].rhythm


@pytest.mark.parametrize(
    "policy",
    [Policy(100_000, learns_rhythm=False), Policy(100_000, references=Rules(is_rolling=False))],
    ids=["no rhythm", "training"],
)
def test_without_own_traffic(world, policy):
    """Where nothing may be held against traffic, no caller is left out."""
    world.evaluator = world.evaluator_of(policy)
    world.days(3)
    assert world.store.state(world.job).state is None


def test_windows_by_caller(world):
    """Events are counted by caller, in the window of the whole too; those without one in it alone."""
    start = MIDNIGHT * 60.0
    for number, caller in enumerate([JOB, None, "ffff0000ffff0000"]):
        change = {} if caller is None else {"caller": caller}
        lines = world.make(20, start=start, seed=number, **change)
        world.aggregator.handle(world.pack(lines))
    world.minute += 3
    list(world.evaluator.run())
    names = caller_series(world.store, SERIES)
    events = {}
    for series, name in names.items():
        stored = world.store.window(WindowKey(series, MIDNIGHT))
        events[name] = stored.window["events"] if stored else 0
    assert events == {NAME: 20, "ffff0000": 20, OTHER: 0}
    assert world.store.window(WindowKey(SERIES, MIDNIGHT)).window["events"] == 60


def test_callers_switched_off(world, named):
    """One switch turns segments and callers off."""
    off = without_segments({SERIES: named})
    assert not off[SERIES].has_callers
    world.aggregator = Aggregator(off, world.store, lambda _: None, lambda: world.minute * 60.0)
    lines = world.make(5, start=MIDNIGHT * 60.0, caller="ffff0000ffff0000")
    world.aggregator.handle(world.pack(lines))
    assert list(caller_series(world.store, SERIES).values()) == [NAME, OTHER]


def test_callers_beyond_most(world):
    """The first callers have windows of their own, all others have one together."""
    roster = Roster(world.store)
    parts = [roster.part({"caller": f"{number:016d}"[::-1]}, SERIES) for number in range(1, 40)]
    assert len(set(parts)) == MOST_CALLERS
    assert parts[-1] == SERIES.part(caller_segment(OTHER).code)
    assert roster.part({}, SERIES) is None
    with pytest.raises(BadEvent):
        roster.part({"caller": 5}, SERIES)


def test_caller_beside_the_job(world):
    """A caller of few events a day stays in the whole, though the job was among the others on its first day."""
    desk = Roster(world.store).part({"caller": "00000000"}, SERIES)
    job = world.job
    for _ in range(3):
        world.job = desk
        for hour in range(24):
            world.count(hour * 60 + 45, 18, 0.0, of_job=True)
        world.job = job
        found = world.days(1, job=3.0, rows=20)
    assert f"caller {NAME}" in found[-1].rhythm
    assert "caller 00000000" not in found[-1].rhythm


def full_roster(store):
    """Return a roster without room, which has noted the job and others."""
    roster = Roster(store)
    for number in range(MOST_CALLERS - 1):
        roster.part({"caller": f"{number:08d}"}, SERIES)
    return roster


def absent_days(world, number):
    """Pass days in which the job does not ask, the last of them with other traffic."""
    world.minute += number * DAY
    world.count(0, 150, 0.0)
    world.minute += DAY + 5
    found = list(world.evaluator.run())
    world.minute -= 5
    return found


def test_absent_caller(world):
    """A caller that has not asked for 35 days gives its windows to another, and counts as new when it is back."""
    roster = full_roster(world.store)
    world.days(2)
    (before,) = absent_days(world, 34)
    assert f"caller {NAME}" in before.rhythm
    (after,) = absent_days(world, 0)
    assert f"caller {NAME}" not in after.rhythm
    assert NAME not in caller_series(world.store, SERIES).values()
    other = SERIES.part(caller_segment(OTHER).code)
    late = SERIES.part(caller_segment("ffff0000").code)
    # The names that are known hold for an hour.
    assert roster.part({"caller": JOB}, SERIES) == world.job
    assert roster.part({"caller": "ffff0000"}, SERIES, hour=1) == late
    assert roster.part({"caller": JOB}, SERIES, hour=1) == other
    (population,) = populations(world.store).values()
    ((begin, end),) = population["left"]
    assert end - begin > 34 * DAY
    absent_days(world, 35)
    absent_days(world, 0)
    assert populations(world.store) == {}


def populations(store):
    """Return what is known of callers, as it is stored."""
    return store.state(Series(SERIES.model, f"{SERIES.version}-populations")).state["callers"]


def test_absent_callers_stay(world, monkeypatch):
    """An absent caller keeps its windows where there is room, where its alert stands, and in a race."""
    world.days(2)
    absent_days(world, 40)
    assert NAME in caller_series(world.store, SERIES).values()
    full_roster(world.store)
    part = world.store.state(world.job)
    world.store.save(world.job, part.revision, {**part.state, "muted": {"sqft": world.sent[0]}})
    absent_days(world, 0)
    assert NAME in caller_series(world.store, SERIES).values()
    part = world.store.state(world.job)
    world.store.save(world.job, part.revision, {**part.state, "muted": {}})
    save = world.store.save

    def lose(series, revision, state):
        if series.version.endswith("-callers"):
            raise Conflict
        save(series, revision, state)

    monkeypatch.setattr(world.store, "save", lose)
    absent_days(world, 0)
    assert NAME in caller_series(world.store, SERIES).values()


@pytest.mark.parametrize("error", [Conflict("taken"), OSError("gone")], ids=["taken", "gone"])
def test_roster_unanswered(monkeypatch, error):
    """A store that does not answer sends the delivery back, not the record to the dead letters."""
    store = MemoryStore()

    def fail(*_):
        raise error

    monkeypatch.setattr(store, "save", fail)
    with pytest.raises(Unanswered):
        Roster(store).part({"caller": JOB}, SERIES)


class NotedWorld(NightWorld):
    """The same, and what a replay of the same rows is given."""

    def __init__(self, *arguments):
        self.counted = CallerWindows(arguments[0].baseline, SERIES.version)
        self.noted = []
        super().__init__(*arguments)

    def count(self, minute, rows, shift, *, of_job=False):
        super().count(minute, rows, shift, of_job=of_job)
        self.noted.append((self.minute + minute, columns(rows, self.seed, shift), of_job))

    def replayed(self):
        """Return the callers that a replay leaves out, with their alarms."""
        windows = []
        for minute, table, of_job in sorted(self.noted, key=lambda each: each[0]):
            answers = Answers(price(table))
            names = np.array([NAME if of_job else None] * len(answers.predictions), dtype=object)
            times = np.full(len(names), minute * 60_000)
            window = Window.empty(self.reference.baseline, SERIES.version)
            window.observe_rows(table, answers.predictions, times)
            self.counted.take(table, answers, times, names, None)
            self.counted.close()
            windows.append(window)
        budget = Budget(self.reference.shares.segment(100_000))
        return self.counted.replay(windows, plain_settings(self.reference.baseline, budget), {})[1]


@pytest.mark.parametrize("job", [1.5, 2.0], ids=["steady", "drifts"])
def test_replay_of_the_same(named, make_events, as_logs, job):
    """A replay of the same rows leaves out the same caller from the same day on, and alarms in the same minute."""
    world = NotedWorld(named, MemoryStore(), make_events, as_logs)
    world.days(5)
    world.days(2, job=job)
    found = [alert for alert in world.sent if alert["state"] == "ALARM" and alert.get("segment")]
    (caller,) = world.replayed()
    assert caller.name == NAME
    assert caller.begin.at_ms // 86_400_000 == MIDNIGHT // DAY + 1
    # The alert is of the end of a minute.
    minutes = [utc_text_of_seconds(alarm.at_ms / 1000 + 60) for alarm in caller.alarms]
    assert minutes == [alert["timestamp"] for alert in found]
    assert len(minutes) == (job > 1.5)
