"""The writer: a model as plain arrays to the bytes of a packed file.

What a library does with a row is decided here and written down: which float it casts to, what it
makes of zeros, missing values and new categories, how it compares, in which order and precision it
adds, and how it ends. It needs no library, not even numpy: arrays of any kind are read.
"""

from __future__ import annotations

import math
from itertools import chain

from drift_contracts.records import Record

from drift_engine.forest import _columns
from drift_engine.forest.writer import _floor_to_single, _list
from drift_engine.model import _layout
from drift_engine.model._errors import BadModel
from drift_engine.model._scalars import to_scalars, to_single
from drift_engine.model.steps import StepsModel, to_file
from drift_engine.model.trees import Column, Model, Tree

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    #: Input, threshold or the bits of a set, and whether missing values go right.
    Split = tuple[int, float | int, int]
    #: The number of a leaf, or its numbers.
    Leaf = tuple[float, ...]

__all__ = ["Column", "Model", "Tree", "encode"]

_RULES = ("<=", "<")
_ZEROS = ("keep", "tiny", "missing")
_MISSING = ("direction", "zero", "refuse")
_INFINITE = ("keep", "refuse")
_LEFT, _RIGHT = 0, 1


def encode(model: Model | StepsModel) -> bytes:
    """Return the bytes of a packed model. Equal models give equal bytes.

    Raises:
        BadModel: the arrays are not trees, a number is not in its range, or the model is larger
            than a file may be: 1,000 outputs, 512 MB.

    >>> stump = Tree([0, 0, 0], [0.5, 0.0, 0.0], [1, -1, -1], [2, -1, -1], [0.0, 10.0, 20.0])
    >>> packed = encode(Model(1, "regression", 1, [Column(0)], [stump], start=[1.0]))
    >>> from drift_engine.model import PackedModel
    >>> PackedModel.from_bytes(packed).predict((0.5,))
    11.0
    """
    if model.outputs > _layout.MAX_OUTPUTS:
        raise BadModel(f"model: outputs: expected at most {_layout.MAX_OUTPUTS:,} classes")
    if isinstance(model, StepsModel):
        return to_file(model, encode)
    if not model.trees:
        raise BadModel("model: trees: expected 1 or more")
    walked = []
    for number, tree in enumerate(model.trees):
        walked.append(_Walk(model, tree, f"model: tree {number}").run())
    data = _layout.join(_parts(model, walked))
    # The reader has the last word: what it would refuse when serving is refused here.
    read = _layout.split(memoryview(data))
    _layout.check_room(max(len(tree.splits) for tree in walked), read.inputs)
    return data


class _Walked(Record):
    """A tree in preorder."""

    #: A bit per node, 1 for a split.
    structure: str
    splits: list[Split]
    leaves: list[Leaf]


class _Walk:
    """One tree on its way from arrays to preorder."""

    def __init__(
        self,
        model: Model,
        tree: Tree,
        place: str,
    ) -> None:
        self._model = model
        self._tree = tree
        self._place = place
        #: Numbers in a leaf.
        self._numbers = len(model.start) if _of_vectors(model) else 1
        self._left = _list(tree.left)
        self._right = _list(tree.right)
        self._column = _list(tree.column)
        self._threshold = _list(tree.threshold)
        self._value: list[Any] = _list(tree.value)
        size = len(self._left)
        self._missing = [0] * size
        if tree.missing_left is not None:
            self._missing = _list(tree.missing_left)
        self._sets: list[frozenset[int] | None] = [None] * size
        if tree.categories is not None:
            self._sets = _list(tree.categories)

    def run(self) -> _Walked:
        """Return the tree in preorder. Raises BadModel if the arrays are none."""
        size = len(self._left)
        others = (
            self._right,
            self._column,
            self._threshold,
            self._value,
            self._missing,
            self._sets,
        )
        lengths = set(map(len, others))
        self._expect(size > 0 and lengths == {size}, "arrays of one length, 1 or more")
        raws = len(self._model.start)
        self._expect(0 <= self._tree.output < raws, f"an output 0 to {raws - 1}")
        bits: list[str] = []
        splits: list[Split] = []
        leaves: list[Leaf] = []
        to_visit = [0]
        unseen = bytearray(b"\1") * size
        # A node that is met twice ends the walk, so that a cycle is found and not followed.
        while to_visit and unseen[to_visit[-1]]:
            node = to_visit.pop()
            unseen[node] = 0
            children = (self._left[node], self._right[node])
            if children == (-1, -1):
                bits.append("0")
                leaves.append(self._leaf(node))
                continue
            in_range = all(0 <= child < size for child in children)
            self._expect(in_range, f"children of node {node}")
            bits.append("1")
            splits.append(self._split(node))
            to_visit += (children[1], children[0])
        is_tree = not to_visit and len(bits) == size
        self._expect(is_tree, f"each of its {size} nodes once on the way from the root")
        return _Walked("".join(bits), splits, leaves)

    def _leaf(
        self,
        node: int,
    ) -> Leaf:
        value = self._value[node]
        numbers = value
        if not isinstance(value, list | tuple):
            numbers = (value,)
        leaf = tuple(map(float, numbers))
        is_whole = len(leaf) == self._numbers
        self._expect(is_whole, f"{self._numbers} numbers at node {node}, as in the first tree")
        self._expect(all(map(math.isfinite, leaf)), f"finite numbers at node {node}")
        if self._model.sum == "f32":
            is_exact = all(to_single(number) == number for number in leaf)
            self._expect(is_exact, f"float32 numbers at node {node}")
        # Minus zero becomes zero: added to a sum that began with 0 it is no different.
        return tuple(number + 0.0 for number in leaf)

    def _split(
        self,
        node: int,
    ) -> Split:
        """Return the split of a node as the file has it. Raises BadModel."""
        number = self._column[node]
        columns = self._model.columns
        self._expect(0 <= number < len(columns), f"an input 0 to {len(columns) - 1}")
        column = columns[number]
        codes = self._sets[node]
        goes_left = bool(self._missing[node])
        if codes is not None:
            bits = self._set(column, codes, node, goes_left=goes_left)
            return number, bits, _LEFT
        self._expect(not column.categories, f"a set of categories at node {node}")
        threshold = float(self._threshold[node])
        self._expect(not math.isnan(threshold), f"a threshold at node {node} that is not NaN")
        goes_right = column.missing == "direction" and not goes_left
        return number, threshold, _RIGHT if goes_right else _LEFT

    def _set(
        self,
        column: Column,
        codes: frozenset[int],
        node: int,
        *,
        goes_left: bool,
    ) -> int:
        """Return a set as bits: one per code, one for any other code, one for missing."""
        categories = column.categories
        in_range = all(0 <= code <= categories for code in codes)
        self._expect(categories > 0 and in_range, f"codes of the input at node {node}")
        # The highest bit is that of a missing value.
        bits = int(goes_left) << categories + 1
        for code in codes:
            bits |= 1 << code
        return bits

    def _expect(
        self,
        holds: bool,
        expected: str,
    ) -> None:
        """Raise BadModel unless a condition holds."""
        if not holds:
            raise BadModel(f"{self._place}: expected {expected}")


def _parts(
    model: Model,
    walked: Sequence[_Walked],
) -> _layout.Parts:
    """Return the parts of the file of walked trees."""
    of_trees = chain.from_iterable(tree.splits for tree in walked)
    splits = _rounded(model, [*of_trees])
    # Sorted, so that the thresholds of an input ascend.
    table = sorted(set(splits))
    code_of = {split: code for code, split in enumerate(table)}
    split_codes = [code_of[split] for split in splits]
    split_bits = max(0, len(table) - 1).bit_length()
    by_input = _by_input(model, table)
    gaps = list(map(_gaps, model.columns, by_input))
    inputs = list(map(_input, model.columns, by_input, gaps))
    leaves = [*chain.from_iterable(tree.leaves for tree in walked)]
    raws = len(model.start)
    of_vectors = _of_vectors(model)
    if of_vectors:
        scalars = to_scalars(leaves, raws=raws)
        output_bits = 0
    else:
        scalars = to_scalars(leaves, raws=None)
        output_bits = (raws - 1).bit_length()
    singles = _columns.from_bits("".join([column.bits for column in gaps]))
    first, second = _parameters(model)
    shape = _layout.Shape(
        task=_place(_layout.TASKS, model.task, "task"),
        sum=_place(_layout.SUMS, model.sum, "sum"),
        link=_place(_layout.LINKS, model.link, "link"),
        decision=_place(_layout.DECISIONS, model.decision, "decision"),
        vector_leaves=int(of_vectors),
        scalar_kind=scalars.kind,
        scalar_bits=scalars.bits,
        rows_bits=scalars.rows_bits,
        split_code_bits=split_bits,
        leaf_code_bits=scalars.leaf_code_bits,
        vector_code_bits=scalars.vector_code_bits,
        output_bits=output_bits,
        features=model.features,
        columns=len(inputs),
        trees=len(walked),
        splits=len(splits),
        outputs=model.outputs,
        raws=raws,
        distinct_splits=len(table),
        scalars=scalars.count,
        vectors=scalars.vectors,
        singles_bytes=len(singles),
        lowest_numerator=scalars.lowest_numerator,
        divisor=_divisor(model),
        first=first,
        second=second,
        threshold=float(model.threshold),
    )
    words = chain.from_iterable(column.words for column in inputs)
    doubles, directions = _doubles_and_directions(inputs, by_input)
    structure = "".join(tree.structure for tree in walked)
    outputs = [tree.output for tree in model.trees]
    return _layout.Parts(
        shape,
        start=_columns.to_bytes("d", _start(model)),
        columns=_columns.to_bytes("I", words),
        lookups=_columns.to_bytes("d", _lookups(model)),
        singles=singles,
        doubles=_columns.to_bytes("d", doubles),
        directions=_columns.from_bits(directions),
        sets=_columns.from_bits(_set_bits(inputs, by_input)),
        scalars=scalars.values,
        scalar_rows=scalars.rows,
        vectors=scalars.vector_codes,
        structure=_columns.from_bits(structure),
        split_codes=_columns.pack(split_bits, split_codes),
        leaf_codes=scalars.leaf_codes,
        tree_outputs=_columns.pack(output_bits, outputs),
    )


def _of_vectors(model: Model) -> bool:
    """Return whether leaves hold a number for each raw score; the first leaf says so for all."""
    first = _list(model.trees[0].value)[:1]
    return bool(first) and isinstance(first[0], list | tuple)


def _rounded(
    model: Model,
    splits: list[Split],
) -> list[Split]:
    """Return splits whose thresholds are those that the cast value is compared with."""
    of_input: list[set[float]] = [set() for _ in model.columns]
    for number, where, _ in splits:
        of_input[number].add(where)
    rounded: dict[tuple[int, float], float] = {}
    for number, column in enumerate(model.columns):
        thresholds = sorted(of_input[number])
        if column.categories:
            floors: Sequence[float] = thresholds
        elif column.cast == "f64":
            # Minus zero becomes zero, so that equal splits are one.
            floors = [threshold + 0.0 for threshold in thresholds]
        elif column.rule == "<=":
            floors = _floor_to_single(thresholds)
        else:
            negated = _floor_to_single([-threshold for threshold in thresholds])
            floors = [0.0 - floor for floor in negated]
        for threshold, floor in zip(thresholds, floors, strict=True):
            rounded[number, threshold] = floor
    return [(number, rounded[number, where], goes) for number, where, goes in splits]


def _by_input(
    model: Model,
    table: Iterable[Split],
) -> list[list[tuple[Any, int]]]:
    """Return the distinct splits of each input: threshold or set, and direction."""
    by_input: list[list[tuple[Any, int]]] = [[] for _ in model.columns]
    for number, where, goes in table:
        by_input[number].append((where, goes))
    return by_input


def _thresholds(splits: Iterable[tuple[float, int]]) -> list[float]:
    """Return the distinct thresholds of an input's splits, ascending."""
    return list(dict.fromkeys(where for where, _ in splits))


def _gaps(
    column: Column,
    splits: Sequence[tuple[Any, int]],
) -> _columns.Gaps:
    """Return the gaps of an input's thresholds, of none unless it is cast to float32."""
    is_single = column.cast == "f32" and not column.categories
    return _columns.to_gaps(_thresholds(splits) if is_single else [])


def _input(
    column: Column,
    splits: Sequence[tuple[Any, int]],
    gaps: _columns.Gaps,
) -> _layout.Column:
    """Return the row of the table of inputs for a column. Raises BadModel."""
    by_sets = column.categories > 0
    thresholds = [] if by_sets else _thresholds(splits)
    single = _place(_layout.SUMS, column.cast, "cast") == 1
    strict = _place(_RULES, column.rule, "rule") == 1
    zero = _place(_ZEROS, column.zero, "zero")
    finite = _place(_INFINITE, column.infinite, "infinite") == 1
    lookup = column.lookup
    categories = column.categories
    if lookup is not None:
        categories = len(lookup) - _layout.MORE_ROWS
        if categories < 1:
            raise BadModel("model: lookup: expected the numbers of 1 or more codes, then two more")
    return _layout.Column(
        source=column.source,
        # Codes are whole numbers: casts and rules of numbers make no difference to them.
        single=single and not by_sets,
        strict=strict and not by_sets,
        zero=0 if by_sets else zero,
        missing=_place(_MISSING, column.missing, "missing"),
        finite=finite and not by_sets,
        lookup=lookup is not None,
        by_sets=by_sets,
        thresholds=len(thresholds),
        first_order=gaps.first,
        low_bits=gaps.low_bits if thresholds else 0,
        categories=categories,
        sets=len(splits) if by_sets else 0,
    )


def _doubles_and_directions(
    inputs: Sequence[_layout.Column],
    by_input: Sequence[Sequence[tuple[Any, int]]],
) -> tuple[list[float], str]:
    """Return float64 thresholds, and two bits for each threshold that has directions."""
    doubles: list[float] = []
    bits: list[str] = []
    for column, splits in zip(inputs, by_input, strict=True):
        if column.by_sets:
            continue
        if not column.single:
            doubles += _thresholds(splits)
        if not column.is_directional:
            continue
        goes = set(splits)
        for threshold in _thresholds(splits):
            for direction in (_LEFT, _RIGHT):
                has_direction = (threshold, direction) in goes
                bits.append("1" if has_direction else "0")
    return doubles, "".join(bits)


def _set_bits(
    inputs: Sequence[_layout.Column],
    by_input: Sequence[Sequence[tuple[Any, int]]],
) -> str:
    """Return the bits of all sets, the first code's bit first."""
    texts = []
    for column, splits in zip(inputs, by_input, strict=True):
        if column.by_sets:
            width = column.categories + _layout.MORE_ROWS
            texts += [f"{bits:0{width}b}"[::-1] for bits, _ in splits]
    return "".join(texts)


def _lookups(model: Model) -> Iterable[float]:
    return chain.from_iterable(map(float, column.lookup or ()) for column in model.columns)


def _start(model: Model) -> list[float]:
    """Return the raw scores before the first tree. Raises BadModel."""
    start = [float(number) for number in model.start]
    is_good = bool(start) and all(map(math.isfinite, start))
    if model.sum == "f32":
        is_good = is_good and all(to_single(number) == number for number in start)
    if not is_good:
        raise BadModel("model: start: expected finite numbers of the sum's precision, 1 or more")
    return start


def _divisor(model: Model) -> float:
    if model.divisor is None:
        return 0.0
    if not (model.divisor >= 1 and math.isfinite(model.divisor)):
        raise BadModel("model: divisor: expected a number from 1 on")
    return float(model.divisor)


def _parameters(model: Model) -> tuple[float, float]:
    """Return the two parameters of the link, defaults filled in. Raises BadModel."""
    defaults = {"sigmoid": (1.0,), "isolation": (1.0, 0.0)}.get(model.link, ())
    if len(model.parameters) > len(defaults):
        raise BadModel(f"model: parameters: expected at most {len(defaults)} of {model.link}")
    missing = defaults[len(model.parameters) :]
    # A link without parameters has two zeros.
    first, second, *_ = (*map(float, model.parameters), *missing, 0.0, 0.0)
    return first, second


def _place(
    names: Sequence[str],
    name: str,
    field: str,
) -> int:
    """Return the place of a name. Raises BadModel with the names there are."""
    if name not in names:
        raise BadModel(f"model: {field}: expected {', '.join(names)}")
    return names.index(name)
