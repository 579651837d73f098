"""The body of the dashboard.

Alarms on top, then the spec's widgets for each model with AWS's own metrics beside them. What a
classifier answers is drawn from the predictor's log: a metric for each class would be paid by the
month.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pulumi
from drift_contracts import feature_set

from .queries import class_mix, doubt

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from .monitoring import Watch
    from .platform import Parts

    #: A part of the dashboard's body. Any: texts, numbers, lists and outputs of resources, as
    #: CloudWatch's PutDashboard takes them; no schema of ours describes it.
    Json = dict[str, Any]

WIDTH, HEIGHT, COLUMNS, STATES = 8, 6, 3, 3


def body(
    watch: Watch,
    region: str,
    models: Sequence[str],
    parts: Parts,
    alarms: Mapping[str, Sequence[pulumi.Input[str]]],
) -> Json:
    """Return the document that CloudWatch's PutDashboard takes. alarms: ARNs by what they watch."""
    states = [
        {
            "type": "alarm",
            "x": 0,
            "y": number * STATES,
            "width": WIDTH * COLUMNS,
            "height": STATES,
            "properties": {"title": f"Alarms of {subject}", "alarms": list(arns)},
        }
        for number, (subject, arns) in enumerate(alarms.items())
    ]  # fmt: skip
    graphs: list[Json] = []
    for model in models:
        graphs += [_graph(properties) for properties in _model(watch, model)]
        graphs += _answers(model, parts)
    graphs += [_graph(properties) for properties in _platform(parts)]
    below = len(states) * STATES
    placed = [_place(number, graph, region, below) for number, graph in enumerate(graphs)]
    return {"widgets": [*states, *placed]}


def _place(number: int, graph: Json, region: str, below: int) -> Json:
    row, column = divmod(number, COLUMNS)
    return {
        "type": graph["type"],
        "x": column * WIDTH,
        "y": below + row * HEIGHT,
        "width": WIDTH,
        "height": HEIGHT,
        "properties": {"region": region, **graph["properties"]},
    }  # fmt: skip


def _graph(properties: Mapping[str, object]) -> Json:
    return {
        "type": "metric",
        "properties": {"view": "timeSeries", "period": 300, **properties},
    }  # fmt: skip


def _answers(model: str, parts: Parts) -> Iterator[Json]:
    """Yield what a classifier answered: its classes by hour, and how sure it was."""
    if feature_set(model).target.is_class:
        yield _from_log(f"{model}: answers by class", class_mix(model), "bar", parts)
        yield _from_log(f"{model}: margin and entropy", doubt(model), "timeSeries", parts)


def _from_log(title: str, query: str, view: str, parts: Parts) -> Json:
    source = pulumi.Output.concat("SOURCE '", parts.log_group, "' | ", query)
    return {"type": "log", "properties": {"title": title, "query": source, "view": view}}


def _model(watch: Watch, model: str) -> Iterator[Json]:
    flat = [part for pair in watch.dimensions(model).items() for part in pair]
    for widget in watch.widgets(model):
        rows = [
            [watch.spec.namespace, name, *flat, {"stat": stat}]
            for name in widget.metrics
            for stat in widget.statistics
        ]
        yield {"title": f"{model}: {widget.title}", "metrics": rows, **_line(widget.threshold)}


def _line(threshold: float | None) -> Json:
    return (
        {}
        if threshold is None
        else {"annotations": {"horizontal": [{"label": "threshold", "value": threshold}]}}
    )


def _platform(parts: Parts) -> Iterator[Json]:
    function = [("Invocations", "Sum"), ("Errors", "Sum"), ("Throttles", "Sum")]
    yield _aws("Function: calls", "AWS/Lambda", "FunctionName", parts.predictor, function)
    yield _aws(
        "Function: duration",
        "AWS/Lambda",
        "FunctionName",
        parts.predictor,
        [("Duration", "p50"), ("Duration", "p99")],
    )
    yield _aws(
        "Function: instances",
        "AWS/Lambda",
        "FunctionName",
        parts.predictor,
        [("ConcurrentExecutions", "Maximum")],
    )
    yield _aws(
        "API: answers",
        "AWS/ApiGateway",
        "ApiId",
        parts.api,
        [("Count", "Sum"), ("4xx", "Sum"), ("5xx", "Sum")],
    )
    yield _aws(
        "API: latency",
        "AWS/ApiGateway",
        "ApiId",
        parts.api,
        [("Latency", "p50"), ("Latency", "p99")],
    )
    waiting = [("ApproximateNumberOfMessagesVisible", "Maximum")]
    yield _aws("Dead letters", "AWS/SQS", "QueueName", parts.dead_letters, waiting)


def _aws(
    title: str,
    namespace: str,
    dimension: str,
    value: pulumi.Input[str],
    metrics: Sequence[tuple[str, str]],
) -> Json:
    return {
        "title": title,
        "metrics": [[namespace, name, dimension, value, {"stat": stat}] for name, stat in metrics],
    }
