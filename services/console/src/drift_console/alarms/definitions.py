"""Alarms of the monitoring spec, made ready to be evaluated: metrics by name, periods scaled."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.alarm_language import Expression, Rule

    from drift_console.alarms.states import MissingData


@dataclass(frozen=True, kw_only=True)
class Alarm:
    """What every alarm says, and whom it notifies: `people`, the `pager` alone, or `nobody`."""

    name: str
    title: str
    severity: str
    runbook: tuple[str, ...]
    notify: str = "people"


@dataclass(frozen=True, kw_only=True)
class MetricAlarm(Alarm):
    """An alarm on one metric, or on an expression over several.

    inputs: name to (metric, statistic); without an expression there is one input. period in seconds.
    low_samples: "ignore" keeps the state while a percentile has too few samples to mean anything.
    """

    inputs: Mapping[str, tuple[str, str]]
    period: int
    evaluation_periods: int
    datapoints_to_alarm: int
    comparison: str
    threshold: float
    missing_data: MissingData = "missing"
    expression: Expression | None = None
    low_samples: Literal["evaluate", "ignore"] = "evaluate"


@dataclass(frozen=True, kw_only=True)
class CompositeAlarm(Alarm):
    """An alarm on the states of other alarms."""

    rule: Rule
