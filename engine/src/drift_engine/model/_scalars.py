"""The numbers that leaves hold, each once, in as few bits as give it back to the last one."""

from __future__ import annotations

import struct
from fractions import Fraction
from itertools import chain

from drift_contracts.records import Record

from drift_engine.forest import _columns
from drift_engine.model import _layout

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_SINGLE = struct.Struct("<f")
#: Rows of the largest leaf whose mean is looked for as a ratio.
MOST_ROWS = 1 << 20
#: Numbers that are tried first: most models hold no ratios, and these show it.
_SAMPLE = 64


class Scalars(Record):
    """The sections of numbers, vectors and codes, and their figures in the shape."""

    kind: int
    bits: int
    rows_bits: int
    lowest_numerator: int
    count: int
    values: bytes
    rows: bytes
    #: Distinct vectors, 0 where a leaf holds one number.
    vectors: int = 0
    vector_code_bits: int = 0
    vector_codes: bytes = b""
    leaf_code_bits: int = 0
    leaf_codes: bytes = b""

    @property
    def size(self) -> int:
        """Return the bytes of all sections."""
        codes = len(self.vector_codes) + len(self.leaf_codes)
        return len(self.values) + len(self.rows) + codes


def to_scalars(
    leaves: Sequence[tuple[float, ...]],
    *,
    raws: int | None,
) -> Scalars:
    """Return each distinct leaf once and a code per leaf, or all in order: whatever is smaller.

    Args:
        leaves: of all trees, in preorder.
        raws: numbers in a leaf, None where it holds one that is no vector.
    """
    distinct = list(dict.fromkeys(leaves))
    bits, codes = _to_codes(distinct, leaves)
    facts = {
        "leaf_code_bits": bits,
        "leaf_codes": codes,
    }
    coded = Scalars(**_tables(distinct, raws).__dict__ | facts)
    in_order = _tables(leaves, raws)
    return coded if coded.size < in_order.size else in_order


def _to_codes(
    distinct: Sequence[object],
    members: Sequence[object],
) -> tuple[int, bytes]:
    """Return how many bits a code has, and the codes of members in a table of distinct ones."""
    code_of = {member: code for code, member in enumerate(distinct)}
    bits = max(1, (len(distinct) - 1).bit_length())
    codes = [code_of[member] for member in members]
    return bits, _columns.pack(bits, codes)


def _tables(
    leaves: Sequence[tuple[float, ...]],
    raws: int | None,
) -> Scalars:
    """Return the numbers of leaves; of vectors, each number once where that is smaller."""
    numbers = [*chain.from_iterable(leaves)]
    if raws is None:
        return _to_numbers(numbers)
    vectors = {"vectors": len(leaves)}
    in_order = Scalars(**_to_numbers(numbers).__dict__ | vectors)
    distinct = list(dict.fromkeys(numbers))
    bits, codes = _to_codes(distinct, numbers)
    facts = {
        **vectors,
        "vector_code_bits": bits,
        "vector_codes": codes,
    }
    coded = Scalars(**_to_numbers(distinct).__dict__ | facts)
    return coded if coded.size < in_order.size else in_order


def _to_numbers(numbers: Sequence[float]) -> Scalars:
    """Return numbers as ratios or float32 where each is given back, else as float64."""
    is_single = all(to_single(number) == number for number in numbers)
    kind, typecode, bits = _layout.FLOAT64, "d", 64
    if is_single:
        kind, typecode, bits = _layout.FLOAT32, "f", 32
    floats = Scalars(
        kind=kind,
        bits=bits,
        rows_bits=0,
        lowest_numerator=0,
        count=len(numbers),
        values=_columns.to_bytes(typecode, numbers),
        rows=b"",
    )
    ratios = _to_ratios(numbers)
    return floats if ratios is None or ratios.size >= floats.size else ratios


def _to_ratios(numbers: Sequence[float]) -> Scalars | None:
    """Return numbers as whole ones by rows, None where one is no such ratio."""
    step = len(numbers) // _SAMPLE + 1
    if any(map(_is_no_ratio, numbers[::step])):
        return None
    numerators: list[int] = []
    divisors_less_one: list[int] = []
    for number in numbers:
        numerator, rows = _ratio(number)
        if numerator / rows != number:
            return None
        numerators.append(numerator)
        divisors_less_one.append(rows - 1)
    lowest = min(numerators)
    above_lowest = [numerator - lowest for numerator in numerators]
    bits = max(above_lowest).bit_length()
    rows_bits = max(divisors_less_one).bit_length()
    if max(bits, abs(lowest).bit_length()) > _layout.NUMERATOR_BITS:
        return None
    return Scalars(
        kind=_layout.RATIO,
        bits=bits,
        rows_bits=rows_bits,
        lowest_numerator=lowest,
        count=len(numbers),
        values=_columns.pack(bits, above_lowest),
        rows=_columns.pack(rows_bits, divisors_less_one),
    )


def _ratio(number: float) -> tuple[int, int]:
    """Return the whole number and the rows whose ratio is nearest to a number.

    A mean of rows is found by its continued fraction: no other fraction of so few rows is as near.
    """
    if abs(number) >= 1 << _layout.NUMERATOR_BITS - 1:
        return 0, 1
    nearest = Fraction(number).limit_denominator(MOST_ROWS)
    return nearest.numerator, nearest.denominator


def _is_no_ratio(number: float) -> bool:
    numerator, rows = _ratio(number)
    return numerator / rows != number


def to_single(number: float) -> float:
    """Return a number rounded to float32; infinity beyond its range."""
    try:
        single: float = _SINGLE.unpack(_SINGLE.pack(number))[0]
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")
    return single
