"""Numbers as columns of bytes: arrays, packed bits, and ascending float32 numbers by their gaps."""

from __future__ import annotations

import sys
from array import array

from drift_engine.forest._errors import BadForest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIGN = 1 << 31
ALL_BITS = (1 << 32) - 1
LOWEST, HIGHEST = 0x007F_FFFF, 0xFF80_0000
"""Minus infinity and infinity as order numbers."""
MAX_LOW_BITS = 31


def to_bytes(typecode: str, numbers: Iterable[float]) -> bytes:
    """Numbers as little-endian bytes of the array module's `typecode`."""
    column = array(typecode, numbers)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        column.byteswap()
    return bytes(column.tobytes())


def to_array(typecode: str, column: bytes | memoryview) -> array[int]:
    """Little-endian bytes as numbers."""
    numbers = array(typecode)
    numbers.frombytes(column)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        numbers.byteswap()
    return numbers


def to_bits(column: bytes | memoryview) -> str:
    """A column as a string of 0 and 1, the lowest bit of the first byte first."""
    return f"{int.from_bytes(column, 'little'):0{8 * len(column)}b}"[::-1]


def from_bits(bits: str) -> bytes:
    """A string of 0 and 1 as a column, its first in the lowest bit of the first byte."""
    return int("0" + bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def pack(width: int, numbers: Sequence[int]) -> bytes:
    """Each number as `width` bits, the lowest first."""
    if width == 0:
        return b""
    highest_first = "".join([f"{number:0{width}b}" for number in reversed(numbers)])
    return int("0" + highest_first, 2).to_bytes((len(highest_first) + 7) // 8, "little")


def unpack(width: int, column: bytes | memoryview, count: int) -> list[int]:
    """The first `count` numbers of `width` bits each."""
    if width == 0:
        return [0] * count
    shifts, mask = range(0, 8 * width, width), (1 << width) - 1
    numbers: list[int] = []
    for start in range(0, len(column), width):  # eight numbers are `width` bytes
        eight = int.from_bytes(column[start : start + width], "little")
        numbers += [eight >> shift & mask for shift in shifts]
    return numbers[:count]


def to_gaps(singles: Sequence[float]) -> tuple[int, int, str]:
    """Ascending float32 numbers as the first one's order number, the number of low bits, and the gaps as bits.

    Order numbers count the float32 numbers upward, so that close numbers have small gaps. Each number has its gap from
    the one before (the first: 0): the low bits of it, the lowest first, then as many zeros as its high bits count,
    then a one (Rice 1979).
    """
    orders = [bits ^ (ALL_BITS if bits & SIGN else SIGN) for bits in to_array("I", to_bytes("f", singles))]
    gaps = [order - before for before, order in zip([*orders[:1], *orders], orders, strict=False)]
    low_bits = min(range(MAX_LOW_BITS + 1), key=lambda low: low * len(gaps) + sum(gap >> low for gap in gaps))
    code = [1 << low_bits + (gap >> low_bits) | gap & (1 << low_bits) - 1 for gap in gaps]
    return next(iter(orders), 0), low_bits, "".join(f"{bits:b}"[::-1] for bits in code)


def from_gaps(table: Sequence[int], column: bytes | memoryview) -> tuple[list[int], array[float]]:
    """Feature and number of each row of the split table.

    table: per feature the count of its numbers, then what `to_gaps` said of them: order number and low bits.
    Raises BadForest unless the column holds the gaps of exactly these numbers, and none of them is NaN.
    """
    bits, place = to_bits(column), 0
    features: list[int] = []
    orders: list[int] = []
    for feature, (count, first, low_bits) in enumerate(zip(*[iter(table)] * 3, strict=True)):
        _expect(low_bits <= MAX_LOW_BITS, f"low bits up to {MAX_LOW_BITS}")
        order = first
        for _ in range(count):
            one = bits.find("1", place + low_bits)
            _expect(one >= 0, "the gaps of every distinct split")
            order += (one - place - low_bits << low_bits) + int("0" + bits[place : place + low_bits][::-1], 2)
            place = one + 1
            _expect(LOWEST <= order <= HIGHEST, "ascending numbers, not NaN")
            orders.append(order)
        features += [feature] * count
    _expect((place + 7) // 8 == len(column) and bits.find("1", place) < 0, "nothing behind the last gap")
    raw = array("I", [order ^ (SIGN if order & SIGN else ALL_BITS) for order in orders])
    return features, array("f", raw.tobytes())


def _expect(holds: bool, expected: str) -> None:
    if not holds:
        raise BadForest(f"forest: thresholds: expected {expected}")
