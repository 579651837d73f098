"""The dashboard: CloudWatch takes any text and shows an empty panel where it is wrong."""

from __future__ import annotations

import json
import re
from itertools import combinations
from typing import TYPE_CHECKING, NamedTuple

from drift_contracts import MonitoringSpec

from tools.stack_checks.graph import Inputs

from .alarms import emitted, is_emitted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift_contracts.json_types import JsonValue

    from tools.stack_checks.graph import Graph, Node

    from .alarms import Metric
    from .finding import Facts, Found

#: Columns of a dashboard.
GRID = 24
#: Alarms that a panel of them can show.
MOST_ALARMS = 100
#: Of widgets, out of those that CloudWatch has.
TYPES = ("metric", "alarm", "text", "log")
#: How the query of a widget names its log.
SOURCE = re.compile(r"SOURCE '(?P<log>[^']+)' \| ")


class Box(NamedTuple):
    """Where a widget lies, in cells of the grid; the far edges are outside."""

    left: float
    top: float
    right: float
    bottom: float

    def overlaps(self, other: Box) -> bool:
        """Return whether two widgets share a cell."""
        beside = self.left < other.right and other.left < self.right
        return beside and self.top < other.bottom and other.top < self.bottom


def dashboard_is_drawn(graph: Graph, facts: Facts) -> Found:
    """Report widgets of unknown types, off the grid, over another, of unknown metrics or logs."""
    ours = emitted(MonitoringSpec.load(), facts.models, facts.stack)
    logs = {node.inputs.text("name") for node in graph.of("cloudwatch.LogGroup")}
    for node in graph.of("cloudwatch.Dashboard"):
        widgets = _widgets(node)
        if widgets is None:
            yield node.address, "is no dashboard"
            continue
        for widget in widgets:
            title = widget.text("properties/title", "a widget")
            for problem in _problems(widget, ours, logs):
                yield node.address, f"{title}: {problem}"
        boxes = [_box(widget) for widget in widgets]
        if any(first.overlaps(second) for first, second in combinations(boxes, 2)):
            yield node.address, "has widgets over one another"


def _widgets(node: Node) -> list[Inputs] | None:
    """Return the widgets of a dashboard, None where its body is none."""
    try:
        body = json.loads(node.inputs.text("dashboardBody"))
        return [Inputs(widget) for widget in body["widgets"]]
    except (ValueError, KeyError, TypeError):
        return None


def _problems(widget: Inputs, ours: set[Metric], logs: set[str]) -> Iterator[str]:
    kind = widget.text("type")
    box = _box(widget)
    if kind not in TYPES:
        yield "is of an unknown type"
    if not (0 <= box.left < box.right <= GRID and box.top >= 0):
        yield "is not on the grid"
    if kind == "alarm":
        alarms = widget.texts("properties/alarms")
        if not 1 <= len(alarms) <= MOST_ALARMS:
            yield "shows no alarm, or more than CloudWatch draws"
    if kind == "metric":
        yield from _metric_problems(widget.members("properties"), ours)
    if kind == "log":
        yield from _log_problems(widget.members("properties"), logs)


def _metric_problems(properties: Inputs, ours: set[Metric]) -> Iterator[str]:
    # A panel without a region shows that of whoever looks.
    rows = properties.at("metrics")
    if not properties.flag("region"):
        yield "has no region"
    if not isinstance(rows, list) or not rows:
        yield "shows nothing"
        return
    for row in rows:
        if not _row_is_emitted(row, ours):
            yield "shows a metric that nothing emits"


def _log_problems(properties: Inputs, logs: set[str]) -> Iterator[str]:
    source = SOURCE.match(properties.text("query"))
    if not properties.flag("region"):
        yield "has no region"
    if source is None or source["log"] not in logs:
        yield "asks a log that is not there"


def _row_is_emitted(row: JsonValue, ours: set[Metric]) -> bool:
    """Return whether a widget's row names a metric that is emitted.

    A row is namespace, metric, then names and values of dimensions in turn, then options.
    """
    if not isinstance(row, list):
        return False
    namespace, metric, *pairs = [part for part in row if isinstance(part, str)]
    dimensions = dict(zip(pairs[::2], pairs[1::2], strict=False))
    return is_emitted(namespace, metric, dimensions, ours)


def _box(widget: Inputs) -> Box:
    left = widget.number("x", -1)
    top = widget.number("y", -1)
    return Box(left, top, left + widget.number("width"), top + widget.number("height"))


RULES = (dashboard_is_drawn,)
