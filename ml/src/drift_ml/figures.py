"""Numbers as people write them: no exponents, no more digits than they mean."""

from __future__ import annotations

from decimal import Decimal
from math import floor, isfinite, log10

#: The unit of a part of all events.
SHARE = "share of events"
#: Digits that a figure of a sentence has.
DIGITS = 3
#: From here on digits after the point say nothing.
LARGE = 100.0
#: Nobody writes out the zeros of numbers beyond these.
SMALLEST, LARGEST = 1e-6, 1e15
#: Shares, in per cent, that are not written as none or as all.
LEAST_PERCENT, MOST_PERCENT = 0.01, 99.9
#: Digits after which two figures that look alike are left so.
MOST_DIGITS = 9


def plain_number(value: float, digits: int = DIGITS) -> str:
    """Return a number with commas and without an exponent.

    Args:
        value: any number.
        digits: that count, of a number below 100.

    >>> plain_number(1234567.8), plain_number(0.012345), plain_number(2.0), plain_number(-0.5)
    ('1,234,568', '0.0123', '2', '-0.5')
    """
    if value == 0 or not isfinite(value):
        return f"{value:g}".replace("-0", "0")
    size = abs(value)
    if not SMALLEST <= size < LARGEST:
        return f"{value:.{digits}g}"
    places = max(0, digits - 1 - floor(log10(size)))
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def plain_label(value: float) -> str:
    """Return a number for the name of a bin: six digits at most, no exponent, no commas.

    >>> plain_label(1234567.0), plain_label(0.00005), plain_label(2000.0), plain_label(0.25)
    ('1234570', '0.00005', '2000', '0.25')
    """
    return f"{Decimal(f'{value:.6g}'):f}"


def plain_pair(before: float, after: float) -> tuple[str, str]:
    """Return two numbers with as many digits as it takes to tell them apart.

    >>> plain_pair(1000.12, 1000.34), plain_pair(7.0, 7.0)
    (('1,000.1', '1,000.3'), ('7', '7'))
    """
    for digits in range(DIGITS, MOST_DIGITS):
        texts = (plain_number(before, digits), plain_number(after, digits))
        if texts[0] != texts[1]:
            return texts
    return plain_number(before), plain_number(after)


def plain_percent(share: float) -> str:
    """Return a share in per cent; what is nearly none or nearly all is called that.

    >>> [plain_percent(share) for share in (1.0, 0.923, 0.0567, 0.00021, 0.00001, 0.0, 0.9999)]
    ['100 %', '92 %', '5.7 %', '0.021 %', 'under 0.01 %', '0 %', 'over 99.9 %']
    """
    percent = 100 * share
    if 0 < percent < LEAST_PERCENT:
        return f"under {LEAST_PERCENT:g} %"
    if MOST_PERCENT < percent < LARGE:
        return f"over {MOST_PERCENT:g} %"
    return f"{plain_number(percent, 2)} %"
