"""Times and identifiers as the contracts write them."""

from __future__ import annotations

import time
from functools import lru_cache

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM_BYTES = 10
AT_ONCE = 32
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def timestamp(milliseconds: int) -> str:
    """Milliseconds since 1970 as UTC in ISO 8601.

    >>> timestamp(1795435200123)
    '2026-11-23T12:00:00.123Z'
    """
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{_second(seconds)}.{fraction:03d}Z"


@lru_cache(maxsize=1)
def _second(seconds: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def uuid7(milliseconds: int, random_bytes: Callable[[int], bytes]) -> str:
    """A UUID of version 7: 48 bits of time, then 74 of randomness. Source: RFC 9562, section 5.7.

    >>> uuid7(0x017F22E279B0, lambda n: bytes.fromhex("0cc318c4dc0c0c07398f"))
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
    """
    (tail,) = _tails(random_bytes(RANDOM_BYTES))
    return _joined(milliseconds, tail)


class Identities:
    """UUIDs of version 7 from randomness that is drawn for many at once: asking the system costs as much as the rest.

    Every id still has 74 random bits of its own. A process that forks after it drew would share what it has left.
    """

    __slots__ = ("_random_bytes", "_tails")

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._tails: list[str] = []

    def __call__(self, milliseconds: int) -> str:
        """A new id; no two threads are given the same."""
        try:
            tail = self._tails.pop()
        except IndexError:
            tail, *rest = _tails(self._random_bytes(RANDOM_BYTES * AT_ONCE))
            self._tails.extend(rest)
        return _joined(milliseconds, tail)


def _tails(noise: bytes) -> list[str]:
    """What follows the time, for each RANDOM_BYTES: version, 12 bits, variant, 62 bits."""
    digits = noise.hex()
    return [
        f"7{digits[at + 1 : at + 4]}-{_VARIANT[digits[at + 4]]}{digits[at + 5 : at + 8]}-{digits[at + 8 : at + 20]}"
        for at in range(0, len(digits), 2 * RANDOM_BYTES)
    ]


def _joined(milliseconds: int, tail: str) -> str:
    head = f"{milliseconds:012x}"
    return f"{head[:8]}-{head[8:]}-{tail}"
