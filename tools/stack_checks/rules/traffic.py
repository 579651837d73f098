"""The way of a request and of what it leaves behind: routes, callers, schedules, tables, logs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

LONGEST_INTEGRATION_MS = 30_000
#: Seconds that Lambda gives a function that names no timeout.
DEFAULT_TIMEOUT_S = 3
PART = r"([A-Za-z0-9._-]+|\{[A-Za-z0-9._-]+\+?\})"
ROUTE = re.compile(rf"(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS) /({PART}(/{PART})*)?")
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
#: AWS's advice: a queue hides a message for six times the time that its function may take.
QUEUE_TIMES = 6
LEAST_BUFFER_MB = 64
BUCKET_PARTS = (
    "BucketPublicAccessBlock",
    "BucketServerSideEncryptionConfiguration",
    "BucketPolicy",
    "BucketLifecycleConfiguration",
)
#: What Firehose calls the parts of a folder's name, and what Athena does.
FOLDER_PARTS = {
    "!{partitionKeyFromQuery:model}": "${model}",
    "!{timestamp:yyyy-MM-dd}": "${dt}",
    "!{timestamp:HH}": "${hour}",
}


def routes_are_the_document(graph: Graph, facts: Facts) -> Found:
    """Report routes that are no operation of the OpenAPI document, and the reverse."""
    keys = set()
    for node in graph.of("apigatewayv2.Route"):
        key = node.inputs.text("routeKey")
        keys.add(key)
        if not ROUTE.fullmatch(key):
            yield node.address, "has a route key that API Gateway refuses"
    for key in sorted(keys ^ facts.routes):
        yield f"route {key}", "is in the API or in the document, but not in both"


def time_enough(graph: Graph, _facts: Facts) -> Found:
    """Report an API or a queue that does not wait as long as its function may run."""
    longest_ms = 1000 * _timeout_s(graph, "predictor-function")
    for node in graph.of("apigatewayv2.Integration"):
        wait_ms = node.inputs.number("timeoutMilliseconds", LONGEST_INTEGRATION_MS)
        if not longest_ms < wait_ms <= LONGEST_INTEGRATION_MS:
            yield node.address, "does not wait for the function, or longer than 30 s"
    handling_s = _timeout_s(graph, "aggregator-function")
    for node in graph.of("sqs.Queue"):
        hidden_s = node.inputs.number("visibilityTimeoutSeconds")
        if "redrivePolicy" in node.inputs and hidden_s < QUEUE_TIMES * handling_s:
            yield node.address, "hands a message out again while it is still worked on"


def _timeout_s(graph: Graph, name: str) -> float:
    """Return how many seconds a function may run, 0 where the stack has none of that name."""
    for node in graph.of("lambda.Function"):
        if node.name == name:
            return node.inputs.number("timeout", DEFAULT_TIMEOUT_S)
    return 0


def callers_are_known(graph: Graph, facts: Facts) -> Found:
    """Report routes of production that ask nobody who calls, and tokens without authorizer."""
    for node in graph.of("apigatewayv2.Route"):
        kind = node.inputs.text("authorizationType", "NONE")
        if facts.production and kind == "NONE":
            yield node.address, "is open to everybody"
        if (kind == "JWT") != node.inputs.flag("authorizerId"):
            yield node.address, "names JWT without an authorizer, or an authorizer without JWT"


def calls_go_through_the_alias(graph: Graph, _facts: Facts) -> Found:
    """Report an API that calls anything but the alias, or may."""
    for node in graph.of("apigatewayv2.Integration"):
        if "lambda/alias:Alias" not in node.inputs.text("integrationUri"):
            yield node.address, "goes around the alias"
    for node in graph.of("lambda.Permission"):
        is_api = node.inputs.text("principal") == "apigateway.amazonaws.com"
        if is_api and not node.inputs.flag("qualifier"):
            yield node.address, "allows the API to call any version"


def stage_is_throttled_and_logged(graph: Graph, _facts: Facts) -> Found:
    """Report a stage without throttle or access log, or with metrics that nobody reads."""
    for node in graph.of("apigatewayv2.Stage"):
        limits = node.inputs.members("defaultRouteSettings")
        if not (limits.flag("throttlingRateLimit") and limits.flag("throttlingBurstLimit")):
            yield node.address, "is not throttled"
        if limits.flag("detailedMetricsEnabled"):
            yield node.address, "pays for metrics of each route, which no alarm and no panel reads"
        try:
            json.loads(node.inputs.text("accessLogSettings/format"))
        except ValueError:
            yield node.address, "has no access log in JSON"


def schedules_are_written_right(graph: Graph, _facts: Facts) -> Found:
    """Report rates with the wrong number of their noun."""
    for node in graph.of("scheduler.Schedule"):
        if not RATE.fullmatch(node.inputs.text("scheduleExpression")):
            yield node.address, "has a schedule that EventBridge refuses"


def windows_have_their_keys(graph: Graph, _facts: Facts) -> Found:
    """Report a table without the keys and the lifetime attribute that the monitor writes."""
    for node in graph.of("dynamodb.Table"):
        table = node.inputs
        keys = (table.text("hashKey"), table.text("rangeKey"))
        lifetime = table.text("ttl/attributeName")
        is_right = keys == ("pk", "sk") and lifetime == "expires"
        if not is_right or not table.flag("ttl/enabled"):
            message = "does not have the keys pk and sk and the lifetime attribute expires"
            yield node.address, message
        declared = {attribute.text("name") for attribute in table.parts("attributes")}
        if declared != {"pk", "sk"}:
            yield node.address, "declares attributes that are no key"


def buckets_are_closed(graph: Graph, _facts: Facts) -> Found:
    """Report buckets, queues and topics that are open, or that take requests without TLS."""
    for node in graph.of("s3.Bucket"):
        for part in BUCKET_PARTS:
            present = [other for other in graph.of(f"s3.{part}") if other.waits_for(node)]
            if len(present) != 1:
                yield node.address, f"has no {part}, or several"
    policies = [*graph.of("sqs.QueuePolicy"), *graph.of("sns.TopicPolicy")]
    for node in [*graph.of("sqs.Queue"), *graph.of("sns.Topic")]:
        if not any(policy.waits_for(node) for policy in policies):
            yield node.address, "accepts requests without TLS: it has no policy"


def log_is_partitioned(graph: Graph, _facts: Facts) -> Found:
    """Report a prediction log that is not compressed, or not split by model and hour."""
    for node in graph.of("kinesis.FirehoseDeliveryStream"):
        target = node.inputs.members("extendedS3Configuration")
        processors = target.parts("processingConfiguration/processors")
        steps = [processor.text("type") for processor in processors]
        prefix = target.text("prefix")
        if target.text("compressionFormat") != "GZIP":
            yield node.address, "is not compressed"
        if "partitionKeyFromQuery:model" not in prefix or "timestamp:HH" not in prefix:
            yield node.address, "is not partitioned by model and hour"
        if steps[:1] != ["Decompression"] or "MetadataExtraction" not in steps:
            yield node.address, "does not unpack CloudWatch's envelopes"
        if target.number("bufferingSize") < LEAST_BUFFER_MB:
            message = "has a buffer that Firehose refuses for a stream with partitions"
            yield node.address, message


def questions_find_the_log(graph: Graph, _facts: Facts) -> Found:
    """Report a table that looks for its partitions in other folders than the stream writes."""
    folders = []
    for node in graph.of("kinesis.FirehoseDeliveryStream"):
        folder = node.inputs.text("extendedS3Configuration/prefix")
        for written, read in FOLDER_PARTS.items():
            folder = folder.replace(written, read)
        folders.append(folder)
    for node in graph.of("glue.CatalogTable"):
        # The parameter's own name has dots and no slash, so it is one step of a path.
        template = node.inputs.members("parameters").text("storage.location.template")
        if not all(template.endswith(f"/{folder}") for folder in folders):
            yield node.address, "looks where nothing is written"


RULES = (
    routes_are_the_document,
    time_enough,
    callers_are_known,
    calls_go_through_the_alias,
    stage_is_throttled_and_logged,
    schedules_are_written_right,
    windows_have_their_keys,
    buckets_are_closed,
    log_is_partitioned,
    questions_find_the_log,
)
