"""The dashboard: CloudWatch takes any text and shows an empty panel, so that a wrong one is found late."""

from __future__ import annotations

import json
from itertools import combinations
from typing import TYPE_CHECKING, Any

from drift_contracts import MonitoringSpec
from drift_infra.platform import PUBLISHED

from .alarms import emitted

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

GRID = 24
MOST_ALARMS = 100
TYPES = ("metric", "alarm", "text", "log")


def dashboard_is_drawn(graph: Graph, facts: Facts) -> Found:
    """Every widget is of a known type, lies on the grid, overlaps none, and shows metrics that are emitted."""
    ours = emitted(MonitoringSpec.load(), facts.models, facts.stack)
    for node in graph.of("cloudwatch.Dashboard"):
        try:
            widgets = json.loads(node.inputs["dashboardBody"])["widgets"]
        except (ValueError, KeyError, TypeError):
            yield node.address, "is no dashboard"
            continue
        for widget in widgets:
            for problem in _widget(widget, ours):
                yield node.address, f"{widget.get('properties', {}).get('title', 'a widget')}: {problem}"
        if any(_overlap(one, other) for one, other in combinations([_box(widget) for widget in widgets], 2)):
            yield node.address, "has widgets over one another"


def _widget(widget: dict[str, Any], ours: set[Any]) -> list[str]:
    left, top, right, _ = _box(widget)
    problems = [] if widget.get("type") in TYPES else ["is of an unknown type"]
    problems += [] if 0 <= left < right <= GRID and top >= 0 else ["is not on the grid"]
    if widget.get("type") == "alarm" and not 1 <= len(widget["properties"]["alarms"]) <= MOST_ALARMS:
        problems.append("shows no alarm, or more than CloudWatch draws")
    if widget.get("type") == "metric":
        properties = widget.get("properties", {})
        problems += [] if properties.get("region") else ["has no region"]
        problems += [] if properties.get("metrics") else ["shows nothing"]
        problems += [
            "shows a metric that nothing emits" for row in properties.get("metrics", []) if not _known(row, ours)
        ]
    return problems


def _box(widget: dict[str, Any]) -> tuple[int, int, int, int]:
    left, top = widget.get("x", -1), widget.get("y", -1)
    return left, top, left + widget.get("width", 0), top + widget.get("height", 0)


def _overlap(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]


def _known(row: list[Any], ours: set[Any]) -> bool:
    namespace, metric, *rest = [part for part in row if isinstance(part, str)]
    dimensions = dict(zip(rest[::2], rest[1::2], strict=False))
    theirs = PUBLISHED.get((namespace, metric))
    return set(dimensions) == theirs if theirs else (namespace, metric, frozenset(dimensions.items())) in ours


RULES = (dashboard_is_drawn,)
