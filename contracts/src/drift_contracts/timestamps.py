"""Timestamps: milliseconds of Unix time in memory, RFC 3339 in UTC with milliseconds in documents.

Every document that is written has `2026-11-23T12:00:00.000Z`. The contracts also take whole seconds
and microseconds, so that documents of older releases and of other writers stay valid.
"""

from __future__ import annotations

import time
from functools import lru_cache

MS_PER_SECOND = 1000
MS_PER_DAY = 86_400_000


def utc_text(timestamp_ms: int) -> str:
    """Return a time in UTC to the millisecond.

    >>> utc_text(1795435200123)
    '2026-11-23T12:00:00.123Z'
    """
    second, millisecond = divmod(timestamp_ms, MS_PER_SECOND)
    return f"{_second_text(second)}.{millisecond:03d}Z"


def utc_text_of_seconds(timestamp_s: float) -> str:
    """Return a time in seconds of Unix time as `utc_text` writes it, cut to the millisecond.

    >>> utc_text_of_seconds(0.25)
    '1970-01-01T00:00:00.250Z'
    """
    # 0.29 s are 289.99... ms as a float: the microsecond is rounded first, as datetime does it
    return utc_text(round(timestamp_s * 1_000_000) // 1000)


# the predictor writes many lines within one second, and strftime is the dearest part of each time
@lru_cache(maxsize=1)
def _second_text(timestamp_s: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(timestamp_s))


def utc_ms(text: str) -> int:
    """Return the milliseconds of Unix time of an RFC 3339 timestamp, cut to the millisecond.

    Args:
        text: A date and time with its time zone: `Z` or an offset.

    Raises:
        ValueError: for anything else; the message does not hold the text.

    >>> utc_ms("1970-01-01T00:02:59.999Z"), utc_ms("1970-01-01T01:00:00+01:00")
    (179999, 0)
    """
    # the predictor writes timestamps and reads none: datetime would cost its cold start 2 ms
    from datetime import datetime  # noqa: PLC0415

    try:
        parsed = datetime.fromisoformat(text)
    except ValueError:
        parsed = None
    offset = parsed.utcoffset() if parsed is not None else None
    if parsed is None or offset is None:
        raise ValueError(
            "expected a timestamp with its time zone, such as 2026-11-23T12:00:00.000Z"
        )
    # integers throughout: `timestamp()` is a float and may fall into the millisecond before
    since_epoch = parsed.replace(tzinfo=None) - offset - datetime(1970, 1, 1)
    milliseconds = since_epoch.seconds * MS_PER_SECOND + since_epoch.microseconds // 1000
    return since_epoch.days * MS_PER_DAY + milliseconds
