"""The monitor's commands as Lambda runs them, against a local AWS: what good and bad events do."""

from __future__ import annotations

import base64
import gzip
import json
import random
import time
from itertools import count

import boto3
import pytest
from drift_contracts import MonitoringSpec
from drift_predictor import Service, open_bundles, read_settings

from tests.image.emulator import emulated
from tests.image.loopback import KEYS, REGION, local_aws, serving
from tests.image.support import ROOT, http_event

MINUTE = 60_000_000_000
HALF_AN_HOUR = 30 * MINUTE
SECRET = "/services/key"


class Cloud:
    """Table, topic with a queue that hears it, dead letters and the chat's address, in a local AWS."""

    def __init__(self, url, chat) -> None:
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", "region_name": REGION}
        clients = [
            boto3.client(name, endpoint_url=url, **keys) for name in ("dynamodb", "sns", "sqs", "secretsmanager")
        ]
        self.dynamodb, self.sns, self.sqs, secrets = clients
        attributes = [{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")]
        keys = [{"AttributeName": name, "KeyType": kind} for name, kind in (("pk", "HASH"), ("sk", "RANGE"))]
        table = {"TableName": "windows", "BillingMode": "PAY_PER_REQUEST"}
        self.dynamodb.create_table(**table, AttributeDefinitions=attributes, KeySchema=keys)
        topic = self.sns.create_topic(Name="alerts")["TopicArn"]
        self.letters, self.alerts = (
            self.sqs.create_queue(QueueName=name)["QueueUrl"] for name in ("letters", "alerts")
        )
        arn = self.sqs.get_queue_attributes(QueueUrl=self.alerts, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})
        secrets.create_secret(Name="chat", SecretString=chat.url + SECRET)
        self.environment = {**KEYS, "AWS_ENDPOINT_URL": url, "DRIFT_TABLE": "windows", "DRIFT_TOPIC": topic}
        self.environment |= {"DRIFT_DEAD_LETTERS": self.letters, "DRIFT_SLACK_SECRET": "chat", "DRIFT_STACK": "dev"}

    def windows(self):
        items = self.dynamodb.scan(TableName="windows")["Items"]
        return [item for item in items if item["pk"]["S"].startswith("fragments#")]

    def take(self, queue):
        """The bodies of the messages that wait in a queue, each once."""
        messages = self.sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for message in messages:
            self.sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return [json.loads(message["Body"]) for message in messages]


@pytest.fixture(scope="module")
def chat():
    with serving(lambda _path, _body: (200, "ok")) as server:
        yield server


@pytest.fixture(scope="module")
def api(predictor):
    """What the probe calls: Lambda's own API and HTTP, both in front of the predictor's container."""

    def answer(path, body):
        if path.endswith("/invocations"):
            return 200, json.dumps(predictor(json.loads(body)))
        reply = predictor(http_event("POST" if body else "GET", path, body))
        return reply["statusCode"], reply["body"]

    with serving(answer) as server:
        yield server


@pytest.fixture(scope="module")
def cloud(tmp_path_factory, chat):
    with local_aws(tmp_path_factory.mktemp("aws")) as url:
        yield Cloud(url, chat)


def running(docker, emulator, image, command, environment):
    options = [word for name, value in environment.items() for word in ("--env", f"{name}={value}")]
    return emulated(docker, emulator, image, f"drift_monitor.handlers.{command}", *options)


@pytest.fixture(scope="module")
def aggregate(docker, emulator, image, cloud):
    with running(docker, emulator, image, "aggregate", cloud.environment) as function:
        yield function


@pytest.fixture(scope="module")
def evaluate(docker, emulator, image, cloud):
    with running(docker, emulator, image, "evaluate", cloud.environment) as function:
        yield function


@pytest.fixture(scope="module")
def notify(docker, emulator, image, cloud):
    with running(docker, emulator, image, "notify", cloud.environment) as function:
        yield function


def probing(api_url, lambda_url):
    """The environment of a probe of an open API: it invokes the function, and asks the API for its health."""
    return {**KEYS, "DRIFT_API_URL": api_url, "DRIFT_FUNCTION": "predictor", "AWS_ENDPOINT_URL_LAMBDA": lambda_url}


@pytest.fixture(scope="module")
def probe(docker, emulator, image, api):
    with running(docker, emulator, image, "probe", probing(api.url, api.url)) as function:
        yield function


def old_lines(many, shift):
    """Lines of half an hour ago, for houses whose area is moved by so many standard deviations."""
    seeded, written, ticks = random.Random(7), [], count(time.time_ns() // MINUTE * MINUTE - HALF_AN_HOUR, 1_000_000)
    settings = read_settings({"DRIFT_BUNDLES": str(ROOT / "build/bundles"), "DRIFT_MODEL": "house-price"})
    ports = {"clock": ticks.__next__, "timer": time.perf_counter_ns, "random_bytes": seeded.randbytes}
    service = Service(open_bundles(settings), settings, MonitoringSpec.load(), **ports, write=written.append)
    for _ in range(many):
        rooms = {"bedrooms": seeded.randint(1, 5), "bathrooms": seeded.randint(1, 3), "age": seeded.randint(0, 49)}
        area = {"sqft": max(200.0, seeded.gauss(2000 + 500 * shift, 500)), "location_score": seeded.uniform(1, 10)}
        assert service.respond("POST", "/predict", json.dumps({"features": rooms | area}).encode()).status == 200
    return written


def from_logs(lines):
    """The event of a log subscription."""
    events = [{"id": str(random.random()), "timestamp": 0, "message": line} for line in lines]
    payload = json.dumps({"messageType": "DATA_MESSAGE", "logEvents": events})
    return {"awslogs": {"data": base64.b64encode(gzip.compress(payload.encode())).decode()}}


def from_topic(document):
    return {"Records": [{"EventSource": "aws:sns", "Sns": {"Message": json.dumps(document)}}]}


def test_predictor_line(predictor, aggregate, cloud, api_event):
    """A line that the predictor's container printed is counted."""
    before = len(cloud.windows())
    assert predictor(api_event)["statusCode"] == 200
    printed = [line for line in predictor.printed().splitlines() if "prediction.event.v1" in line]
    assert aggregate(from_logs(["START RequestId: the platform's own", printed[-1]])) == {"batchItemFailures": []}
    assert len(cloud.windows()) == before + 1


@pytest.fixture(scope="module")
def drift(aggregate, evaluate, cloud):
    """What evaluate answers after the windows of a drift, and the alerts that it published."""
    assert aggregate(from_logs(old_lines(1500, shift=1.0))) == {"batchItemFailures": []}
    return evaluate({}), cloud.take(cloud.alerts)


def test_drift_alert(drift):
    """A drift in the windows is published as a single alert."""
    answer, alerts = drift
    assert answer == {"series": 3, "alarms": 1}
    assert [(alert["contract"], alert["state"], alert["model"]) for alert in alerts] == [
        ("alert.v2", "ALARM", "house-price")
    ]
    assert "sqft" in alerts[0]["title"]


@pytest.mark.usefixtures("drift")
@pytest.mark.parametrize("event", [{}, {"unexpected": [1]}, [], "text", None])
def test_nothing_new(evaluate, cloud, event):
    """An evaluation with nothing new publishes nothing, whatever its event."""
    assert evaluate(event) == {"series": 3, "alarms": 1}
    assert cloud.take(cloud.alerts) == []


def test_alert_to_chat(drift, notify, chat):
    """An alert is posted to the chat."""
    alert = drift[1][0]
    assert notify(from_topic(alert)) == {"sent": 1}
    path, body = chat.heard[-1]
    assert path == SECRET
    assert alert["title"] in json.loads(body)["text"]


def test_other_notice(notify, chat):
    """A notice that is no alert is posted as it came."""
    assert notify({"Records": [{"Sns": {"Message": "plain words"}}]}) == {"sent": 1}
    assert "plain words" in chat.heard[-1][1]


def test_probe(probe, api):
    """The probe reports the normal request as normal and the drifted one as drifted."""
    assert probe({}) == {"normal": True, "drifted": True, "said": []}
    assert [path for path, _ in api.heard] == ["/2015-03-31/functions/predictor/invocations"] * 2


def test_closed_payload(aggregate, cloud):
    """A payload that cannot be opened becomes a dead letter."""
    cloud.take(cloud.letters)
    assert aggregate({"awslogs": {"data": "bm90IGd6aXA="}}) == {"batchItemFailures": []}
    assert [letter["record"] for letter in cloud.take(cloud.letters)] == ["bm90IGd6aXA="]


def test_bad_line(aggregate, cloud):
    """A bad line becomes a dead letter, and the others are counted."""
    cloud.take(cloud.letters)
    before = len(cloud.windows())
    good = old_lines(3, shift=0.0)
    bad = json.dumps(json.loads(good[0]) | {"features": {"sqft": "large"}})
    record = {"eventSource": "aws:sqs", "messageId": "replayed", "body": "\n".join([bad, *good[1:]])}
    assert aggregate({"Records": [record]}) == {"batchItemFailures": []}
    assert [letter["record"] for letter in cloud.take(cloud.letters)] == [bad]
    assert len(cloud.windows()) == before + 1


def refused(answer, kind, message):
    """An error as Lambda passes it on: its type, and one line."""
    assert answer["errorType"].rpartition(".")[2] == kind
    assert message in answer["errorMessage"]
    assert "\n" not in answer["errorMessage"]


@pytest.mark.parametrize("event", [{}, {"Records": "none"}, {"Records": [{"eventSource": "aws:s3"}]}])
def test_unknown_source(aggregate, event):
    """An event of an unknown source is an error of the aggregator."""
    refused(aggregate(event), "BadDelivery", "expected")


def test_refusing_chat(notify, chat):
    """A chat that refuses is an error of the notifier, without the chat's address."""
    chat.answer, kept = (lambda _path, _body: (500, "no")), chat.answer
    try:
        answer = notify(from_topic({"any": "notice"}))
    finally:
        chat.answer = kept
    refused(answer, "MonitorError", "the webhook refused the message: status 500")
    assert SECRET not in json.dumps(answer) + notify.printed()


def test_other_record(notify):
    """A record that is no notice is an error of the notifier."""
    refused(notify({"Records": [{"s3": {}}]}), "KeyError", "Sns")


def test_unreachable_api(docker, emulator, image, api):
    """The probe reports an API that does not answer, and still checks the function behind it."""
    with running(docker, emulator, image, "probe", probing("http://127.0.0.1:9", api.url)) as function:
        answer = function({})
    assert (answer["normal"], answer["drifted"], len(answer["said"])) == (False, True, 1)


def test_missing_table(docker, emulator, image, cloud):
    """A table that does not exist is an error of the evaluator."""
    with running(docker, emulator, image, "evaluate", cloud.environment | {"DRIFT_TABLE": "gone"}) as function:
        refused(function({}), "Unanswered", "ResourceNotFoundException")


@pytest.mark.parametrize(
    ("command", "missing"),
    [
        ("aggregate", "DRIFT_DEAD_LETTERS"),
        ("evaluate", "DRIFT_TOPIC"),
        ("notify", "DRIFT_SLACK_SECRET"),
        ("probe", "DRIFT_FUNCTION"),
    ],
)
def test_missing_setting(docker, emulator, image, cloud, command, missing):
    """A missing setting is named."""
    environment = {name: value for name, value in cloud.environment.items() if name != missing}
    with running(docker, emulator, image, command, environment) as function:
        refused(function({}), "SettingsError", f"{missing}: expected a value, it is not set")
