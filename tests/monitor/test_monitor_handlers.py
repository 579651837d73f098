"""The Lambda entries against a cloud in memory: lines in, windows, evidence and notices out."""

from __future__ import annotations

import json
import logging
import time

import pytest
from drift_contracts import feature_set
from drift_contracts.bundle_paths import current_version
from drift_contracts.timestamps import utc_ms, utc_text
from drift_ml.training import Recipe, load_rows, train
from drift_monitor import handlers
from drift_monitor.keys import Series
from drift_monitor.logs import LOGGER
from drift_monitor.reference import load_references

OTHER = Series("another", "000000000000")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
    """Return a folder with one small bundle."""
    houses = feature_set("house-price")
    return train(
        houses, load_rows(houses, rows=500), tmp_path_factory.mktemp("build"), recipe=Recipe(trees=5)
    ).bundle.parents[1]


@pytest.fixture
def deployed(monkeypatch, aws, table, bundles):
    """The environment that the infrastructure gives the functions; nothing is kept between tests."""
    topic = aws("sns").create_topic(Name="alerts")["TopicArn"]
    letters = aws("sqs").create_queue(QueueName=f"letters-{table}")["QueueUrl"]
    for name, value in {
        "DRIFT_STACK": "test",
        "DRIFT_TABLE": table,
        "DRIFT_TOPIC": topic,
        "DRIFT_DEAD_LETTERS": letters,
        "DRIFT_BUNDLES": str(bundles),
        "DRIFT_MODEL": "house-price",
    }.items():
        monkeypatch.setenv(name, value)
    caches = [each for each in vars(handlers).values() if hasattr(each, "cache_clear")]
    for each in caches:
        each.cache_clear()
    log = logging.getLogger(LOGGER)
    before = (log.handlers, log.level, log.propagate)
    yield letters
    log.handlers, log.level, log.propagate = before
    for each in caches:
        each.cache_clear()


def lines_printed(capsys):
    """Return the metric lines that the functions have written."""
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_events_to_metrics(deployed, aws, make_events, as_logs, bundles, capsys):
    """Events become windows and windows become metrics, on AWS's stores."""
    version = current_version(bundles / "house-price")
    start = time.time() // 60 * 60 - 600
    events = make_events(50, start=start, seconds=120, model_version=version)
    assert handlers.aggregate(as_logs([*events, '{"contract":"prediction.event.v1"}']), None) == {
        "batchItemFailures": []
    }
    assert handlers.evaluate({}, None) == {"series": 1, "alarms": 0}
    aggregated, evaluated = lines_printed(capsys)
    assert aggregated["DeadLetters"] == 1
    assert evaluated["EventsCounted"] == 50
    assert evaluated["Psi_sqft"] >= 0
    (letter,) = aws("sqs").receive_message(QueueUrl=deployed)["Messages"]
    assert json.loads(letter["Body"])["reason"] == "the event has no Model"


@pytest.mark.usefixtures("deployed")
def test_batch_item_failures(monkeypatch, make_events, bundles):
    """The answer to a queue names the messages to deliver again."""

    class Broken:
        def __init__(self, *_words):
            pass

        def add(self, *_words):
            raise OSError

    monkeypatch.setattr(handlers, "DynamoStore", Broken)
    version = current_version(bundles / "house-price")
    (line,) = make_events(1, start=time.time() - 600, model_version=version)
    event = {"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": line}]}
    assert handlers.aggregate(event, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("score", "drifted"), [(0.5, False), (5.0, True)])
def test_probe_metrics(monkeypatch, capsys, score, drifted):
    """The probe reports its two requests as metrics."""
    answer = {"drift_score": score, "drift": {"severity": "high" if drifted else "normal"}}
    body = json.dumps(answer).encode()
    monkeypatch.setattr(handlers.cloud, "signed_post", lambda _session: lambda *_request: body)
    monkeypatch.setenv("DRIFT_API_AUTH", "iam")
    monkeypatch.setenv("DRIFT_API_URL", "https://api.example.com")
    handlers.probe({}, None)
    (record,) = lines_printed(capsys)
    assert (record["ProbeNormal"], record["ProbeDrifted"]) == (float(not drifted), float(drifted))


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(
    ("auth", "status", "normal"),
    [
        ("none", 200, 1.0),
        ("none", 401, 0.0),
        ("none", 503, 0.0),
        ("jwt", 401, 1.0),
        ("jwt", 200, 0.0),
        ("jwt", 403, 0.0),
    ],
)
def test_probe_health(monkeypatch, capsys, auth, status, normal):
    """A probe that does not go through the API asks for its health too."""
    asked = []
    answer = {"drift_score": 0.5, "drift": {"severity": "normal"}}
    monkeypatch.setattr(handlers.cloud, "invocation", lambda *_function: lambda _request: answer)
    monkeypatch.setattr(handlers.cloud, "status_of", lambda url: asked.append(url) or status)
    for name, value in {"API_AUTH": auth, "API_URL": "https://api.example.com/", "FUNCTION": "arn"}.items():
        monkeypatch.setenv(f"DRIFT_{name}", value)
    handlers.probe({}, None)
    assert lines_printed(capsys)[0]["ProbeNormal"] == normal
    assert asked == ["https://api.example.com/health"]


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize("auth", ["none", "iam", "jwt"])
def test_probe_call(monkeypatch, capsys, auth):
    """The probe calls an API of IAM over HTTP, and the function otherwise."""
    monkeypatch.setenv("DRIFT_API_AUTH", auth)
    monkeypatch.setenv("DRIFT_API_URL", "https://api.example.com")
    monkeypatch.setenv("DRIFT_FUNCTION", "arn:aws:lambda:eu-central-1:1:function:p:live")
    answer = {"drift_score": 0.5, "drift": {"severity": "normal"}}
    called = []

    def signed_post(_session):
        return lambda url, _body, _headers: called.append(url) or json.dumps(answer).encode()

    def invocation(_client, function):
        return lambda _request: called.append(function) or answer

    monkeypatch.setattr(handlers.cloud, "signed_post", signed_post)
    monkeypatch.setattr(handlers.cloud, "invocation", invocation)
    monkeypatch.setattr(handlers.cloud, "status_of", lambda _url: 401 if auth == "jwt" else 200)
    assert handlers.probe({}, None)["normal"]
    assert lines_printed(capsys)[0]["ProbeNormal"] == 1.0
    place = "https://api.example.com/predict" if auth == "iam" else "arn:aws:lambda:eu-central-1:1:function:p:live"
    assert called == [place] * 2


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("level", "written"), [("INFO", True), ("WARNING", True), ("error", False), (None, True)])
def test_log_level(monkeypatch, capsys, level, written):
    """Each function logs JSON lines from the level that DRIFT_LOG_LEVEL names."""
    if level is not None:
        monkeypatch.setenv("DRIFT_LOG_LEVEL", level)
    handlers.aggregate({"Records": []}, None)
    logging.getLogger(LOGGER).warning("%s was evaluated %d minutes ahead", "house-price/1", 3)
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert len(lines) == written
    for line in lines:
        assert (line["level"], line["message"]) == ("WARNING", "house-price/1 was evaluated 3 minutes ahead")
        assert utc_text(utc_ms(line["timestamp"])) == line["timestamp"]


@pytest.mark.usefixtures("deployed")
def test_logged_once(capsys, caplog):
    """The runtime's handler at the root does not write the monitor's lines a second time."""
    handlers.aggregate({"Records": []}, None)
    logging.getLogger(LOGGER).error("once")
    assert capsys.readouterr().err.count("once") == 1
    assert caplog.records == []


@pytest.mark.usefixtures("deployed")
def test_logged_traceback(monkeypatch, capsys, make_events, bundles):
    """An error is logged in one line, with its traceback."""

    class Broken:
        def __init__(self, *_words):
            pass

        def add(self, *_words):
            raise OSError("no table")

    monkeypatch.setattr(handlers, "DynamoStore", Broken)
    version = current_version(bundles / "house-price")
    (body,) = make_events(1, start=time.time() - 600, model_version=version)
    handlers.aggregate({"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": body}]}, None)
    (line,) = capsys.readouterr().err.splitlines()
    record = json.loads(line)
    assert record["level"] == "ERROR"
    assert "OSError: no table" in record["traceback"]


@pytest.mark.usefixtures("deployed")
def test_dead_letters_sum(monkeypatch, capsys, bundles, as_logs):
    """Over all models the metric of dead letters is their number, and one that nobody sent rings too."""
    ((series, reference),) = load_references(bundles).items()
    monkeypatch.setattr(handlers, "load_references", lambda _folder: {series: reference, OTHER: reference})
    line = {"contract": "prediction.event.v1", "Model": OTHER.model}
    handlers.aggregate(as_logs([json.dumps(line), json.dumps(line), '{"contract":"prediction.event.v1"}']), None)
    letters = {record["Model"]: record["DeadLetters"] for record in lines_printed(capsys)}
    assert letters == {OTHER.model: 3.0, series.model: 0.0}


@pytest.mark.usefixtures("deployed")
def test_notify(monkeypatch):
    """Notices are sent to the webhook whose address the secret holds."""
    secret = "https://hooks.example.com/secret"
    monkeypatch.setattr(
        handlers.boto3,
        "client",
        lambda _name: type("Secrets", (), {"get_secret_value": lambda *_, **__: {"SecretString": secret}})(),
    )
    sent = []
    monkeypatch.setattr(handlers.cloud, "post", lambda url, body, _headers, **_: sent.append((url, body)))
    monkeypatch.setenv("DRIFT_SLACK_SECRET", "arn")
    assert handlers.notify({"Records": [{"Sns": {"Message": "hello"}}]}, None) == {"sent": 1}
    assert sent[0][0] == secret
