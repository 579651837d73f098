"""Alerts: the contract's document, sent until taken, lost by no restart."""

import asyncio
import json
from contextlib import contextmanager
from itertools import pairwise

import httpx
import pytest
from drift_console.alarm_evaluator import Change
from drift_console.alarms import MetricAlarm, State
from drift_console.alerts import KEPT, LONGEST_DELAY, AlertSource, WebhookSender, alert_document, enqueue
from drift_console.database import connect
from drift_contracts import Query, schemas

ALARM = MetricAlarm(
    name="high-drift",
    title="Average drift score over the threshold",
    severity="high",
    runbook=("Look at the features",),
    inputs={"value": Query("DriftScore", "Average")},
    period=300,
    evaluation_periods=2,
    datapoints_to_alarm=2,
    comparison="GreaterThanThreshold",
    threshold=2.0,
)
SOURCE = AlertSource("local", "http://127.0.0.1:8123/", {"house-price": "3f9a1c2b4d5e"})
URLS = ("http://127.0.0.1:1/a", "http://127.0.0.1:1/b")


def change(before=State.OK, after=State.ALARM):
    return Change(1_795_435_200.0, "house-price", ALARM, before, after, "2 of 2 datapoints were above")


@pytest.mark.parametrize("after", [state for state in State if state is not State.OK])
def test_contract(after):
    """Every alert follows its contract."""
    schemas.check("alert.v2", alert_document(change(after=after), SOURCE, "019ab0f2-7c1e-7d3a-9b1f-0a1b2c3d4e5f"))


def test_alert_document():
    """An alert holds what happened and what to do."""
    document = alert_document(change(), SOURCE, "019ab0f2-7c1e-7d3a-9b1f-0a1b2c3d4e5f")
    assert (document["state"], document["previous_state"]) == ("ALARM", "OK")
    assert document["timestamp"] == "2026-11-23T12:00:00.000Z"
    assert document["title"] == "house-price: Average drift score over the threshold"
    assert document["next"] == ["Look at the features"]


def test_end_of_alarm():
    """The end of an alarm is named as such and asks for nothing."""
    document = alert_document(change(State.ALARM, State.OK), SOURCE, "id")
    assert document["title"].startswith("house-price: over: ")
    assert document["next"] == []


@pytest.fixture
def outbox(tmp_path):
    """A sender at a clock that the test sets, and how many alerts wait."""
    connection = connect(tmp_path / "console.sqlite")
    now = [1000.0]
    sender = WebhookSender(connection, clock=lambda: now[0])

    def waiting():
        return connection.execute("SELECT count(*) FROM outbox").fetchone()[0]

    yield connection, sender, now, waiting
    connection.close()


@contextmanager
def client(answer):
    """A web that answers so."""
    yield httpx.MockTransport(answer)


def deliver(sender, web):
    async def once():
        async with httpx.AsyncClient(transport=web) as client:
            await sender.deliver(client)

    asyncio.run(once())


def test_sent_once(outbox):
    """Every webhook gets the alert once."""
    connection, sender, now, waiting = outbox
    enqueue(connection, {"name": "high-drift"}, URLS, now[0])
    got = []
    with client(
        lambda request: got.append((str(request.url), json.loads(request.content))) or httpx.Response(204)
    ) as web:
        deliver(sender, web)
        deliver(sender, web)
    assert got == [(url, {"name": "high-drift"}) for url in URLS]
    assert waiting() == 0


def test_backoff(outbox):
    """A webhook that fails is tried again later and longer apart."""
    connection, sender, now, waiting = outbox
    enqueue(connection, {}, URLS[:1], now[0])
    attempts = []
    with client(lambda _: attempts.append(now[0]) or httpx.Response(503)) as web:
        for second in range(1000, 2000):
            now[0] = float(second)
            deliver(sender, web)
    assert [later - earlier for earlier, later in pairwise(attempts)][:6] == [
        1,
        2,
        4,
        8,
        16,
        32,
    ]
    assert max(later - earlier for earlier, later in pairwise(attempts)) <= LONGEST_DELAY
    assert waiting() == 1


def test_failing_webhook(outbox):
    """A failing webhook blocks no other."""
    connection, sender, now, waiting = outbox
    enqueue(connection, {}, URLS, now[0])

    def answer(request):
        if request.url.path == "/a":
            raise httpx.ConnectTimeout("slow")
        return httpx.Response(200)

    with client(answer) as web:
        deliver(sender, web)
    assert waiting() == 1


def test_giving_up(outbox):
    """An alert that nobody takes is given up after a day."""
    connection, sender, now, waiting = outbox
    enqueue(connection, {}, URLS[:1], now[0])
    now[0] += KEPT + 1
    with client(lambda _: httpx.Response(500)) as web:
        deliver(sender, web)
    assert waiting() == 0


def test_restart(outbox, tmp_path):
    """What was not sent before a restart is sent after it."""
    connection, _, now, _ = outbox
    enqueue(connection, {"n": 1}, URLS[:1], now[0])
    again = connect(tmp_path / "console.sqlite")
    got = []
    with client(lambda request: got.append(json.loads(request.content)) or httpx.Response(200)) as web:
        deliver(WebhookSender(again, clock=lambda: now[0]), web)
    again.close()
    assert got == [{"n": 1}]


def test_secret_url(outbox, caplog):
    """A secret in a webhook's URL is never logged."""
    connection, sender, now, _ = outbox
    enqueue(connection, {}, ("http://127.0.0.1:1/secret-token",), now[0])
    with client(lambda _: httpx.Response(500)) as web, caplog.at_level("DEBUG", logger="drift_console"):
        deliver(sender, web)
    assert "secret-token" not in "".join(
        record.getMessage() for record in caplog.records if record.name.startswith("drift")
    )


def test_stopped_sender(outbox):
    """A stopped sender sends nothing more."""
    connection, sender, now, waiting = outbox
    enqueue(connection, {}, URLS, now[0])
    sender.stop()
    with client(lambda _: httpx.Response(200)) as web:
        deliver(sender, web)
    assert waiting() == 2
