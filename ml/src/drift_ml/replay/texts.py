"""Numbers, moments and findings as a person reads them."""

from __future__ import annotations

from datetime import UTC, datetime

from drift_ml.words import change, subject

__all__ = ["change", "figure", "moment", "percent", "place", "signed", "subject", "tick"]

MILLION = 1_000_000
SMALLEST = 0.0001
DAY_MS = 86_400_000


def moment(at_ms: int | None) -> str:
    """A moment in UTC, to the minute.

    >>> moment(0), moment(None)
    ('1970-01-01 00:00', '')
    """
    return "" if at_ms is None else f"{datetime.fromtimestamp(at_ms / 1000, UTC):%Y-%m-%d %H:%M}"


def tick(at_ms: int, span_ms: int) -> str:
    """A moment as short as the span of its axis allows.

    >>> tick(0, 3_600_000), tick(0, 40 * DAY_MS)
    ('00:00', 'Jan 1')
    """
    when = datetime.fromtimestamp(at_ms / 1000, UTC)
    if span_ms < 2 * DAY_MS:
        return f"{when:%H:%M}"
    return f"{when:%b} {when.day}"


def place(row: int, at_ms: int | None) -> str:
    """Where something is: its time, if there are times, and its row.

    >>> place(1200, None)
    'row 1,200'
    """
    return f"row {row:,}" if at_ms is None else f"{moment(at_ms)} (row {row:,})"


def figure(value: float | None, digits: int = 3) -> str:
    """A number in a few digits; a hyphen for none.

    >>> figure(0.12345), figure(None), figure(0.00001), figure(0)
    ('0.123', '-', '< 0.0001', '0')
    """
    if value is None:
        return "-"
    if value == 0:
        return "0"
    return "< 0.0001" if 0 < value < SMALLEST else f"{value:.{digits}g}"


def signed(value: float) -> str:
    """A number to two decimals with its sign; none for what rounds to zero.

    >>> signed(0.5), signed(-0.001)
    ('+0.50', '0.00')
    """
    return f"{value:+.2f}".replace("-0.00", "0.00").replace("+0.00", "0.00")


def percent(share: float | None) -> str:
    """A share in per cent.

    >>> percent(0.123), percent(0.0), percent(0.00004), percent(1.0)
    ('12.3 %', '0 %', '< 0.01 %', '100 %')
    """
    if share is None:
        return figure(None)
    if 0 < share < SMALLEST:
        return "< 0.01 %"
    return f"{100 * share:.3g} %"
