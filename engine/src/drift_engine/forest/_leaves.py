"""The leaf values of a forest in as few bits as give each of them back to the last one."""

from __future__ import annotations

from sys import float_info

from drift_contracts.records import Record

from drift_engine.forest import _columns, _layout
from drift_engine.forest._errors import BadForest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    Leaf = tuple[float, float]
    """Value, and how many training rows it is the mean of."""


class Leaves(Record):
    """The columns of leaf values and codes, and what the header says of them."""

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
        """Bytes of the columns."""
        return len(self.values) + len(self.rows) + len(self.codes)


def to_leaves(leaves: Sequence[Leaf], trees: int) -> Leaves:
    """A value for each leaf, or each value once and a code for each leaf: whatever is smaller."""
    if max(abs(value) for value, _ in leaves) > float_info.max / (2 * trees):
        raise BadForest("forest: leaf values: too large to be summed over the trees")
    uncoded = _to_values(leaves)
    first: dict[float, float] = {}
    for value, rows in leaves:
        first.setdefault(value, rows)
    if len(first) > _layout.MAX_CODED_LEAF_VALUES:
        return uncoded
    code_of = {value: code for code, value in enumerate(first)}
    code_bits = max(1, (len(first) - 1).bit_length())
    codes = _columns.pack(code_bits, [code_of[value] for value, _ in leaves])
    coded = Leaves(**_to_values(list(first.items())).__dict__ | {"code_bits": code_bits, "codes": codes})
    return coded if coded.size < uncoded.size else uncoded


def _to_values(leaves: Sequence[Leaf]) -> Leaves:
    """Ratios if each of them gives its value back, else float64."""
    numerators = _numerators(leaves)
    if numerators:
        lowest = min(numerators)
        value_bits = (max(numerators) - lowest).bit_length()
        more_rows = [int(rows) - 1 for _, rows in leaves]
        rows_bits = max(more_rows).bit_length()
        if value_bits <= _layout.NUMERATOR_BITS and value_bits + rows_bits < _layout.FLOAT_BITS:
            values = _columns.pack(value_bits, [numerator - lowest for numerator in numerators])
            return Leaves(
                len(leaves),
                value_bits,
                rows_bits,
                lowest,
                values,
                _columns.pack(rows_bits, more_rows),
            )
    values = _columns.to_bytes("d", [value for value, _ in leaves])
    return Leaves(len(leaves), _layout.FLOAT_BITS, 0, 0, values, b"")


def _numerators(leaves: Sequence[Leaf]) -> list[int]:
    """Whole numbers that divided by the rows are the values, bit for bit; nothing if one leaf has none."""
    numerators = []
    for value, rows in leaves:
        if not (1 <= rows <= 1 << _layout.ROWS_BITS and rows == int(rows)):
            return []
        total = value * rows  # nearly whole, where the targets are whole
        if abs(total) > 1 << _layout.NUMERATOR_BITS or round(total) / rows != value:
            return []
        numerators.append(round(total))
    return numerators
