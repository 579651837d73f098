"""Read embedded metric format: a line with `_aws` metadata becomes datapoints, as in CloudWatch."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

LATEST = 253_402_300_799.0  # epoch seconds: the last one that a date can be written for
LARGEST = 2.0**360  # CloudWatch takes no larger values; sums of them stay finite


class Series(NamedTuple):
    """What identifies a metric: its namespace, its name and its dimensions, sorted by name."""

    namespace: str
    metric: str
    dimensions: tuple[tuple[str, str], ...]


def series(namespace: str, metric: str, dimensions: Mapping[str, str]) -> Series:
    """The identity of a metric.

    >>> series("N", "Latency", {"Stack": "local", "Model": "m"}).dimensions
    (('Model', 'm'), ('Stack', 'local'))
    """
    return Series(namespace, metric, tuple(sorted(dimensions.items())))


@dataclass(frozen=True)
class Line:
    """One parsed log line: when it happened (epoch seconds), its datapoints, and the document itself."""

    timestamp: float
    datapoints: tuple[tuple[Series, float], ...]
    document: Mapping[str, Any]


def parse_line(line: bytes) -> Line | None:
    """The line's datapoints; None for a line that holds no metrics or is no JSON object.

    A value is a finite number or a list of them; anything else is skipped, as CloudWatch does.
    Source: "Specification: Embedded metric format" in the CloudWatch User Guide.
    """
    try:
        document = json.loads(line)
        metadata = document["_aws"]
        timestamp = metadata["Timestamp"] / 1000
        if not 0 <= timestamp <= LATEST:
            return None
        return Line(timestamp, tuple(_datapoints(document, metadata["CloudWatchMetrics"])), document)
    except (ValueError, TypeError, KeyError, AttributeError, OverflowError, RecursionError):
        return None


def _datapoints(document: Mapping[str, Any], directives: list[Any]) -> Iterator[tuple[Series, float]]:
    for directive in directives:
        namespace = _text(directive["Namespace"])
        for names in directive["Dimensions"]:
            dimensions = tuple(sorted((_text(name), str(document[name])) for name in names))
            for metric in directive["Metrics"]:
                identity = Series(namespace, _text(metric["Name"]), dimensions)
                for value in _values(document.get(metric["Name"])):
                    yield identity, value


def _text(value: Any) -> str:
    """Return the value, which must be a text. Raises TypeError."""
    if not isinstance(value, str):
        raise TypeError
    return value


def _values(value: Any) -> list[float]:
    values = value if isinstance(value, list) else [value]
    return [float(each) for each in values if type(each) in (int, float) and abs(each) <= LARGEST]
