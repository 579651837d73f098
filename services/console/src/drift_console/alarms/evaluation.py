"""Evaluate one alarm at one time: the datapoints of its window, the state they give, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drift_contracts.alarm_language import expression_value, rule_holds, rule_names
from drift_ml.figures import plain_number

from drift_console.alarms.states import State, decide, evaluation_range
from drift_console.alarms.statistics import COMPARISONS, samples_needed, value_of
from drift_console.histogram import Distribution

if TYPE_CHECKING:
    from drift_contracts import Query

    from drift_console.alarms.definitions import CompositeAlarm, MetricAlarm

#: Gives a metric's distributions for (name, start in epoch seconds, period in seconds, count).
Read = Callable[[str, int, int, int], list[Distribution | None]]
#: Seconds; CloudWatch evaluates an alarm of a minute or longer once a minute.
EVALUATION_INTERVAL = 60
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
    """The value of one period."""

    #: Epoch seconds.
    start: int
    #: None where the period has no data.
    value: float | None


def window_end(now: float, interval: int = EVALUATION_INTERVAL) -> int:
    """Return the latest time at which an evaluation is due, in epoch seconds.

    Source: "Alarm evaluation windows" in the CloudWatch User Guide (a sliding window advances at
    each evaluation).

    Args:
        now: Epoch seconds.
        interval: Seconds between two evaluations.

    >>> window_end(125.5)
    120
    """
    return int(now // interval) * interval


def datapoints(alarm: MetricAlarm, read: Read, end: int) -> list[Datapoint]:
    """Return the values of the evaluation range, oldest first.

    Args:
        alarm: The alarm whose inputs are read.
        read: Gives the distributions of the model's metrics.
        end: Epoch seconds at which the last period ends.
    """
    count = evaluation_range(alarm.evaluation_periods)
    start = end - count * alarm.period
    columns = {}
    for name, source in alarm.inputs.items():
        distributions = read(source.metric, start, alarm.period, count)
        columns[name] = [value_of(source.statistic, values) for values in distributions]
    points = []
    for index in range(count):
        values = {name: column[index] for name, column in columns.items()}
        if alarm.expression is None:
            value = next(iter(values.values()))
        else:
            value = expression_value(alarm.expression, values)
        points.append(Datapoint(start + index * alarm.period, value))
    return points


def evaluate_metric(alarm: MetricAlarm, read: Read, end: int, current: State) -> Outcome | None:
    """Return the alarm's state for one window; None keeps the state for want of samples.

    Args:
        alarm: The alarm to evaluate.
        read: Gives the distributions of the model's metrics.
        end: Epoch seconds at which the window ends.
        current: The state before this evaluation.
    """
    if alarm.low_samples == "ignore" and _has_too_few_samples(alarm, read, end):
        return None
    points = datapoints(alarm, read, end)
    breaches = [_is_breaching(alarm, point) for point in points]
    state = decide(
        breaches,
        evaluation_periods=alarm.evaluation_periods,
        datapoints_to_alarm=alarm.datapoints_to_alarm,
        missing_data=alarm.missing_data,
        current=current,
    )
    return Outcome(state, _explain(alarm, points))


def _is_breaching(alarm: MetricAlarm, point: Datapoint) -> bool | None:
    if point.value is None:
        return None
    return COMPARISONS[alarm.comparison](point.value, alarm.threshold)


def _has_too_few_samples(alarm: MetricAlarm, read: Read, end: int) -> bool:
    for query in alarm.inputs.values():
        if _sample_count(alarm, query, read, end) < samples_needed(query.statistic):
            return True
    return False


def _sample_count(alarm: MetricAlarm, source: Query, read: Read, end: int) -> int:
    start = end - alarm.evaluation_periods * alarm.period
    distributions = read(source.metric, start, alarm.period, alarm.evaluation_periods)
    return sum(values.count for values in distributions if values)


def _explain(alarm: MetricAlarm, points: list[Datapoint]) -> str:
    """Return the breaching values with their times, and how many datapoints were missing."""
    existing = [point for point in points if point.value is not None]
    # `decide` looks at the same points: the latest N that exist.
    decisive = existing[-alarm.evaluation_periods :]
    breaching = [point for point in decisive if _is_breaching(alarm, point)]
    limit = f"{_WORDS[alarm.comparison]} the threshold {plain_number(alarm.threshold)}"
    reason = f"{len(breaching)} of {alarm.evaluation_periods} datapoints were {limit}"
    if breaching:
        values = [
            f"{plain_number(point.value)} at {_clock(point.start, alarm.period)}"
            for point in breaching
            if point.value is not None
        ]
        reason += f": {', '.join(values)}"
    missing = alarm.evaluation_periods - len(decisive)
    if missing:
        reason += f"; {missing} missing, treated as {alarm.missing_data}"
    return reason


def _clock(start: int, period: int) -> str:
    # With --fast a period lasts seconds, and several begin within a minute.
    pattern = "%H:%M" if period % 60 == 0 else "%H:%M:%S"
    return datetime.fromtimestamp(start, UTC).strftime(pattern)


def evaluate_composite(alarm: CompositeAlarm, states: Mapping[str, State]) -> Outcome:
    """Return ALARM while the alarm's rule holds, else OK.

    Args:
        alarm: The alarm to evaluate.
        states: The states of all alarms that the rule names, by name.
    """
    holds = rule_holds(alarm.rule, states)
    named = [f"{name} is {states[name]}" for name in sorted(rule_names(alarm.rule))]
    verb = "holds" if holds else "does not hold"
    state = State.ALARM if holds else State.OK
    return Outcome(state, f"the rule {verb}: {', '.join(named)}")
