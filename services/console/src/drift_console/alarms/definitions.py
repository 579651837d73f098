"""Alarms of the monitoring spec, made ready to be evaluated: metrics by name, periods scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import Query
    from drift_contracts.alarm_language import Expression, Rule

    from drift_console.alarms.states import MissingData


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What metric alarms and composite alarms have in common."""

    name: str
    title: str
    #: `low`, `medium` or `high`, as in `alert.v2`.
    severity: str
    #: What to do first, a sentence each.
    runbook: tuple[str, ...]
    #: Who is notified: `people`, the `pager` alone, or `nobody`.
    notify: str = "people"


@dataclass(frozen=True, kw_only=True)
class MetricAlarm(Alarm):
    """An alarm on one metric, or on an expression over several."""

    #: By the name that the expression uses; without an expression there is exactly one.
    inputs: Mapping[str, Query]
    #: Seconds that a datapoint spans, at least 1.
    period: int
    #: N, the datapoints that are looked at.
    evaluation_periods: int
    #: M, how many of the N must breach.
    datapoints_to_alarm: int
    #: Named as CloudWatch names it: `GreaterThanThreshold`.
    comparison: str
    threshold: float
    missing_data: MissingData = "missing"
    expression: Expression | None = None
    #: `ignore` keeps the state while a percentile has too few samples to mean anything.
    low_samples: Literal["evaluate", "ignore"] = "evaluate"


@dataclass(frozen=True, kw_only=True)
class CompositeAlarm(Alarm):
    """An alarm on the states of other alarms."""

    rule: Rule
