"""The services' own code in a local AWS that enforces IAM, under the roles and settings that the graph declares.

The functions are made of zip files that import this checkout: the emulator runs no images without Docker. Their
command, environment and role policy are the graph's.
"""

# ruff: noqa: E501 - a call to AWS is read as one line

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError
from click.testing import CliRunner
from drift_console.acknowledge import acknowledge
from drift_console.verify import verify
from drift_monitor.acknowledgements import acknowledged
from drift_monitor.stores import DynamoStore

from tests.integration.monitored import World, keep, lines, put, two_drifts, until
from tools.stack_checks.stacks import graph_of, settings_of

CHANGES = {"alertEmails": '["ops@example.com"]', "slackWebhook": "https://chat.example.com/services/key"}


class Webhook:
    """A chat's incoming webhook, or an endpoint of SNS that confirms as it must; `heard` are the bodies that came."""

    def __init__(self) -> None:
        heard = self.heard = []

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                heard.append(body)
                self.send_response(200)
                self.end_headers()
                if body.get("Type") == "SubscriptionConfirmation":
                    urllib.request.urlopen(body["SubscribeURL"], timeout=10).close()

            def log_message(self, *_words):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/services/key"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture(scope="module")
def bundles(root, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    words = ["--model", "house-price", "--rows", "2000", "--trees", "10", "--out", folder]
    subprocess.run([sys.executable, "-m", "drift_ml.training", *words], cwd=root, check=True, capture_output=True)
    return folder / "bundles"


@pytest.fixture(scope="module")
def webhook():
    one = Webhook()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def endpoint():
    one = Webhook()
    yield one
    one.stop()


@pytest.fixture(scope="module")
def aws(ministack, tmp_path_factory, start_aws):
    local = start_aws(ministack, tmp_path_factory.mktemp("aws"), AUTH="true")
    yield local
    local.stop()


@pytest.fixture(scope="module")
def world(root, aws, bundles, webhook, endpoint):
    graph = graph_of(settings_of(root, "dev", CHANGES), root)
    return World(graph, aws, bundles, webhook.url, endpoint.url)


@pytest.fixture(scope="module")
def drifted(world, bundles, webhook, endpoint):
    """What the evaluator answered, what the chat heard and which alerts came after an hour of two drifts."""
    texts = two_drifts(bundles)
    before = world.events()
    put(world, ["START RequestId: an ordinary line of the platform"])
    for first in range(0, len(texts), 600):
        put(world, texts[first : first + 600])
        keep(world, texts[first : first + 600])
    until("all events in the table", lambda: world.events() == before + len(texts))
    answer = world.invoke("evaluator", {})
    until("three alerts at the webhook", lambda: len(alerts_of(endpoint)) == 3)
    until("three messages in the chat", lambda: len(drifts_of(webhook)) == 3)
    return answer, drifts_of(webhook), alerts_of(endpoint)


def test_segment_in_alert(drifted):
    """Under the role that the graph declares the evaluator reads the log, and each alert says what it shows."""
    _, _, alerts = drifted
    raised = [alert["reason"] for alert in alerts if alert["state"] == "ALARM"]
    assert len(raised) == 2
    for reason in raised:
        assert "segments that were looked at" in reason


def drifts_of(webhook):
    """The messages about drift that the chat has heard."""
    return [text for text in map(json.dumps, webhook.heard) if "drift in" in text]


def alerts_of(endpoint):
    """The alerts that SNS has posted, in order of time."""
    texts = [one["Message"] for one in endpoint.heard if one.get("Type") == "Notification"]
    return sorted((json.loads(text) for text in texts if "alert.v2" in text), key=lambda one: one["timestamp"])


def test_drift_to_chat(drifted):
    """Each drift in the log becomes a single message in the chat, and so does an end."""
    answer, messages, _ = drifted
    assert answer == {"series": 1, "alarms": 1}
    raised = [message for message in messages if "has ended" not in message]
    assert sorted("Still standing" in message for message in raised) == [False, True]
    assert all("Since" in message for message in messages)
    assert all("cloudwatch/home?region=us-east-1#dashboards" in message for message in messages)


def test_second_drift(drifted):
    """A second drift is an alert of its own that names the first, whose end names the second."""
    _, _, alerts = drifted
    first, second, end = alerts
    assert [(alert["state"], alert["drift"]["of"]) for alert in alerts] == [
        ("ALARM", ["sqft"]), ("ALARM", ["age"]), ("OK", ["sqft"]),
    ]  # fmt: skip
    assert [other["alert_id"] for other in second["standing"]] == [first["alert_id"]]
    assert [other["alert_id"] for other in end["standing"]] == [second["alert_id"]]
    assert first["standing"] == []


@pytest.fixture
def caller(monkeypatch, aws):
    """Give driftctl the emulator and credentials of its own."""
    values = {"ENDPOINT_URL": aws.url, "DEFAULT_REGION": "us-east-1"}
    values |= {"ACCESS_KEY_ID": "test", "SECRET_ACCESS_KEY": "test"}
    for name, value in values.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    return CliRunner()


def test_verify(drifted, world, bundles, caller, tmp_path):
    """Both alerts are computed again from the table, and a changed window is found by its digest."""
    _, _, alerts = drifted
    path = tmp_path / "alert.json"
    words = [str(path), "--table", world.table, "--bundles", str(bundles)]
    for alert in alerts[:2]:
        path.write_text(json.dumps(alert))
        result = caller.invoke(verify, words)
        assert result.exit_code == 0, result.output
        assert "to the last bit" in " ".join(result.output.split())
    windows = [one for one in world.items() if one["pk"]["S"].startswith("windows#")]
    place = min(windows, key=lambda one: one["sk"]["S"])
    key = {"pk": place["pk"], "sk": place["sk"]}
    world.client("dynamodb").delete_item(TableName=world.table, Key=key)
    result = caller.invoke(verify, words)
    world.client("dynamodb").put_item(TableName=world.table, Item=place)
    assert result.exit_code == 1
    assert "not those that were evaluated" in " ".join(result.output.split())


def test_acknowledge(drifted, world, caller, tmp_path):
    """An alert of a stack is acknowledged in its table, with who, why and when, and that is undone."""
    _, _, (_, alert, _) = drifted
    (tmp_path / "alert.json").write_text(json.dumps(alert))
    store = DynamoStore(world.client("dynamodb"), world.table, time.time)
    who = ["--who", "Ada", "--why", "a sale", "--table", world.table]
    assert caller.invoke(acknowledge, [str(tmp_path / "alert.json"), *who]).exit_code == 0
    (entry,) = acknowledged(store, "house-price").values()
    assert (entry["alert_id"], entry["who"], entry["why"]) == (alert["alert_id"], "Ada", "a sale")
    assert entry["at"].endswith("Z")
    undo = [alert["alert_id"], "--undo", "--model", "house-price", *who]
    assert caller.invoke(acknowledge, undo).exit_code == 0
    assert acknowledged(store, "house-price") == {}


@pytest.mark.usefixtures("drifted")
def test_nothing_new(world, webhook):
    """An evaluation with nothing new sends no message."""
    before = len(webhook.heard)
    assert world.invoke("evaluator", {})["series"] == 1
    assert len(webhook.heard) == before


def test_alarm_delivery(world, webhook, endpoint):
    """An alarm that CloudWatch raises reaches the chat and the webhook."""
    given = world.graph.one("cloudwatch.MetricAlarm", "house-price-errors").inputs
    dimensions = [{"Name": name, "Value": value} for name, value in given["dimensions"].items()]
    measured = {"MetricName": given["metricName"], "Dimensions": dimensions}
    cloudwatch = world.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=given["name"], AlarmDescription=given["alarmDescription"], Namespace=given["namespace"], **measured,
        Period=int(given["period"]), Statistic=given["statistic"], ComparisonOperator=given["comparisonOperator"],
        Threshold=given["threshold"], EvaluationPeriods=int(given["evaluationPeriods"]), AlarmActions=[world.topic],
    )  # fmt: skip
    cloudwatch.put_metric_data(Namespace=given["namespace"], MetricData=[{**measured, "Value": given["threshold"] + 1}])
    until("the alarm in the chat", lambda: [one for one in webhook.heard if given["name"] in json.dumps(one)])
    notices = until(
        "the alarm at the webhook", lambda: [one for one in endpoint.heard if given["name"] in json.dumps(one)]
    )
    assert json.loads(notices[0]["Message"])["NewStateValue"] == "ALARM"


def test_bad_record(world, bundles):
    """A bad record becomes a dead letter, and the others are counted."""
    before = len(world.items())
    good = lines(bundles, 3, shift=0.0)
    broken = json.dumps({**json.loads(good[0]), "features": {"sqft": "large"}})
    record = {"eventSource": "aws:sqs", "messageId": "replayed-1", "body": "\n".join([*good[1:], broken])}
    assert world.invoke("aggregator", {"Records": [record]}) == {"batchItemFailures": []}
    assert len(world.items()) > before
    letters = world.client("sqs").receive_message(QueueUrl=world.letters, MaxNumberOfMessages=10).get("Messages", [])
    assert len(letters) == 1
    stored = world.items()
    assert world.invoke("aggregator", {"Records": [record]}) == {"batchItemFailures": []}
    assert world.items() == stored


@pytest.mark.parametrize(
    ("what", "service", "forbidden"),
    [
        ("aggregator", "dynamodb", lambda world, client: client.scan(TableName=world.table)),
        ("aggregator", "sns", lambda world, client: client.publish(TopicArn=world.topic, Message="x")),
        ("evaluator", "sqs", lambda world, client: client.send_message(QueueUrl=world.letters, MessageBody="x")),
        ("evaluator", "dynamodb", lambda world, client: client.delete_table(TableName=world.table)),
        ("evaluator", "s3", lambda world, client: client.put_object(Bucket=world.log_bucket, Key="predictions/a", Body=b"")),
        ("evaluator", "s3", lambda world, client: client.get_object(Bucket=world.log_bucket, Key="answers/a")),
        ("notifier", "dynamodb", lambda world, client: client.get_item(TableName=world.table, Key={"pk": {"S": "a"}, "sk": {"S": "b"}})),
    ],
    ids=["aggregator-reads", "aggregator-alerts", "evaluator-sends", "evaluator-deletes-table", "evaluator-writes-log", "evaluator-reads-answers", "notifier-reads"],
)  # fmt: skip
def test_role_limits(world, what, service, forbidden):
    """A role may not do what its function does not."""
    name = world.graph.one("lambda.Function", f"{what}-function").inputs["name"]
    world.client("iam").update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": "*", "Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))  # fmt: skip
    keys = world.client("sts").assume_role(RoleArn=f"arn:aws:iam::123456789012:role/{name}", RoleSessionName="test")[
        "Credentials"
    ]
    credentials = {
        "aws_access_key_id": keys["AccessKeyId"], "aws_secret_access_key": keys["SecretAccessKey"], "aws_session_token": keys["SessionToken"],
    }  # fmt: skip
    with pytest.raises(ClientError, match=r"AccessDenied|not authorized|AuthorizationError"):
        forbidden(world, world.client(service, **credentials))
