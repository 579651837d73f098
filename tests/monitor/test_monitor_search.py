"""The segment of an alert is looked for once, before it is sent, and nothing waits for it or is lost by it."""

from __future__ import annotations

import contextlib
import json
import time

import pytest
from drift_contracts import schemas
from drift_monitor.alerts import LONGEST, with_words
from drift_monitor.deadline import within
from drift_monitor.errors import Conflict
from drift_monitor.event_search import NOT_SEARCHED
from drift_monitor.policy import Policy
from drift_monitor.state import SeriesState
from drift_monitor.stores import MemoryStore

from tests.monitor.faults import Crash, Faulty
from tests.monitor.test_monitor_evaluate import World
from tests.support.series import SERIES

FOUND = "The segment that holds it: age below 10"


class Killed(BaseException):
    """The process ends here, whatever it catches."""


class SearchWorld(World):
    """Traffic whose alerts are searched for; `asked` are the alerts that were."""

    def __init__(self, *parts):
        super().__init__(*parts)
        self.asked, self.answer = [], lambda: FOUND

    def search(self, alert, _reference):
        """Return the answer of the moment."""
        self.asked.append(alert)
        return self.answer()

    def run(self):
        """Evaluate a minute of silence."""
        self.minute += 1
        return list(self.evaluator.run(self.search))

    def drift(self):
        """Twenty quiet minutes, then eight of a drift; the alert waits in the outbox."""
        self.traffic(20)
        self.unheard(8, shift=1.0)

    def unheard(self, minutes, **words):
        """Minutes of traffic while the topic is down."""
        heard, self.publish = self.publish, self.refuse
        for _ in range(minutes):
            with contextlib.suppress(Crash):
                self.traffic(1, **words)
        self.publish = heard

    def refuse(self, _alert):
        """Answer as a topic that is down."""
        raise Crash

    @property
    def state(self):
        """What the evaluator remembers."""
        return SeriesState.from_json(self.store.state(SERIES).state, SERIES)


@pytest.fixture
def world(reference, make_events, as_logs):
    return SearchWorld(reference, MemoryStore(), make_events, as_logs)


def test_words_in_alert(world):
    """The alert that is sent has the words in its reason, and so has the one that stands."""
    world.drift()
    world.run()
    (alert,) = world.sent
    schemas.check("alert.v2", alert)
    assert alert["reason"].endswith(f". {FOUND}")
    assert alert == {**world.asked[0], "reason": alert["reason"]}
    assert list(world.state.alerts.values()) == [alert]
    assert (world.state.outbox, world.state.searched) == ([], [])


def test_once_for_all_retries(world):
    """However often the alert cannot be sent, it is searched for once."""
    world.drift()
    heard, world.publish = world.publish, world.refuse
    for _ in range(3):
        with pytest.raises(Crash):
            world.run()
    world.publish = heard
    world.run()
    world.run()
    assert len(world.asked) == 1
    (alert,) = world.sent
    assert alert["reason"].count(FOUND) == 1


def fail():
    """Fail as a bucket that is not there."""
    raise OSError("the bucket")


def test_failing_search(world, caplog):
    """A search that fails is logged, fails no evaluation, and the alert says so at once."""
    world.answer = fail
    world.drift()
    world.run()
    (alert,) = world.sent
    assert alert["reason"].endswith(NOT_SEARCHED)
    assert "`driftctl segments ALERT`" in NOT_SEARCHED
    assert "could not be searched for" in caplog.text


def kill():
    """End the process."""
    raise Killed


def test_killed_search(world):
    """A process that dies of the search is not searched again: the next run sends what is known."""
    world.answer = kill
    world.drift()
    with pytest.raises(Killed):
        world.run()
    assert world.sent == []
    world.answer = lambda: FOUND
    world.run()
    (alert,) = world.sent
    assert alert["reason"].endswith(NOT_SEARCHED)
    assert len(world.asked) == 1


@pytest.mark.parametrize("after", [False, True])
def test_crash_anywhere(world, after):
    """A crash at any call to the store neither loses the alert nor searches for it twice."""
    world.drift()
    store, minute, saved, crash_at = world.store, world.minute, world.store.state(SERIES).state, 0
    while True:
        crash_at += 1
        world.sent, world.asked, world.minute = [], [], minute
        world.publish = world.sent.append
        store.save(SERIES, store.state(SERIES).revision, saved)
        world.store = Faulty(store, crash_at, after)
        world.evaluator = world.evaluator_of(Policy(budget_events=50_000))
        with contextlib.suppress(Crash):
            world.run()
        has_crashed, world.store.crash_at = world.store.calls >= crash_at, 0
        world.run()
        assert {alert["alert_id"] for alert in world.sent} == {saved["outbox"][0]["alert_id"]}
        assert len(world.asked) <= 1
        if not has_crashed:
            break
    assert len(world.asked) == 1


def test_second_alert(world):
    """A second alert is searched for while the first stands, and the first is not again."""
    world.drift()
    world.run()
    world.unheard(30, shift=1.0, years=25)
    world.run()
    first, second = world.sent
    assert [alert["alert_id"] for alert in world.asked] == [first["alert_id"], second["alert_id"]]
    assert second["reason"].endswith(FOUND)
    assert first["drift"]["of"] != second["drift"]["of"]


def test_order_of_notices(world):
    """An alert that waits is sent before the notice of its end, which is not searched for."""
    world.drift()
    world.unheard(60)
    world.run()
    assert [alert["state"] for alert in world.sent] == ["ALARM", "OK"]
    assert len(world.asked) == 1
    assert FOUND not in world.sent[1]["reason"]


def test_two_runs_at_once(world):
    """Of two runs one searches, and the alert is sent once."""
    world.drift()

    def other_run():
        assert list(world.evaluator_of(Policy(budget_events=50_000)).run(world.search))
        return FOUND

    world.answer = other_run
    with pytest.raises(Conflict):
        world.run()
    assert len(world.asked) == 1
    (alert,) = world.sent
    assert alert["reason"].endswith(NOT_SEARCHED)


def test_earlier_release(world):
    """An alert that an earlier release has left in the outbox is sent as it is."""
    world.drift()
    stored = world.store.state(SERIES)
    (alert,) = stored.state["outbox"]
    old = alert | {"contract": "alert.v1"}
    world.store.save(SERIES, stored.revision, stored.state | {"outbox": [old]})
    world.run()
    assert world.sent == [old]
    assert world.asked == []


def test_without_search(world):
    """Where nothing searches, the alert is sent as it was written."""
    world.drift()
    list(world.evaluator.run())
    (alert,) = world.sent
    assert "segment" not in alert["reason"]
    assert list(world.state.alerts.values()) == [alert]


def test_long_reason(world):
    """A reason that is as long as it may be makes room for the words."""
    world.drift()
    (alert,) = world.state.outbox
    reworded = with_words({**alert, "reason": "x" * LONGEST}, FOUND)
    assert len(reworded["reason"]) == LONGEST
    assert reworded["reason"].endswith(f"…. {FOUND}")


def test_deadline():
    """A call within its time returns or raises what it does; one that is late is left alone."""
    assert within(5, lambda: json.loads("[1]"), "a list") == [1]
    with pytest.raises(OSError, match="the bucket"):
        within(5, fail, "a list")
    with pytest.raises(TimeoutError, match=r"a list within 0\.01 s"):
        within(0.01, lambda: time.sleep(5), "a list")
