"""Judging: quiet traffic stays quiet, drift is named once, recovery is told, a crash anywhere repeats nothing."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import datetime

import pytest
from drift_contracts import MonitoringSpec, feature_set, schemas
from drift_monitor.aggregate import Aggregator
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.evaluate import Evaluator, Policy
from drift_monitor.keys import Series, WindowKey
from drift_monitor.metrics import emf_line, evaluation_values
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
        self.aggregator = Aggregator({SERIES: reference}, store, lambda _rejected: None, lambda: self.minute * 60.0)
        self.evaluator = Evaluator(
            *({SERIES: reference}, store, publish or self.sent.append, lambda: self.minute * 60.0 + 1),
            stack="test",
            policy=Policy(budget_events=50_000),
            links={"console": "http://127.0.0.1:8123/"},
        )

    def traffic(self, minutes, *, rows=60, shift=0.0):
        """Minutes of traffic, judged one by one; the evaluations."""
        found = []
        for _ in range(minutes):
            self.seed += 1
            self.aggregator.handle(self.pack(self.make(rows, start=self.minute * 60.0, seed=self.seed, shift=shift)))
            self.minute += 1
            found += self.evaluator.run()
        return found


@pytest.fixture
def world(reference, make_events, as_logs):
    return World(reference, MemoryStore(), make_events, as_logs)


def test_an_hour_of_ordinary_traffic_raises_nothing(world):
    world.traffic(60)
    assert world.sent == []


def test_a_shift_of_half_a_deviation_is_named_once_with_feature_direction_and_time(world):
    world.traffic(20)
    began = world.minute
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    schemas.check("alert.v1", alert)
    assert alert["drift"]["of"] == ["sqft"]
    assert alert["drift"]["direction"] == "up"
    assert "sqft" in alert["title"]
    assert alert["drift"]["before"] < alert["drift"]["after"]
    assert alert["drift"]["unit"] == "square feet"
    since = alert["drift"]["since"]
    assert abs(minutes(since) - began) <= 5


def minutes(moment):
    return int(datetime.fromisoformat(moment).timestamp() // 60)


HOUR, YEAR = 60, 60 * 24 * 365


@pytest.mark.parametrize("jump", [HOUR, YEAR, 100 * YEAR, -HOUR, -2 * HOUR, -YEAR])
@pytest.mark.parametrize("restarted", [False, True], ids=["running", "restarted"])
def test_a_clock_that_jumps_for_one_run_costs_the_minutes_of_one_run(
    reference, make_events, as_logs, world, jump, restarted
):
    """Drift after the jump is found as if there had been none, and no event is evidence twice."""
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
def test_a_clock_that_is_wrong_for_ten_minutes_costs_ten_minutes(world, jump):
    """Traffic and clock are ahead, or behind, together: as on one machine."""
    world.traffic(70)
    world.minute += jump
    world.traffic(10)
    world.minute -= jump
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    assert alert["state"] == "ALARM"
    state = world.store.state(SERIES).state
    assert 86 * 60 <= state["events"] <= 98 * 60


def test_events_are_evidence_once_when_the_clock_reaches_what_it_was_ahead_of(world):
    world.traffic(10)
    world.minute += 30
    world.traffic(10)
    world.minute -= 40
    world.traffic(50)
    assert world.store.state(SERIES).state["events"] <= 70 * 60
    windows = world.store.windows(SERIES, NOON, NOON + 80)
    assert sum(window.window["events"] for window in windows) <= 70 * 60


def test_a_jump_is_logged_with_its_minutes(world, caplog):
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


def test_silence_is_measured_from_the_first_event_of_a_model_on(reference, make_events, as_logs, world):
    """Before it a stack that nobody has asked yet would ring; after it also a new version's silence counts."""
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


def test_that_a_model_was_asked_is_noted_once_by_two_runs_at_the_same_time(world, monkeypatch):
    """The loser of the race goes on: the note is there."""
    save = world.store.save

    def late(series, revision, state):
        if series.version == "asked":
            save(series, revision, state)
        save(series, revision, state)

    monkeypatch.setattr(world.store, "save", late)
    world.traffic(4)
    assert counted(world) == 0


def test_recovery_is_told_and_the_detector_is_armed_again(world):
    world.traffic(20)
    world.traffic(15, shift=0.5)
    world.traffic(60)
    assert [alert["state"] for alert in world.sent] == ["ALARM", "OK"]
    schemas.check("alert.v1", world.sent[1])
    world.traffic(20, shift=0.5)
    assert [alert["state"] for alert in world.sent] == ["ALARM", "OK", "ALARM"]
    assert len({alert["alert_id"] for alert in world.sent}) == 3


def test_a_new_process_goes_on_where_the_last_one_ended(reference, make_events, as_logs, world):
    world.traffic(20)
    world.traffic(2, shift=0.5)
    again = World(reference, world.store, make_events, as_logs)
    again.minute, again.seed = world.minute, world.seed
    again.traffic(18, shift=0.5)
    assert len(world.sent + again.sent) == 1


def test_judging_the_same_minutes_again_changes_nothing(world):
    world.traffic(10)
    state = world.store.state(SERIES).state
    list(world.evaluator.run())
    assert world.store.state(SERIES).state == state


def test_a_minute_without_events_is_no_evidence(world):
    world.traffic(5)
    before = world.store.state(SERIES).state["detector"]
    world.minute += 30
    (evaluation,) = world.evaluator.run()
    world.minute += 30
    (evaluation,) = world.evaluator.run()
    assert evaluation.window is None
    assert world.store.state(SERIES).state["detector"]["events"] == before["events"] + 60 * 2


def test_late_events_count_in_the_report_window_but_not_as_evidence(world):
    world.traffic(10)
    events = world.store.state(SERIES).state["events"]
    late = world.make(7, start=(NOON + 1) * 60.0, seed=9_999)
    world.aggregator.handle(world.pack(late))
    (evaluation,) = world.evaluator.run()
    assert evaluation.counts["late"] == 7
    assert world.store.state(SERIES).state["events"] == events
    (kept,) = world.store.windows(SERIES, NOON + 1, NOON + 1)
    assert kept.window["events"] == 67


def test_an_alert_that_cannot_be_sent_is_sent_by_the_next_run_under_the_same_id(reference, make_events, as_logs):
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


def test_alerts_that_were_sent_are_not_sent_again_because_a_later_one_could_not_be(world):
    outbox = [{"alert_id": name} for name in "abc"]
    world.traffic(3)
    stored = world.store.state(SERIES)
    world.store.save(SERIES, stored.revision, stored.state | {"outbox": outbox})
    tried = []

    def publish(alert):
        tried.append(alert["alert_id"])
        if tried == ["a", "b"]:
            raise OSError("the topic is away")

    world.evaluator._publish = publish
    for attempt in (pytest.raises(OSError, match="away"), contextlib.nullcontext()):
        with attempt:
            list(world.evaluator.run())
    assert tried == ["a", "b", "b", "c"]
    assert world.store.state(SERIES).state["outbox"] == []


def test_a_series_that_cannot_be_judged_keeps_no_other_from_it(reference, make_events, as_logs):
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


def test_the_metrics_of_a_run_are_known_even_if_its_alert_cannot_be_sent(reference, make_events, as_logs):
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


def test_a_day_without_evaluation_is_made_up_for_in_slices_that_change_nothing(
    reference, make_events, as_logs, monkeypatch
):
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


def test_minutes_are_judged_only_when_all_of_their_fragments_are_summed(reference, make_events, as_logs, monkeypatch):
    whole = a_day_off(reference, make_events, as_logs)
    list(whole.evaluator.run())
    slow = a_day_off(reference, make_events, as_logs)
    for name, value in {"MOST_STEPS": 1, "LARGEST_BATCH": 7}.items():
        monkeypatch.setattr(f"drift_monitor.compact.{name}", value)
    evaluations = [evaluation for _ in range(9) for evaluation in slow.evaluator.run()]
    assert sum(evaluation.counts["late"] for evaluation in evaluations) == 0
    assert outcome(slow) == outcome(whole)


def test_a_stored_window_that_cannot_be_read_is_passed_over_and_told(world):
    world.traffic(5)
    bad = StoredWindow(WindowKey(SERIES, world.minute), 0, {})
    world.store.compact(bad, {"contract": "of another release"}, [])
    world.minute += 1
    told = [evaluation_values(evaluation).get("DeadLetters") for evaluation in world.traffic(4)]
    assert told == [None, 1.0, None, None]
    assert world.store.window(bad.key).window == {"contract": "of another release"}


def test_a_detector_of_other_settings_starts_anew(world):
    world.traffic(3)
    world.evaluator._policy = Policy(budget_events=50_000, minimum_effect=0.5)
    world.traffic(1)
    assert world.store.state(SERIES).state["detector"]["events"] == 60


def test_a_new_version_of_a_model_begins_with_a_clean_slate(reference, make_events, as_logs, world):
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
@pytest.mark.parametrize("crash_at", range(1, 13))
def test_a_crash_at_any_step_of_an_evaluation_loses_and_doubles_nothing(
    reference, store, make_events, as_logs, crash_at, after
):
    """Each step once: state, fragments, window, compact, fragments, windows, save, the note, state, publish, save."""
    world = World(reference, Faulty(store, 0, after), make_events, as_logs)
    world.aggregator._store = store
    world.evaluator._publish = world.store.crashing(world.sent.append)
    world.aggregator.handle(as_logs(make_events(200, start=NOON * 60.0, shift=2.0)))
    world.minute += 3
    world.store.calls, world.store.crash_at = 0, crash_at
    with contextlib.suppress(Crash):
        list(world.evaluator.run())
    assert world.store.calls == min(crash_at, 12), "the run ends at the crash"
    list(world.evaluator.run())
    list(world.evaluator.run())
    state, alerts = outcome(world)
    assert (state["events"], state["outbox"], len(alerts)) == (200, [], 1)
    unknown = (crash_at, after) in {(11, True), (12, False)}  # sent, and the process died before it could note it
    assert len(world.sent) == 1 + unknown


def test_two_evaluators_at_once_do_not_both_write(world):
    world.traffic(5)
    stale = world.store.state(SERIES)
    world.traffic(1)
    with pytest.raises(Conflict):
        world.store.save(SERIES, stale.revision, stale.state)


def test_the_budget_in_days_follows_the_traffic_in_steps():
    policy = Policy(budget_days=30)
    assert policy.events(None) == 100_000
    assert policy.events(10_000) == 2**18
    assert policy.events(10_500) == policy.events(10_000)
    assert policy.events(0.1) == 2**9
    assert Policy(budget_events=5_000).events(1e9) == 5_000


def test_a_new_budget_keeps_the_evidence(reference, make_events, as_logs, world):
    world.traffic(10)
    evidence = world.store.state(SERIES).state["detector"]["capital"]
    other = World(reference, world.store, make_events, as_logs)
    other.minute = world.minute
    other.evaluator._policy = Policy(budget_events=90_000)
    list(other.evaluator.run())
    assert world.store.state(SERIES).state["detector"]["capital"] == evidence
    assert world.store.state(SERIES).state["budget"] == 90_000


def test_the_metrics_are_those_that_the_spec_declares(world):
    (evaluation,) = world.traffic(5)[-1:]
    values = evaluation_values(evaluation)
    spec = MonitoringSpec.load()
    declared = {metric.name for metric in spec.metrics_for(feature_set("house-price"), "monitor")}
    assert set(values) | {"DeadLetters"} == declared
    assert max(values[name] for name in values if name.startswith("Evidence_")) <= values["Evidence"]
    assert all(math.isfinite(value) for value in values.values())
    record = json.loads(emf_line(values, stack="test", model="house-price", milliseconds=1, spec=spec))
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [list(spec.dimensions)]
    assert {metric["Name"] for metric in directive["Metrics"]} == set(values)
    assert all(name in record for name in [*spec.dimensions, *values])


def test_a_directive_names_no_more_metrics_than_cloudwatch_takes():
    values = {f"Psi_{number}": 0.0 for number in range(250)}
    record = json.loads(emf_line(values, stack="test", model="house-price", milliseconds=1, spec=MonitoringSpec.load()))
    named = [[metric["Name"] for metric in each["Metrics"]] for each in record["_aws"]["CloudWatchMetrics"]]
    assert [len(names) for names in named] == [100, 100, 50]
    assert [name for names in named for name in names] == list(values)


def test_the_evidence_of_a_feature_is_told_beside_the_whole(world):
    world.traffic(5)
    values = [evaluation_values(evaluation) for evaluation in world.traffic(3, shift=0.5)]
    strongest = max(values, key=lambda each: each["Evidence_sqft"])
    assert 0 < strongest["Evidence_sqft"] <= strongest["Evidence"]
    assert strongest["Evidence_age"] < strongest["Evidence_sqft"]
