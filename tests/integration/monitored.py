"""What the graph declares around the monitor, made by hand in the local AWS, and lines of the real predictor."""

# ruff: noqa: E501 - a call to AWS is read as one line

from __future__ import annotations

import gzip
import io
import json
import random
import sys
import time
import zipfile
from datetime import datetime

import boto3
from drift_contracts import MonitoringSpec
from drift_contracts.prediction_log import place
from drift_monitor.stores.packing import unpack
from drift_predictor import Service, open_bundles, read_settings

from tools.stack_checks.graph import MARKER, rewrite
from tools.stack_checks.iam import role_policies

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


class World:
    """What the graph declares around the monitor, made by hand in the emulator."""

    def __init__(self, graph, aws, bundles, webhook, endpoint) -> None:
        """webhook, endpoint: addresses that the notifier posts to, and that SNS posts to."""
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
        self.log_bucket = self.graph.one("s3.Bucket", "log-bucket-bucket").inputs["bucket"]
        self.client("s3").create_bucket(Bucket=self.log_bucket)
        topic = self.graph.one("sns.Topic", "alerts-topic")
        self.topic = self.client("sns").create_topic(Name=topic.inputs["name"])["TopicArn"]
        self.made[topic.kind, topic.name, "arn"] = self.topic
        secret = self.graph.one("secretsmanager.Secret", "alerts-slack")
        arn = self.client("secretsmanager").create_secret(Name=secret.inputs["name"], SecretString=webhook)["ARN"]
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
            # the emulator asks for an action of the batch's own; AWS asks for sqs:SendMessage
            policy = policy.replace('"sqs:SendMessage"', '"sqs:SendMessage", "sqs:SendMessageBatch"')
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
        self.client("sns").subscribe(TopicArn=self.topic, Protocol="http", Endpoint=self.endpoint)

    def deploy(self, bundles):
        """Give the functions an image of other bundles, and have the baselines written, as an update does."""
        self.bundles = bundles
        for what in MONITOR:
            node = self.graph.one("lambda.Function", f"{what}-function")
            self.client("lambda").update_function_configuration(
                FunctionName=node.inputs["name"], Environment={"Variables": self._environment(node)}
            )
        return self.invoke(
            "aggregator", json.loads(self.graph.one("lambda.Invocation", "monitor-baselines").inputs["input"])
        )

    def invoke(self, what, event):
        answer = self.client("lambda").invoke(FunctionName=self.functions[what], Payload=json.dumps(event).encode())
        body = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, body
        return body

    def events(self):
        """Return how many events the fragments in the table hold."""
        fragments = [one for one in self.items() if one["pk"]["S"].startswith("fragments#")]
        return sum(unpack(one["window"]["B"])["events"] for one in fragments)

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


def lines(bundles, many, shift):
    """Lines of the real predictor for houses whose area is moved by so many standard deviations, half an hour old."""
    return spoken(bundles, [(shift, 49)] * many, MINUTES_AGO, 1_000_000)


def two_drifts(bundles):
    """Lines of an hour, 60 a minute: larger houses from minute 5 to 25, younger ones from minute 15 on."""
    houses = []
    for minute in range(60):
        shift, oldest = (2.0 if 5 <= minute < 25 else 0.0), (20 if minute >= 15 else 49)
        houses += [(shift, oldest)] * 60
    return spoken(bundles, houses, 64, 1_000_000_000)


def spoken(bundles, houses, minutes_ago, step):
    """Lines for houses of a shifted area and of an age up to some years, so many nanoseconds apart."""
    seeded, written = random.Random(7), []
    start = (time.time_ns() // 60_000_000_000 - minutes_ago) * 60_000_000_000
    settings = read_settings({"DRIFT_BUNDLES": str(bundles), "DRIFT_STACK": "dev"})
    service = Service(
        open_bundles(settings), settings, MonitoringSpec.load(),
        clock=lambda: start + len(written) * step, timer=time.perf_counter_ns, random_bytes=seeded.randbytes, write=written.append,
    )  # fmt: skip
    for shift, oldest in houses:
        features = {
            "bedrooms": seeded.randint(1, 5), "bathrooms": seeded.randint(1, 3), "age": seeded.randint(0, oldest),
            "sqft": max(200.0, seeded.gauss(2000 + 500 * shift, 500)), "location_score": seeded.uniform(1, 10),
        }  # fmt: skip
        assert service.respond("POST", "/predict", json.dumps({"features": features}).encode()).status == 200
    return written


def keep(world, texts):
    """Put lines into the bucket of the prediction log, as the stream does: by when the first arrived."""
    first = json.loads(texts[0])
    at = datetime.fromisoformat(first["timestamp"])
    name = f"predictions-1-{at:%Y-%m-%d-%H-%M-%S}-{first['prediction_id']}.gz"
    key = place(first["Model"], f"{at:%Y-%m-%d}", f"{at:%H}") + name
    body = gzip.compress("\n".join(texts).encode())
    world.client("s3").put_object(Bucket=world.log_bucket, Key=key, Body=body)


def put(world, texts):
    now = int(time.time() * 1000)
    events = [{"timestamp": now, "message": text} for text in texts]
    world.client("logs").put_log_events(logGroupName=world.log_group, logStreamName="instance", logEvents=events)
