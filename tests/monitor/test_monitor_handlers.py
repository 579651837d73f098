"""The Lambda entries against a cloud in memory: lines in, windows, evidence and notices out."""

from __future__ import annotations

import json
import time

import pytest
from drift_contracts import feature_set
from drift_contracts.bundle_paths import current_version
from drift_ml.training import Recipe, load_rows, train
from drift_monitor import handlers


@pytest.fixture(scope="session")
def bundles(tmp_path_factory):
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
    yield letters
    for each in caches:
        each.cache_clear()


def lines_printed(capsys):
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_events_become_windows_and_windows_become_metrics(deployed, aws, make_events, as_logs, bundles, capsys):
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
def test_a_queue_is_told_which_messages_to_bring_again(monkeypatch, make_events, bundles):
    class Broken:
        def add(self, *_words):
            raise OSError

    monkeypatch.setattr(handlers._aggregator(), "_store", Broken())
    version = current_version(bundles / "house-price")
    (line,) = make_events(1, start=time.time() - 600, model_version=version)
    event = {"Records": [{"eventSource": "aws:sqs", "messageId": "m1", "body": line}]}
    assert handlers.aggregate(event, None) == {"batchItemFailures": [{"itemIdentifier": "m1"}]}


@pytest.mark.usefixtures("deployed")
@pytest.mark.parametrize(("score", "drifted"), [(0.5, False), (5.0, True)])
def test_the_probe_reports_both_requests_as_metrics(monkeypatch, capsys, score, drifted):
    answer = {"drift_score": score, "drift": {"severity": "high" if drifted else "normal"}}
    monkeypatch.setattr(handlers, "_call", lambda: lambda _request: answer)
    monkeypatch.setenv("DRIFT_API_AUTH", "iam")
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
def test_where_the_probe_goes_past_the_api_it_asks_its_health_too(monkeypatch, capsys, auth, status, normal):
    """Without a signature the API could not tell who marks requests; with a token it answers 401."""
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
def test_the_probe_can_call_an_api_of_every_kind_of_authentication(monkeypatch, auth):
    monkeypatch.setenv("DRIFT_API_AUTH", auth)
    monkeypatch.setenv("DRIFT_API_URL", "https://api.example.com")
    monkeypatch.setenv("DRIFT_FUNCTION", "arn:aws:lambda:eu-central-1:1:function:p:live")
    assert callable(handlers._call())


@pytest.mark.usefixtures("deployed")
def test_notices_go_to_the_webhook_in_the_secret(monkeypatch):
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
