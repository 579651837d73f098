"""The state of an alarm as CloudWatch decides it from the datapoints of the evaluation range."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]
EXTRA_POINTS = 2  # the documentation's worked tables retrieve 5 points for 3 evaluation periods


class State(StrEnum):
    """What an alarm can say."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


def evaluation_range(evaluation_periods: int) -> int:
    """How many of the latest points are retrieved, so that gaps among them can be bridged.

    evaluation_periods: N, at least 1. Source: "Configuring how CloudWatch alarms treat missing data",
    where 5 points are retrieved for N = 3; the exact number for other N is not published.

    >>> evaluation_range(3)
    5
    """
    return evaluation_periods + EXTRA_POINTS


def decide(
    points: Sequence[bool | None],
    *,
    evaluation_periods: int,
    datapoints_to_alarm: int,
    missing_data: MissingData,
    current: State,
) -> State:
    """The state that M out of N gives for the points of the evaluation range.

    points: oldest first, True breaching, False not, None missing. The latest N existing points are
    judged; only when fewer than N exist does `missing_data` fill the rest. Source: the same page,
    with its rule on premature alarms (a lone breaching point counts once M periods have passed).

    >>> decide([None, None, True, None, None], evaluation_periods=3, datapoints_to_alarm=3,
    ...        missing_data="missing", current=State.OK)
    <State.ALARM: 'ALARM'>
    """
    existing = [point for point in points if point is not None][-evaluation_periods:]
    breaching = existing.count(True)
    filled = evaluation_periods - len(existing)
    if missing_data == "breaching":
        breaching += filled
    if breaching >= datapoints_to_alarm:
        return State.ALARM
    if filled == 0 or missing_data in ("breaching", "notBreaching") or False in existing:
        return State.OK
    if missing_data == "ignore":
        return current
    return _with_gaps(points, datapoints_to_alarm)


def _with_gaps(points: Sequence[bool | None], datapoints_to_alarm: int) -> State:
    """Missing treated as missing, and nothing but breaching points or none at all."""
    if True in points and len(points) - points.index(True) >= datapoints_to_alarm:
        return State.ALARM
    return State.INSUFFICIENT_DATA
