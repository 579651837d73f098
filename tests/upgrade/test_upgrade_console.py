"""A console's data folder is taken over: nothing lost or told twice, evidence goes on."""

from __future__ import annotations

import sqlite3
import threading
from datetime import datetime
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.support.waiting import wait_until
from tests.upgrade.differences import differences, read_changes, unexpected
from tests.upgrade.processes import ConsoleProcess
from tests.upgrade.running import Running, answered, facts_of, lines_of, minutes_of
from tests.upgrade.story import HOUSES, PATIENTS


@pytest.fixture
def data(state, tmp_path):
    """A copy of the saved data folder."""
    return state.copy_console(tmp_path)


@pytest.fixture
def taken_over(data, bundles, facts):
    """The code of the day on the saved folder, when nothing has happened yet."""
    running = Running(data, bundles, facts["saved_at"])
    yield running
    running.stop()


@pytest.fixture(scope="module")
def control(state, bundles, tmp_path_factory):
    """What the code of the day says of each minute when it has seen everything before."""
    running = Running(tmp_path_factory.mktemp("control") / "data", bundles, 0.0)
    for end, lines in minutes_of(lines_of(state)):
        running.take_lines(lines, end)
    running.alerts.clear()
    course = []
    for end, lines in answered(bundles, state.afterwards):
        running.take_lines(lines, end)
        course.append(running.standing())
    running.stop()
    return course


@pytest.fixture(scope="module")
def continued(state, bundles, facts, tmp_path_factory):
    """The saved folder, used to the story's end: alerts, standing per minute, what is stored."""
    data = state.copy_console(tmp_path_factory.mktemp("continued"))
    running = Running(data, bundles, facts["saved_at"])
    course = []
    for end, lines in answered(bundles, state.afterwards):
        running.take_lines(lines, end)
        course.append(running.standing())
    running.stop()
    return running.alerts, course, facts_of(data, bundles)


def alert_facts(alerts):
    """What an alert says to a machine; its words, and how it writes a time, may change."""
    facts = []
    for alert in alerts:
        names = tuple(alert[member] for member in ("kind", "state", "model", "name"))
        facts.append((*names, datetime.fromisoformat(alert["timestamp"])))
    return facts


def unlisted_alarms(state, before, now):
    """Return alarms whose state differs, or that are new or gone, and are not listed as such."""
    changes = read_changes(state.folder / "alarms.changes.json")
    return unexpected(differences(before, now), changes)


def test_events_counted(taken_over, data, bundles, facts):
    """Every event that was answered is counted once."""
    taken_over.work()
    taken_over.stop()
    now = facts_of(data, bundles)
    assert now["events"] == facts["console"]["events"] + facts["not_taken_in"]
    counted = sum(sum(minutes.values()) for minutes in now["windows"].values())
    assert counted == now["events"]
    for model, minutes in facts["console"]["windows"].items():
        assert minutes.items() <= now["windows"][model].items()


def test_same_alerts(taken_over, state, data, bundles, facts):
    """The upgrade adds no alert and loses none."""
    taken_over.work()
    taken_over.stop()
    now, before = facts_of(data, bundles), facts["console"]
    assert taken_over.alerts == []
    assert now["alerts"] == before["alerts"]
    assert now["outbox"] == before["outbox"]
    assert unlisted_alarms(state, before["alarms"], now["alarms"]) == []


def test_state_contents(facts):
    """The state has a raised alarm, a waiting alert and a drift that is half proven."""
    console = facts["console"]
    told = [(alert["model"], alert["state"]) for alert in console["alerts"]]
    assert told == [(HOUSES, "ALARM"), (HOUSES, "OK"), (PATIENTS, "ALARM")]
    assert [alert["model"] for alert in console["outbox"]] == [PATIENTS]
    half_proven = console["judgements"][HOUSES]
    assert 0.2 < half_proven["finding"]["evidence"] / half_proven["needed"] < 0.8
    days = {int(minute) // 1440 for minute in console["windows"][HOUSES]}
    assert len(days) == 3


def test_alerts_continue(continued, state, expected):
    """The raised alarm ends and the half-proven drift is found when they should be."""
    alerts, _, stored = continued
    assert alert_facts(alerts) == alert_facts(expected["alerts"])
    assert [each["alert_id"] for each in alerts] == [
        each["alert_id"] for each in expected["alerts"]
    ]
    for part in ("events", "windows"):
        assert stored[part] == expected["end"][part], part
    assert unlisted_alarms(state, expected["end"]["alarms"], stored["alarms"]) == []
    assert alert_facts(stored["alerts"]) == alert_facts(expected["end"]["alerts"])


def test_evidence_continues(continued, control):
    """Evidence and alarms go on as if there had been no upgrade, up to a model's first alarm."""
    _, course, _ = continued
    assert len(course) == len(control)
    # What an alarm explains is apart from other evidence since then; the houses had theirs before.
    alarmed = {HOUSES}
    for minute, (taken, whole) in enumerate(zip(course, control, strict=True)):
        for model in (HOUSES, PATIENTS):
            assert taken[model]["alarm"] == whole[model]["alarm"], minute
            if whole[model]["alarm"]:
                alarmed.add(model)
            if model not in alarmed:
                assert evidence(taken[model]) == pytest.approx(evidence(whole[model]), rel=1e-6), (
                    minute
                )


def evidence(standing):
    return standing["finding"]["evidence"] if standing["finding"] else 0.0


class Webhook(HTTPServer):
    """Counts what is posted to it."""

    def __init__(self):
        self.bodies = bodies = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                bodies.append(self.rfile.read(int(self.headers["content-length"])))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@pytest.fixture
def webhook():
    server = Webhook()
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def test_waiting_webhook(state, data, webhook, facts):
    """A console that starts calls the webhook that was waiting."""
    address = f"http://127.0.0.1:{webhook.server_port}/hook"
    connection = sqlite3.connect(data / "console.sqlite")
    connection.execute("UPDATE outbox SET url = ?", (address,))
    connection.commit()
    connection.close()
    (waiting,) = facts["console"]["outbox"]
    with ConsoleProcess(data, state.bundles) as console:
        wait_until(lambda: webhook.bodies)
        page = console.read("/console/api/state?model=diabetes")
    assert console.code == 0, console.output
    assert waiting["alert_id"].encode() in webhook.bodies[0]
    assert page["evidence"]["alerts"][0] == waiting
