"""Judging: quiet traffic stays quiet, drift is named once, recovery is told, a crash anywhere repeats nothing."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import datetime

import pytest
from drift_contracts import MonitoringSpec, feature_set, schemas
from drift_contracts.timestamps import utc_ms, utc_text
from drift_ml.evidence import DriftFinding
from drift_monitor.aggregate import Aggregator
from drift_monitor.alerts import AlertSource, Grounds, drift_alert
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.evaluate import Evaluator
from drift_monitor.keys import Series, WindowKey
from drift_monitor.metrics import emf_line, evaluation_values
from drift_monitor.policy import Policy
from drift_monitor.stores import MemoryStore, StoredWindow

from tests.monitor.faults import Crash, Faulty
from tests.support.series import SERIES

NOON = 29_700_000


class World:
    """Traffic, a clock, an aggregator and an evaluator around one store."""

    def __init__(self, reference, store, make_events, as_logs, publish=None):
        self.minute, self.seed, self.sent = NOON, 100, []
        self.make, self.pack = make_events, as_logs
        self.reference, self.store = reference, store
        self.publish = publish or self.sent.append
        self.aggregator = self.aggregator_of(store)
        self.evaluator = self.evaluator_of(Policy(budget_events=50_000))

    def evaluator_now(self):
        """Return the evaluation of a minute of ordinary silence."""
        (evaluation,) = self.evaluator.run()
        return evaluation

    def send_alert(self, alert):
        self.publish(alert)

    def aggregator_of(self, store):
        """Return an aggregator of the world's traffic into a store."""
        return Aggregator({SERIES: self.reference}, store, lambda _rejected: None, lambda: self.minute * 60.0)

    def evaluator_of(self, policy):
        """Return an evaluator of the world's store; `publish` may be another one at every run."""
        return Evaluator(
            {SERIES: self.reference},
            self.store,
            self.send_alert,
            lambda: self.minute * 60.0 + 1,
            stack="test",
            policy=policy,
            links={"console": "http://127.0.0.1:8123/"},
        )

    def traffic(self, minutes, *, rows=60, shift=0.0, years=0):
        """Minutes of traffic, judged one by one; the evaluations. Houses may be some years older."""
        found = []
        for _ in range(minutes):
            self.seed += 1
            lines = self.make(rows, start=self.minute * 60.0, seed=self.seed, shift=shift)
            self.aggregator.handle(self.pack([aged(line, years) for line in lines]))
            self.minute += 1
            found += self.evaluator.run()
        return found


def aged(line, years):
    """Return an event whose house is some years older."""
    event = json.loads(line)
    event["features"]["age"] += years
    return json.dumps(event)


@pytest.fixture
def world(reference, make_events, as_logs):
    return World(reference, MemoryStore(), make_events, as_logs)


def test_ordinary_traffic(world):
    """An hour of ordinary traffic causes no alert."""
    world.traffic(60)
    assert world.sent == []


def test_shift(world):
    """A shift of half a standard deviation causes one alert with feature, direction and time."""
    world.traffic(20)
    began = world.minute
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    schemas.check("alert.v2", alert)
    assert alert["drift"]["of"] == ["sqft"]
    assert alert["drift"]["direction"] == "up"
    assert "sqft" in alert["title"]
    assert alert["drift"]["before"] < alert["drift"]["after"]
    assert alert["drift"]["unit"] == "square feet"
    since = alert["drift"]["since"]
    assert abs(minutes(since) - began) <= 5
    # As every other document has its times: the console writes alerts of the same contract.
    for timestamp in (since, alert["timestamp"]):
        assert utc_text(utc_ms(timestamp)) == timestamp


def test_alert_id(reference):
    """The id of an alert is the one that earlier releases gave it."""
    finding = DriftFinding("sqft", "location", "up", 0.5, 0.5, NOON * 60.0, 100.0, 9.0, 8.0, {"sqft": 1.0})
    source = AlertSource("test", SERIES, reference, {})
    alert = drift_alert(source, finding, Grounds(NOON + 5, 50_000))
    assert alert["alert_id"] == "3bd1ad4d-225c-5d9b-9171-b0bbf2a53600"


def minutes(timestamp):
    """Return the minute of a timestamp."""
    return int(datetime.fromisoformat(timestamp).timestamp() // 60)


HOUR, YEAR = 60, 60 * 24 * 365


@pytest.mark.parametrize("jump", [HOUR, YEAR, 100 * YEAR, -HOUR, -2 * HOUR, -YEAR])
@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_clock_jump(reference, make_events, as_logs, world, jump, restarted):
    """Drift after a jump of the clock is detected as without one, from events used once."""
    world.traffic(20)
    world.minute += jump
    list(world.evaluator.run())
    world.minute -= jump
    if restarted:
        again = World(reference, world.store, make_events, as_logs)
        again.minute, again.seed = world.minute, world.seed
        world = again
    began = world.minute
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    assert alert["drift"]["of"] == ["sqft"]
    assert abs(minutes(alert["drift"]["since"]) - began) <= 5
    state = world.store.state(SERIES).state
    assert state["events"] == 38 * 60  # every minute but the two that are not over for long enough
    assert "judged_ahead" not in state or not state["judged_ahead"]


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_wrong_clock(world, jump):
    """Ten minutes of a clock that is wrong for traffic and monitor cost ten minutes."""
    world.traffic(70)
    world.minute += jump
    world.traffic(10)
    world.minute -= jump
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    assert alert["state"] == "ALARM"
    state = world.store.state(SERIES).state
    assert 86 * 60 <= state["events"] <= 98 * 60


def test_clock_catches_up(world):
    """Events are evidence once when the clock reaches the minutes it was ahead of."""
    world.traffic(10)
    world.minute += 30
    world.traffic(10)
    world.minute -= 40
    world.traffic(50)
    assert world.store.state(SERIES).state["events"] <= 70 * 60
    windows = world.store.windows(SERIES, NOON, NOON + 80)
    assert sum(window.window["events"] for window in windows) <= 70 * 60


def test_jump_is_logged(world, caplog):
    """A jump of the clock is logged as a warning with its minutes."""
    world.traffic(5)
    world.minute += HOUR
    list(world.evaluator.run())
    world.minute -= HOUR
    list(world.evaluator.run())
    (record,) = [record for record in caplog.records if "ahead of the clock" in record.message]
    assert record.levelname == "WARNING"
    assert "60 minutes" in record.message


def counted(world):
    """What the next run writes as EventsCounted, None if it does not."""
    (evaluation,) = world.evaluator.run()
    return evaluation_values(evaluation).get("EventsCounted")


def test_silence(reference, make_events, as_logs, world):
    """Events are counted, zero too, from the first one that any version of a model had."""
    for _ in range(3):
        world.minute += 5
        assert counted(world) is None
    world.traffic(3)
    world.minute += 5
    assert counted(world) == 120
    assert counted(world) == 0
    new = World(reference, world.store, make_events, as_logs)
    new.minute = world.minute + 5
    newer = Series(SERIES.model, "ffffffffffff")
    evaluator = Evaluator(
        *({newer: reference}, world.store, new.sent.append, lambda: new.minute * 60.0 + 1), stack="test"
    )
    (evaluation,) = evaluator.run()
    assert evaluation_values(evaluation)["EventsCounted"] == 0


def test_asked_twice(world, monkeypatch):
    """A run goes on when another one has just noted that the model was asked."""
    save = world.store.save

    def late(series, revision, state):
        if series.version == "asked":
            save(series, revision, state)
        save(series, revision, state)

    monkeypatch.setattr(world.store, "save", late)
    world.traffic(4)
    assert counted(world) == 0


def test_recovery(world):
    """The end of a drift is one notice, after which another drift is an alert again."""
    world.traffic(20)
    world.traffic(15, shift=0.5)
    world.traffic(60)
    assert [alert["state"] for alert in world.sent] == ["ALARM", "OK"]
    schemas.check("alert.v2", world.sent[1])
    world.traffic(20, shift=0.5)
    assert [alert["state"] for alert in world.sent] == ["ALARM", "OK", "ALARM"]
    assert len({alert["alert_id"] for alert in world.sent}) == 3


def test_second_drift(world):
    """A second drift is an alert beside the first, which says that the first stands; each ends alone."""
    world.traffic(20)
    world.traffic(20, shift=0.5)
    world.traffic(20, shift=0.5, years=15)
    first, second = world.sent
    assert [alert["drift"]["of"] for alert in world.sent] == [["sqft"], ["age"]]
    assert "sqft" in second["reason"]
    assert "age" not in first["reason"]
    assert len(world.evaluator_now().standing) == 2
    world.traffic(60, years=15)
    assert [(alert["state"], alert["drift"]["of"]) for alert in world.sent[2:]] == [("OK", ["sqft"])]
    world.traffic(60)
    assert [(alert["state"], alert["drift"]["of"]) for alert in world.sent[3:]] == [("OK", ["age"])]
    assert world.evaluator_now().standing == ()


def test_new_process(reference, make_events, as_logs, world):
    """A new process continues with the stored state."""
    world.traffic(20)
    world.traffic(2, shift=0.5)
    again = World(reference, world.store, make_events, as_logs)
    again.minute, again.seed = world.minute, world.seed
    again.traffic(18, shift=0.5)
    assert len(world.sent + again.sent) == 1


def test_idle_run(world):
    """A run without new minutes changes nothing."""
    world.traffic(10)
    state = world.store.state(SERIES).state
    list(world.evaluator.run())
    assert world.store.state(SERIES).state == state


def test_empty_minutes(world):
    """Minutes without events are no evidence."""
    world.traffic(5)
    before = world.store.state(SERIES).state["detector"]
    world.minute += 30
    (evaluation,) = world.evaluator.run()
    world.minute += 30
    (evaluation,) = world.evaluator.run()
    assert evaluation.window is None
    assert world.store.state(SERIES).state["detector"]["events"] == before["events"] + 60 * 2


def test_late_events(world):
    """Late events count in the window of the report, but not as evidence."""
    world.traffic(10)
    events = world.store.state(SERIES).state["events"]
    late = world.make(7, start=(NOON + 1) * 60.0, seed=9_999)
    world.aggregator.handle(world.pack(late))
    (evaluation,) = world.evaluator.run()
    assert evaluation.counts["late"] == 7
    assert world.store.state(SERIES).state["events"] == events
    (kept,) = world.store.windows(SERIES, NOON + 1, NOON + 1)
    assert kept.window["events"] == 67


def test_publish_fails(reference, make_events, as_logs):
    """An alert that cannot be published is sent by the next run under the same id."""
    tried = []

    def publish(alert):
        tried.append(alert["alert_id"])
        if len(tried) == 1:
            raise OSError("the topic is away")

    world = World(reference, MemoryStore(), make_events, as_logs, publish)
    world.traffic(20)
    with pytest.raises(OSError, match="away"):
        world.traffic(20, shift=0.5)
    list(world.evaluator.run())
    list(world.evaluator.run())
    assert len(tried) == 2
    assert len(set(tried)) == 1


def test_publish_fails_later(world):
    """Alerts that were published are not sent again when a later one fails."""
    outbox = [{"alert_id": name} for name in "abc"]
    world.traffic(3)
    stored = world.store.state(SERIES)
    world.store.save(SERIES, stored.revision, stored.state | {"outbox": outbox})
    tried = []

    def publish(alert):
        tried.append(alert["alert_id"])
        if tried == ["a", "b"]:
            raise OSError("the topic is away")

    world.publish = publish
    for attempt in (pytest.raises(OSError, match="away"), contextlib.nullcontext()):
        with attempt:
            list(world.evaluator.run())
    assert tried == ["a", "b", "b", "c"]
    assert world.store.state(SERIES).state["outbox"] == []


def test_broken_series(reference, make_events, as_logs):
    """A series whose state is newer does not block the others."""
    broken = Series("house-price", "00000000dead")
    world = World(reference, MemoryStore(), make_events, as_logs)
    world.store.save(broken, 0, {"of": "another release"})
    references = {broken: reference, SERIES: reference}
    evaluator = Evaluator(references, world.store, world.sent.append, lambda: world.minute * 60.0, stack="test")
    world.aggregator.handle(as_logs(make_events(30, start=NOON * 60.0)))
    world.minute += 5
    found = []
    with pytest.raises(BadStore):
        found.extend(evaluator.run())
    assert world.store.state(SERIES).state["events"] == 30


def test_metrics_before_alert(reference, make_events, as_logs):
    """The metrics of a run are there before its alert is published."""

    def publish(_alert):
        raise OSError("the topic is away")

    world = World(reference, MemoryStore(), make_events, as_logs, publish)
    world.aggregator.handle(as_logs(make_events(200, start=NOON * 60.0, shift=2.0)))
    world.minute += 5
    run = world.evaluator.run()
    assert next(run).alarm
    with pytest.raises(OSError, match="away"):
        next(run)


def outcome(world):
    """What a run of the world came to: the state, without what depends on how often it was saved, and the alerts."""
    return world.store.state(SERIES).state, {alert["alert_id"] for alert in world.sent}


def a_day_off(reference, make_events, as_logs):
    """Traffic for some hours, every tenth minute, the last ones drifted, while nobody evaluates."""
    world = World(reference, MemoryStore(), make_events, as_logs)
    world.traffic(1)
    start = world.minute
    world.minute += 8 * 60 + 5
    for hour in range(8):
        for ten in range(6):
            moment = (start + 60 * hour + 10 * ten) * 60.0
            events = make_events(20, start=moment, seed=6 * hour + ten, shift=2.0 if hour > 5 else 0.0)
            world.aggregator.handle(as_logs(events))
    return world


def test_slices(reference, make_events, as_logs, monkeypatch):
    """A day without evaluation gives the same state in slices as in one run."""
    whole = a_day_off(reference, make_events, as_logs)
    (evaluation,) = whole.evaluator.run()
    assert evaluation.window.events == 60 + 8 * 6 * 20
    sliced = a_day_off(reference, make_events, as_logs)
    for name, value in {"evaluate.SLICE": 5, "evaluate.MOST_SLICES": 3}.items():
        monkeypatch.setattr(f"drift_monitor.{name}", value)
    runs = [list(sliced.evaluator.run()) for _ in range(5)]
    assert [evaluation.window.events if evaluation.window else 0 for (evaluation,) in runs] == [340, 300, 300, 80, 0]
    assert outcome(sliced) == outcome(whole)
    assert len(whole.sent) == 1


def test_whole_minutes(reference, make_events, as_logs, monkeypatch):
    """Minutes are evaluated only when all of their fragments are summed."""
    # What varies with the hour is looked for after a run, so that it depends on when runs come.
    policy = Policy(budget_events=50_000, learns_rhythm=False)
    whole, slow = (a_day_off(reference, make_events, as_logs) for _ in range(2))
    whole.evaluator, slow.evaluator = whole.evaluator_of(policy), slow.evaluator_of(policy)
    list(whole.evaluator.run())
    for name, value in {"MOST_STEPS": 1, "LARGEST_BATCH": 7}.items():
        monkeypatch.setattr(f"drift_monitor.compact.{name}", value)
    evaluations = [evaluation for _ in range(9) for evaluation in slow.evaluator.run()]
    assert sum(evaluation.counts["late"] for evaluation in evaluations) == 0
    assert outcome(slow) == outcome(whole)


def test_unreadable_window(world):
    """A stored window that cannot be read is counted as a dead letter and left as it is."""
    world.traffic(5)
    bad = StoredWindow(WindowKey(SERIES, world.minute), 0, {})
    world.store.compact(bad, {"contract": "of another release"}, [])
    world.minute += 1
    told = [evaluation_values(evaluation).get("DeadLetters") for evaluation in world.traffic(4)]
    assert told == [None, 1.0, None, None]
    assert world.store.window(bad.key).window == {"contract": "of another release"}


def test_other_settings(world):
    """A detector's state of another minimum effect is not used."""
    world.traffic(3)
    world.evaluator = world.evaluator_of(Policy(budget_events=50_000, minimum_effect=0.5))
    world.traffic(1)
    assert world.store.state(SERIES).state["detector"]["events"] == 60


def test_new_version(reference, make_events, as_logs, world):
    """A new version of a model has evidence and alerts of its own."""
    world.traffic(10, shift=1.0)
    newer = Series(SERIES.model, "00000000beef")
    evaluator = Evaluator({newer: reference}, world.store, world.sent.append, lambda: world.minute * 60.0, stack="test")
    aggregator = Aggregator({newer: reference}, world.store, world.sent.append, lambda: world.minute * 60.0)
    for seed in range(10):
        lines = make_events(60, start=world.minute * 60.0, seed=seed, shift=1.0, model_version=newer.version)
        aggregator.handle(as_logs(lines))
        world.minute += 1
        list(evaluator.run())
    versions = [(alert["model_version"], alert["state"]) for alert in world.sent]
    assert versions == [(SERIES.version, "ALARM"), (newer.version, "ALARM")]


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("crash_at", range(1, 16))
def test_crash_of_evaluation(reference, store, make_events, as_logs, crash_at, after):
    """A crash at any of an evaluation's fifteen steps loses and doubles nothing."""
    world = World(reference, Faulty(store, 0, after), make_events, as_logs)
    world.publish = world.store.crashing(world.sent.append)
    world.aggregator_of(store).handle(as_logs(make_events(200, start=NOON * 60.0, shift=2.0)))
    world.minute += 3
    world.store.calls, world.store.crash_at = 0, crash_at
    with contextlib.suppress(Crash):
        list(world.evaluator.run())
    assert world.store.calls == min(crash_at, 15), "the run ends at the crash"
    list(world.evaluator.run())
    list(world.evaluator.run())
    state, alerts = outcome(world)
    assert (state["events"], state["outbox"], len(alerts)) == (200, [], 1)
    unknown = (crash_at, after) in {(14, True), (15, False)}  # sent, and the process died before it could note it
    assert len(world.sent) == 1 + unknown


def test_two_evaluators(world):
    """Of two evaluators at once the second to save gets a conflict."""
    world.traffic(5)
    stale = world.store.state(SERIES)
    world.traffic(1)
    with pytest.raises(Conflict):
        world.store.save(SERIES, stale.revision, stale.state)


def test_budget_in_days():
    """A budget in days follows the traffic in powers of two."""
    policy = Policy(budget_days=30)
    assert policy.events(None) == 100_000
    assert policy.events(10_000) == 2**18
    assert policy.events(10_500) == policy.events(10_000)
    assert policy.events(0.1) == 2**9
    assert Policy(budget_events=5_000).events(1e9) == 5_000


def test_budget_of_the_stack():
    """A budget in days is shared by the models of the stack, one in events is not."""
    assert Policy(budget_days=30).events(2**10, models=4) == 2**16
    assert Policy(budget_days=30).events(2**10) == 2**14
    assert Policy(budget_events=5_000).events(2**10, models=4) == 5_000


def test_new_budget(world):
    """A new budget keeps the evidence."""
    world.traffic(10)
    evidence = world.store.state(SERIES).state["detector"]["capital"]
    list(world.evaluator_of(Policy(budget_events=90_000)).run())
    assert world.store.state(SERIES).state["detector"]["capital"] == evidence
    assert world.store.state(SERIES).state["budget"] == 90_000


def test_declared_metrics(world):
    """The metrics of an evaluation are those that the monitoring spec declares."""
    (evaluation,) = world.traffic(5)[-1:]
    values = evaluation_values(evaluation)
    spec = MonitoringSpec.load()
    declared = {metric.name for metric in spec.metrics_for(feature_set("house-price"), "monitor")}
    assert set(values) | {"DeadLetters", "LargestPsi"} == declared
    assert max(values[name] for name in values if name.startswith("Evidence_")) <= values["Evidence"]
    assert all(math.isfinite(value) for value in values.values())
    record = json.loads(emf_line(values, stack="test", model="house-price", timestamp_ms=1, spec=spec))
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [list(spec.dimensions)]
    assert {metric["Name"] for metric in directive["Metrics"]} == set(values)
    assert all(name in record for name in [*spec.dimensions, *values])


@pytest.mark.parametrize(("most", "measured"), [(0, []), (2, ["bedrooms", "bathrooms"])])
def test_metric_features(world, most, measured):
    """So many features have metrics, the first ones where none is known to be important."""
    (evaluation,) = world.traffic(5)[-1:]
    names = [name for name in evaluation_values(evaluation, most) if name.startswith(("Psi_", "Evidence_"))]
    assert sorted(names) == sorted(f"{metric}_{name}" for metric in ("Psi", "Evidence") for name in measured)


def test_many_metrics():
    """A directive names no more metrics than CloudWatch reads."""
    values = {f"Psi_{number}": 0.0 for number in range(250)}
    record = json.loads(emf_line(values, stack="test", model="house-price", timestamp_ms=1, spec=MonitoringSpec.load()))
    named = [[metric["Name"] for metric in each["Metrics"]] for each in record["_aws"]["CloudWatchMetrics"]]
    assert [len(names) for names in named] == [100, 100, 50]
    assert [name for names in named for name in names] == list(values)


def test_evidence_by_feature(world):
    """The evidence of each feature is reported beside the whole."""
    world.traffic(5)
    values = [evaluation_values(evaluation) for evaluation in world.traffic(3, shift=0.5)]
    strongest = max(values, key=lambda each: each["Evidence_sqft"])
    assert 0 < strongest["Evidence_sqft"] <= strongest["Evidence"]
    assert strongest["Evidence_age"] < strongest["Evidence_sqft"]
