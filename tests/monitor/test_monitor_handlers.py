"""The Lambda entries against a cloud in memory: lines in, windows, evidence and notices out."""

from __future__ import annotations

import gzip
import json
import logging
import time
import uuid

import pytest
from drift_contracts import feature_set
from drift_contracts.bundle_paths import current_version
from drift_contracts.prediction_log import place
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
    yield letters
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


class Context:
    """What Lambda says of a call."""

    def __init__(self, seconds):
        self.end = time.monotonic() + seconds

    def get_remaining_time_in_millis(self):
        return round((self.end - time.monotonic()) * 1000)


@pytest.fixture
def heard(aws):
    """Return the alerts that were published since the last call."""
    queue = aws("sqs").create_queue(QueueName=f"heard-{uuid.uuid4().hex}")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = aws("sns").create_topic(Name="alerts")["TopicArn"]
    words = {"TopicArn": topic, "Protocol": "sqs", "Endpoint": arn, "ReturnSubscriptionArn": True}
    subscription = aws("sns").subscribe(**words)

    def receive():
        messages = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        return [json.loads(json.loads(message["Body"])["Message"]) for message in messages]

    yield receive
    aws("sns").unsubscribe(SubscriptionArn=subscription["SubscriptionArn"])


@pytest.fixture
def predictions(aws, monkeypatch):
    """Return the bucket of the prediction log, which is empty."""
    bucket = f"log-{uuid.uuid4().hex}"
    aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    monkeypatch.setenv("DRIFT_PREDICTIONS", bucket)
    return bucket


@pytest.fixture
def count_drift(deployed, make_events, as_logs, bundles):
    """Count twenty minutes of traffic that is not as in training; the log's lines, some older, and when they begin."""
    assert deployed

    def count():
        version = current_version(bundles / "house-price")
        start = time.time() // 60 * 60 - 1500
        counted = make_events(1200, start=start, seconds=1200, shift=1.0, model_version=version)
        handlers.aggregate(as_logs(counted), None)
        older = make_events(300, start=start - 600, seconds=600, seed=3, model_version=version)
        return [*older, *counted], time.gmtime(start - 600)

    return count


@pytest.mark.parametrize("seconds", [None, 60])
def test_search_of_log(predictions, count_drift, heard, aws, seconds):
    """The alert of all traffic says what the prediction log says: here the whole traffic has moved."""
    lines, start = count_drift()
    folder = place("house-price", time.strftime("%Y-%m-%d", start), time.strftime("%H", start))
    key = f"{folder}stream-1-{time.strftime('%Y-%m-%d-%H-%M-%S', start)}-1.gz"
    aws("s3").put_object(Bucket=predictions, Key=key, Body=gzip.compress("\n".join(lines).encode()))
    context = None if seconds is None else Context(seconds)
    assert handlers.evaluate({}, context)["alarms"] == 1
    alerts = heard()
    assert alerts
    for alert in alerts:
        assert "segments that were looked at" in alert["reason"]
    handlers.evaluate({}, context)
    assert heard() == []


def test_log_switched_off(count_drift, heard):
    """Without a prediction log the alert says so, and by what key it is kept."""
    count_drift()
    handlers.evaluate({}, Context(60))
    assert "`predictionLog`" in heard()[0]["reason"]


@pytest.mark.usefixtures("predictions")
def test_no_time_for_search(count_drift, heard):
    """A call that is nearly over sends the alert, which says that nothing was searched."""
    count_drift()
    handlers.evaluate({}, Context(16))
    assert "no time was left: `driftctl segments ALERT`" in heard()[0]["reason"]


@pytest.mark.parametrize("stuck", [False, True])
def test_search_impossible(count_drift, heard, monkeypatch, stuck):
    """A bucket that is absent, or does not answer, neither fails the evaluation nor keeps the alert."""
    monkeypatch.setenv("DRIFT_PREDICTIONS", "absent")
    if stuck:
        monkeypatch.setattr(handlers, "SEARCH_SECONDS", 2.0)
        monkeypatch.setattr(handlers.cloud, "LogBucket", lambda *_words: time.sleep(30))
    count_drift()
    begin = time.monotonic()
    assert handlers.evaluate({}, Context(60))["alarms"] == 1
    assert time.monotonic() - begin < 20
    assert "not searched for to the end: `driftctl segments ALERT`" in heard()[0]["reason"]


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
