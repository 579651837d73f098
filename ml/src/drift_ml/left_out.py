"""Spans of days that are left out of what is learned and found: holidays, outages, campaigns."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drift_ml.days import start_of_day

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

DAY_S = 86_400.0
#: What a setting is to be, for messages.
EXPECTED = "days and a reason, such as 2026-12-24/2026-12-26=Christmas"


@dataclass(frozen=True)
class LeftOut:
    """A span of time that nothing was learned from: a holiday, an outage, a campaign."""

    #: Seconds since the epoch; the end is not in it.
    from_s: float
    to_s: float
    #: In the words of whoever marked it.
    why: str = ""

    def holds(self, timestamp_s: float) -> bool:
        """Return whether a time, in seconds since the epoch, lies in the span.

        >>> LeftOut(0, 60).holds(59.9), LeftOut(0, 60).holds(60)
        (True, False)
        """
        return self.from_s <= timestamp_s < self.to_s

    def __str__(self) -> str:
        """Return the span in words.

        >>> str(LeftOut(0, 86_400, "New Year")), str(LeftOut(0, 172_800))
        ('1 January 1970 (New Year)', '1 January 1970 to 2 January 1970')
        """
        first, last = day_in_words(self.from_s), day_in_words(self.to_s - 1)
        days = first if first == last else f"{first} to {last}"
        return f"{days} ({self.why})" if self.why else days


def is_left_out(timestamp_s: float, left_out: Iterable[LeftOut]) -> bool:
    """Return whether a time lies in any span.

    Args:
        timestamp_s: in seconds since the epoch.
        left_out: the spans.
    """
    return any(span.holds(timestamp_s) for span in left_out)


def left_out_of(spans: Mapping[str, str]) -> tuple[LeftOut, ...]:
    """Return spans of days in UTC, both of which are left out, the earliest first.

    Args:
        spans: why, by a day or a first and a last one with a slash between.

    Raises:
        ValueError: it is no day, or the last one is before the first.

    >>> [str(span) for span in left_out_of({"2026-12-24/2026-12-26": "Christmas"})]
    ['24 December 2026 to 26 December 2026 (Christmas)']
    """
    listed = []
    for text, why in spans.items():
        first, divider, last = text.partition("/")
        begin_s = start_of_day(first)
        end_s = start_of_day(last) if divider else begin_s
        if end_s < begin_s:
            raise ValueError
        listed.append(LeftOut(begin_s, end_s + DAY_S, why))
    return tuple(sorted(listed, key=lambda span: span.from_s))


def left_out_of_texts(texts: Iterable[str]) -> tuple[LeftOut, ...]:
    """Return the spans of an option that may be repeated.

    Args:
        texts: FIRST/LAST=WHY each.

    Raises:
        ValueError: a text is no such span.
    """
    spans = {}
    for text in texts:
        span, divider, why = text.partition("=")
        if not divider:
            raise ValueError
        spans[span] = why
    return left_out_of(spans)


def day_in_words(timestamp_s: float) -> str:
    """Return the day of a time, in seconds since the epoch, as the page writes it.

    >>> day_in_words(0)
    '1 January 1970'
    """
    moment = datetime.fromtimestamp(timestamp_s, UTC)
    return f"{moment.day} {moment:%B %Y}"
