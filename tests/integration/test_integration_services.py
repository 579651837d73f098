"""The services' own code in a local AWS that enforces IAM, under the roles and settings that the graph declares.

The functions are made of zip files that import this checkout: the emulator runs no images without Docker. Their
command, environment and role policy are the graph's.
"""

# ruff: noqa: E501 - a call to AWS is read as one line

from __future__ import annotations

import io
import json
import random
import subprocess
import sys
import threading
import time
import urllib.request
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore.exceptions import ClientError
from drift_contracts import MonitoringSpec
from drift_predictor import Service, open_bundles, read_settings

from tools.stack_checks.graph import MARKER, rewrite
from tools.stack_checks.iam import role_policies
from tools.stack_checks.stacks import graph_of, settings_of

CHANGES = {"alertEmails": '["ops@example.com"]', "slackWebhook": "https://chat.example.com/services/key"}
MONITOR = ("aggregator", "evaluator", "notifier")
MINUTES_AGO = 30
PATIENCE = 90


def until(what, check):
    """The first true answer of a check, asked every half second."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = check()
        if found:
            return found
        time.sleep(0.5)
    raise AssertionError(f"not within {PATIENCE} s: {what}")


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


class World:
    """What the graph declares around the monitor, made by hand in the emulator."""

    def __init__(self, graph, aws, bundles, webhook, endpoint) -> None:
        self.graph, self.aws, self.bundles, self.endpoint = graph, aws, bundles, endpoint
        self.made = {}
        self._queues_table_topic(webhook)
        self._functions()
        self._wire()

    def client(self, service, **credentials):
        keys = {"aws_access_key_id": "test", "aws_secret_access_key": "test", **credentials}
        return boto3.client(service, endpoint_url=self.aws.url, region_name="us-east-1", **keys)

    def _queues_table_topic(self, webhook) -> None:
        given = self.graph.one("dynamodb.Table", "windows-table").inputs
        self.table = given["name"]
        keys = [("HASH", given["hashKey"]), ("RANGE", given["rangeKey"])]
        self.client("dynamodb").create_table(
            TableName=self.table,
            BillingMode=given["billingMode"],
            AttributeDefinitions=[
                {"AttributeName": one["name"], "AttributeType": one["type"]} for one in given["attributes"]
            ],
            KeySchema=[{"KeyType": kind, "AttributeName": name} for kind, name in keys],
        )
        for node in self.graph.of("sqs.Queue"):
            url = self.client("sqs").create_queue(QueueName=node.inputs["name"])["QueueUrl"]
            self.made[node.kind, node.name, "url"] = url
        self.letters = self.made["aws:sqs/queue:Queue", "dead-letters-queue", "url"]
        topic = self.graph.one("sns.Topic", "alerts-topic")
        self.topic = self.client("sns").create_topic(Name=topic.inputs["name"])["TopicArn"]
        self.made[topic.kind, topic.name, "arn"] = self.topic
        secret = self.graph.one("secretsmanager.Secret", "alerts-slack")
        arn = self.client("secretsmanager").create_secret(Name=secret.inputs["name"], SecretString=webhook.url)["ARN"]
        self.made[secret.kind, secret.name, "arn"] = arn

    def _functions(self) -> None:
        policies = role_policies(self.graph)
        trust = self.graph.one("iam.Role", "aggregator-role").inputs["assumeRolePolicy"]
        self.functions = {}
        for what in MONITOR:
            node = self.graph.one("lambda.Function", f"{what}-function")
            name = node.inputs["name"]
            role = self.client("iam").create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]["Arn"]
            policy = policies[f"{what}-policy"].replace("alerts-slack-AbCdEf", "slack-webhook-*")
            policy = policy.replace("slack-webhook-AbCdEf", "slack-webhook-*")
            self.client("iam").put_role_policy(RoleName=name, PolicyName="least-privilege", PolicyDocument=policy)
            self.functions[what] = self.client("lambda").create_function(
                FunctionName=name, Role=role, Runtime="python3.11", Handler=f"shim.{what}", Timeout=60,
                Code={"ZipFile": shim(node.inputs["imageConfig"]["commands"][0], what)},
                Environment={"Variables": self._environment(node)},
            )["FunctionArn"]  # fmt: skip

    def _environment(self, node):
        declared = node.inputs["environment"]["variables"]
        filled = rewrite(declared, lambda text: MARKER.sub(lambda one: self.made[one.groups()], text))
        return {**filled, "DRIFT_BUNDLES": str(self.bundles), "AWS_ENDPOINT_URL": self.aws.url}

    def _wire(self) -> None:
        self.log_group = self.graph.one("cloudwatch.LogGroup", "predictor-logs").inputs["name"]
        logs = self.client("logs")
        logs.create_log_group(logGroupName=self.log_group)
        logs.create_log_stream(logGroupName=self.log_group, logStreamName="instance")
        may = {"Action": "lambda:InvokeFunction"}
        self.client("lambda").add_permission(
            FunctionName=self.functions["aggregator"], StatementId="Logs", Principal="logs.amazonaws.com", **may
        )
        self.client("lambda").add_permission(
            FunctionName=self.functions["notifier"], StatementId="Topic", Principal="sns.amazonaws.com", **may
        )
        logs.put_subscription_filter(  # the emulator knows the empty pattern only; the aggregator leaves other lines alone
            logGroupName=self.log_group,
            filterName="aggregator",
            filterPattern="",
            destinationArn=self.functions["aggregator"],
        )
        self.client("sns").subscribe(TopicArn=self.topic, Protocol="lambda", Endpoint=self.functions["notifier"])
        self.client("sns").subscribe(TopicArn=self.topic, Protocol="http", Endpoint=self.endpoint.url)

    def invoke(self, what, event):
        answer = self.client("lambda").invoke(FunctionName=self.functions[what], Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def items(self):
        return self.client("dynamodb").scan(TableName=self.table)["Items"]


def shim(command: str, what: str) -> bytes:
    """A zip whose handler is the command that the graph declares, imported from this checkout's environment."""
    module, _, function = command.rpartition(".")
    source = f"import sys\nsys.path[:0] = {sys.path!r}\nfrom {module} import {function} as {what}\n"
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("shim.py", source)
    return packed.getvalue()


@pytest.fixture(scope="module")
def world(root, aws, bundles, webhook, endpoint):
    graph = graph_of(settings_of(root, "dev", CHANGES), root)
    return World(graph, aws, bundles, webhook, endpoint)


def lines(bundles, many, shift):
    """Lines of the real predictor for houses whose area is moved by so many standard deviations, half an hour old."""
    seeded, written = random.Random(7), []
    start = (time.time_ns() // 60_000_000_000 - MINUTES_AGO) * 60_000_000_000
    settings = read_settings({"DRIFT_BUNDLES": str(bundles), "DRIFT_STACK": "dev"})
    service = Service(
        open_bundles(settings), settings, MonitoringSpec.load(),
        clock=lambda: start + len(written) * 1_000_000, timer=time.perf_counter_ns, random_bytes=seeded.randbytes, write=written.append,
    )  # fmt: skip
    for _ in range(many):
        features = {
            "bedrooms": seeded.randint(1, 5), "bathrooms": seeded.randint(1, 3), "age": seeded.randint(0, 49),
            "sqft": max(200.0, seeded.gauss(2000 + 500 * shift, 500)), "location_score": seeded.uniform(1, 10),
        }  # fmt: skip
        assert service.respond("POST", "/predict", json.dumps({"features": features}).encode()).status == 200
    return written


def put(world, texts):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": text} for text in texts]
    world.client("logs").put_log_events(logGroupName=world.log_group, logStreamName="instance", logEvents=events)


@pytest.fixture(scope="module")
def drifted(world, bundles, webhook):
    """What the evaluator answered and the chat heard after half an hour's drift reached the log."""
    put(world, ["START RequestId: an ordinary line of the platform", *lines(bundles, 1500, shift=1.0)])
    until("windows in the table", lambda: [one for one in world.items() if one["pk"]["S"].startswith("fragments#")])
    answer = world.invoke("evaluator", {})
    until("a message in the chat", lambda: [one for one in webhook.heard if "sqft" in json.dumps(one)])
    return answer, [json.dumps(one) for one in webhook.heard if "sqft" in json.dumps(one)]


def test_a_drift_in_the_log_becomes_one_message_in_the_chat(drifted):
    answer, messages = drifted
    assert answer == {"series": 1, "alarms": 1}
    assert len(messages) == 1
    assert "Since" in messages[0]
    assert "cloudwatch/home?region=us-east-1#dashboards" in messages[0]


@pytest.mark.usefixtures("drifted")
def test_an_evaluation_with_nothing_new_tells_nobody(world, webhook):
    before = len(webhook.heard)
    assert world.invoke("evaluator", {})["series"] == 1
    assert len(webhook.heard) == before


def test_an_alarm_that_cloudwatch_raises_reaches_the_chat_and_the_webhook(world, webhook, endpoint):
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


def test_a_bad_record_waits_among_the_dead_letters_and_the_rest_goes_through(world, bundles):
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
def test_a_role_may_not_do_what_its_function_does_not(world, what, service, forbidden):
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
