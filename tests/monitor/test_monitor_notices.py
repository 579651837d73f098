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
from drift_contracts import SettingsError
from drift_monitor import cloud
from drift_monitor.aggregate import Rejected
from drift_monitor.errors import MonitorError
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


def test_alert_message():
    """The message of an alert has channel, size, time, next steps and links."""
    text = words(chat_message(json.dumps(ALERT), {"logs": "https://example.com/l"}))
    for fact in (
        "sqft",
        "0.52 standard deviations",
        "2026-11-23T12:00:00Z",
        "1,234",
        "2,000 before, 2,250 now",
        "• Look",
        "|dashboard>",
        "|logs>",
    ):
        assert fact in text
    assert "&lt;since&gt;" in text


def test_recovery_message():
    """The messages of an alarm and of its end look different."""
    alarm, recovered = (chat_message(json.dumps(ALERT | {"state": state}), {}) for state in ("ALARM", "OK"))
    assert alarm["text"] != recovered["text"]


def test_cloudwatch_message():
    """The message of a CloudWatch alarm has its states, region and reason."""
    text = words(chat_message(json.dumps(CLOUDWATCH), {}))
    for fact in ("prod-errors", "ALARM to OK", "Threshold Crossed", "EU (Frankfurt)"):
        assert fact in text


@pytest.mark.parametrize("text", ["plain words", "[1, 2]", '{"other": 1}', ""])
def test_other_text(text):
    """Any other text is passed on as it is."""
    assert text in json.dumps(chat_message(text, {})["blocks"]).replace('\\"', '"')


def test_long_text():
    """A long text is cut to what a block of a message holds."""
    section = chat_message("x" * 10_000, {})["blocks"][1]
    assert len(section["text"]["text"]) <= 3_000


def test_records():
    """Each record of an event is sent."""
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
def test_probe(normal, high, expected):
    """The probe returns whether the service tells drift from none."""
    seen = probe(SUITE, service(normal, high))
    assert (seen.normal, seen.drifted) == expected


def test_probe_is_synthetic():
    """The probe's requests are marked as synthetic."""
    asked = []
    probe(SUITE, lambda request: asked.append(request) or answer(0.5, "normal"))
    assert asked == [{"features": {"a": 1}, "synthetic": True}, {"features": {"a": 9}, "synthetic": True}]


def test_probe_down():
    """A service that does not answer fails both requests, with the type of the error alone."""

    def down(_request):
        raise OSError("https://secret.example.com refused")

    seen = probe(SUITE, down)
    assert (seen.normal, seen.drifted) == (False, False)
    assert seen.reasons == ("OSError: no usable answer",) * 2


@pytest.mark.parametrize("failure", [lambda: False, lambda: 1 / 0], ids=["no", "an error"])
def test_probe_unhealthy(failure):
    """An API that does not answer fails the normal request alone."""

    def call(request):
        return answer(5.0, "high") if request["features"]["a"] == 9 else answer(0.5, "normal")

    seen = probe(SUITE, call, failure)
    assert (seen.normal, seen.drifted) == (False, True)
    assert "the API does not answer" in seen.reasons[0]


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


def test_probe_over_http(server):
    """A probe over HTTP posts the request to the path of predictions."""
    server.reply = (200, json.dumps(answer(0.5, "normal")).encode())
    assert over_http(cloud.post, server.url + "/")({"features": {"a": 1}}) == answer(0.5, "normal")
    path, headers, body = server.got[0]
    assert (path, json.loads(body)) == ("/predict", {"features": {"a": 1}})
    assert {name.lower(): value for name, value in headers.items()}["content-type"] == "application/json"


class Secrets:
    """Stands for the Secrets Manager's client."""

    def __init__(self, address):
        self.address, self.reads = address, 0

    def get_secret_value(self, SecretId):  # noqa: N803 - boto3's name
        self.reads += 1
        return {"SecretString": f"{self.address}\n", "ARN": SecretId}


def test_webhook_address(server):
    """The webhook's address is read once."""
    secrets = Secrets(server.url + "/hook")
    send = cloud.webhook(secrets, "arn")
    send(b"one")
    send(b"two")
    assert [body for _, _, body in server.got] == [b"one", b"two"]
    assert secrets.reads == 1


def test_webhook_fails(server):
    """The error of a webhook that fails does not have its address."""
    server.reply = (500, b"no")
    with pytest.raises(MonitorError) as caught:
        cloud.webhook(Secrets(server.url + "/T0000/secret"), "arn")(b"one")
    assert "secret" not in str(caught.value)
    assert "127.0.0.1" not in str(caught.value)


@pytest.mark.parametrize("status", [200, 302, 401, 503])
def test_status(server, status):
    """The status of an answer is returned, whatever it is."""
    server.reply = (status, b"")
    assert cloud.status_of(server.url + "/health") == status
    assert [path for path, _, _ in server.got] == ["/health"]


def test_no_answer():
    """A server that is not there is an error and not a status."""
    with pytest.raises(URLError):
        cloud.status_of("http://127.0.0.1:9/health")


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect(server, status):
    """A redirect, which would lose the alert on its way, is an error and not followed."""
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


def test_endless_answer(raw):
    """Of an answer without end 64 KiB are read."""
    assert len(cloud.post(raw([HEAD + b"\r\n", *[b"x" * 100_000] * 10]), b"", {})) == 64 * 1024


@pytest.mark.parametrize("pieces", [[HEAD, *[b"a"] * 20], [*[b"H"] * 20]], ids=["headers", "status"])
def test_dripping_head(raw, pieces):
    """An answer whose head drips ends at the deadline, which is not one of each read."""
    started = time.monotonic()
    with pytest.raises(TimeoutError, match=r"0\.5 s"):
        cloud.post(raw(pieces), b"", {}, deadline=0.5)
    assert time.monotonic() - started < 1.5


def test_dripping_body(raw):
    """A body that drips is cut at the deadline."""
    started = time.monotonic()
    with contextlib.suppress(TimeoutError):
        cloud.post(raw([HEAD + b"\r\n", *[b"x"] * 20]), b"", {}, deadline=0.5)
    assert time.monotonic() - started < 1.5


def test_dripping_webhook(raw):
    """An alert that the status accepts is not sent again because the body drips."""
    started = time.monotonic()
    cloud.webhook(Secrets(raw([HEAD + b"\r\n", *[b"x"] * 20])), "arn")(b"one")
    assert time.monotonic() - started < 1.5


HOSTILE = "<!channel> & <https://evil.example|here>"


def test_hostile_texts():
    """No text of an alert can mention a channel or make a link."""
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
def test_cut_after_escaping(character):
    """A long text is cut after escaping, and between characters."""
    (block,) = [block for block in chat_message(character * 5000, {})["blocks"] if block["type"] == "section"]
    text = block["text"]["text"]
    assert len(text) <= 3000
    assert html.unescape(text) == character * len(html.unescape(text))


def test_hostile_address():
    """An address stays one link, whatever is in it."""
    look = chat_message("x", {"a|b": "https://console.example/a|b>c<!here> d"})["blocks"][-1]["elements"][0]["text"]
    assert look == "<https://console.example/a%7Cb%3Ec%3C!here%3E%20d|a/b>"


def markup_of(message):
    """Every text of a message in which Slack reads markup: all but plain_text."""
    yield message["text"]
    for block in message["blocks"]:
        parts = [block.get("text", {}), *block.get("fields", []), *block.get("elements", [])]
        yield from (part["text"] for part in parts if part.get("type") == "mrkdwn")


def test_other_scheme():
    """An address of another scheme is refused."""
    with pytest.raises(MonitorError, match="https"):
        cloud.post("file:///etc/passwd", b"", {})


def test_publish(aws):
    """Alerts are published with a subject that e-mail accepts, and with their attributes."""
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


def test_large_letter(aws, monkeypatch):
    """A dead letter larger than a message is sent in numbered parts."""
    monkeypatch.setattr(cloud, "LARGEST_PART", 100)
    url = aws("sqs").create_queue(QueueName="letters")["QueueUrl"]
    cloud.dead_letter_queue(aws("sqs"), url)([Rejected("logs:1", "why", "x" * 250)])
    found = aws("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])["Messages"]
    parts = sorted(found, key=lambda message: message["MessageAttributes"]["part"]["StringValue"])
    assert len(parts) > 1
    assert json.loads("".join(part["Body"] for part in parts))["record"] == "x" * 250


BAD_SETTINGS = [
    ("DRIFT_BUDGET_DAYS", "often", ["days", "1", "3650"]),
    ("DRIFT_BUDGET_DAYS", "0", ["days", "1", "3650"]),
    ("DRIFT_BUDGET_DAYS", "nan", ["days", "1", "3650"]),
    ("DRIFT_RHYTHM", "on", ["learn", "off"]),
    ("DRIFT_MINIMUM_EFFECT", "11", ["0", "10"]),
    ("DRIFT_MINIMUM_EFFECTS", '{"age": -1}', ["features", "numbers"]),
    ("DRIFT_MINIMUM_EFFECTS", "[]", ["features", "numbers"]),
    ("DRIFT_MUTED", '{"age": "soon"}', ["features", "days"]),
    ("DRIFT_PSI_ALARM", "nan", ["0", "10"]),
    ("DRIFT_REFERENCE", "last", ["rolling", "training"]),
    ("DRIFT_NEW_NORMAL_DAYS", "-1", ["days", "0", "365"]),
    ("DRIFT_LEFT_OUT", '{"soon": "a sale"}', ["days", "reasons"]),
    ("DRIFT_LINKS", "[1]", ["JSON object"]),
    ("DRIFT_LINKS", '{"a": 1}', ["JSON object"]),
    ("DRIFT_LINKS", "{", ["JSON object"]),
    ("DRIFT_API_AUTH", "basic", ["none", "iam", "jwt"]),
    ("DRIFT_LOG_LEVEL", "loud", ["DEBUG", "INFO", "WARNING", "ERROR"]),
    ("DRIFT_STACK", "-prod", ["letters", "digits"]),
    ("DRIFT_MODEL", "House Price", ["name of a model"]),
]


@pytest.mark.parametrize(("name", "text", "facts"), BAD_SETTINGS)
def test_bad_setting(name, text, facts):
    """A bad setting is named with what it may be, and without its value."""
    with pytest.raises(SettingsError) as caught:
        read_settings({name: text})
    (expected,) = caught.value.faults.values()
    assert list(caught.value.faults) == [name]
    assert [fact for fact in facts if fact not in expected] == []
    assert text not in str(caught.value).replace(expected, "")


def test_sensitivity():
    """What a stack chooses of the evidence is read as the evaluator takes it."""
    chosen = {"MINIMUM_EFFECTS": '{"age": 0.5}', "MUTED": '{"sqft": "1970-01-02"}', "PSI_ALARM": "0.2"}
    settings = read_settings({f"DRIFT_{name}": text for name, text in chosen.items()})
    assert (settings.minimum_effects, settings.muted, settings.psi_alarm) == ({"age": 0.5}, {"sqft": 86_400.0}, 0.2)


def test_bad_settings_together():
    """All bad settings are named at once."""
    with pytest.raises(SettingsError) as caught:
        read_settings({"DRIFT_LOG_LEVEL": "loud", "DRIFT_LINKS": "x", "DRIFT_STACK": ""})
    assert set(caught.value.faults) == {"DRIFT_LOG_LEVEL", "DRIFT_LINKS"}


def test_level_in_small_letters():
    """A level may be written in small letters, as the predictor reads it."""
    assert read_settings({"DRIFT_LOG_LEVEL": "warning"}).log_level == "WARNING"


def test_missing_setting():
    """A setting that is needed and missing is named."""
    with pytest.raises(SettingsError) as caught:
        read_settings({}).require("table")
    assert list(caught.value.faults) == ["DRIFT_TABLE"]
