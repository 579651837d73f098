"""Identifiers of predictions and requests, as the contracts write them."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

#: Bytes of randomness of one id.
RANDOM_BYTES = 10
#: Ids that one call of the system gives randomness for.
IDS_AT_ONCE = 32
#: The variant's digit by any digit: its first two bits are 10 (RFC 9562, section 4.1).
_VARIANT = {digit: "89ab"[int(digit, 16) & 3] for digit in "0123456789abcdef"}


def uuid7(timestamp_ms: int, random_bytes: Callable[[int], bytes]) -> str:
    """Return a UUID of version 7: 48 bits of time, then 74 of randomness.

    Source: RFC 9562, section 5.7.

    Args:
        timestamp_ms: milliseconds of Unix time.
        random_bytes: returns so many random bytes.

    >>> uuid7(0x017F22E279B0, lambda n: bytes.fromhex("0cc318c4dc0c0c07398f"))
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
    """
    (tail,) = _tails(random_bytes(RANDOM_BYTES))
    return _joined(timestamp_ms, tail)


class Identities:
    """UUIDs of version 7 whose randomness is drawn for many at once.

    Asking the system costs as much as the rest. Every id still has 74 random bits of its own. A
    process that forks after it drew would share what it has left.
    """

    __slots__ = ("_random_bytes", "_tails")

    def __init__(self, random_bytes: Callable[[int], bytes]) -> None:
        self._random_bytes = random_bytes
        self._tails: list[str] = []

    def new(self, timestamp_ms: int) -> str:
        """Return a new id; no two threads get the same."""
        try:
            # One step of the interpreter, so that two threads cannot pop the same.
            tail = self._tails.pop()
        except IndexError:
            tail, *spare = _tails(self._random_bytes(RANDOM_BYTES * IDS_AT_ONCE))
            self._tails.extend(spare)
        return _joined(timestamp_ms, tail)


def _tails(noise: bytes) -> list[str]:
    """Return what follows the time, for each RANDOM_BYTES: version, 12 bits, variant, 62 bits."""
    digits = noise.hex()
    starts = range(0, len(digits), 2 * RANDOM_BYTES)
    return [_tail(digits[start : start + 2 * RANDOM_BYTES]) for start in starts]


def _tail(digits: str) -> str:
    # The first digit is dropped: the version is in its place.
    return f"7{digits[1:4]}-{_VARIANT[digits[4]]}{digits[5:8]}-{digits[8:]}"


def _joined(timestamp_ms: int, tail: str) -> str:
    head = f"{timestamp_ms:012x}"
    return f"{head[:8]}-{head[8:]}-{tail}"
