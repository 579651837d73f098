"""The writer: trees as plain arrays to the bytes of a forest file."""

from __future__ import annotations

import math
import struct
from array import array
from itertools import chain

from drift_contracts.records import Record

from drift_engine.forest import _columns, _layout
from drift_engine.forest._errors import BadForest
from drift_engine.forest._leaves import to_leaves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    #: Feature, threshold as a float32, whether missing values go left.
    Split = tuple[int, float, bool]

_SINGLE = struct.Struct("<f")
_BITS = struct.Struct("<i")


class Tree(Record):
    """One tree as arrays over its nodes, the root first; lists, tuples or arrays, shape (nodes,).

    A leaf has -1 for both children, and only its `value` counts. A row goes left where
    `float32(row[feature]) <= threshold`, and where the value is NaN and `missing_go_to_left` is
    set.
    """

    children_left: Sequence[int]
    children_right: Sequence[int]
    feature: Sequence[int]
    threshold: Sequence[float]
    value: Sequence[float]
    missing_go_to_left: Sequence[int] | None = None
    #: How many training rows, by weight, a leaf's value is the mean of. It makes no difference to
    #: answers, but the file is half as large where every value is a whole number by its rows.
    rows: Sequence[float] | None = None


def trees_of(
    estimator: Any,
    *,
    missing: bool = False,
) -> list[Tree]:
    """Return the trees of a fitted scikit-learn forest regressor, without importing scikit-learn.

    Args:
        estimator: a RandomForestRegressor or ExtraTreesRegressor.
        missing: it was fitted on rows with missing values, so NaN is a value that it knows.

    Raises:
        BadForest: it is a classifier, or has several outputs.
    """
    if hasattr(estimator, "classes_") or getattr(estimator, "n_outputs_", 1) != 1:
        raise BadForest("forest: expected a fitted regressor with one output")
    trees = []
    for member in estimator.estimators_:
        tree = member.tree_
        trees.append(
            Tree(
                children_left=tree.children_left,
                children_right=tree.children_right,
                feature=tree.feature,
                threshold=tree.threshold,
                value=tree.value[:, 0, 0],
                missing_go_to_left=tree.missing_go_to_left if missing else None,
                rows=tree.weighted_n_node_samples,
            )
        )
    return trees


def encode(
    trees: Iterable[Tree],
    *,
    features: int,
) -> bytes:
    """Return the bytes of the forest whose answer is the mean over trees.

    Equal trees give equal bytes. NaN is accepted in rows if every tree says where it goes, refused
    if none does.

    Args:
        trees: at least one.
        features: numbers in a row.

    Raises:
        BadForest: the arrays are not trees, a threshold is NaN, or leaves are too large to be
            summed.

    >>> stump = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
    >>> from drift_engine.forest import Forest
    >>> Forest.from_bytes(encode([stump], features=1)).predict((0.5,))
    10.0
    """
    if not 1 <= features <= _layout.MAX_FEATURES:
        raise BadForest(f"forest: features: expected 1 to {_layout.MAX_FEATURES}")
    walked = []
    for number, tree in enumerate(trees):
        walked.append(_walk(tree, f"forest: tree {number}", features))
    if not walked:
        raise BadForest("forest: trees: expected 1 or more")
    missing = walked[0].missing
    if any(tree.missing is not missing for tree in walked):
        raise BadForest("forest: missing_go_to_left: expected for every tree or for none")
    return _layout.join(_parts(walked, features))


def _parts(
    walked: Sequence[_Walked],
    features: int,
) -> _layout.Parts:
    """Return the parts of the file of some trees; the first says whether NaN is accepted."""
    coded = _coded(walked)
    split_table, thresholds = _split_table(coded.table, features)
    of_trees = chain.from_iterable(tree.leaves for tree in walked)
    leaves = to_leaves([*of_trees], len(walked))
    structure = "".join(tree.structure for tree in walked)
    sizes = [len(tree.splits) for tree in walked]
    numbers = _layout.Numbers(
        features=features,
        missing_accepted=walked[0].missing,
        trees=len(walked),
        splits=len(coded.codes),
        distinct_splits=len(coded.table),
        threshold_bytes=len(thresholds),
        leaf_values=leaves.count,
        value_bits=leaves.value_bits,
        rows_bits=leaves.rows_bits,
        lowest_numerator=leaves.lowest_numerator,
        split_code_bits=coded.code_bits,
        leaf_code_bits=leaves.code_bits,
    )
    return _layout.Parts(
        numbers,
        tree_sizes=_columns.to_bytes("I", sizes),
        split_table=split_table,
        thresholds=thresholds,
        missing_left=coded.missing_left if walked[0].missing else b"",
        leaf_values=leaves.values,
        leaf_rows=leaves.rows,
        structure=_columns.from_bits(structure),
        split_codes=_columns.pack(coded.code_bits, coded.codes),
        leaf_codes=leaves.codes,
    )


class _Walked(Record):
    """A tree in preorder."""

    #: A bit per node, 1 for a split.
    structure: str
    splits: list[Split]
    #: Value and rows of each.
    leaves: list[tuple[float, float]]
    missing: bool


class _Coded(Record):
    """The splits of all trees, each written once."""

    #: The distinct ones, ascending.
    table: list[Split]
    #: Which of them each split is.
    codes: list[int]

    @property
    def code_bits(self) -> int:
        """Return the width of a code."""
        return max(0, len(self.table) - 1).bit_length()

    @property
    def missing_left(self) -> bytes:
        """Return a bit per distinct split: whether missing values go left."""
        return _columns.pack(1, [goes_left for _, _, goes_left in self.table])


def _coded(walked: Sequence[_Walked]) -> _Coded:
    splits = [*chain.from_iterable(tree.splits for tree in walked)]
    # Sorted, so that the thresholds of a feature have gaps that are not negative.
    table = sorted(set(splits))
    code_of = {split: code for code, split in enumerate(table)}
    return _Coded(table, [code_of[split] for split in splits])


class _Arrays(Record):
    """A tree's arrays as lists, all of one length."""

    left: list[int]
    right: list[int]
    feature: list[int]
    threshold: list[float]
    value: list[float]
    missing: list[bool]
    rows: list[float]


def _arrays(tree: Tree, place: str) -> _Arrays:
    """Return a tree's arrays, thresholds rounded to float32. Raises BadForest."""
    left = _list(tree.children_left)
    missing, rows = tree.missing_go_to_left, tree.rows
    arrays = _Arrays(
        left=left,
        right=_list(tree.children_right),
        feature=_list(tree.feature),
        threshold=_list(tree.threshold),
        value=_list(tree.value),
        missing=[False] * len(left) if missing is None else _list(missing),
        rows=[1.0] * len(left) if rows is None else _list(rows),
    )
    lengths = {len(column) for column in arrays.__dict__.values()}
    if len(lengths) != 1 or not left:
        raise BadForest(f"{place}: expected arrays of one length, 1 or more")
    if not all(map(math.isfinite, arrays.value)) or any(map(math.isnan, arrays.threshold)):
        raise BadForest(f"{place}: expected finite values, and thresholds that are not NaN")
    return arrays


def _walk(
    tree: Tree,
    place: str,
    features: int,
) -> _Walked:
    """Return a tree in preorder.

    Args:
        tree: as arrays.
        place: where it is, for the error.
        features: numbers in a row.

    Raises:
        BadForest: the arrays are no tree.
    """
    arrays = _arrays(tree, place)
    left, right, size = arrays.left, arrays.right, len(arrays.left)
    thresholds = _floor_to_single(arrays.threshold)
    bits: list[str] = []
    splits: list[Split] = []
    leaves: list[tuple[float, float]] = []
    to_visit = [0]
    unseen = bytearray(b"\1") * size
    # A node that is met twice ends the walk, so that a cycle is found and not followed.
    while to_visit and unseen[to_visit[-1]]:
        node = to_visit.pop()
        unseen[node] = 0
        if left[node] == right[node] == -1:
            bits.append("0")
            leaves.append((arrays.value[node], arrays.rows[node]))
            continue
        _check_split(arrays, node, f"{place}, node {node}", features)
        bits.append("1")
        splits.append((arrays.feature[node], thresholds[node], bool(arrays.missing[node])))
        to_visit += (right[node], left[node])
    if to_visit or len(bits) != size:
        raise BadForest(f"{place}: expected each of its {size} nodes once on the way from the root")
    if not _layout.fits(len(splits), features):
        raise BadForest(f"{place}: too many nodes for {features} features")
    return _Walked(
        "".join(bits),
        splits,
        leaves,
        tree.missing_go_to_left is not None,
    )


def _check_split(
    arrays: _Arrays,
    node: int,
    place: str,
    features: int,
) -> None:
    """Raise BadForest unless a split has two children and a feature.

    Args:
        arrays: of the tree.
        node: the split.
        place: where it is, for the error.
        features: numbers in a row.
    """
    size = len(arrays.left)
    if not (0 <= arrays.left[node] < size and 0 <= arrays.right[node] < size):
        expected = f"expected children 0 to {size - 1}, or -1 twice for a leaf"
        raise BadForest(f"{place}: {expected}")
    if not 0 <= arrays.feature[node] < features:
        raise BadForest(f"{place}: expected a feature 0 to {features - 1}")


def _split_table(
    table: list[Split],
    features: int,
) -> tuple[bytes, bytes]:
    """Return the table of features and the gaps of all thresholds.

    Args:
        table: the distinct splits, ascending.
        features: rows of the table: count, first order number and low bits of each.
    """
    thresholds: list[list[float]] = [[] for _ in range(features)]
    for feature, threshold, _ in table:
        thresholds[feature].append(threshold)
    numbers: list[int] = []
    words = []
    for singles in thresholds:
        gaps = _columns.to_gaps(singles)
        numbers += (len(singles), gaps.first, gaps.low_bits)
        words.append(gaps.bits)
    return _columns.to_bytes("I", numbers), _columns.from_bits("".join(words))


def _floor_to_single(thresholds: Sequence[float]) -> list[float]:
    """Return each threshold rounded to a float32 toward minus infinity.

    `x <= t` is then the same for every float32 x.
    """
    rounded = []
    for single, threshold in zip(array("f", thresholds), thresholds, strict=True):
        floor = single if single <= threshold else _single_below(single)
        # Minus zero becomes zero, so that equal splits are one.
        rounded.append(floor + 0.0)
    return rounded


def _single_below(single: float) -> float:
    """Return the next float32 toward minus infinity."""
    if single == 0:
        return -(2.0**-149)
    # Read as an integer, a float's bits ascend with its magnitude.
    (bits,) = _BITS.unpack(_SINGLE.pack(single))
    below: float = _SINGLE.unpack(_BITS.pack(bits - 1 if single > 0 else bits + 1))[0]
    return below


# The elements are numbers of any library until they are lists.
def _list(column: Sequence[Any]) -> list[Any]:
    """Return a list of Python numbers, the fast way where the array has one."""
    tolist = getattr(column, "tolist", None)
    return list(column) if tolist is None else tolist()
