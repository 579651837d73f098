"""Days, as settings name them."""

from __future__ import annotations

from datetime import UTC, datetime

MUTED_DAY = "%Y-%m-%d"


def start_of_day(text: str) -> float:
    """Return when a day begins in UTC, in seconds since 1970. Raises ValueError.

    >>> start_of_day("1970-01-02")
    86400.0
    """
    return datetime.strptime(text, MUTED_DAY).replace(tzinfo=UTC).timestamp()


def day_of(timestamp_s: float) -> str:
    """Return the day of a time in UTC.

    timestamp_s: in seconds since 1970.

    >>> day_of(86400.0)
    '1970-01-02'
    """
    return f"{datetime.fromtimestamp(timestamp_s, UTC):{MUTED_DAY}}"
