"""The metadata of log lines that CloudWatch reads as metrics.

Source: "Specification: Embedded metric format" in the CloudWatch User Guide.
"""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.json_types import ReadableJson

#: Metrics that one directive may name; CloudWatch ignores those beyond.
MOST_METRICS = 100
#: The unit of a metric that has none; it is left out of the line.
NO_UNIT = "None"


def directives(
    namespace: str, dimensions: Sequence[str], units: Mapping[str, str]
) -> list[dict[str, ReadableJson]]:
    """Return what a line says about its metrics, in as many directives of 100 as it takes.

    Args:
        namespace: Where the metrics are stored.
        dimensions: Names of members of the line that tell its series from others.
        units: The unit of each metric, by the metric's name, in the line's order.

    >>> directives("N", ["Stack"], {"Latency": "Milliseconds", "Score": "None"})[0]["Metrics"]
    [{'Name': 'Latency', 'Unit': 'Milliseconds'}, {'Name': 'Score'}]
    """
    metrics = [_metric(name, unit) for name, unit in units.items()]
    # a line without metrics keeps its one directive, so that readers find the namespace
    starts = range(0, max(len(metrics), 1), MOST_METRICS)
    return [
        {
            "Namespace": namespace,
            "Dimensions": [list(dimensions)],
            "Metrics": metrics[start : start + MOST_METRICS],
        }
        for start in starts
    ]


def _metric(name: str, unit: str) -> dict[str, str]:
    return {"Name": name} if unit == NO_UNIT else {"Name": name, "Unit": unit}


def metric_line(
    timestamp_ms: int,
    described: Sequence[Mapping[str, ReadableJson]],
    members: Mapping[str, ReadableJson],
) -> str:
    """Return one line of JSON that is a metric record as well.

    Args:
        timestamp_ms: When the values were measured, milliseconds of Unix time.
        described: What `directives` returns.
        members: Dimensions, metric values and facts for people, in this order.
    """
    metadata: dict[str, ReadableJson] = {"Timestamp": timestamp_ms, "CloudWatchMetrics": described}
    return json_text({"_aws": metadata, **members})


def json_text(value: ReadableJson) -> str:
    """Return JSON without spaces, as lines are written.

    >>> json_text({"a": [1, 2]})
    '{"a":[1,2]}'
    """
    return json.dumps(value, separators=(",", ":"))
