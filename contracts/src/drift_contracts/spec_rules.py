"""What the monitoring spec must hold beyond its schema: declared names, periods that exist."""

from __future__ import annotations

from drift_contracts.alarm_language import expression_names, rule_names
from drift_contracts.errors import Violation

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence
    from typing import Any

    from drift_contracts.types import (
        MonitoringSpecV2,
        MonitoringSpecV2Alarm,
        MonitoringSpecV2Metric,
        MonitoringSpecV2Widget,
    )

#: Seconds. CloudWatch takes these periods, and multiples of a minute.
SHORT_PERIODS = (10, 20, 30)
MINUTE = 60
DAY = 86400
#: Members of an alarm that has datapoints of its own.
DATAPOINT_MEMBERS = (
    "metric",
    "statistic",
    "expression",
    "metrics",
    "period",
    "evaluation_periods",
    "datapoints_to_alarm",
    "comparison",
    "threshold",
    "missing_data",
)


def broken_rules(document: MonitoringSpecV2) -> Iterator[Violation]:
    """Yield every rule that a document breaks which already follows the spec's schema."""
    yield from _repeated(document["metrics"], "/metrics")
    yield from _repeated(document["alarms"], "/alarms")
    for index, metric in enumerate(document["metrics"]):
        if ("each" in metric) != ("{feature}" in metric["name"]):
            expected = "each to be feature exactly when the name holds {feature}"
            yield Violation(f"/metrics/{index}", "each", expected)
    for index, alarm in enumerate(document["alarms"]):
        yield from _alarm(document, alarm, f"/alarms/{index}")
    metrics = [metric["name"] for metric in document["metrics"]]
    for index, widget in enumerate(document["dashboard"]):
        pointer = f"/dashboard/{index}"
        for place, name in enumerate(widget["metrics"]):
            yield from _undeclared(name, metrics, f"{pointer}/metrics/{place}")
        yield from _threshold(document, widget, pointer)


def _repeated(
    items: Sequence[MonitoringSpecV2Metric | MonitoringSpecV2Alarm], pointer: str
) -> Iterator[Violation]:
    names: set[str] = set()
    for index, item in enumerate(items):
        if item["name"] in names:
            yield Violation(f"{pointer}/{index}/name", "unique", "a name that no other has")
        names.add(item["name"])


def _undeclared(
    name: str,
    choices: Collection[str],
    pointer: str,
) -> Iterator[Violation]:
    if name not in choices:
        yield Violation(pointer, "declared", "one of " + ", ".join(choices))


def _threshold(
    document: MonitoringSpecV2,
    item: MonitoringSpecV2Alarm | MonitoringSpecV2Widget,
    pointer: str,
) -> Iterator[Violation]:
    """Find a threshold that names a setting which does not exist."""
    threshold = item.get("threshold")
    if isinstance(threshold, dict):
        place = f"{pointer}/threshold/setting"
        yield from _undeclared(threshold["setting"], document["settings"], place)


def _alarm(
    document: MonitoringSpecV2, alarm: MonitoringSpecV2Alarm, pointer: str
) -> Iterator[Violation]:
    if "optional" in alarm and not isinstance(alarm.get("threshold"), dict):
        expected = "to be set beside a threshold that names a setting only"
        yield Violation(f"{pointer}/optional", "belongs", expected)
    if "rule" in alarm:
        # a rule may not read rules: two could wait for each other
        names = [item["name"] for item in document["alarms"] if "rule" not in item]
        yield from _rule(alarm, names, pointer)
        return
    yield from _threshold(document, alarm, pointer)
    yield from _periods(alarm, pointer)
    # an alarm is of a model, not of one feature
    metrics = [metric["name"] for metric in document["metrics"] if "each" not in metric]
    if "expression" in alarm:
        yield from _expression(alarm, metrics, pointer)
    else:
        yield from _undeclared(alarm["metric"], metrics, f"{pointer}/metric")
        if "metrics" in alarm:
            expected = "to be set beside an expression only"
            yield Violation(f"{pointer}/metrics", "belongs", expected)


def _periods(alarm: MonitoringSpecV2Alarm, pointer: str) -> Iterator[Violation]:
    """Find periods that CloudWatch refuses."""
    if alarm["datapoints_to_alarm"] > alarm["evaluation_periods"]:
        yield Violation(f"{pointer}/datapoints_to_alarm", "order", "at most evaluation_periods")
    period = alarm["period"]
    if period % MINUTE and period not in SHORT_PERIODS:
        yield Violation(f"{pointer}/period", "period", "10, 20, 30 or a multiple of 60")
    elif period * alarm["evaluation_periods"] > DAY:
        expected = "periods that end within a day"
        yield Violation(f"{pointer}/evaluation_periods", "range", expected)


def _rule(
    alarm: MonitoringSpecV2Alarm, names: Collection[str], pointer: str
) -> Iterator[Violation]:
    for member in DATAPOINT_MEMBERS:
        if member in alarm:
            expected = "to be absent where a rule is given"
            yield Violation(f"{pointer}/{member}", "belongs", expected)
    # mypy has another type for the tree; both say what the schema says
    rule: Any = alarm["rule"]
    for name in sorted(rule_names(rule)):
        yield from _undeclared(name, names, f"{pointer}/rule")


def _expression(
    alarm: MonitoringSpecV2Alarm, metrics: Collection[str], pointer: str
) -> Iterator[Violation]:
    for member in ("metric", "statistic"):
        if member in alarm:
            expected = "to be absent where an expression is given"
            yield Violation(f"{pointer}/{member}", "belongs", expected)
    for name, query in alarm["metrics"].items():
        yield from _undeclared(query["metric"], metrics, f"{pointer}/metrics/{name}/metric")
    expression: Any = alarm["expression"]  # as above
    if expression_names(expression) != set(alarm["metrics"]):
        expected = "every metric of the alarm, and no other name"
        yield Violation(f"{pointer}/expression", "declared", expected)
