"""What names a window: the series (model and version) and the minute."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import NamedTuple

MINUTE = 60
"""Seconds that a window spans, unless a scaled clock asks for less."""


class Series(NamedTuple):
    """Everything that one version of one model answered."""

    model: str
    version: str

    def __str__(self) -> str:
        """`model/version`, as keys and messages write it."""
        return f"{self.model}/{self.version}"


class WindowKey(NamedTuple):
    """One minute of one series; minute counts whole minutes (or other periods) since 1970 (UTC)."""

    series: Series
    minute: int


def minute_of(timestamp: str, period: int = MINUTE) -> int:
    """The minute, or other period in seconds, that an event's timestamp lies in. Raises ValueError.

    >>> minute_of("1970-01-01T00:02:59.999Z"), minute_of("1970-01-01T00:02:59.999Z", period=1)
    (2, 179)
    """
    moment = datetime.fromisoformat(timestamp)
    if moment.tzinfo is None:
        raise ValueError("expected a timestamp with its time zone")
    return int(moment.timestamp() // period)


def start_of(minute: int, period: int = MINUTE) -> str:
    """The first moment of a minute, or other period in seconds, ISO 8601.

    >>> start_of(2)
    '1970-01-01T00:02:00Z'
    """
    return datetime.fromtimestamp(minute * period, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
