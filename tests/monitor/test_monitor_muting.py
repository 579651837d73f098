"""Muted features, minimum effects of single features, and what an alert of the second version rests on."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from drift_contracts import schemas
from drift_ml.evidence import Settings
from drift_monitor.alerts import recovery
from drift_monitor.digests import MOST, add_window, document_digest, group_digest
from drift_monitor.errors import MonitorError
from drift_monitor.notify import chat_message, plain_text
from drift_monitor.policy import Policy
from drift_monitor.stores import MemoryStore

from tests.monitor.test_monitor_evaluate import NOON, SERIES, World

BUDGET = 50_000


@pytest.fixture
def world(reference, make_events, as_logs):
    return World(reference, MemoryStore(), make_events, as_logs)


def state_of(world):
    return world.store.state(SERIES).state


def test_muted_feature(world):
    """While its feature is muted a drift is kept and not sent, and its end is no notice."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, muted={"sqft": (NOON + 10_000) * 60.0}))
    world.traffic(20)
    evaluations = world.traffic(15, shift=0.5)
    assert world.sent == []
    assert max(evaluation.evidence for evaluation in evaluations) > evaluations[-1].needed
    last = evaluations[-1]
    (alert,) = last.muted
    assert (last.alarm, last.standing, last.alerts) == (False, (), ())
    schemas.check("alert.v2", alert)
    assert alert["muted"]["features"] == ["sqft"]
    world.traffic(60)
    assert world.sent == []
    assert "muted" not in state_of(world)


def test_end_of_muting(world):
    """A drift that still stands when its muting ends is an alert then."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, muted={"sqft": (NOON + 35) * 60.0}))
    world.traffic(20)
    world.traffic(15, shift=0.5)
    assert world.sent == []
    world.traffic(5, shift=0.5)
    (alert,) = world.sent
    assert "muted" not in alert
    assert world.evaluator_now().alarm


def test_other_feature(world):
    """A muted feature hides no other, also where both began at once."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, muted={"sqft": (NOON + 10_000) * 60.0}))
    world.traffic(20)
    world.traffic(20, shift=0.5, years=20)
    assert [alert["drift"]["of"] for alert in world.sent] == [["age"]]
    assert "sqft" not in world.sent[0]["reason"]


def test_minimum_of_feature(world):
    """An effect below its feature's own minimum raises no alarm; other features keep theirs."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, minimum_effects={"sqft": 2.0, "prediction": 2.0}))
    world.traffic(20)
    world.traffic(20, shift=0.5)
    assert [alert for alert in world.sent if alert["drift"]["of"] == ["sqft"]] == []
    world.traffic(20, shift=0.5, years=20)
    assert ["age"] in [alert["drift"]["of"] for alert in world.sent]
    for alert in world.sent:
        assert alert["drift"]["detector"]["minimum_effects"]["sqft"] == 2.0


def test_least_effects(reference):
    """A pair takes the larger minimum, the channel of all features the common one."""
    channels = reference.baseline.channels
    settings = Settings(channels, minimum_effect=0.2, minimum_effects={"sqft": 0.7, "age": 0.4})
    pair = next(channel.name for channel in channels if set(channel.of) == {"sqft", "age"})
    whole = next(channel.name for channel in channels if channel.kind == "sum_of_squares")
    names = ("sqft", "bedrooms", pair, whole)
    assert [settings.least_effect(name) for name in names] == [0.7, 0.2, 0.7, 0.2]
    plain = replace(settings, minimum_effects={})
    assert plain.least_effect("sqft") == 0.2
    assert plain.digest != settings.digest


def test_grounds(world):
    """An alert names every window that it rests on, by digests of what is stored."""
    world.traffic(20)
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    windows = alert["drift"]["windows"]
    stored = world.store.windows(SERIES, windows["first"], windows["last"])
    assert len(stored) == windows["windows"]
    begin = 0
    for group in windows["groups"]:
        part = stored[begin : begin + group["windows"]]
        assert part[0].key.minute == group["first"]
        assert group_digest([document_digest(window.window) for window in part]) == group["digest"]
        begin += group["windows"]
    assert alert["drift"]["detector"]["budgets"] == [{"first": NOON - 1440 - 1, "events": BUDGET}] or (
        alert["drift"]["detector"]["budgets"][0]["events"] == BUDGET
    )
    assert alert["drift"]["words"] in alert["title"]


def test_budget_changes(world):
    """A budget in days moves with the traffic, and the alert says when."""
    world.evaluator = world.evaluator_of(Policy(BUDGET, budget_days=1.0))
    world.traffic(70)
    world.traffic(20, shift=0.5)
    budgets = world.sent[0]["drift"]["detector"]["budgets"]
    assert len(budgets) > 1
    assert [budget["first"] for budget in budgets] == sorted(budget["first"] for budget in budgets)


def test_groups():
    """Groups stay few, keep the order, and hold every window once."""
    groups, digests = [], [document_digest({"minute": minute}) for minute in range(1000)]
    for minute, digest in enumerate(digests):
        add_window(groups, minute, digest)
    sizes = [group["windows"] for group in groups]
    assert sum(sizes) == len(digests)
    assert sizes == sorted(sizes, reverse=True)
    assert max(sizes.count(size) for size in sizes) <= MOST
    begin = 0
    for group in groups:
        assert group["first"] == begin
        assert group["digest"] == group_digest(digests[begin : begin + group["windows"]])
        begin += group["windows"]


def test_state_of_earlier_release(world):
    """A state without digests goes on; its alert says nothing of windows, and its end is a notice."""
    world.traffic(20)
    stored = world.store.state(SERIES)
    bare = {name: value for name, value in stored.state.items() if name not in ("digests", "budgets")}
    world.store.save(SERIES, stored.revision, bare)
    world.traffic(20, shift=0.5)
    (alert,) = world.sent
    schemas.check("alert.v2", alert)
    assert not {"windows", "detector"} & alert["drift"].keys()


@pytest.fixture
def alerts(root):
    return [json.loads((root / f"contracts/examples/alert.v{n}.json").read_text("utf-8")) for n in (1, 2)]


@pytest.fixture
def root(request):
    return request.config.rootpath


def test_end_of_earlier_alert(alerts):
    """The end of an alert of the first version is a notice of the second."""
    first = {**alerts[1], "contract": "alert.v1"}
    for name in ("standing",):
        del first[name]
    first["drift"] = {
        name: value for name, value in first["drift"].items() if name not in ("words", "windows", "detector")
    }
    schemas.check("alert.v1", first)
    notice = recovery(first, NOON, [alerts[1]])
    schemas.check("alert.v2", notice)
    assert [other["alert_id"] for other in notice["standing"]] == [alerts[1]["alert_id"]]


def test_message_of_both(alerts):
    """Both versions are messages; the second names what else stands, the segment and the runbook."""
    for alert in alerts:
        text = json.dumps(chat_message(json.dumps(alert), {}))
        assert alert["title"] in text
        assert alert["title"] in plain_text(alert)
    rich = {
        **alerts[1],
        "segment": {"name": "region", "value": "north"},
        "harm": {"metric": "error", "before": 1, "after": 2, "words": "errors double"},
        "runbook": "https://wiki.example.com/drift",
    }
    schemas.check("alert.v2", rich)
    text = plain_text(rich)
    for fact in ("region north", "errors double", "https://wiki.example.com/drift", rich["standing"][0]["title"]):
        assert fact in text


@pytest.mark.parametrize(
    ("change", "fact"), [({"contract": "alert.v9"}, r"alert\.v1 or alert\.v2"), ({"title": None}, "expected title")]
)
def test_unreadable_alert(alerts, change, fact):
    """An alert of another version, or without its words, is refused: it becomes a dead letter."""
    alert = {name: value for name, value in {**alerts[1], **change}.items() if value is not None}
    with pytest.raises(MonitorError, match=fact):
        chat_message(json.dumps(alert), {})
