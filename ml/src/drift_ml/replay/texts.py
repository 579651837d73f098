"""Numbers, times and findings as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from drift_ml.figures import plain_number
from drift_ml.words import change, subject

__all__ = [
    "change",
    "events",
    "figure",
    "number",
    "percent",
    "place",
    "signed",
    "subject",
    "tick",
    "time_text",
]

#: Below this a figure is shown as "less than".
SMALLEST = 0.0001
DAY_MS = 86_400_000


def time_text(timestamp_ms: int | None) -> str:
    """Return a time in UTC, to the minute; nothing for none.

    >>> time_text(0), time_text(None)
    ('1970-01-01 00:00', '')
    """
    if timestamp_ms is None:
        return ""
    return f"{datetime.fromtimestamp(timestamp_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def tick(
    timestamp_ms: int,
    span_ms: int,
) -> str:
    """Return a time as short as the span of its axis allows.

    >>> tick(0, 3_600_000), tick(0, 40 * DAY_MS)
    ('00:00', 'Jan 1')
    """
    when = datetime.fromtimestamp(timestamp_ms / 1000, UTC)
    if span_ms < 2 * DAY_MS:
        return f"{when:%H:%M}"
    return f"{when:%b} {when.day}"


def place(
    row: int,
    timestamp_ms: int | None,
) -> str:
    """Return where something is: its time, if there are times, and its row.

    >>> place(1200, None)
    'row 1,200'
    """
    if timestamp_ms is None:
        return f"row {row:,}"
    return f"{time_text(timestamp_ms)} (row {row:,})"


def events(count: float) -> str:
    """Return a whole number with commas.

    >>> events(100_000.0)
    '100,000'
    """
    return f"{count:,.0f}"


def figure(
    value: float | None,
    digits: int = 3,
) -> str:
    """Return a number in a few digits; a hyphen for none.

    >>> figure(0.12345), figure(None), figure(0.00001), figure(0)
    ('0.123', '-', '< 0.0001', '0')
    """
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return "< 0.0001" if 0 < value < SMALLEST else plain_number(value, digits)


def number(value: float) -> str:
    """Return a number for an attribute of a drawing, to two digits after the point.

    >>> number(12.5), number(3.0), number(0.126)
    ('12.5', '3', '0.13')
    """
    return f"{value:.2f}".rstrip("0").rstrip(".")


def signed(value: float | None) -> str:
    """Return a number to two digits with its sign; none for what rounds to zero.

    >>> signed(0.5), signed(-0.001), signed(None)
    ('+0.50', '0.00', '-')
    """
    if value is None:
        return figure(None)
    return f"{value:+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00")


def percent(share: float | None) -> str:
    """Return a share in per cent.

    >>> percent(0.123), percent(0.0), percent(0.00004), percent(1.0)
    ('12.3 %', '0 %', '< 0.01 %', '100 %')
    """
    if share is None:
        return figure(None)
    if 0 < share < SMALLEST:
        return "< 0.01 %"
    return f"{plain_number(100 * share)} %"
