"""When to send a request again: exponential backoff with full jitter, never before the service asks for it.

Source of the jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)


@dataclass(frozen=True)
class Retry:
    """How often and how long. attempts: all in all, at least 1. base, longest: seconds of delay.

    A Retry-After of more than `longest` is not waited for: the failure is raised at once.
    """

    attempts: int = 4
    base: float = 0.2
    longest: float = 20.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.base < 0 or self.longest < 0:
            raise ValueError("expected at least 1 attempt and delays of at least 0 seconds")

    def delay(self, attempt: int, chance: float, asked: float | None) -> float | None:
        """Seconds to wait after the given attempt (from 1); None to give up.

        chance: uniform in [0, 1]. asked: the seconds that the service asked for, if it did.

        >>> Retry(base=1.0).delay(2, 0.5, None), Retry().delay(1, 0.0, 5.0), Retry(attempts=1).delay(1, 0.0, None)
        (1.0, 5.0, None)
        """
        if attempt >= self.attempts or (asked is not None and asked > self.longest):
            return None
        jittered: float = chance * min(self.longest, self.base * 2 ** min(attempt - 1, 30))
        return max(jittered, asked or 0.0)


def worth_repeating(status: int) -> bool:
    """Whether another attempt may help: too many requests, or an error of the server."""
    return status == TOO_MANY_REQUESTS or status in SERVER_ERRORS


def seconds_asked(header: str | None, now: datetime) -> float | None:
    """The seconds of a Retry-After header, which holds seconds or a date (RFC 9110); None where it says nothing.

    >>> seconds_asked("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        moment = parsedate_to_datetime(header)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())
