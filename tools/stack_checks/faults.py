"""Faults that somebody could make, planted one at a time: they prove that the checkers still bite.

Each says which checkers find it; the session `infra` compares that with what they do find.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from .graph import Inputs

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from drift_contracts.json_types import JsonValue

    from .graph import Graph

    Plant: TypeAlias = Callable[[Graph], None]

CHECKERS = ("rules", "cfn-lint", "terraform", "checkov", "parliament")


@dataclass(frozen=True)
class Fault:
    """A change that breaks a graph, and who must notice."""

    name: str
    #: Makes the change in a graph.
    plant: Plant
    #: Some of CHECKERS.
    caught_by: frozenset[str]
    #: The stack file in whose graph it is planted.
    stack: str = "dev"

    def graph(self, sound: Graph) -> Graph:
        """Return a graph with the fault in it; the sound one stays as it is."""
        broken = sound.copy()
        self.plant(broken)
        return broken


def _put(target: JsonValue, path: str, value: JsonValue) -> None:
    """Set a value in a document, or take it out where it is None.

    Args:
        target: a dict or a list, at any depth of them.
        path: names and places with slashes between; what is missing on the way is made.
        value: what to put there.
    """
    *steps, last = path.split("/")
    for step in steps:
        if isinstance(target, list):
            target = target[int(step)]
        elif isinstance(target, dict):
            target = target.setdefault(step, {})
    if isinstance(target, list):
        target[int(last)] = value
    elif isinstance(target, dict) and value is None:
        target.pop(last)
    elif isinstance(target, dict):
        target[last] = value


def _set(short: str, name: str, path: str, value: JsonValue) -> Plant:
    """Return what sets an input of a resource."""
    return lambda graph: _put(graph.one(short, name).inputs, path, value)


def _text(short: str, name: str, field: str, old: str, new: str) -> Plant:
    """Return what replaces a part of a text. It raises LookupError where that is not there."""

    def plant(graph: Graph) -> None:
        inputs = graph.one(short, name).inputs
        text = inputs.text(field)
        # A fault that changes nothing would be one that nobody finds.
        if old not in text:
            raise LookupError(old)
        _put(inputs, field, text.replace(old, new))

    return plant


def _option(short: str, name: str, option: str, value: object) -> Plant:
    """Return what sets an option of a resource: a field of its node."""
    return lambda graph: setattr(graph.one(short, name), option, value)


def _drop(short: str, name: str) -> Plant:
    """Return what takes a resource out of the program."""
    return lambda graph: graph.nodes.remove(graph.one(short, name))


#: A widget of a log that no stack has, beside all others.
LOG_WIDGET: JsonValue = {
    "type": "log",
    "x": 0,
    "y": 900,
    "width": 8,
    "height": 6,
    "properties": {"title": "t", "region": "us-east-1", "query": "SOURCE 'gone' | limit 1"},
}


def _widget(path: str, value: JsonValue) -> Plant:
    """Return what sets a value in the dashboard's list of widgets."""

    def plant(graph: Graph) -> None:
        inputs = graph.one("cloudwatch.Dashboard", "observability-dashboard").inputs
        body = json.loads(inputs.text("dashboardBody"))
        _put(body["widgets"], path, value)
        inputs["dashboardBody"] = json.dumps(body)

    return plant


def _retained_without_guards(graph: Graph) -> None:
    """Keep the bucket and nothing of what guards it."""
    graph.one("s3.Bucket", "log-bucket-bucket").retain = True


def _warm_on_the_alias(graph: Graph) -> None:
    """Keep an instance warm where Lambda itself splits the traffic at every new version."""
    trial = graph.one("lambda.Invocation", "predictor-trial")
    inputs = Inputs(
        functionName=trial.inputs["functionName"],
        qualifier="live",
        provisionedConcurrentExecutions=1,
    )
    kind = "aws:lambda/provisionedConcurrencyConfig:ProvisionedConcurrencyConfig"
    urn = trial.urn.replace(trial.kind, kind).replace(trial.name, "predictor-warm")
    graph.nodes.append(replace(trial, kind=kind, name="predictor-warm", urn=urn, inputs=inputs))


def _built_by_path(graph: Graph) -> None:
    """Build the image from a path that only this machine has."""
    repository = graph.one("ecr.Repository", "image-repository")
    inputs = Inputs(
        build={"context": "/home/ann/stack", "dockerfile": "/home/ann/stack/Dockerfile"}
    )
    kind = "docker:index/image:Image"
    urn = repository.urn.replace(repository.kind, kind).replace(repository.name, "image-image")
    image = replace(repository, kind=kind, name="image-image", urn=urn, inputs=inputs)
    graph.nodes.append(replace(image, delete_first=False, secrets=frozenset({"registry"})))


PREDICTOR = ("lambda.Function", "predictor-function")
AGGREGATOR = ("lambda.Function", "aggregator-function")
DRIFT = ("cloudwatch.MetricAlarm", "house-price-high-drift")
SHARE = ("cloudwatch.MetricAlarm", "house-price-error-share")
COMPOSITE = ("cloudwatch.CompositeAlarm", "house-price-needs-attention")
ROUTE = ("apigatewayv2.Route", "api-post-predict")
STAGE = ("apigatewayv2.Stage", "api-stage")
TABLE = ("dynamodb.Table", "windows-table")
TOPIC = ("sns.Topic", "alerts-topic")
INTEGRATION = ("apigatewayv2.Integration", "api-integration")
ALIAS = ("lambda.Alias", "predictor-alias")
MAY = ("iam.RolePolicy", "aggregator-policy")


def _forgets(short: str, name: str, waits: str) -> Plant:
    """Return what takes the resources of a name out of what a resource waits for."""

    def plant(graph: Graph) -> None:
        node = graph.one(short, name)
        node.after = tuple(urn for urn in node.after if not urn.endswith(f"::{waits}"))

    return plant


def _fault(name: str, plant: Plant, *caught_by: str, stack: str = "dev") -> Fault:
    return Fault(name, plant, frozenset(caught_by), stack)


FAULTS = (
    # Alarms: what they read and whom they notify.
    _fault(
        "more datapoints to alarm than periods",
        _set(*DRIFT, "datapointsToAlarm", 5),
        "rules",
    ),
    _fault(
        "a misspelt argument of an alarm",
        _set(*DRIFT, "evaluationPeriod", 2),
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a comparison operator that does not exist",
        _set(*DRIFT, "comparisonOperator", "GreaterThan"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a treatment of missing data that does not exist",
        _set(*DRIFT, "treatMissingData", "ignored"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a metric with a typing error",
        _set(*DRIFT, "metricName", "DriftScores"),
        "rules",
    ),
    _fault(
        "a dimension that is not emitted",
        _set(*DRIFT, "dimensions", {"Stage": "dev", "Model": "house-price"}),
        "rules",
    ),
    _fault(
        "an alarm that tells nobody",
        _set(*DRIFT, "alarmActions", []),
        "rules",
    ),
    _fault(
        "an alarm that repeats what the evaluator tells",
        _set(
            "cloudwatch.MetricAlarm",
            "house-price-drift-evidence",
            "alarmActions",
            ["@@{aws:sns/topic:Topic|alerts-topic|arn}"],
        ),
        "rules",
    ),
    _fault(
        "a statistic that does not exist",
        _set(*DRIFT, "statistic", "Mean"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "two results of one expression alarm",
        _set(*SHARE, "metricQueries/0/returnData", True),
        "rules",
    ),
    _fault(
        "a declared alarm that is not created",
        _drop("cloudwatch.MetricAlarm", "house-price-no-data"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "lost events that ring nothing",
        _drop("cloudwatch.MetricAlarm", "house-price-events-lost"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "silence that rings before the first prediction",
        _set("cloudwatch.MetricAlarm", "house-price-no-data", "treatMissingData", "breaching"),
        "rules",
    ),
    _fault(
        "a composite rule that does not parse",
        _text(*COMPOSITE, "alarmRule", " OR ", " OR OR "),
        "rules",
    ),
    _fault(
        "a composite rule over a foreign alarm",
        _text(*COMPOSITE, "alarmRule", "high-drift", "hihg-drift"),
        "rules",
    ),
    # The dashboard.
    _fault(
        "a dashboard that is no JSON",
        _text(
            "cloudwatch.Dashboard",
            "observability-dashboard",
            "dashboardBody",
            '{"widgets"',
            "{widgets",
        ),
        "rules",
    ),
    _fault(
        "a widget off the grid",
        _widget("-1/x", 20),
        "rules",
    ),
    _fault(
        "a widget without a region",
        _widget("-1/properties/region", None),
        "rules",
    ),
    _fault(
        "a widget of a metric that nothing emits",
        _widget("2/properties/metrics/0/1", "Drift"),
        "rules",
    ),
    _fault(
        "a widget that asks a log that is not there",
        _widget("-1", LOG_WIDGET),
        "rules",
    ),
    _fault(
        "a panel of more alarms than CloudWatch draws",
        _widget("0/properties/alarms", ["arn"] * 101),
        "rules",
    ),
    # The API: routes, stage, integration.
    _fault(
        "a route key without a method",
        _set(*ROUTE, "routeKey", "predict"),
        "rules",
    ),
    _fault(
        "an operation without a route",
        _drop(*ROUTE),
        "rules",
    ),
    _fault(
        "an integration that waits longer than 30 s",
        _set(*INTEGRATION, "timeoutMilliseconds", 45_000),
        "rules",
    ),
    _fault(
        "a function that outlives the API's patience",
        _set(*PREDICTOR, "timeout", 29),
        "rules",
    ),
    _fault(
        "a payload format that does not exist",
        _set(*INTEGRATION, "payloadFormatVersion", "3.0"),
        "terraform",
    ),
    _fault(
        "an authorization type that does not exist",
        _set(*ROUTE, "authorizationType", "IAM"),
        "terraform",
    ),
    _fault(
        "a token's route without its authorizer",
        _set(*ROUTE, "authorizationType", "JWT"),
        "rules",
    ),
    _fault(
        "metrics of each route, which cost and nobody reads",
        _set(*STAGE, "defaultRouteSettings/detailedMetricsEnabled", True),
        "rules",
    ),
    _fault(
        "a stage without a throttle",
        _set(*STAGE, "defaultRouteSettings", {}),
        "rules",
    ),
    _fault(
        "an access log that is no JSON",
        _set(*STAGE, "accessLogSettings/format", "$context.requestId $context.status }"),
        "rules",
    ),
    _fault(
        "an API that goes around the alias",
        _set(
            *INTEGRATION,
            "integrationUri",
            "@@{aws:lambda/function:Function|predictor-function|invokeArn}",
        ),
        "rules",
    ),
    # Functions: image, limits, environment, logs.
    _fault(
        "a tag instead of a digest",
        _set(*PREDICTOR, "imageUri", "123456789012.dkr.ecr.us-east-1.amazonaws.com/image:latest"),
        "rules",
    ),
    _fault(
        "SnapStart on an image function",
        _set(*PREDICTOR, "snapStart", {"applyOn": "PublishedVersions"}),
        "rules",
    ),
    _fault(
        "memory out of range",
        _set(*PREDICTOR, "memorySize", 64),
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a processor that Lambda does not have",
        _set(*PREDICTOR, "architectures", ["arm"]),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a processor that differs from the image's",
        _set(*PREDICTOR, "architectures", ["x86_64"]),
        "rules",
    ),
    _fault(
        "a timeout over Lambda's limit",
        _set(*AGGREGATOR, "timeout", 1000),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a command that the image does not have",
        _set(*AGGREGATOR, "imageConfig/commands", ["drift_monitor.aggregate"]),
        "rules",
    ),
    _fault(
        "an environment variable with a typing error",
        _set(*AGGREGATOR, "environment/variables/DRIFT_TABEL", "windows"),
        "rules",
    ),
    _fault(
        "a probe that nobody can tell from a stranger",
        _set("lambda.Function", "probe-function", "environment/variables/DRIFT_FUNCTION", None),
        "rules",
    ),
    _fault(
        "a secret in the environment",
        _set(*PREDICTOR, "environment/variables/DRIFT_TOKEN", "hunter2"),
        "rules",
    ),
    _fault(
        "a log group that nobody owns",
        _drop("cloudwatch.LogGroup", "aggregator-logs"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a log group without retention",
        _set("cloudwatch.LogGroup", "predictor-logs", "retentionInDays", None),
        "rules",
        "checkov",
    ),
    _fault(
        "a retention that CloudWatch does not have",
        _set("cloudwatch.LogGroup", "predictor-logs", "retentionInDays", 10),
        "cfn-lint",
        "terraform",
    ),
    # The alias.
    _fault(
        "three versions behind an alias",
        _set(*ALIAS, "routingConfig", {"additionalVersionWeights": {"1": 0.1, "2": 0.1}}),
        "rules",
    ),
    _fault(
        "an alias that an update would move back",
        _option(*ALIAS, "ignored", ("routingConfig",)),
        "rules",
    ),
    # Policies.
    _fault(
        "an IAM action that does not exist",
        _text(*MAY, "policy", "dynamodb:PutItem", "dynamodb:PutItems"),
        "cfn-lint",
        "parliament",
    ),
    _fault(
        "every action of a service",
        _text(*MAY, "policy", '"dynamodb:PutItem"', '"dynamodb:*"'),
        "rules",
        "parliament",
    ),
    _fault(
        "every resource",
        _text(*MAY, "policy", "@@{aws:dynamodb/table:Table|windows-table|arn}", "*"),
        "rules",
    ),
    _fault(
        "a policy that is no JSON",
        _text(*MAY, "policy", '{"Version"', "{Version"),
        "rules",
    ),
    _fault(
        "a policy of a version that does not exist",
        _text(*MAY, "policy", "2012-10-17", "2012-10-18"),
        "cfn-lint",
        "parliament",
    ),
    # What is stored and how it is guarded.
    _fault(
        "a table without its lifetime attribute",
        _set(*TABLE, "ttl/attributeName", "expiry"),
        "rules",
    ),
    _fault(
        "a billing mode that does not exist",
        _set(*TABLE, "billingMode", "ON_DEMAND"),
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a table whose key is not declared",
        _set(*TABLE, "attributes/1/name", "sort"),
        "rules",
        "cfn-lint",
    ),
    _fault(
        "a topic without a key",
        _set(*TOPIC, "kmsMasterKeyId", None),
        "rules",
        "checkov",
    ),
    _fault(
        "a topic under AWS's own key",
        _set(*TOPIC, "kmsMasterKeyId", "alias/aws/sns"),
        "rules",
    ),
    _fault(
        "a key that is not rotated",
        _set("kms.Key", "alerts-key", "enableKeyRotation", False),
        "rules",
        "checkov",
    ),
    _fault(
        "a queue without encryption",
        _set("sqs.Queue", "dead-letters-queue", "sqsManagedSseEnabled", False),
        "rules",
    ),
    _fault(
        "a bucket open to the public",
        _set("s3.BucketPublicAccessBlock", "log-bucket-private", "blockPublicAcls", False),
        "rules",
        "checkov",
    ),
    _fault(
        "a bucket that takes plain HTTP",
        _drop("s3.BucketPolicy", "log-bucket-tls"),
        "rules",
    ),
    _fault(
        "tags that can move",
        _set("ecr.Repository", "image-repository", "imageTagMutability", "MUTABLE"),
        "rules",
        "checkov",
    ),
    _fault(
        "images that are not scanned",
        _set("ecr.Repository", "image-repository", "imageScanningConfiguration/scanOnPush", False),
        "rules",
        "checkov",
    ),
    _fault(
        "a lifecycle that expires the live image",
        _text("ecr.LifecyclePolicy", "image-lifecycle", "policy", '"trial-"', '"c-"'),
        "rules",
    ),
    _fault(
        "a lifecycle that expires an image deployed by digest alone",
        _text(
            "ecr.LifecyclePolicy",
            "image-lifecycle",
            "policy",
            '"tagged", "tagPrefixList": ["trial-"]',
            '"untagged"',
        ),
        "rules",
    ),
    # Calls that nobody waits for.
    _fault(
        "a schedule with the wrong noun",
        _set("scheduler.Schedule", "evaluation-schedule", "scheduleExpression", "rate(1 minutes)"),
        "rules",
    ),
    _fault(
        "failed batches that are lost",
        _set("lambda.FunctionEventInvokeConfig", "monitor-retries", "destinationConfig", None),
        "rules",
    ),
    _fault(
        "a topic's events at the predictor that are lost",
        _set("lambda.FunctionEventInvokeConfig", "predictor-retries", "destinationConfig", None),
        "rules",
    ),
    _fault(
        "events at the predictor's alias that are lost",
        _drop("lambda.FunctionEventInvokeConfig", "predictor-alias-retries"),
        "rules",
    ),
    _fault(
        "undelivered notices that the queue does not admit",
        _text(
            "sqs.QueuePolicy",
            "dead-letters-queue-policy",
            "policy",
            "sns.amazonaws.com",
            "sqs.amazonaws.com",
        ),
        "rules",
    ),
    _fault(
        "a scheduled run that is repeated",
        _set("lambda.FunctionEventInvokeConfig", "evaluation-once", "maximumRetryAttempts", 2),
        "rules",
    ),
    # The prediction log.
    _fault(
        "a stream that starts before it may write",
        _option("kinesis.FirehoseDeliveryStream", "prediction-log-stream", "after", ()),
        "rules",
    ),
    _fault(
        "a buffer too small for partitions",
        _set(
            "kinesis.FirehoseDeliveryStream",
            "prediction-log-stream",
            "extendedS3Configuration/bufferingSize",
            5,
        ),
        "rules",
    ),
    _fault(
        "a table that looks where nothing is written",
        _set(
            "glue.CatalogTable",
            "questions-table",
            "parameters/storage.location.template",
            "s3://bucket/predictions/${model}/${dt}/",
        ),
        "rules",
    ),
    _fault(
        "a role that another account could borrow",
        _text("iam.Role", "evaluation-role", "assumeRolePolicy", "123456789012", "*"),
        "rules",
    ),
    _fault(
        "a webhook that never has to confirm",
        _set("sns.TopicSubscription", "alerts-webhook-976cc5ee", "endpointAutoConfirms", False),
        "rules",
    ),
    _fault(
        "a permission without a source",
        _set("lambda.Permission", "monitor-logs-may-invoke", "sourceArn", None),
        "rules",
    ),
    _fault(
        "a resource without a parent",
        _option(
            "sqs.Queue",
            "dead-letters-queue",
            "urn",
            "urn:pulumi:dev::p::aws:sqs/queue:Queue::dead-letters-queue",
        ),
        "rules",
    ),
    _fault(
        "a subscription of a protocol that does not exist",
        _set("sns.TopicSubscription", "alerts-email-af3c8254", "protocol", "mail"),
        "terraform",
    ),
    _fault(
        "a webhook's address in plain text",
        _option("sns.TopicSubscription", "alerts-webhook-976cc5ee", "secrets", frozenset()),
        "rules",
    ),
    _fault(
        "a subscription that is named by its place in a list",
        _option("sns.TopicSubscription", "alerts-email-af3c8254", "name", "alerts-email-1"),
        "rules",
    ),
    _fault(
        "an alias that moves before its version was called",
        _option(*ALIAS, "after", ()),
        "rules",
    ),
    _fault(
        "a trial of another version than the alias calls",
        _set("lambda.Invocation", "predictor-trial", "qualifier", "1"),
        "rules",
    ),
    _fault(
        "a name that is given away twice when an alarm is replaced",
        _option(*COMPOSITE, "delete_first", False),
        "rules",
    ),
    _fault(
        "a retained bucket whose guards go",
        _retained_without_guards,
        "rules",
    ),
    # What a stack shares with the others of its account, and who hears of a failure.
    _fault(
        "an access log in the account's full policy",
        _set(
            *("cloudwatch.LogGroup", "api-requests-log", "name"),
            "/aws/apigateway/mlops-drift-monitor-dev-api",
        ),
        "rules",
    ),
    _fault(
        "a budget that counts every stack of the project",
        _set(
            *("budgets.Budget", "observability-budget", "costFilters/0/values"),
            ["user:Project$mlops-drift-monitor"],
        ),
        "rules",
    ),
    _fault(
        "an outage that the pager does not hear",
        _drop("cloudwatch.CompositeAlarm", "platform-needs-attention"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "an open API that takes a thousand rows",
        _set(*PREDICTOR, "environment/variables/DRIFT_MOST_ROWS", None),
        "rules",
    ),
    _fault(
        "a log that may grow unseen",
        _drop("cloudwatch.MetricAlarm", "log-flood"),
        "rules",
        "cfn-lint",
        "terraform",
    ),
    _fault(
        "a notifier that sleeps through the first alert",
        _drop("scheduler.Schedule", "notifier-awake-schedule"),
        "rules",
    ),
    _fault(
        "a version whose baseline is not kept",
        _drop("lambda.Invocation", "monitor-baselines"),
        "rules",
    ),
    _fault(
        "an instance kept warm on the alias",
        _warm_on_the_alias,
        "rules",
    ),
    _fault(
        "an image that is built from one machine's path",
        _built_by_path,
        "rules",
    ),
    _fault(
        "a work group that stays because somebody has asked",
        _set("athena.Workgroup", "questions-workgroup", "forceDestroy", False),
        "rules",
    ),
    _fault(
        "links into another partition's console",
        _text(
            *("lambda.Function", "evaluator-function", "environment/variables/DRIFT_LINKS"),
            "console.aws.amazon.com",
            "console.amazonaws-us-gov.com",
        ),
        "rules",
    ),
    _fault(
        "a role that the permissions boundary leaves out",
        _set(
            *("iam.Role", "evaluator-role", "permissionsBoundary"),
            "arn:aws:iam::123456789012:policy/boundary",
        ),
        "rules",
    ),
    # How production ends.
    _fault(
        "an alias that a destroy of prod takes before it refuses",
        _forgets("cloudwatch.Dashboard", "observability-dashboard", "predictor-alias"),
        "rules",
        stack="prod",
    ),
    _fault(
        "an API of prod that a destroy takes",
        _option("apigatewayv2.Api", "api-api", "protect", False),
        "rules",
        stack="prod",
    ),
)


def fault_table() -> str:
    """Return which checker finds which fault, as Markdown."""
    lines = [
        f"| fault | {' | '.join(CHECKERS)} |",
        f"|---|{'---|' * len(CHECKERS)}",
    ]
    for fault in FAULTS:
        marks = ["x" if checker in fault.caught_by else "" for checker in CHECKERS]
        lines.append(f"| {' | '.join([fault.name, *marks])} |")
    return "\n".join(lines)
