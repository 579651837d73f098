"""The state of an alarm as CloudWatch decides it from the datapoints of the evaluation range."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from collections.abc import Sequence

MissingData = Literal["missing", "ignore", "breaching", "notBreaching"]
#: The documentation's worked tables retrieve 5 points for 3 evaluation periods.
EXTRA_POINTS = 2


class State(StrEnum):
    """The state of an alarm, as CloudWatch and `alert.v2` write it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


def evaluation_range(evaluation_periods: int) -> int:
    """Return how many of the latest points are retrieved, so that gaps can be bridged.

    evaluation_periods: N, at least 1. Source: "Configuring how CloudWatch alarms treat missing
    data", where 5 points are retrieved for N = 3; the number for other N is not published.

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
    """Return the state that M out of N gives for the points of the evaluation range.

    The latest N existing points decide; only when fewer than N exist does `missing_data` fill the
    rest. Source: the page named above, with its rule on premature alarms (a lone breaching point
    counts once M periods have passed).

    Args:
        points: Oldest first; True breaches, False does not, None is missing.
        evaluation_periods: N, at least 1.
        datapoints_to_alarm: M, from 1 to N.
        missing_data: How a missing point is treated.
        current: The state before this evaluation; `ignore` keeps it.

    >>> decide([None, None, True, None, None], evaluation_periods=3, datapoints_to_alarm=3,
    ...        missing_data="missing", current=State.OK)
    <State.ALARM: 'ALARM'>
    """
    existing = [point for point in points if point is not None]
    decisive = existing[-evaluation_periods:]
    breaching = decisive.count(True)
    filled = evaluation_periods - len(decisive)
    if missing_data == "breaching":
        breaching += filled
    if breaching >= datapoints_to_alarm:
        return State.ALARM
    if filled == 0 or missing_data in ("breaching", "notBreaching"):
        return State.OK
    # One point that does not breach is data, whatever the gaps around it mean.
    if False in decisive:
        return State.OK
    if missing_data == "ignore":
        return current
    return _with_gaps(points, datapoints_to_alarm)


def _with_gaps(points: Sequence[bool | None], datapoints_to_alarm: int) -> State:
    """Return the state where missing is missing, and all points that exist breach."""
    if True not in points:
        return State.INSUFFICIENT_DATA
    # A lone breach does not alarm before M periods have passed since it.
    periods_since = len(points) - points.index(True)
    return State.ALARM if periods_since >= datapoints_to_alarm else State.INSUFFICIENT_DATA
