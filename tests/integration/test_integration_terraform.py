"""The whole dev stack made for real in a local AWS: applied, planned again, moved to a new image, destroyed.

pulumi-aws bridges the provider that is used here, so what this applies is what `pulumi up` would ask for.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import boto3
import pytest

from tools.stack_checks.stacks import graph_of, settings_of
from tools.stack_checks.terraform import terraform
from tools.stack_checks.validate import find

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

TOOL = find()
ACCOUNT, REGION = "123456789012", "us-east-1"
CHANGES = {"alertEmails": '["ops@example.com"]', "slackWebhook": "https://chat.example.com/services/key"}

# What the emulator does not have, by type.
LACKING = {
    "cloudwatch.QueryDefinition": "PutQueryDefinition is not implemented",
    "lambda.Invocation": "it runs no container images; tests/pulumi calls functions that a server of ours answers",
}

# What the emulator has but does not give back as it was given, by type: a second plan wants to change these.
FORGETTING = {
    "aws_cloudwatch_composite_alarm": "DescribeAlarms gives neither description nor actions back",
    "aws_cloudwatch_dashboard": "its body names the composite alarm, which is to be replaced",
    "aws_cloudwatch_metric_alarm": "DescribeAlarms gives neither description, actions, period nor missing data back",
    "aws_kinesis_firehose_delivery_stream": "DescribeDeliveryStream leaves out parts of the S3 destination",
    "aws_sqs_queue": "the redrive policy's count comes back as text",
}

# What the emulator lists of each service, to see that it is there and then gone.
LISTED = {
    "apigatewayv2": ("get_apis", "Items"), "cloudwatch": ("describe_alarms", "MetricAlarms"),
    "dynamodb": ("list_tables", "TableNames"), "ecr": ("describe_repositories", "repositories"),
    "firehose": ("list_delivery_streams", "DeliveryStreamNames"), "iam": ("list_roles", "Roles"),
    "lambda": ("list_functions", "Functions"), "logs": ("describe_log_groups", "logGroups"),
    "s3": ("list_buckets", "Buckets"), "scheduler": ("list_schedules", "Schedules"),
    "secretsmanager": ("list_secrets", "SecretList"), "sns": ("list_topics", "Topics"),
    "sqs": ("list_queues", "QueueUrls"),
}  # fmt: skip

pytestmark = pytest.mark.skipif(TOOL is None, reason="NOT CHECKED: no terraform with an AWS provider on this machine")


def stack(root, digest: str) -> Graph:
    graph = graph_of(settings_of(root, "dev", {**CHANGES, "imageDigest": f"sha256:{digest * 64}"}), root)
    graph.nodes = [node for node in graph.nodes if node.short not in LACKING]
    return graph


def run(folder, *words):
    done = TOOL.run(folder, *words, "-json", seconds=900)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    errors = [line["@message"] for line in lines if line["@level"] == "error"]
    return errors, [line["change"] for line in lines if line.get("type") == "planned_change"]


def held(aws):
    """How many things the emulator holds, by service."""
    keys = {"aws_access_key_id": ACCOUNT, "aws_secret_access_key": "test", "region_name": REGION}
    clients = {name: boto3.client(name, endpoint_url=aws.url, **keys) for name in LISTED}
    return {name: len(getattr(clients[name], call)().get(key, ())) for name, (call, key) in LISTED.items()}


def write(folder, graph, aws):
    (folder / "main.tf.json").write_text(json.dumps(terraform(graph, provider=aws.provider())))


def test_stack_lifetime(root, aws, tmp_path):
    """The stack is applied, planned again, moved to a new image and destroyed."""
    graph, before = stack(root, "a"), held(aws)
    write(tmp_path, graph, aws)
    TOOL.init(tmp_path)

    errors, _ = run(tmp_path, "apply", "-auto-approve")
    assert errors == []
    made = set(TOOL.run(tmp_path, "state", "list").stdout.split())
    assert len(made) == len(graph.resources)
    assert all(many > before[name] for name, many in held(aws).items()), held(aws)

    errors, again = run(tmp_path, "plan")
    assert errors == []
    assert {one["resource"]["resource_type"] for one in again} <= set(FORGETTING)
    forgotten = {one["resource"]["addr"] for one in again}

    write(tmp_path, stack(root, "b"), aws)
    errors, moved = run(tmp_path, "plan", "-refresh=false")
    assert errors == []
    functions = {f"aws_lambda_function.{node.name}" for node in graph.of("lambda.Function")}
    changed = {one["resource"]["addr"]: one["action"] for one in moved if one["resource"]["addr"] not in forgotten}
    assert changed == dict.fromkeys((*functions, "aws_lambda_alias.predictor-alias"), "update")

    errors, _ = run(tmp_path, "destroy", "-auto-approve", "-refresh=false")
    assert errors == []
    assert TOOL.run(tmp_path, "state", "list").stdout == ""
    assert held(aws) == before
