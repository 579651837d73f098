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
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from botocore.exceptions import ClientError

from tests.integration.monitored import World, lines, put, until
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
def drifted(world, bundles, webhook):
    """What the evaluator answered and the chat heard after half an hour's drift reached the log."""
    put(world, ["START RequestId: an ordinary line of the platform", *lines(bundles, 1500, shift=1.0)])
    until("windows in the table", lambda: [one for one in world.items() if one["pk"]["S"].startswith("fragments#")])
    answer = world.invoke("evaluator", {})
    until("a message in the chat", lambda: [one for one in webhook.heard if "sqft" in json.dumps(one)])
    return answer, [json.dumps(one) for one in webhook.heard if "sqft" in json.dumps(one)]


def test_drift_to_chat(drifted):
    """A drift in the log becomes a single message in the chat."""
    answer, messages = drifted
    assert answer == {"series": 1, "alarms": 1}
    assert len(messages) == 1
    assert "Since" in messages[0]
    assert "cloudwatch/home?region=us-east-1#dashboards" in messages[0]


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
        ("notifier", "dynamodb", lambda world, client: client.get_item(TableName=world.table, Key={"pk": {"S": "a"}, "sk": {"S": "b"}})),
    ],
    ids=["aggregator-reads", "aggregator-alerts", "evaluator-sends", "evaluator-deletes-table", "notifier-reads"],
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
