"""The writer: trees as plain arrays to the bytes of a forest file."""

from __future__ import annotations

import math
import struct
from array import array
from sys import float_info

from drift_contracts.records import Record

from drift_ml.forest import _layout
from drift_ml.forest._errors import BadForest

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
    """

    children_left: Sequence[int]
    children_right: Sequence[int]
    feature: Sequence[int]
    threshold: Sequence[float]
    value: Sequence[float]
    missing_go_to_left: Sequence[int] | None = None


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
        )
        for tree in (member.tree_ for member in estimator.estimators_)
    ]


def encode(trees: Iterable[Tree], *, features: int) -> bytes:
    """The bytes of the forest whose answer is the mean over `trees`, for rows of `features` numbers.

    Equal trees give equal bytes. NaN is accepted in rows if every tree says where it goes, refused if none
    does.
    Raises BadForest if the arrays are not trees, a threshold is NaN, or leaves are too large to be summed.

    >>> stump = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
    >>> from drift_ml.forest import Forest
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
    nodes = "".join(tree.structure for tree in walked)
    leaf_values, leaf_codes, leaf_width = _leaves([value for tree in walked for value in tree.leaves], len(walked))
    table = sorted({key for tree in walked for key in tree.splits})
    code_of = {key: code for code, key in enumerate(table)}
    width = _layout.code_width(len(table))
    per_feature = [0] * features
    for feature, _, _ in table:
        per_feature[feature] += 1
    return _layout.join(
        _layout.Parts(
            features=features,
            missing_accepted=missing,
            split_code_width=width,
            leaf_code_width=leaf_width,
            tree_sizes=_layout.to_bytes("I", [len(tree.splits) for tree in walked]),
            feature_splits=_layout.to_bytes("I", per_feature),
            thresholds=_layout.to_bytes("f", [threshold for _, threshold, _ in table]),
            missing_left=_pack_bits("".join("1" if left else "0" for _, _, left in table)) if missing else b"",
            leaf_values=leaf_values,
            structure=_pack_bits(nodes),
            split_codes=_layout.codes_to_bytes(width, [code_of[key] for tree in walked for key in tree.splits]),
            leaf_codes=leaf_codes,
        )
    )


class _Walked(Record):
    """A tree in preorder: a bit per node (1 for a split), its splits, its leaves."""

    structure: str
    splits: list[tuple[int, float, bool]]
    leaves: list[float]
    missing: bool


def _walk(tree: Tree, place: str, features: int) -> _Walked:
    left, right, feature = _list(tree.children_left), _list(tree.children_right), _list(tree.feature)
    threshold, value = _list(tree.threshold), _list(tree.value)
    missing = [False] * len(left) if tree.missing_go_to_left is None else _list(tree.missing_go_to_left)
    lengths = {len(column) for column in (left, right, feature, threshold, value, missing)}
    if len(lengths) != 1 or not left:
        raise BadForest(f"{place}: expected arrays of one length, 1 or more")
    if not all(map(math.isfinite, value)) or any(map(math.isnan, threshold)):
        raise BadForest(f"{place}: expected finite values, and thresholds that are not NaN")
    rounded = _floor_to_single(threshold)
    bits: list[str] = []
    splits: list[tuple[int, float, bool]] = []
    leaves: list[float] = []
    to_visit = [0]
    unseen = bytearray(b"\1") * len(left)
    while to_visit and unseen[to_visit[-1]]:
        node = to_visit.pop()
        unseen[node] = 0
        if left[node] == right[node] == -1:
            bits.append("0")
            leaves.append(value[node])
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


def _leaves(values: list[float], trees: int) -> tuple[bytes, bytes, int]:
    """Dictionary, codes and width of a code; no codes where a dictionary would not save anything."""
    if max(map(abs, values)) > float_info.max / (2 * trees):
        raise BadForest("forest: leaf values: too large to be summed over the trees")
    distinct = {value: code for code, value in enumerate(dict.fromkeys(values))}
    width = _layout.code_width(len(distinct))
    too_many = len(distinct) > _layout.MAX_CODED_LEAF_VALUES
    if too_many or 8 * len(distinct) + width * len(values) >= 8 * len(values):
        return _layout.to_bytes("d", values), b"", 0
    return (
        _layout.to_bytes("d", distinct),
        _layout.codes_to_bytes(width, map(distinct.__getitem__, values)),
        width,
    )


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


def _pack_bits(bits: str) -> bytes:
    """A string of 0 and 1, its first in the lowest bit of the first byte."""
    return int("0" + bits[::-1], 2).to_bytes((len(bits) + 7) // 8, "little")


def _list(column: Sequence[Any]) -> list[Any]:
    """A list of Python numbers, the fast way where the array has one."""
    tolist = getattr(column, "tolist", None)
    return list(column) if tolist is None else tolist()
