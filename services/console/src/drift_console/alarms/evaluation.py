"""Evaluate one alarm at one moment: the datapoints of its window, the state they give, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drift_contracts.alarm_language import expression_value, rule_holds, rule_names

from drift_console.alarms.states import State, decide, evaluation_range
from drift_console.alarms.statistics import COMPARISONS, samples_needed, value_of
from drift_console.histogram import Distribution

if TYPE_CHECKING:
    from drift_console.alarms.definitions import CompositeAlarm, MetricAlarm

Read = Callable[[str, int, int, int], list[Distribution | None]]
EVALUATION_INTERVAL = 60  # seconds; CloudWatch evaluates an alarm of a minute or longer once a minute
_WORDS = {
    "GreaterThanThreshold": "above",
    "GreaterThanOrEqualToThreshold": "at or above",
    "LessThanThreshold": "below",
    "LessThanOrEqualToThreshold": "at or below",
}


@dataclass(frozen=True)
class Outcome:
    """A state and the reason for it, in words."""

    state: State
    reason: str


@dataclass(frozen=True)
class Datapoint:
    """One period: its start (epoch seconds) and its value, None if missing."""

    start: int
    value: float | None


def window_end(now: float, interval: int = EVALUATION_INTERVAL) -> int:
    """The latest moment at which an evaluation is due: the window slides from one to the next.

    now: epoch seconds. Source: "Alarm evaluation windows" in the CloudWatch User Guide (a sliding window
    advances at each evaluation).

    >>> window_end(125.5)
    120
    """
    return int(now // interval) * interval


def datapoints(alarm: MetricAlarm, read: Read, end: int) -> list[Datapoint]:
    """The values of the evaluation range, oldest first; the last period ends at `end`.

    read: gives a metric's distributions for (name, start, period, count).
    """
    count = evaluation_range(alarm.evaluation_periods)
    start = end - count * alarm.period
    columns = {
        name: [value_of(statistic, values) for values in read(metric, start, alarm.period, count)]
        for name, (metric, statistic) in alarm.inputs.items()
    }
    points = []
    for index in range(count):
        values = {name: column[index] for name, column in columns.items()}
        value = next(iter(values.values())) if alarm.expression is None else expression_value(alarm.expression, values)
        points.append(Datapoint(start + index * alarm.period, value))
    return points


def evaluate_metric(alarm: MetricAlarm, read: Read, end: int, current: State) -> Outcome | None:
    """The alarm's state for the window that ends at `end`; None keeps the state for want of samples."""
    if alarm.low_samples == "ignore" and _too_few_samples(alarm, read, end):
        return None
    points = datapoints(alarm, read, end)
    compare = COMPARISONS[alarm.comparison]
    state = decide(
        [None if point.value is None else compare(point.value, alarm.threshold) for point in points],
        evaluation_periods=alarm.evaluation_periods,
        datapoints_to_alarm=alarm.datapoints_to_alarm,
        missing_data=alarm.missing_data,
        current=current,
    )
    return Outcome(state, _explain(alarm, points))


def _too_few_samples(alarm: MetricAlarm, read: Read, end: int) -> bool:
    start = end - alarm.evaluation_periods * alarm.period
    return any(
        sum(values.count for values in read(metric, start, alarm.period, alarm.evaluation_periods) if values)
        < samples_needed(statistic)
        for metric, statistic in alarm.inputs.values()
    )


def _explain(alarm: MetricAlarm, points: list[Datapoint]) -> str:
    existing = [(point.start, point.value) for point in points if point.value is not None]
    judged = existing[-alarm.evaluation_periods :]
    compare = COMPARISONS[alarm.comparison]
    breaching = [(start, value) for start, value in judged if compare(value, alarm.threshold)]
    limit = f"{_WORDS[alarm.comparison]} the threshold {alarm.threshold:g}"
    told = [f"{len(breaching)} of {alarm.evaluation_periods} datapoints were {limit}"]
    if breaching:
        told[0] += ": " + ", ".join(f"{value:.6g} at {_clock(start, alarm.period)}" for start, value in breaching)
    missing = alarm.evaluation_periods - len(judged)
    if missing:
        told.append(f"{missing} missing, treated as {alarm.missing_data}")
    return "; ".join(told)


def _clock(start: int, period: int) -> str:
    return datetime.fromtimestamp(start, UTC).strftime("%H:%M" if period % 60 == 0 else "%H:%M:%S")


def evaluate_composite(alarm: CompositeAlarm, states: Mapping[str, State]) -> Outcome:
    """ALARM while the rule holds for the states of the alarms it names, else OK."""
    told = ", ".join(f"{name} is {states[name]}" for name in sorted(rule_names(alarm.rule)))
    holds = rule_holds(alarm.rule, states)
    return Outcome(State.ALARM if holds else State.OK, f"the rule {'holds' if holds else 'does not hold'}: {told}")
