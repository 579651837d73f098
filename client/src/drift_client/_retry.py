"""When to send a request again: exponential backoff with full jitter, as `Retry-After` allows.

Source of the jitter: M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

TOO_MANY_REQUESTS = 429
SERVER_ERRORS = range(500, 600)
#: Doublings after which the delay has long reached its limit; more would overflow a float.
MOST_DOUBLINGS = 30


@dataclass(frozen=True)
class Retry:
    """How often a request is sent, and how long the client waits between attempts."""

    #: attempts in all, at least 1
    attempts: int = 4
    #: seconds of the first delay at most; it doubles with each attempt
    base: float = 0.2
    #: seconds of any delay at most; a `Retry-After` beyond it raises the failure at once
    longest: float = 20.0

    def __post_init__(self) -> None:
        if self.attempts < 1 or self.base < 0 or self.longest < 0:
            raise ValueError("expected at least 1 attempt and delays of at least 0 seconds")

    def delay(self, attempt: int, chance: float, retry_after: float | None) -> float | None:
        """Return the seconds to wait after an attempt; None to give up.

        Args:
            attempt: Its number, from 1.
            chance: Uniform in [0, 1].
            retry_after: The seconds that the service asks for, if it does.

        >>> Retry(base=1.0).delay(2, 0.5, None), Retry().delay(1, 0.0, 5.0)
        (1.0, 5.0)
        >>> Retry(attempts=1).delay(1, 0.0, None) is None
        True
        """
        if attempt >= self.attempts:
            return None
        if retry_after is not None and retry_after > self.longest:
            return None
        doublings = min(attempt - 1, MOST_DOUBLINGS)
        backoff: float = min(self.longest, self.base * 2**doublings)
        # full jitter: clients that failed together must not come back together
        return max(chance * backoff, retry_after or 0.0)


def worth_repeating(status: int) -> bool:
    """Return whether another attempt may help: too many requests, or an error of the server."""
    return status == TOO_MANY_REQUESTS or status in SERVER_ERRORS


def retry_after_seconds(header: str | None, now: datetime) -> float | None:
    """Return the seconds that a Retry-After header asks for; None if it asks for nothing.

    Args:
        header: The header's text, which is seconds or a date (RFC 9110), or None.
        now: The current time, with its time zone.

    >>> retry_after_seconds("120", datetime(2026, 1, 1, tzinfo=UTC))
    120.0
    """
    if header is None:
        return None
    if header.strip().isdecimal():
        return float(header)
    try:
        date = parsedate_to_datetime(header)
    except ValueError:
        return None
    # RFC 5322 writes -0000 for UTC of unknown origin, which Python returns without a zone
    aware = date if date.tzinfo is not None else date.replace(tzinfo=UTC)
    return max(0.0, (aware - now).total_seconds())
