"""The way of a request and of what it leaves behind: routes, timeouts, authentication, schedules, tables, logs."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

LONGEST_INTEGRATION_MS = 30_000
PART = r"([A-Za-z0-9._-]+|\{[A-Za-z0-9._-]+\+?\})"
ROUTE = re.compile(rf"(GET|PUT|POST|DELETE|PATCH|HEAD|OPTIONS) /({PART}(/{PART})*)?")
RATE = re.compile(r"rate\((1 (minute|hour|day)|([2-9]|[1-9]\d+) (minutes|hours|days))\)")
QUEUE_TIMES = 6
LEAST_BUFFER_MB = 64


def routes_are_the_document(graph: Graph, facts: Facts) -> Found:
    """The API's routes are the operations of the OpenAPI document, each well formed."""
    keys = [node.inputs["routeKey"] for node in graph.of("apigatewayv2.Route")]
    for node in graph.of("apigatewayv2.Route"):
        if not ROUTE.fullmatch(node.inputs["routeKey"]):
            yield node.address, "has a route key that API Gateway refuses"
    for key in sorted(set(keys) ^ facts.routes):
        yield f"route {key}", "is in the API or in the document, but not in both"


def time_enough(graph: Graph, _facts: Facts) -> Found:
    """The API waits longer than the function may run, and no longer than API Gateway can."""
    longest = max(
        (node.inputs.get("timeout", 3) for node in graph.of("lambda.Function") if node.name == "predictor-function"),
        default=0,
    )
    for node in graph.of("apigatewayv2.Integration"):
        wait = node.inputs.get("timeoutMilliseconds", LONGEST_INTEGRATION_MS)
        if not longest * 1000 < wait <= LONGEST_INTEGRATION_MS:
            yield node.address, "does not wait for the function, or longer than 30 s"
    handling = max(
        (node.inputs.get("timeout", 3) for node in graph.of("lambda.Function") if node.name == "aggregator-function"),
        default=0,
    )
    for node in graph.of("sqs.Queue"):
        if "redrivePolicy" in node.inputs and node.inputs["visibilityTimeoutSeconds"] < QUEUE_TIMES * handling:
            yield node.address, "hands a message out again while it is still worked on"


def callers_are_known(graph: Graph, facts: Facts) -> Found:
    """In production every route asks who is calling; a token's authorizer is there when it is named."""
    for node in graph.of("apigatewayv2.Route"):
        kind = node.inputs.get("authorizationType", "NONE")
        if facts.production and kind == "NONE":
            yield node.address, "is open to everybody"
        if (kind == "JWT") != bool(node.inputs.get("authorizerId")):
            yield node.address, "names JWT without an authorizer, or an authorizer without JWT"


def calls_go_through_the_alias(graph: Graph, _facts: Facts) -> Found:
    """The API calls the alias, and may call nothing else."""
    for node in graph.of("apigatewayv2.Integration"):
        if "lambda/alias:Alias" not in str(node.inputs.get("integrationUri")):
            yield node.address, "goes around the alias"
    for node in graph.of("lambda.Permission"):
        if node.inputs["principal"] == "apigateway.amazonaws.com" and not node.inputs.get("qualifier"):
            yield node.address, "allows the API to call any version"


def stage_is_throttled_and_logged(graph: Graph, _facts: Facts) -> Found:
    """The stage has a throttle and an access log in JSON, and makes no metrics that nobody reads."""
    for node in graph.of("apigatewayv2.Stage"):
        limits = node.inputs.get("defaultRouteSettings") or {}
        if not (limits.get("throttlingRateLimit") and limits.get("throttlingBurstLimit")):
            yield node.address, "is not throttled"
        if limits.get("detailedMetricsEnabled"):
            yield node.address, "pays for metrics of each route, which no alarm and no panel reads"
        try:
            json.loads(node.inputs["accessLogSettings"]["format"])
        except (KeyError, ValueError):
            yield node.address, "has no access log in JSON"


def schedules_are_written_right(graph: Graph, _facts: Facts) -> Found:
    """A rate with the right number of the noun."""
    for node in graph.of("scheduler.Schedule"):
        if not RATE.fullmatch(node.inputs.get("scheduleExpression", "")):
            yield node.address, "has a schedule that EventBridge refuses"


def windows_have_their_keys(graph: Graph, _facts: Facts) -> Found:
    """The table has the keys and the lifetime attribute that the monitor writes."""
    for node in graph.of("dynamodb.Table"):
        given = node.inputs
        keys = (given.get("hashKey"), given.get("rangeKey"), (given.get("ttl") or {}).get("attributeName"))
        if keys != ("pk", "sk", "expires") or not given["ttl"].get("enabled"):
            yield node.address, "does not have the keys pk and sk and the lifetime attribute expires"
        if {one["name"] for one in given["attributes"]} != {"pk", "sk"}:
            yield node.address, "declares attributes that are no key"


def buckets_are_closed(graph: Graph, _facts: Facts) -> Found:
    """A bucket has its public access block, encryption, TLS policy and lifecycle, each once."""
    kinds = (
        "BucketPublicAccessBlock",
        "BucketServerSideEncryptionConfiguration",
        "BucketPolicy",
        "BucketLifecycleConfiguration",
    )
    for node in graph.of("s3.Bucket"):
        for kind in kinds:
            if len([one for one in graph.of(f"s3.{kind}") if node.urn in one.after]) != 1:
                yield node.address, f"has no {kind}, or several"
    for node in [*graph.of("sqs.Queue"), *graph.of("sns.Topic")]:
        policies = [
            one
            for one in graph.resources
            if one.short in ("sqs.QueuePolicy", "sns.TopicPolicy") and node.urn in one.after
        ]
        if not policies:
            yield node.address, "accepts requests without TLS: it has no policy"


def log_is_partitioned(graph: Graph, _facts: Facts) -> Found:
    """The prediction log is compressed and partitioned by model and hour."""
    for node in graph.of("kinesis.FirehoseDeliveryStream"):
        target = node.inputs.get("extendedS3Configuration", {})
        steps = [one["type"] for one in target.get("processingConfiguration", {}).get("processors", [])]
        prefix = target.get("prefix", "")
        if target.get("compressionFormat") != "GZIP":
            yield node.address, "is not compressed"
        if "partitionKeyFromQuery:model" not in prefix or "timestamp:HH" not in prefix:
            yield node.address, "is not partitioned by model and hour"
        if steps[:1] != ["Decompression"] or "MetadataExtraction" not in steps:
            yield node.address, "does not unpack CloudWatch's envelopes"
        if target.get("bufferingSize", 0) < LEAST_BUFFER_MB:
            yield node.address, "has a buffer that Firehose refuses for a stream with partitions"


def questions_find_the_log(graph: Graph, _facts: Facts) -> Found:
    """The table's projected partitions are the folders that the stream writes."""
    written = [
        node.inputs["extendedS3Configuration"]["prefix"]
        .replace("!{partitionKeyFromQuery:model}", "${model}")
        .replace("!{timestamp:yyyy-MM-dd}", "${dt}")
        .replace("!{timestamp:HH}", "${hour}")
        for node in graph.of("kinesis.FirehoseDeliveryStream")
    ]
    for node in graph.of("glue.CatalogTable"):
        read = node.inputs["parameters"].get("storage.location.template", "")
        if not all(read.endswith(f"/{folder}") for folder in written):
            yield node.address, "looks where nothing is written"


RULES = (
    routes_are_the_document, time_enough, callers_are_known, calls_go_through_the_alias, stage_is_throttled_and_logged,
    schedules_are_written_right, windows_have_their_keys, buckets_are_closed, log_is_partitioned,
    questions_find_the_log,
)  # fmt: skip
