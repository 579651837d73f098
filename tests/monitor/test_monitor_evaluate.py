"""Judging: quiet traffic stays quiet, drift is named once, recovery is told, a crash anywhere repeats nothing."""

from __future__ import annotations

import json
import math
from datetime import datetime

import pytest
from drift_contracts import MonitoringSpec, feature_set, schemas
from drift_monitor.aggregate import Aggregator
from drift_monitor.errors import Conflict
from drift_monitor.evaluate import Evaluator, Policy
from drift_monitor.keys import Series
from drift_monitor.metrics import emf_line, evaluation_values
from drift_monitor.stores import MemoryStore

SERIES = Series("house-price", "3f9a1c2b4d5e")
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
    world.evaluator.run()
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
    world.evaluator.run()
    world.evaluator.run()
    assert len(tried) == 2
    assert len(set(tried)) == 1


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
    other.evaluator.run()
    assert world.store.state(SERIES).state["detector"]["capital"] == evidence
    assert world.store.state(SERIES).state["budget"] == 90_000


def test_the_metrics_are_those_that_the_spec_declares(world):
    (evaluation,) = world.traffic(5)[-1:]
    values = evaluation_values(evaluation)
    spec = MonitoringSpec.load()
    declared = {metric.name for metric in spec.metrics_for(feature_set("house-price"), "monitor")}
    assert set(values) | {"DeadLetters"} == declared
    assert all(math.isfinite(value) for value in values.values())
    record = json.loads(emf_line(values, stack="test", model="house-price", milliseconds=1, spec=spec))
    (directive,) = record["_aws"]["CloudWatchMetrics"]
    assert directive["Dimensions"] == [list(spec.dimensions)]
    assert {metric["Name"] for metric in directive["Metrics"]} == set(values)
    assert all(name in record for name in [*spec.dimensions, *values])
