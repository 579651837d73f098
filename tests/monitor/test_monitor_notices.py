"""Notices and the probe: what people read, and whether the service tells drift from none."""

from __future__ import annotations

import contextlib
import html
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import URLError

import pytest
from drift_monitor import cloud
from drift_monitor.aggregate import Rejected
from drift_monitor.errors import BadSetting, MonitorError
from drift_monitor.notify import chat_message, notify
from drift_monitor.probe import over_http, probe
from drift_monitor.settings import read_settings

ALERT = {
    "contract": "alert.v1",
    "state": "ALARM",
    "stack": "prod",
    "model": "house-price",
    "model_version": "3f9a1c2b4d5e",
    "timestamp": "2026-11-23T12:10:00Z",
    "title": "house-price: drift in sqft: mean up by 0.52 standard deviations",
    "reason": "sqft by 0.5 standard deviations <since> noon",
    "next": ["Look", "Ask"],
    "links": {"dashboard": "https://example.com/d"},
    "drift": {
        "since": "2026-11-23T12:00:00Z",
        "effect": 0.52,
        "events": 1234,
        "before": 2000.0,
        "after": 2250.0,
        "unit": "square feet",
    },
}
CLOUDWATCH = {
    "AlarmName": "prod-errors",
    "AlarmDescription": "Requests fail",
    "NewStateValue": "OK",
    "OldStateValue": "ALARM",
    "NewStateReason": "Threshold Crossed",
    "Region": "EU (Frankfurt)",
    "StateChangeTime": "2026-11-23T12:10:00.000+0000",
}


def words(message):
    return json.dumps(message, ensure_ascii=False)


def test_a_drift_alert_says_what_how_much_since_when_and_where_to_look():
    text = words(chat_message(json.dumps(ALERT), {"logs": "https://example.com/l"}))
    for fact in (
        "sqft",
        "0.52 sd",
        "2026-11-23T12:00:00Z",
        "1,234",
        "2000 before, 2250 now",
        "• Look",
        "|dashboard>",
        "|logs>",
    ):
        assert fact in text
    assert "&lt;since&gt;" in text


def test_recovery_and_alarm_look_different():
    alarm, recovered = (chat_message(json.dumps(ALERT | {"state": state}), {}) for state in ("ALARM", "OK"))
    assert alarm["text"] != recovered["text"]


def test_a_cloudwatch_alarm_says_its_states_and_reason():
    text = words(chat_message(json.dumps(CLOUDWATCH), {}))
    for fact in ("prod-errors", "ALARM to OK", "Threshold Crossed", "EU (Frankfurt)"):
        assert fact in text


@pytest.mark.parametrize("text", ["plain words", "[1, 2]", '{"other": 1}', ""])
def test_any_other_text_is_passed_on(text):
    assert text in json.dumps(chat_message(text, {})["blocks"]).replace('\\"', '"')


def test_a_long_text_is_cut_to_what_chat_takes():
    section = chat_message("x" * 10_000, {})["blocks"][1]
    assert len(section["text"]["text"]) <= 3_000


def test_each_record_is_sent():
    sent = []
    event = {"Records": [{"Sns": {"Message": json.dumps(ALERT)}}, {"Sns": {"Message": "two"}}]}
    assert notify(event, {}, sent.append) == 2
    assert len(sent) == 2


SUITE = {
    "threshold": 2.0,
    "scenarios": [{"name": "baseline", "requests": [{"a": 1}]}, {"name": "high", "requests": [{"a": 9}]}],
}


def service(normal, high):
    return lambda request: normal if request["features"] == {"a": 1} else high


def answer(score, severity):
    return {"drift_score": score, "drift": {"severity": severity}}


@pytest.mark.parametrize(
    ("normal", "high", "expected"),
    [
        (answer(0.5, "normal"), answer(5.0, "high"), (True, True)),
        (answer(2.5, "high"), answer(5.0, "high"), (False, True)),
        (answer(0.5, "normal"), answer(0.5, "normal"), (True, False)),
        (answer(0.5, "normal"), answer(5.0, "moderate"), (True, False)),
        ({}, {"drift_score": "x"}, (False, False)),
    ],
    ids=["as it should be", "false alarm", "blind", "wrong severity", "no usable answer"],
)
def test_the_probe_tells_whether_the_service_tells(normal, high, expected):
    seen = probe(SUITE, service(normal, high))
    assert (seen.normal, seen.drifted) == expected


def test_the_probes_requests_are_marked_so_that_they_change_nothing_that_is_watched():
    asked = []
    probe(SUITE, lambda request: asked.append(request) or answer(0.5, "normal"))
    assert asked == [{"features": {"a": 1}, "synthetic": True}, {"features": {"a": 9}, "synthetic": True}]


def test_a_service_that_is_down_fails_both_and_says_why():
    def down(_request):
        raise OSError("https://secret.example.com refused")

    seen = probe(SUITE, down)
    assert (seen.normal, seen.drifted) == (False, False)
    assert seen.said == ("OSError: no usable answer",) * 2


@pytest.mark.parametrize("failure", [lambda: False, lambda: 1 / 0], ids=["no", "an error"])
def test_an_api_that_does_not_answer_fails_the_normal_request_alone(failure):
    def call(request):
        return answer(5.0, "high") if request["features"]["a"] == 9 else answer(0.5, "normal")

    seen = probe(SUITE, call, failure)
    assert (seen.normal, seen.drifted) == (False, True)
    assert "the API does not answer" in seen.said[0]


@pytest.fixture
def server():
    """A real HTTP server on loopback that keeps what it was sent."""

    class Endpoint(BaseHTTPRequestHandler):
        def do_GET(self):
            self.server.got.append((self.path, dict(self.headers), None))
            self.send_response(self.server.reply[0])
            self.end_headers()

        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            self.server.got.append((self.path, dict(self.headers), body))
            status, reply = self.server.reply
            self.send_response(status)
            self.send_header("content-length", str(len(reply)))
            for name, value in self.server.headers.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(reply)

        def log_message(self, *_words):
            pass

    running = HTTPServer(("127.0.0.1", 0), Endpoint)
    running.got, running.reply, running.headers = [], (200, b"{}"), {}
    running.url = f"http://127.0.0.1:{running.server_address[1]}"
    thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


def test_a_probe_over_http_posts_the_prediction_contract(server):
    server.reply = (200, json.dumps(answer(0.5, "normal")).encode())
    assert over_http(cloud.post, server.url + "/")({"features": {"a": 1}}) == answer(0.5, "normal")
    path, headers, body = server.got[0]
    assert (path, json.loads(body)) == ("/predict", {"features": {"a": 1}})
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == "application/json"


class Secrets:
    def __init__(self, address):
        self.address, self.reads = address, 0

    def get_secret_value(self, SecretId):  # noqa: N803 - boto3's name
        self.reads += 1
        return {"SecretString": f"{self.address}\n", "ARN": SecretId}


def test_the_webhooks_address_is_read_once(server):
    secrets = Secrets(server.url + "/hook")
    send = cloud.webhook(secrets, "arn")
    send(b"one")
    send(b"two")
    assert [body for _, _, body in server.got] == [b"one", b"two"]
    assert secrets.reads == 1


def test_a_webhook_that_fails_says_so_without_its_address(server):
    server.reply = (500, b"no")
    with pytest.raises(MonitorError) as caught:
        cloud.webhook(Secrets(server.url + "/T0000/secret"), "arn")(b"one")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 302, 401, 503])
def test_the_status_of_an_answer_is_told_whatever_it_is(server, status):
    server.reply = (status, b"")
    assert cloud.status_of(server.url + "/health") == status
    assert [path for path, _, _ in server.got] == ["/health"]


def test_no_answer_has_no_status():
    with pytest.raises(URLError):
        cloud.status_of("http://127.0.0.1:9/health")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_a_failure_and_is_not_followed(server, status):
    """Followed, it would go without the alert and count as sent, and to wherever its sender likes."""
    server.reply, server.headers = (status, b""), {"location": f"{server.url}/elsewhere"}
    with pytest.raises(MonitorError, match=f"status {status}"):
        cloud.webhook(Secrets(server.url + "/hook"), "arn")(b"one")
    assert [path for path, _, _ in server.got] == ["/hook"]


@pytest.fixture
def raw():
    """raw(pieces) gives the address of a server that sends the pieces, a tenth of a second apart, as its answer."""
    with socket.create_server(("127.0.0.1", 0)) as listening, contextlib.ExitStack() as stack:

        def answer(pieces):
            connection, _ = listening.accept()
            with connection, contextlib.suppress(OSError):
                connection.recv(65536)
                for piece in pieces:
                    connection.sendall(piece)
                    time.sleep(0.1)

        def start(pieces):
            thread = threading.Thread(target=answer, args=(pieces,))
            thread.start()
            stack.callback(thread.join)
            return f"http://127.0.0.1:{listening.getsockname()[1]}/hook"

        yield start


HEAD = b"HTTP/1.1 200 OK\r\n"


def test_an_answer_without_end_is_dropped_after_64_kib(raw):
    assert len(cloud.post(raw([HEAD + b"\r\n", *[b"x" * 100_000] * 10]), b"", {})) == 64 * 1024


@pytest.mark.parametrize("pieces", [[HEAD, *[b"a"] * 20], [*[b"H"] * 20]], ids=["headers", "status"])
def test_an_answer_that_drips_ends_at_the_deadline(raw, pieces):
    """A timeout for each read would wait for every byte."""
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.5 s"):
        cloud.post(raw(pieces), b"", {}, deadline=0.5)
    assert time.monotonic() - started < 1.5


def test_a_body_that_drips_is_cut_at_the_deadline(raw):
    started = time.monotonic()
    with contextlib.suppress(TimeoutError):
        cloud.post(raw([HEAD + b"\r\n", *[b"x"] * 20]), b"", {}, deadline=0.5)
    assert time.monotonic() - started < 1.5


def test_a_webhook_that_took_the_alert_has_it_whatever_follows(raw):
    """The status says so; sending it again because the body drips would alert twice."""
    started = time.monotonic()
    cloud.webhook(Secrets(raw([HEAD + b"\r\n", *[b"x"] * 20])), "arn")(b"one")
    assert time.monotonic() - started < 1.5


HOSTILE = "<!channel> & <https://evil.example|here>"


def test_no_text_of_an_alert_can_call_a_channel_or_make_a_link():
    """The name of a category reaches titles, reasons, steps and links."""
    alert = ALERT | {
        "title": HOSTILE,
        "reason": HOSTILE,
        "stack": HOSTILE,
        "next": [HOSTILE],
        "links": {HOSTILE: f"https://console.example/?q={HOSTILE}"},
    }
    for document in (alert, {"AlarmName": HOSTILE, "NewStateReason": HOSTILE, "Region": HOSTILE}, HOSTILE):
        text = document if isinstance(document, str) else json.dumps(document)
        message = chat_message(text, {})
        assert [marked for marked in markup_of(message) if "<!" in marked or "<https://evil" in marked] == []
        assert "&lt;!channel&gt;" in message["text"] or document == HOSTILE


@pytest.mark.parametrize("character", ["<", "&", "x"])
def test_a_long_text_is_cut_after_escaping_and_between_characters(character):
    (block,) = [block for block in chat_message(character * 5000, {})["blocks"] if block["type"] == "section"]
    text = block["text"]["text"]
    assert len(text) <= 3000
    assert html.unescape(text) == character * len(html.unescape(text))


def test_an_address_stays_one_link():
    look = chat_message("x", {"a|b": "https://console.example/a|b>c<!here> d"})["blocks"][-1]["elements"][0]["text"]
    assert look == "<https://console.example/a%7Cb%3Ec%3C!here%3E%20d|a/b>"


def markup_of(message):
    """Every text of a message in which Slack reads markup: all but plain_text."""
    yield message["text"]
    for block in message["blocks"]:
        parts = [block.get("text", {}), *block.get("fields", []), *block.get("elements", [])]
        yield from (part["text"] for part in parts if part.get("type") == "mrkdwn")


def test_an_address_that_is_no_web_address_is_refused():
    with pytest.raises(MonitorError, match="https"):
        cloud.post("file:///etc/passwd", b"", {})


def test_alerts_are_published_with_a_subject_that_email_takes(aws):
    topic = aws("sns").create_topic(Name="alerts")["TopicArn"]
    queue = aws("sqs").create_queue(QueueName="seen")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn)
    cloud.topic(aws("sns"), topic)(ALERT | {"title": "größer " * 40, "kind": "drift"})
    (message,) = aws("sqs").receive_message(QueueUrl=queue)["Messages"]
    notice = json.loads(message["Body"])
    assert json.loads(notice["Message"])["model"] == "house-price"
    assert len(notice["Subject"]) <= 100
    assert notice["MessageAttributes"]["state"]["Value"] == "ALARM"


def test_a_dead_letter_larger_than_a_message_goes_in_numbered_parts(aws, monkeypatch):
    monkeypatch.setattr(cloud, "LARGEST_PART", 100)
    url = aws("sqs").create_queue(QueueName="letters")["QueueUrl"]
    cloud.dead_letter_queue(aws("sqs"), url)([Rejected("logs:1", "why", "x" * 250)])
    found = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    parts = sorted(found, key=lambda message: message["MessageAttributes"]["part"]["StringValue"])
    assert len(parts) > 1
    assert json.loads("".join(part["Body"] for part in parts))["record"] == "x" * 250


BAD_SETTINGS = [
    ({"DRIFT_BUDGET_DAYS": "often"}, "DRIFT_BUDGET_DAYS: expected a number of days from 1 to 3650"),
    ({"DRIFT_BUDGET_DAYS": "0"}, "DRIFT_BUDGET_DAYS"),
    ({"DRIFT_LINKS": "[1]"}, "DRIFT_LINKS: expected a JSON object"),
    ({"DRIFT_LINKS": "{"}, "DRIFT_LINKS"),
    ({"DRIFT_API_AUTH": "basic"}, "DRIFT_API_AUTH: expected one of none, iam, jwt"),
]


@pytest.mark.parametrize(("environment", "says"), BAD_SETTINGS)
def test_a_bad_setting_is_named_with_what_it_may_be(environment, says):
    with pytest.raises(BadSetting, match=says):
        read_settings(environment)


def test_a_setting_that_is_needed_and_missing_is_named():
    with pytest.raises(BadSetting, match="DRIFT_TABLE: expected a value"):
        read_settings({}).require("table")
