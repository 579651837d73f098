"""Read embedded metric format: a line with `_aws` becomes datapoints, as in CloudWatch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

#: Epoch seconds; the last second that a date can be written for.
LATEST = 253_402_300_799.0
#: CloudWatch takes no larger values; sums of them stay finite.
LARGEST = 2.0**360


@dataclass(frozen=True)
class MetricId:
    """What identifies a metric."""

    namespace: str
    name: str
    #: (dimension, value), sorted by the dimension.
    dimensions: tuple[tuple[str, str], ...]

    @classmethod
    def of(cls, namespace: str, name: str, dimensions: Mapping[str, str]) -> MetricId:
        """Return the identity of a metric, whatever the order of its dimensions.

        Args:
            namespace: As in the monitoring spec.
            name: The metric's name.
            dimensions: Value by dimension.

        >>> MetricId.of("N", "Latency", {"Stack": "local", "Model": "m"}).dimensions
        (('Model', 'm'), ('Stack', 'local'))
        """
        return cls(namespace, name, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Line:
    """One parsed log line."""

    #: Epoch seconds.
    timestamp: float
    datapoints: tuple[tuple[MetricId, float], ...]
    #: The parsed line; no contract was checked.
    document: Mapping[str, object]


def parse_line(line: bytes) -> Line | None:
    """Return a line's datapoints; None for one that holds no metrics or is no JSON object.

    A value is a finite number or a list of them; anything else is skipped, as CloudWatch does.
    Source: "Specification: Embedded metric format" in the CloudWatch User Guide.
    """
    try:
        document = json.loads(line)
        metadata = document["_aws"]
        timestamp = metadata["Timestamp"] / 1000
        if not 0 <= timestamp <= LATEST:
            return None
        datapoints = tuple(_datapoints(document, metadata["CloudWatchMetrics"]))
    # Whatever is malformed fails in one of these ways where it is read: one check for all.
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None
    return Line(timestamp, datapoints, document)


# Any: the line may hold anything, and what is malformed raises where it is read.
def _datapoints(document: Any, directives: Any) -> Iterator[tuple[MetricId, float]]:
    for directive in directives:
        namespace = _text(directive["Namespace"])
        names = [_text(metric["Name"]) for metric in directive["Metrics"]]
        for dimension_set in directive["Dimensions"]:
            dimensions = {_text(name): str(document[name]) for name in dimension_set}
            for name in names:
                identity = MetricId.of(namespace, name, dimensions)
                for value in _values(document.get(name)):
                    yield identity, value


def _text(value: Any) -> str:
    """Return the value, which must be a text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError
    return value


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    # `type`, because a bool is an int too and no measurement.
    numbers = [number for number in values if type(number) in (int, float)]
    return [float(number) for number in numbers if abs(number) <= LARGEST]
