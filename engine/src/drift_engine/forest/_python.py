"""The pure-Python twin of the compiled engine: the same files, answers and refusals."""

from __future__ import annotations

import math
from array import array
from itertools import accumulate
from sys import float_info

from drift_engine.forest import _columns, _layout
from drift_engine.forest._errors import BadForest, BadRow

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WHOLE_TREES = "structure: expected the bits of whole trees"
_NOT_A_NUMBER = (TypeError, ValueError, OverflowError)


class Engine:
    """Trees as flat lists; a child is a node's index, or the complement (~) of a leaf's."""

    def __init__(self, parts: _layout.Parts) -> None:
        numbers = parts.numbers
        split_table = _columns.to_array("I", parts.split_table)
        features, thresholds = _columns.from_gaps(split_table, parts.thresholds)
        self._values = _leaf_values(parts)
        codes = _codes(
            numbers.split_code_bits,
            parts.split_codes,
            numbers.splits,
            distinct=len(thresholds),
            kind="split",
        )
        self._features = [features[code] for code in codes]
        self._thresholds = [thresholds[code] for code in codes]
        self._missing = None
        if numbers.missing_accepted:
            goes_left = _columns.to_bits(parts.missing_left)
            self._missing = [goes_left[code] == "1" for code in codes]
        self._roots, self._left, self._right = _structure(parts)
        self._width = numbers.features

    def predict(self, row: Iterable[float]) -> float:
        """Return the mean over the trees; see `Forest.predict`."""
        values = self._singles(row)
        leaf = self._leaf
        if self._missing is not None and any(map(math.isnan, values)):
            leaf = self._leaf_with_missing
        # One after the other, as scikit-learn adds: another order rounds otherwise.
        total = 0.0
        for root in self._roots:
            total += self._values[leaf(root, values)]
        return total / len(self._roots)

    def predict_many(self, rows: Iterable[Iterable[float]]) -> list[float]:
        """Return the mean over the trees, for each row."""
        return [self.predict(row) for row in rows]

    def _leaf(
        self,
        node: int,
        row: Sequence[float],
    ) -> int:
        # Local names are twice as fast as attributes, and this loop is all of the work.
        features, thresholds = self._features, self._thresholds
        left, right = self._left, self._right
        while node >= 0:
            node = left[node] if row[features[node]] <= thresholds[node] else right[node]
        return ~node

    def _leaf_with_missing(
        self,
        node: int,
        row: Sequence[float],
    ) -> int:
        missing = self._missing or ()
        while node >= 0:
            value = row[self._features[node]]
            goes_left = missing[node] if math.isnan(value) else value <= self._thresholds[node]
            node = self._left[node] if goes_left else self._right[node]
        return ~node

    def _singles(self, row: Iterable[float]) -> Sequence[float]:
        """Return the row rounded to float32, as scikit-learn does; BadRow where it refuses."""
        try:
            numbers = tuple(row)
        except TypeError:
            raise BadRow("row: expected a sequence of numbers") from None
        if len(numbers) != self._width:
            raise BadRow(f"row: expected {self._width} numbers, got {len(numbers)}")
        try:
            values = array("f", numbers)
        except _NOT_A_NUMBER:
            # One by one, so that the place of the first that is none can be named.
            values = array("f", map(_single, numbers))
        is_accepted = math.isfinite if self._missing is None else _is_finite_or_nan
        for position, value in enumerate(values):
            if not is_accepted(value):
                expected = "expected a finite number in the range of a float32"
                raise BadRow(f"row: position {position}: {expected}")
        return values


def _single(value: float) -> float:
    """Return a value rounded to float32; infinity if it is no number."""
    try:
        return array("f", (value,))[0]
    except _NOT_A_NUMBER:
        return math.inf


def _is_finite_or_nan(value: float) -> bool:
    return not math.isinf(value)


def _leaf_values(parts: _layout.Parts) -> Sequence[float]:
    """Return the value of each leaf, in preorder over all trees."""
    numbers = parts.numbers
    values = _distinct_values(parts)
    limit = float_info.max / (2 * numbers.trees)
    # Not a number fails the comparison too.
    can_be_summed = all(abs(value) <= limit for value in values)
    _expect(can_be_summed, "leaf values: expected finite numbers that can be summed over the trees")
    if not numbers.leaf_code_bits:
        return values
    codes = _codes(
        numbers.leaf_code_bits,
        parts.leaf_codes,
        numbers.leaves,
        distinct=len(values),
        kind="leaf",
    )
    return [values[code] for code in codes]


def _distinct_values(parts: _layout.Parts) -> Sequence[float]:
    """Return the values as the file lists them: floats, or ratios divided."""
    numbers = parts.numbers
    if numbers.value_bits == _layout.FLOAT_BITS:
        return _columns.to_array("d", parts.leaf_values)
    lowest, count = numbers.lowest_numerator, numbers.leaf_values
    numerators = _columns.unpack(numbers.value_bits, parts.leaf_values, count)
    more_rows = _columns.unpack(numbers.rows_bits, parts.leaf_rows, count)
    ratios = zip(numerators, more_rows, strict=True)
    return [(lowest + numerator) / (1 + more) for numerator, more in ratios]


def _codes(
    width: int,
    column: bytes | memoryview,
    count: int,
    *,
    distinct: int,
    kind: str,
) -> list[int]:
    """Return codes, none of them beyond the table that they point into.

    Args:
        width: bits of a code.
        column: of the codes.
        count: of the codes.
        distinct: rows of the table.
        kind: of the codes, for the error.
    """
    codes = _columns.unpack(width, column, count)
    _expect(max(codes, default=-1) < distinct, f"{kind} codes: expected codes below {distinct}")
    return codes


def _structure(parts: _layout.Parts) -> tuple[list[int], list[int], list[int]]:
    """Return roots, left and right children, from one bit per node in preorder (1 for a split).

    The stack holds the splits whose left subtree is being read; a leaf ends the innermost of
    these, and the next node is that split's right child. A leaf with nothing on the stack ends the
    tree.
    """
    nodes = _columns.to_bits(parts.structure)
    roots: list[int] = []
    left, right = [0] * parts.numbers.splits, [0] * parts.numbers.splits
    split = leaf = 0
    # Splits are counted over all trees: `end` is where those of a tree end.
    for tree, end in enumerate(accumulate(_columns.to_array("I", parts.tree_sizes))):
        # So many splits, of this tree and those before it, have as many leaves and one per tree.
        last_leaf = end + tree
        bits = nodes[split + leaf : end + last_leaf + 1]
        _expect(bits.count("1") == end - split, WHOLE_TREES)
        roots.append(split if end > split else ~leaf)
        stack: list[int] = []
        parent = -1  # whose right child comes next, if any
        for bit in bits:
            child = split if bit == "1" else ~leaf
            if parent >= 0:
                right[parent] = child
            elif stack:
                left[stack[-1]] = child
            if bit == "1":
                stack.append(split)
                parent = -1
                split += 1
            else:
                _expect(bool(stack) or leaf == last_leaf, WHOLE_TREES)
                parent = stack.pop() if stack else -1
                leaf += 1
    return roots, left, right


def _expect(holds: bool, message: str) -> None:
    """Raise BadForest unless a condition holds."""
    if not holds:
        raise BadForest(f"forest: {message}")
