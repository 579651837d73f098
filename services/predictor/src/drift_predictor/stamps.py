"""Times and identifiers as the contracts write them."""

from __future__ import annotations

import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

RANDOM_BYTES = 10
_VERSION_7 = 0x7 << 76
_VARIANT = 0b10 << 62
_RANDOM_A = 0xFFF << 64
_RANDOM_B = (1 << 62) - 1


def timestamp(milliseconds: int) -> str:
    """Milliseconds since 1970 as UTC in ISO 8601.

    >>> timestamp(1795435200123)
    '2026-11-23T12:00:00.123Z'
    """
    seconds, fraction = divmod(milliseconds, 1000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:03d}Z"


def uuid7(milliseconds: int, random_bytes: Callable[[int], bytes]) -> str:
    """A UUID of version 7: 48 bits of time, then 74 of randomness. Source: RFC 9562, section 5.7.

    >>> uuid7(0x017F22E279B0, lambda n: bytes.fromhex("0cc318c4dc0c0c07398f"))
    '017f22e2-79b0-7cc3-98c4-dc0c0c07398f'
    """
    noise = int.from_bytes(random_bytes(RANDOM_BYTES), "big")
    value = milliseconds << 80 | _VERSION_7 | noise & _RANDOM_A | _VARIANT | noise & _RANDOM_B
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"
