"""Numbers as columns of bytes: arrays, packed bits, and ascending float32 numbers by their gaps."""

from __future__ import annotations

import sys
from array import array

from drift_contracts.records import Record

from drift_engine.forest._errors import BadForest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

SIGN = 1 << 31
ALL_BITS = (1 << 32) - 1
#: Minus infinity and infinity as order numbers.
LOWEST, HIGHEST = 0x007F_FFFF, 0xFF80_0000
MAX_LOW_BITS = 31


class Gaps(Record):
    """Ascending float32 numbers by their gaps."""

    #: Order number of the first of them, 0 of none.
    first: int
    #: How many low bits of each gap are written as they are.
    low_bits: int
    #: The gaps as text of 0 and 1.
    bits: str


def to_bytes(
    typecode: str,
    numbers: Iterable[float],
) -> bytes:
    """Return numbers as little-endian bytes.

    Args:
        typecode: of the module `array`.
        numbers: that fit it.
    """
    column = array(typecode, numbers)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        column.byteswap()
    return bytes(column.tobytes())


def to_array(
    typecode: str,
    column: bytes | memoryview,
) -> array[int]:
    """Return little-endian bytes as numbers.

    Args:
        typecode: of the module `array`.
        column: a whole number of numbers.
    """
    numbers = array(typecode)
    numbers.frombytes(column)
    if sys.byteorder == "big":  # pragma: no cover - no such machine at hand
        numbers.byteswap()
    return numbers


def to_bits(column: bytes | memoryview) -> str:
    """Return a column as a text of 0 and 1, the lowest bit of the first byte first."""
    # One big integer: formatting it is many times faster than a loop over bytes.
    highest_first = f"{int.from_bytes(column, 'little'):0{8 * len(column)}b}"
    return highest_first[::-1]


def from_bits(bits: str) -> bytes:
    """Return a text of 0 and 1 as a column, its first in the lowest bit of the first byte."""
    return int("0" + bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def pack(
    width: int,
    numbers: Sequence[int],
) -> bytes:
    """Return each number as so many bits, the lowest first.

    Args:
        width: bits of a number; of 0 there is no column.
        numbers: each below 2^width.
    """
    if width == 0:
        return b""
    highest_first = "".join([f"{number:0{width}b}" for number in reversed(numbers)])
    size = (len(highest_first) + 7) // 8
    return int("0" + highest_first, 2).to_bytes(size, "little")


def unpack(
    width: int,
    column: bytes | memoryview,
    count: int,
) -> list[int]:
    """Return the first numbers of a column.

    Args:
        width: bits of a number.
        column: that `pack` made.
        count: of the numbers.
    """
    if width == 0:
        return [0] * count
    shifts = range(0, 8 * width, width)
    mask = (1 << width) - 1
    numbers: list[int] = []
    # Eight numbers are `width` bytes.
    for start in range(0, len(column), width):
        eight = int.from_bytes(column[start : start + width], "little")
        numbers += [eight >> shift & mask for shift in shifts]
    return numbers[:count]


def to_gaps(singles: Sequence[float]) -> Gaps:
    """Return ascending float32 numbers by their gaps.

    Order numbers count the float32 numbers upward, so that close numbers have small gaps. Each
    number has its gap from the one before (the first: 0): the low bits of it, the lowest first,
    then as many zeros as its high bits count, then a one (Rice 1979).
    """
    orders = [_to_order(bits) for bits in to_array("I", to_bytes("f", singles))]
    # The first has itself before it.
    befores = [*orders[:1], *orders]
    gaps = [order - before for before, order in zip(befores, orders, strict=False)]

    def size(low_bits: int) -> int:
        return low_bits * len(gaps) + sum(gap >> low_bits for gap in gaps)

    low_bits = min(range(MAX_LOW_BITS + 1), key=size)
    words = []
    for gap in gaps:
        # The highest bit is the one that ends the word; the text is read lowest bit first.
        high = 1 << low_bits + (gap >> low_bits)
        low = gap & (1 << low_bits) - 1
        words.append(f"{high | low:b}"[::-1])
    return Gaps(next(iter(orders), 0), low_bits, "".join(words))


def _to_order(bits: int) -> int:
    """Return how many float32 numbers lie below one, from its bits.

    The bits of positive numbers ascend with them, those of negative ones descend: a set sign flips
    all bits, a clear one flips itself only.
    """
    return bits ^ (ALL_BITS if bits & SIGN else SIGN)


def from_gaps(
    table: Sequence[int],
    column: bytes | memoryview,
) -> tuple[list[int], array[float]]:
    """Return feature and number of each row of the split table.

    Args:
        table: per feature the count of its numbers, their first order number and low bits.
        column: the gaps of all features, one after the other.

    Raises:
        BadForest: the column does not hold the gaps of exactly these numbers, or one is NaN.
    """
    bits = to_bits(column)
    place = 0
    features: list[int] = []
    orders: list[int] = []
    rows = zip(table[::3], table[1::3], table[2::3], strict=True)
    for feature, (count, first, low_bits) in enumerate(rows):
        _expect(low_bits <= MAX_LOW_BITS, f"low bits up to {MAX_LOW_BITS}")
        order = first
        for _ in range(count):
            # The word's low bits may hold ones; the first one behind them ends the word.
            end = bits.find("1", place + low_bits)
            _expect(end >= 0, "the gaps of every distinct split")
            high = end - place - low_bits
            highest_first = bits[place : place + low_bits][::-1]
            low = int("0" + highest_first, 2)
            order += (high << low_bits) + low
            place = end + 1
            _expect(LOWEST <= order <= HIGHEST, "ascending numbers, not NaN")
            orders.append(order)
        features += [feature] * count
    is_whole = (place + 7) // 8 == len(column) and bits.find("1", place) < 0
    _expect(is_whole, "nothing behind the last gap")
    # The way back from order numbers: their highest bit is the sign turned round.
    raw = array("I", map(_from_order, orders))
    return features, array("f", raw.tobytes())


def _from_order(order: int) -> int:
    return order ^ (SIGN if order & SIGN else ALL_BITS)


def _expect(holds: bool, expected: str) -> None:
    """Raise BadForest unless a condition holds."""
    if not holds:
        raise BadForest(f"forest: thresholds: expected {expected}")
