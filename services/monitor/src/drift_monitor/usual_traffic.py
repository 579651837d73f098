"""What traffic each hour of the week usually has, so that a night without any is no silence."""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil, inf
from typing import TYPE_CHECKING, Any

from drift_ml.left_out import is_left_out

from drift_monitor.sums import HOUR_S, HOURS_A_DAY

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.left_out import LeftOut

DAYS_A_WEEK = 7
HOURS_A_WEEK = DAYS_A_WEEK * HOURS_A_DAY
#: Days that are learned from, the newest: four of each hour of the week, so that a change of the
#: clocks in spring or autumn is learned in two or three weeks.
MOST_DAYS = 28
#: Events that usually come in a silence before it is unusual. Source: the rule of three, by which
#: none out of three expected is told from chance at 95 % (Hanley & Lippman-Hand 1983).
FEWEST_EXPECTED = 3
#: Days that are looked back over: a silence of so long is unusual, or nothing usually comes.
LONGEST_DAYS = 14


@dataclass(frozen=True)
class UsualTraffic:
    """The events that hours and days of the week have in at least half of their weeks."""

    #: Of each hour of the week in UTC, from Thursday on, as the epoch began on one.
    hours: tuple[int, ...]
    #: Of each day of the week, as above: what comes at any hour has no usual one.
    days: tuple[int, ...]

    @property
    def quiet_hours(self) -> int:
        """Return how many hours of the week usually have no event."""
        return self.hours.count(0)

    def missing_since(self, end_s: float) -> float:
        """Return since when there must be no event for the silence until a time to be unusual.

        Inside of an hour events are expected at the least rate of it and of the two beside it:
        the first hour of a morning may begin with silence, and is expected once it is over.

        Args:
            end_s: seconds since the epoch.

        Returns:
            Seconds since the epoch; minus infinity where no silence is unusual.
        """
        hour = int(end_s // HOUR_S)
        expected = self._rate(hour) * (end_s / HOUR_S - hour)
        if expected >= FEWEST_EXPECTED:
            return end_s - FEWEST_EXPECTED / self._rate(hour) * HOUR_S
        by_day = 0
        for past in range(hour - 1, hour - 1 - LONGEST_DAYS * HOURS_A_DAY, -1):
            wanted, rate = FEWEST_EXPECTED - expected, self._rate(past)
            if rate >= wanted:
                return (past + 1 - wanted / rate) * HOUR_S
            expected += self.hours[past % HOURS_A_WEEK]
            day, hour_of_day = divmod(past, HOURS_A_DAY)
            if not hour_of_day and (day + 1) * HOURS_A_DAY <= hour:
                by_day += self.days[day % DAYS_A_WEEK]
            if max(expected, by_day) >= FEWEST_EXPECTED:
                return past * HOUR_S
        return -inf

    def _rate(self, hour: int) -> int:
        """Return the events an hour that are expected in any part of an hour since the epoch."""
        return min(self.hours[beside % HOURS_A_WEEK] for beside in (hour - 1, hour, hour + 1))

    def __str__(self) -> str:
        """Return which hours are quiet, as the page says it; "" where none is.

        >>> str(UsualTraffic((0,) * 6 + (40,) * 162, (720,) * 7))
        'no requests are usual in 6 of 168 hours of the week'
        """
        if not self.quiet_hours:
            return ""
        return f"no requests are usual in {self.quiet_hours} of {HOURS_A_WEEK} hours of the week"

    def to_json(self) -> dict[str, list[int]]:
        """Return the members as they are stored."""
        return {"hours": list(self.hours), "days": list(self.days)}

    @classmethod
    # Any: what is stored may be of another release, or damaged.
    def from_json(cls, document: Any) -> UsualTraffic:
        """Return what is stored.

        Raises:
            ValueError: it has other members, or not a number for each hour and day.
        """
        hours, days = (tuple(map(int, document[name])) for name in ("hours", "days"))
        if (len(hours), len(days)) != (HOURS_A_WEEK, DAYS_A_WEEK):
            raise ValueError("usual traffic: expected 168 hours and 7 days")
        return cls(hours, days)


def usual_traffic(
    events: Mapping[int, int],
    first_hour: int,
    last_hour: int,
    left_out: Sequence[LeftOut] = (),
) -> UsualTraffic:
    """Return what hours and days of the week usually have.

    Args:
        events: by hour since 1970; an hour that is not there had none.
        first_hour: since 1970; it may have begun before the traffic, and is not counted.
        last_hour: the last hour that is whole.
        left_out: spans that nothing is learned from.
    """
    begin = max(first_hour + 1, last_hour + 1 - MOST_DAYS * HOURS_A_DAY)
    hours: list[list[int]] = [[] for _ in range(HOURS_A_WEEK)]
    for hour in range(begin, last_hour + 1):
        if not is_left_out(hour * HOUR_S, left_out):
            hours[hour % HOURS_A_WEEK].append(events.get(hour, 0))
    days: list[list[int]] = [[] for _ in range(DAYS_A_WEEK)]
    for day in range(ceil(begin / HOURS_A_DAY), (last_hour + 1) // HOURS_A_DAY):
        of_day = range(day * HOURS_A_DAY, (day + 1) * HOURS_A_DAY)
        if not is_left_out(of_day[0] * HOUR_S, left_out):
            days[day % DAYS_A_WEEK].append(sum(events.get(hour, 0) for hour in of_day))
    return UsualTraffic(tuple(map(_usually_at_least, hours)), tuple(map(_usually_at_least, days)))


def _usually_at_least(counts: Sequence[int]) -> int:
    """Return the lower median of counts, 0 for none: one outage or one odd night changes little."""
    return sorted(counts)[(len(counts) - 1) // 2] if counts else 0
