"""Name windows: by series (model and version) and minute."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from drift_monitor.errors import BadEvent

#: Seconds that a window spans, unless a scaled clock asks for less.
MINUTE = 60


@dataclass(frozen=True, order=True, slots=True)
class Series:
    """Everything that one version of one model answered."""

    model: str
    version: str

    def __str__(self) -> str:
        """Return `model/version`, as keys and messages write it."""
        return f"{self.model}/{self.version}"


@dataclass(frozen=True, order=True, slots=True)
class WindowKey:
    """One minute of one series."""

    series: Series
    #: Whole minutes (or other periods) since 1970, UTC.
    minute: int


def minute_of(timestamp: str, period: int = MINUTE) -> int:
    """Return the minute that an event's timestamp lies in.

    Args:
        timestamp: ISO 8601 with its time zone.
        period: seconds of what is called a minute.

    Raises:
        BadEvent: another text.

    >>> minute_of("1970-01-01T00:02:59.999Z"), minute_of("1970-01-01T00:02:59.999Z", period=1)
    (2, 179)
    """
    try:
        time = datetime.fromisoformat(timestamp)
    except ValueError:
        time = None
    if time is None or time.tzinfo is None:
        raise BadEvent("timestamp: expected a time in ISO 8601 with its time zone")
    return int(time.timestamp() // period)


def start_of(minute: int, period: int = MINUTE) -> str:
    """Return when a minute, or another period in seconds, begins: ISO 8601, UTC.

    >>> start_of(2)
    '1970-01-01T00:02:00Z'
    """
    return datetime.fromtimestamp(minute * period, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
