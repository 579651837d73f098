"""The leaf values of a forest in as few bits as give each of them back to the last one."""

from __future__ import annotations

from sys import float_info

from drift_contracts.records import Record

from drift_engine.forest import _columns, _layout
from drift_engine.forest._errors import BadForest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    #: Value, and how many training rows it is the mean of.
    Leaf = tuple[float, float]


class Leaves(Record):
    """The columns of leaf values and codes, and their numbers in the header."""

    #: Of the values.
    count: int
    value_bits: int
    rows_bits: int
    lowest_numerator: int
    values: bytes
    rows: bytes
    code_bits: int = 0
    codes: bytes = b""

    @property
    def size(self) -> int:
        """Return the bytes of the columns."""
        return len(self.values) + len(self.rows) + len(self.codes)


def to_leaves(
    leaves: Sequence[Leaf],
    trees: int,
) -> Leaves:
    """Return a value for each leaf, or each value once and a code per leaf: whatever is smaller.

    Args:
        leaves: of all trees, in preorder.
        trees: how many there are.

    Raises:
        BadForest: values are too large to be summed over the trees.
    """
    largest = max(abs(value) for value, _ in leaves)
    if largest > float_info.max / (2 * trees):
        raise BadForest("forest: leaf values: too large to be summed over the trees")
    uncoded = _to_values(leaves)
    rows_of: dict[float, float] = {}
    for value, rows in leaves:
        rows_of.setdefault(value, rows)
    if len(rows_of) > _layout.MAX_CODED_LEAF_VALUES:
        return uncoded
    code_of = {value: code for code, value in enumerate(rows_of)}
    code_bits = max(1, (len(rows_of) - 1).bit_length())
    codes = _columns.pack(code_bits, [code_of[value] for value, _ in leaves])
    distinct = _to_values(list(rows_of.items()))
    coded = Leaves(**distinct.__dict__ | {"code_bits": code_bits, "codes": codes})
    return coded if coded.size < uncoded.size else uncoded


def _to_values(leaves: Sequence[Leaf]) -> Leaves:
    """Return ratios if each of them gives its value back, else float64."""
    return _to_ratios(leaves) or _to_floats(leaves)


def _to_ratios(leaves: Sequence[Leaf]) -> Leaves | None:
    """Return numerators and rows; None where some value is no ratio, or floats are smaller."""
    numerators = _numerators(leaves)
    if not numerators:
        return None
    lowest = min(numerators)
    value_bits = (max(numerators) - lowest).bit_length()
    # A leaf has at least one row, so that one less is written.
    more_rows = [int(rows) - 1 for _, rows in leaves]
    rows_bits = max(more_rows).bit_length()
    if value_bits > _layout.NUMERATOR_BITS or value_bits + rows_bits >= _layout.FLOAT_BITS:
        return None
    return Leaves(
        count=len(leaves),
        value_bits=value_bits,
        rows_bits=rows_bits,
        lowest_numerator=lowest,
        values=_columns.pack(value_bits, [numerator - lowest for numerator in numerators]),
        rows=_columns.pack(rows_bits, more_rows),
    )


def _to_floats(leaves: Sequence[Leaf]) -> Leaves:
    return Leaves(
        count=len(leaves),
        value_bits=_layout.FLOAT_BITS,
        rows_bits=0,
        lowest_numerator=0,
        values=_columns.to_bytes("d", [value for value, _ in leaves]),
        rows=b"",
    )


def _numerators(leaves: Sequence[Leaf]) -> list[int]:
    """Return whole numbers that divided by the rows are the values, bit for bit.

    The list is empty if one leaf has none.
    """
    numerators = []
    for value, rows in leaves:
        if not (1 <= rows <= 1 << _layout.ROWS_BITS and rows == int(rows)):
            return []
        # Nearly whole, where the targets are whole.
        total = value * rows
        if abs(total) > 1 << _layout.NUMERATOR_BITS or round(total) / rows != value:
            return []
        numerators.append(round(total))
    return numerators
