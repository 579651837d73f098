"""The writer: trees as plain arrays to the bytes of a forest file."""

from __future__ import annotations

import math
import struct
from array import array

from drift_contracts.records import Record

from drift_engine.forest import _columns, _layout
from drift_engine.forest._errors import BadForest
from drift_engine.forest._leaves import to_leaves

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

_SINGLE = struct.Struct("<f")
_BITS = struct.Struct("<i")


class Tree(Record):
    """One tree as arrays over its nodes, the root first; lists, tuples or numpy arrays, shape (nodes,).

    A leaf has -1 for both children, and only its `value` counts. A row goes left where
    `float32(row[feature]) <= threshold`, and where the value is NaN and `missing_go_to_left` is set.
    `rows`: how many training rows, by weight, a leaf's value is the mean of; it makes no difference to answers, but the
    file is half as large where every value is a whole number divided by its rows.
    """

    children_left: Sequence[int]
    children_right: Sequence[int]
    feature: Sequence[int]
    threshold: Sequence[float]
    value: Sequence[float]
    missing_go_to_left: Sequence[int] | None = None
    rows: Sequence[float] | None = None


def trees_of(estimator: Any, *, missing: bool = False) -> list[Tree]:
    """The trees of a fitted scikit-learn RandomForestRegressor or ExtraTreesRegressor, without importing it.

    `missing`: the estimator was fitted on rows with missing values, so NaN is a value that it knows.
    Raises BadForest for a classifier and for several outputs.
    """
    if hasattr(estimator, "classes_") or getattr(estimator, "n_outputs_", 1) != 1:
        raise BadForest("forest: expected a fitted regressor with one output")
    return [
        Tree(
            tree.children_left,
            tree.children_right,
            tree.feature,
            tree.threshold,
            tree.value[:, 0, 0],
            tree.missing_go_to_left if missing else None,
            tree.weighted_n_node_samples,
        )
        for tree in (member.tree_ for member in estimator.estimators_)
    ]


def encode(trees: Iterable[Tree], *, features: int) -> bytes:
    """The bytes of the forest whose answer is the mean over `trees`, for rows of `features` numbers.

    Equal trees give equal bytes. NaN is accepted in rows if every tree says where it goes, refused if none
    does.
    Raises BadForest if the arrays are not trees, a threshold is NaN, or leaves are too large to be summed.

    >>> stump = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
    >>> from drift_engine.forest import Forest
    >>> Forest.from_bytes(encode([stump], features=1)).predict((0.5,))
    10.0
    """
    if not 1 <= features <= _layout.MAX_FEATURES:
        raise BadForest(f"forest: features: expected 1 to {_layout.MAX_FEATURES}")
    walked = [_walk(tree, f"forest: tree {number}", features) for number, tree in enumerate(trees)]
    if not walked:
        raise BadForest("forest: trees: expected 1 or more")
    missing = walked[0].missing
    if any(tree.missing is not missing for tree in walked):
        raise BadForest("forest: missing_go_to_left: expected for every tree or for none")
    table = sorted({key for tree in walked for key in tree.splits})
    code_of = {key: code for code, key in enumerate(table)}
    split_codes = [code_of[key] for tree in walked for key in tree.splits]
    split_code_bits = max(0, len(table) - 1).bit_length()
    split_table, thresholds = _split_table(table, features)
    leaves = to_leaves([leaf for tree in walked for leaf in tree.leaves], len(walked))
    return _layout.join(
        _layout.Parts(
            _layout.Numbers(
                features=features,
                missing_accepted=missing,
                trees=len(walked),
                splits=len(split_codes),
                distinct_splits=len(table),
                threshold_bytes=len(thresholds),
                leaf_values=leaves.count,
                value_bits=leaves.value_bits,
                rows_bits=leaves.rows_bits,
                lowest_numerator=leaves.lowest_numerator,
                split_code_bits=split_code_bits,
                leaf_code_bits=leaves.code_bits,
            ),
            tree_sizes=_columns.to_bytes("I", [len(tree.splits) for tree in walked]),
            split_table=split_table,
            thresholds=thresholds,
            missing_left=_columns.pack(1, [left for _, _, left in table]) if missing else b"",
            leaf_values=leaves.values,
            leaf_rows=leaves.rows,
            structure=_columns.from_bits("".join(tree.structure for tree in walked)),
            split_codes=_columns.pack(split_code_bits, split_codes),
            leaf_codes=leaves.codes,
        )
    )


class _Walked(Record):
    """A tree in preorder: a bit per node (1 for a split), its splits, its leaves with their rows."""

    structure: str
    splits: list[tuple[int, float, bool]]
    leaves: list[tuple[float, float]]
    missing: bool


def _walk(tree: Tree, place: str, features: int) -> _Walked:
    left, right, feature = (
        _list(tree.children_left),
        _list(tree.children_right),
        _list(tree.feature),
    )
    threshold, value = _list(tree.threshold), _list(tree.value)
    missing = [False] * len(left) if tree.missing_go_to_left is None else _list(tree.missing_go_to_left)
    rows = [1] * len(left) if tree.rows is None else _list(tree.rows)
    lengths = {len(column) for column in (left, right, feature, threshold, value, missing, rows)}
    if len(lengths) != 1 or not left:
        raise BadForest(f"{place}: expected arrays of one length, 1 or more")
    if not all(map(math.isfinite, value)) or any(map(math.isnan, threshold)):
        raise BadForest(f"{place}: expected finite values, and thresholds that are not NaN")
    rounded = _floor_to_single(threshold)
    bits: list[str] = []
    splits: list[tuple[int, float, bool]] = []
    leaves: list[tuple[float, float]] = []
    to_visit = [0]
    unseen = bytearray(b"\1") * len(left)
    while to_visit and unseen[to_visit[-1]]:
        node = to_visit.pop()
        unseen[node] = 0
        if left[node] == right[node] == -1:
            bits.append("0")
            leaves.append((value[node], rows[node]))
            continue
        if not (0 <= left[node] < len(left) and 0 <= right[node] < len(left)):
            raise BadForest(f"{place}, node {node}: expected children 0 to {len(left) - 1}, or -1 twice for a leaf")
        if not 0 <= feature[node] < features:
            raise BadForest(f"{place}, node {node}: expected a feature 0 to {features - 1}")
        bits.append("1")
        splits.append((feature[node], rounded[node], bool(missing[node])))
        to_visit += (right[node], left[node])
    if to_visit or len(bits) != len(left):
        raise BadForest(f"{place}: expected each of its {len(left)} nodes once on the way from the root")
    if not _layout.fits(len(splits), features):
        raise BadForest(f"{place}: too many nodes for {features} features")
    return _Walked("".join(bits), splits, leaves, tree.missing_go_to_left is not None)


def _split_table(table: list[tuple[int, float, bool]], features: int) -> tuple[bytes, bytes]:
    """Per feature the count, first order number and low bits of its thresholds; and the gaps of them all."""
    thresholds: list[list[float]] = [[] for _ in range(features)]
    for feature, threshold, _ in table:
        thresholds[feature].append(threshold)
    numbers: list[int] = []
    gaps = []
    for singles in thresholds:
        first, low_bits, bits = _columns.to_gaps(singles)
        numbers += (len(singles), first, low_bits)
        gaps.append(bits)
    return _columns.to_bytes("I", numbers), _columns.from_bits("".join(gaps))


def _floor_to_single(thresholds: Sequence[float]) -> list[float]:
    """Each threshold rounded to a float32 toward minus infinity: `x <= t` is the same for every float32 x."""
    nearest = array("f", thresholds)
    return [
        (single if single <= threshold else _single_below(single)) + 0.0  # minus zero becomes zero
        for single, threshold in zip(nearest, thresholds, strict=True)
    ]


def _single_below(single: float) -> float:
    """The next float32 toward minus infinity."""
    if single == 0:
        return -(2.0**-149)
    (bits,) = _BITS.unpack(_SINGLE.pack(single))
    below: float = _SINGLE.unpack(_BITS.pack(bits - 1 if single > 0 else bits + 1))[0]
    return below


def _list(column: Sequence[Any]) -> list[Any]:
    """A list of Python numbers, the fast way where the array has one."""
    tolist = getattr(column, "tolist", None)
    return list(column) if tolist is None else tolist()
