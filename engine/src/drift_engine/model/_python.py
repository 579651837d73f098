"""The pure-Python twin of the compiled engine: the same files, answers and refusals."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from array import array
from bisect import bisect_left, bisect_right
from itertools import pairwise

from drift_engine.forest import _columns
from drift_engine.forest._errors import BadForest, BadRow
from drift_engine.model import _layout
from drift_engine.model._errors import BadModel
from drift_engine.model._links import LINKS, label
from drift_engine.model._scalars import to_single

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

WHOLE_TREES = "structure: expected the bits of whole trees"
_NOT_A_NUMBER = (TypeError, ValueError, OverflowError)
#: Numbers of at most this size are tiny: 1e-35 as a float32, LightGBM's kZeroThreshold.
TINY = to_single(1e-35)


class Answering(ABC):
    """What trees and steps make of the answer to a row alike."""

    _shape: _layout.Shape | _layout.StepsShape

    @abstractmethod
    def answer(
        self,
        row: Iterable[float],
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return raw scores and answer of a row. Raises BadRow."""

    def scores(
        self,
        row: Iterable[float],
    ) -> tuple[float, ...]:
        """Return the answer; see `PackedModel.scores`."""
        return self.answer(row)[1]

    def scores_many(
        self,
        rows: Iterable[Iterable[float]],
    ) -> list[tuple[float, ...]]:
        """Return the answer to each row."""
        return [self.scores(row) for row in rows]

    def decide(
        self,
        row: Iterable[float],
    ) -> tuple[tuple[float, ...], int]:
        """Return the answer and the place of its class; see `PackedModel.decide`."""
        raw, scores = self.answer(row)
        return scores, label(raw, scores, self._shape)

    def decide_many(
        self,
        rows: Iterable[Iterable[float]],
    ) -> list[tuple[tuple[float, ...], int]]:
        """Return the answer to each row and the place of its class."""
        return [self.decide(row) for row in rows]


class Engine(Answering):
    """Trees as flat lists; a child is a node's index, or the complement (~) of a leaf's.

    Every value is ranked once among its input's thresholds. A split compares the rank of its entry
    with a code: an input has an entry where missing values rank lowest, one where they rank
    highest, and an entry for each set.
    """

    _shape: _layout.Shape

    def __init__(
        self,
        parts: _layout.Parts,
    ) -> None:
        shape = parts.shape
        self._shape = shape
        self._start: tuple[float, ...] = tuple(_columns.to_array("d", parts.start))
        self._inputs = _inputs(parts)
        table = [*_split_table(self._inputs, parts)]
        is_whole = len(table) == shape.distinct_splits
        _expect(is_whole, f"distinct splits: expected {len(table)}")
        self._splits = [
            table[code]
            for code in _codes(shape.split_code_bits, parts.split_codes, shape.splits, len(table))
        ]
        scalars = _scalars(parts)
        _check_sums(shape, (*self._start, *scalars))
        self._leaves = _leaves(parts, scalars)
        self._roots, self._left, self._right = _structure(parts)
        largest = max(_sizes(self._roots, shape.splits))
        _layout.check_room(largest, [made.column for made in self._inputs])
        bits, trees = shape.output_bits, shape.trees
        self._outputs = _codes(bits, parts.tree_outputs, trees, shape.raws)

    def answer(
        self,
        row: Iterable[float],
    ) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Return raw scores and answer of a row. Raises BadRow."""
        raw, shape = self.raw(row), self._shape
        return raw, LINKS[_layout.LINKS[shape.link]](raw, shape)

    def raw(
        self,
        row: Iterable[float],
    ) -> tuple[float, ...]:
        """Return the raw scores; see `PackedModel.raw`."""
        shape, ranks = self._shape, self._ranks(row)
        sums: list[float] = [*self._start]
        of_singles = _layout.SUMS[shape.sum] == "f32"
        # One after the other, as the library adds: another order rounds otherwise.
        for root, output in zip(self._roots, self._outputs, strict=True):
            for place, number in enumerate(self._leaves[self._leaf(root, ranks)], start=output):
                total = sums[place] + number
                # Two float32 added in float64 and rounded are their float32 sum.
                sums[place] = to_single(total) if of_singles else total
        if shape.divisor:
            return tuple(total / shape.divisor for total in sums)
        return tuple(sums)

    def _leaf(
        self,
        node: int,
        ranks: Sequence[int],
    ) -> int:
        # Local names are twice as fast as attributes, and this loop is most of the work.
        splits, left, right = self._splits, self._left, self._right
        while node >= 0:
            entry, code = splits[node]
            node = right[node] if ranks[entry] > code else left[node]
        return ~node

    def _ranks(
        self,
        row: Iterable[float],
    ) -> list[int]:
        """Return the rank of each entry. Raises BadRow for what the library refuses."""
        numbers = numbers_of(row, self._shape.features)
        ranks: list[int] = []
        for column in self._inputs:
            ranks += column.ranks(numbers[column.source])
        return ranks


class _Input:
    """An input with its thresholds or sets, and the entries that it ranks."""

    def __init__(
        self,
        column: _layout.Column,
        first_entry: int,
    ) -> None:
        self._column = column
        self.source = column.source
        self.first_entry = first_entry
        self.lookup: Sequence[float] = ()
        self.thresholds: Sequence[float] = ()
        #: Per code, any other code and missing: a rank for each set, 1 where rows go right.
        self.set_ranks: list[list[int]] = []

    @property
    def entries(self) -> int:
        """Return how many entries it has."""
        column = self._column
        return column.sets if column.by_sets else 1 + column.is_directional

    @property
    def column(self) -> _layout.Column:
        """Return the row of the table of inputs."""
        return self._column

    def ranks(
        self,
        value: float,
    ) -> list[int]:
        """Return the rank of each of its entries. Raises BadRow."""
        column = self._column
        if column.by_sets:
            if value != value and column.missing == _layout.REFUSE:  # noqa: PLR0124 - NaN
                self._refuse()
            return self.set_ranks[code_of(value, column.categories)]
        seen = self._seen(value)
        if math.isnan(seen):
            return [0, len(self.thresholds)]
        bisect = bisect_right if column.strict else bisect_left
        return [bisect(self.thresholds, seen)] * self.entries

    def _seen(
        self,
        value: float,
    ) -> float:
        """Return what the trees see of a value, NaN where it is missing. Raises BadRow."""
        column = self._column
        if column.lookup:
            value = self.lookup[code_of(value, column.categories)]
        if column.single:
            value = to_single(value)
        if column.zero != _layout.KEEP and abs(value) <= TINY:
            value = 0.0 if column.zero == _layout.TINY else math.nan
        if math.isnan(value):
            if column.missing == _layout.REFUSE:
                self._refuse()
            return 0.0 if column.missing == _layout.ZERO else value
        if column.finite and math.isinf(value):
            self._refuse()
        return value

    def _refuse(self) -> None:
        kind = "in the range of a float32" if self._column.single else "that is not missing"
        raise BadRow(f"row: position {self.source}: expected a finite number {kind}")


def code_of(
    value: float,
    categories: int,
) -> int:
    """Return the code of a category.

    Args:
        value: of a row.
        categories: how many there are; it stands for any other, and one more for a missing value.
    """
    if math.isnan(value):
        return categories + 1
    return int(value) if -1.0 < value < categories else categories


def numbers_of(
    row: Iterable[float],
    features: int,
) -> Sequence[float]:
    """Return the numbers of a row.

    Args:
        row: of numbers, or of what floats can be made of.
        features: how many there must be.

    Raises:
        BadRow: it holds something else, or not as many.
    """
    try:
        values = tuple(row)
    except TypeError:
        raise BadRow("row: expected a sequence of numbers") from None
    if len(values) != features:
        raise BadRow(f"row: expected {features} numbers, got {len(values)}")
    try:
        return array("d", values)
    except _NOT_A_NUMBER:
        # One by one, so that the place of the first that is none can be named.
        return array("d", map(_number, range(features), values))


def _number(
    position: int,
    value: float,
) -> float:
    """Return a value as a float64. Raises BadRow."""
    try:
        return array("d", (value,))[0]
    except _NOT_A_NUMBER:
        raise BadRow(f"row: position {position}: expected a number") from None


def _inputs(parts: _layout.Parts) -> list[_Input]:
    """Return the inputs with their tables. Raises BadModel."""
    inputs: list[_Input] = []
    entry = 0
    for column in parts.inputs:
        made = _Input(column, entry)
        entry += made.entries
        inputs.append(made)
    _read_thresholds(inputs, parts)
    lookups = _columns.to_array("d", parts.lookups)
    bits = _columns.to_bits(parts.sets)
    lookup = bit = 0
    for made in inputs:
        rows = made.column.categories + _layout.MORE_ROWS
        if made.column.lookup:
            made.lookup = lookups[lookup : lookup + rows]
            lookup += rows
        if made.column.by_sets:
            end = bit + rows * made.column.sets
            starts = range(bit, end, rows)
            sets = [bits[start : start + rows] for start in starts]
            bit = end
            made.set_ranks = [[int(text[row] == "0") for text in sets] for row in range(rows)]
    return inputs


def _read_thresholds(
    inputs: Sequence[_Input],
    parts: _layout.Parts,
) -> None:
    """Read the thresholds of all inputs. Raises BadModel."""
    doubles = _columns.to_array("d", parts.doubles)
    table: list[int] = []
    for made in inputs:
        if made.column.single:
            column = made.column
            table += (column.thresholds, column.first_order, column.low_bits)
    try:
        _, singles = _columns.from_gaps(table, parts.singles)
    except BadForest as error:
        raise BadModel(str(error).replace("forest:", "model:", 1)) from None
    of_kind: dict[bool, Sequence[float]] = {True: singles, False: doubles}
    place = {True: 0, False: 0}
    for made in inputs:
        column = made.column
        start = place[column.single]
        place[column.single] = start + column.thresholds
        thresholds = list(of_kind[column.single][start : place[column.single]])
        ascend = all(below <= above for below, above in pairwise(thresholds))
        is_number = all(threshold == threshold for threshold in thresholds)  # noqa: PLR0124 - NaN
        _expect(ascend and is_number, "thresholds: expected ascending numbers, not NaN")
        made.thresholds = thresholds


def _split_table(
    inputs: Sequence[_Input],
    parts: _layout.Parts,
) -> Iterable[tuple[int, int]]:
    """Yield entry and code of each distinct split."""
    bits, bit = _columns.to_bits(parts.directions), 0
    for made in inputs:
        column = made.column
        if column.by_sets:
            for place in range(column.sets):
                yield made.first_entry + place, 0
            continue
        for code in range(column.thresholds):
            if not column.is_directional:
                yield made.first_entry, code
                continue
            goes = bits[bit : bit + 2]
            bit += 2
            _expect("1" in goes, "directions: expected one or two of each threshold")
            for place, has in enumerate(goes):
                if has == "1":
                    yield made.first_entry + place, code


def _codes(
    width: int,
    column: bytes | memoryview,
    count: int,
    distinct: int,
) -> list[int]:
    """Return codes, none of them beyond the table that they point into.

    Args:
        width: bits of a code.
        column: of the codes.
        count: of the codes.
        distinct: rows of the table.
    """
    codes = _columns.unpack(width, column, count)
    _expect(max(codes, default=-1) < distinct, "codes: expected codes in their tables")
    return codes


def _check_sums(
    shape: _layout.Shape,
    numbers: Sequence[float],
) -> None:
    """Raise BadModel unless every sum of some numbers over the trees is finite."""
    is_single = _layout.SUMS[shape.sum] == "f32"
    largest = _layout.SINGLE_MAX if is_single else _layout.DOUBLE_MAX
    limit = largest / (2.0 * (shape.trees + 1.0))
    # Not a number fails the comparison too.
    can_be_summed = all(abs(number) <= limit for number in numbers)
    _expect(can_be_summed, "leaves: expected finite numbers that can be summed over the trees")
    if is_single:
        is_exact = all(to_single(number) == number for number in numbers)
        _expect(is_exact, "leaves: expected float32 numbers")


def _leaves(
    parts: _layout.Parts,
    scalars: Sequence[float],
) -> list[tuple[float, ...]]:
    """Return the numbers of each leaf, in preorder over all trees. Raises BadModel."""
    shape = parts.shape
    values: list[tuple[float, ...]] = [(number,) for number in scalars]
    if shape.vector_leaves:
        width, size = shape.raws, shape.vectors * shape.raws
        if shape.vector_code_bits:
            codes = _codes(shape.vector_code_bits, parts.vectors, size, shape.scalars)
            scalars = [scalars[code] for code in codes]
        starts = range(0, size, width)
        values = [tuple(scalars[start : start + width]) for start in starts]
    if not shape.leaf_code_bits:
        return values
    codes = _codes(shape.leaf_code_bits, parts.leaf_codes, shape.leaves, len(values))
    return [values[code] for code in codes]


def _scalars(parts: _layout.Parts) -> Sequence[float]:
    """Return the numbers that leaves hold, as the file lists them."""
    shape = parts.shape
    if shape.scalar_kind == _layout.FLOAT64:
        return _columns.to_array("d", parts.scalars)
    if shape.scalar_kind == _layout.FLOAT32:
        return _columns.to_array("f", parts.scalars)
    numerators = _columns.unpack(shape.scalar_bits, parts.scalars, shape.scalars)
    more_rows = _columns.unpack(shape.rows_bits, parts.scalar_rows, shape.scalars)
    ratios = zip(numerators, more_rows, strict=True)
    return [(shape.lowest_numerator + numerator) / (1 + more) for numerator, more in ratios]


def _structure(parts: _layout.Parts) -> tuple[list[int], list[int], list[int]]:
    """Return roots, left and right children, from one bit per node in preorder (1 for a split).

    The stack holds the splits whose left subtree is being read; a leaf ends the innermost of
    these, and the next node is that split's right child. A leaf with nothing on the stack ends the
    tree.
    """
    shape = parts.shape
    nodes = _columns.to_bits(parts.structure)[: shape.splits + shape.leaves]
    _expect(nodes.count("1") == shape.splits, WHOLE_TREES)
    roots: list[int] = []
    left, right = [0] * shape.splits, [0] * shape.splits
    split = leaf = 0
    stack: list[int] = []
    parent = -1  # whose right child comes next, if any
    starts = True
    for bit in nodes:
        child = split if bit == "1" else ~leaf
        if starts:
            roots.append(child)
        elif parent >= 0:
            right[parent] = child
        else:
            left[stack[-1]] = child
        starts, parent = False, -1
        if bit == "1":
            stack.append(split)
            split += 1
        else:
            starts = not stack
            parent = stack.pop() if stack else -1
            leaf += 1
    _expect(starts and len(roots) == shape.trees, WHOLE_TREES)
    return roots, left, right


def _sizes(
    roots: Sequence[int],
    splits: int,
) -> list[int]:
    """Return the splits of each tree, from the roots of all: a tree's end where the next begins."""
    sizes, end = [], splits
    for root in reversed(roots):
        start = root if root >= 0 else end
        sizes.append(end - start)
        end = start
    return sizes


def _expect(
    holds: bool,
    message: str,
) -> None:
    """Raise BadModel unless a condition holds."""
    if not holds:
        raise BadModel(f"model: {message}")
