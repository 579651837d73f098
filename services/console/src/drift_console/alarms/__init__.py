"""Alarms with CloudWatch's documented semantics, as pure functions of clock and data."""

from drift_console.alarms.definitions import Alarm, CompositeAlarm, MetricAlarm
from drift_console.alarms.evaluation import (
    EVALUATION_INTERVAL,
    Outcome,
    datapoints,
    evaluate_composite,
    evaluate_metric,
    window_end,
)
from drift_console.alarms.states import State, decide, evaluation_range
from drift_console.alarms.statistics import UnknownStatistic, samples_needed, value_of

__all__ = [
    "EVALUATION_INTERVAL",
    "Alarm",
    "CompositeAlarm",
    "MetricAlarm",
    "Outcome",
    "State",
    "UnknownStatistic",
    "datapoints",
    "decide",
    "evaluate_composite",
    "evaluate_metric",
    "evaluation_range",
    "samples_needed",
    "value_of",
    "window_end",
]
