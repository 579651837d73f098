"""What the monitoring spec must hold beyond its schema: names that are used are declared, alarms can ring."""

from __future__ import annotations

from drift_contracts.alarm_language import expression_names, rule_names
from drift_contracts.errors import Violation
from drift_contracts.keywords import step

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Item = dict[str, Any]

SHORT_PERIODS = (10, 20, 30)
MINUTE, DAY = 60, 86400
DATAPOINT_MEMBERS = (
    *("metric", "statistic", "expression", "metrics", "period", "evaluation_periods"),
    *("datapoints_to_alarm", "comparison", "threshold", "missing_data"),
)


def broken_rules(document: Any) -> Iterator[Violation]:
    """Every semantic rule that a document breaks which already follows the spec's schema."""
    yield from _unique(document["metrics"], "/metrics")
    yield from _unique(document["alarms"], "/alarms")
    for index, metric in enumerate(document["metrics"]):
        if ("each" in metric) != ("{feature}" in metric["name"]):
            yield Violation(f"/metrics/{index}", "each", "each to be feature exactly when the name holds {feature}")
    for index, alarm in enumerate(document["alarms"]):
        yield from _alarm(document, alarm, f"/alarms/{index}")
    metrics = [metric["name"] for metric in document["metrics"]]
    for index, widget in enumerate(document["dashboard"]):
        pointer = f"/dashboard/{index}"
        for place, name in enumerate(widget["metrics"]):
            yield from _declared(name, metrics, f"{pointer}/metrics/{place}")
        yield from _threshold(document, widget, pointer)


def _unique(items: list[Item], pointer: str) -> Iterator[Violation]:
    seen = set()
    for index, item in enumerate(items):
        if item["name"] in seen:
            yield Violation(f"{pointer}/{index}/name", "unique", "a name that no other has")
        seen.add(item["name"])


def _declared(name: str, choices: list[str], pointer: str) -> Iterator[Violation]:
    if name not in choices:
        yield Violation(pointer, "declared", "one of " + ", ".join(choices))


def _threshold(document: Item, item: Item, pointer: str) -> Iterator[Violation]:
    threshold = item.get("threshold")
    if isinstance(threshold, dict):
        yield from _declared(threshold["setting"], list(document["settings"]), f"{pointer}/threshold/setting")


def _alarm(document: Item, alarm: Item, pointer: str) -> Iterator[Violation]:
    if "rule" in alarm:
        others = [other["name"] for other in document["alarms"] if other is not alarm and "rule" not in other]
        yield from _rule(alarm, others, pointer)
        return
    yield from _threshold(document, alarm, pointer)
    if alarm["datapoints_to_alarm"] > alarm["evaluation_periods"]:
        yield Violation(f"{pointer}/datapoints_to_alarm", "order", "at most evaluation_periods")
    if alarm["period"] % MINUTE and alarm["period"] not in SHORT_PERIODS:
        yield Violation(f"{pointer}/period", "period", "10, 20, 30 or a multiple of 60")
    elif alarm["period"] * alarm["evaluation_periods"] > DAY:
        yield Violation(f"{pointer}/evaluation_periods", "range", "periods that end within a day")
    declared = [metric["name"] for metric in document["metrics"] if "each" not in metric]
    if "expression" in alarm:
        yield from _expression(alarm, declared, pointer)
    else:
        yield from _declared(alarm["metric"], declared, f"{pointer}/metric")
        if "metrics" in alarm:
            yield Violation(f"{pointer}/metrics", "belongs", "to be set beside an expression only")


def _rule(alarm: Item, others: list[str], pointer: str) -> Iterator[Violation]:
    for name in DATAPOINT_MEMBERS:
        if name in alarm:
            yield Violation(step(pointer, name), "belongs", "to be absent where a rule is given")
    for name in sorted(rule_names(alarm["rule"])):
        yield from _declared(name, others, f"{pointer}/rule")


def _expression(alarm: Item, declared: list[str], pointer: str) -> Iterator[Violation]:
    for member in ("metric", "statistic"):
        if member in alarm:
            yield Violation(step(pointer, member), "belongs", "to be absent where an expression is given")
    for name, query in alarm["metrics"].items():
        yield from _declared(query["metric"], declared, f"{pointer}/metrics/{name}/metric")
    if expression_names(alarm["expression"]) != set(alarm["metrics"]):
        yield Violation(f"{pointer}/expression", "declared", "every metric of the alarm, and no other name")
