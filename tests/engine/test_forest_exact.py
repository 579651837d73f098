"""Both engines give scikit-learn's answers to the last bit."""

from __future__ import annotations

import math

import numpy as np
import pytest
from drift_engine.forest import Forest
from drift_engine.forest.writer import Tree, encode, trees_of
from hypothesis import given, settings
from hypothesis import strategies as st

LARGEST = float(np.finfo(np.float32).max)
SMALLEST = 2.0**-149
ODD_VALUES = [0.0, -0.0, LARGEST, -LARGEST, SMALLEST, -SMALLEST, 1e-320, -1e-320, 2.0**-126, 1e30, -1e30, 0.1]


def rows_at_thresholds(estimator, table: np.ndarray, seed: int) -> np.ndarray:
    """Rows of thresholds, their neighbours in float32 and float64, midpoints that round, and odd values."""
    thresholds = np.concatenate([member.tree_.threshold for member in estimator.estimators_])
    thresholds = thresholds[np.abs(thresholds) < LARGEST]  # infinite where a split tells missing from the rest
    single = thresholds.astype(np.float32)
    up, down = np.nextafter(single, np.float32(np.inf)), np.nextafter(single, np.float32(-np.inf))
    middle = (single.astype(float) + up.astype(float)) / 2
    values = [
        thresholds,
        np.nextafter(thresholds, np.inf),
        np.nextafter(thresholds, -np.inf),
        single,
        up,
        down,
    ]
    values += [middle, np.nextafter(middle, np.inf), np.nextafter(middle, -np.inf), ODD_VALUES]
    pool = np.concatenate([np.asarray(value, dtype=float) for value in values])
    random = np.random.default_rng(seed)
    rows = random.choice(pool, size=(120, table.shape[1]))
    keep = random.random(rows.shape) < 0.4
    return np.where(keep, table[random.integers(0, len(table), 120)], rows)


def assert_same(estimator, rows: np.ndarray, engine: str, *, missing: bool = False) -> None:
    with np.errstate(invalid="ignore"):  # scikit-learn sums a row to see whether it is finite
        expected = estimator.predict(rows).tolist()
    forest = Forest.from_bytes(encode(trees_of(estimator, missing=missing), features=rows.shape[1]), engine=engine)
    assert forest.engine == engine
    assert forest.nodes == sum(member.tree_.node_count for member in estimator.estimators_)
    assert [forest.predict(row) for row in map(tuple, rows.tolist())] == expected
    assert forest.predict_many(rows.tolist()) == expected


SHAPES = {
    "grown to the last row": {"n_estimators": 12},
    "five rows a leaf": {"n_estimators": 9, "min_samples_leaf": 5},
    "one leaf a tree": {"n_estimators": 3, "min_samples_leaf": 200},
    "one tree": {"n_estimators": 1},
    "stumps": {"n_estimators": 17, "max_depth": 1},
    "best first": {"n_estimators": 8, "max_leaf_nodes": 12},
    "pruned": {"n_estimators": 8, "ccp_alpha": 5.0},
    "absolute error": {"n_estimators": 4, "criterion": "absolute_error", "max_depth": 4},
}


@pytest.mark.no_cover
@pytest.mark.parametrize("whole", [False, True], ids=["fractions", "whole targets"])
@pytest.mark.parametrize("kind", ["random", "extra"])
@pytest.mark.parametrize("shape", SHAPES.values(), ids=SHAPES)
def test_same_as_sklearn(kind, shape, whole, engine, fitted):
    """Answers equal scikit-learn's to the last bit."""
    estimator, table = fitted(kind, 3, 200, 4, whole=whole, **shape)
    assert_same(estimator, rows_at_thresholds(estimator, table, 5), engine)


@pytest.mark.no_cover
@settings(max_examples=15, deadline=None)
@given(
    kind=st.sampled_from(["random", "extra"]),
    seed=st.integers(0, 2**31),
    rows=st.integers(1, 150),
    features=st.integers(1, 9),
    trees=st.integers(1, 20),
    leaf=st.integers(1, 6),
    whole=st.booleans(),
)
def test_any_small_forest(kind, seed, rows, features, trees, leaf, whole, engines, fitted):
    """Any small forest answers as scikit-learn does."""
    estimator, table = fitted(kind, seed, rows, features, whole=whole, n_estimators=trees, min_samples_leaf=leaf)
    for engine in engines:
        assert_same(estimator, rows_at_thresholds(estimator, table, seed), engine)


@pytest.mark.parametrize("kind", ["random", "extra"])
@pytest.mark.parametrize("holes", [0.02, 0.5])
def test_missing_values(kind, holes, engine, fitted):
    """Missing values take the branch that scikit-learn sends them to."""
    estimator, table = fitted(kind, 4, 150, 3, holes=holes, n_estimators=10, min_samples_leaf=2)
    rows = rows_at_thresholds(estimator, table, 6)
    rows = np.where(np.random.default_rng(7).random(rows.shape) < 0.3, np.nan, rows)
    finite = np.where(np.isfinite(rows), rows, 0.5)
    assert_same(estimator, np.vstack([rows, finite, np.full((1, 3), np.nan)]), engine, missing=True)


@pytest.mark.parametrize("depth", [3, 400])
@pytest.mark.parametrize("side", ["left", "right"])
def test_chain_of_splits(depth, side, engine):
    """A chain of splits is walked to its end."""
    toward, away = list(range(1, depth + 1)), list(range(depth + 1, 2 * depth + 1))
    ends = [-1] * (depth + 1)
    children = (toward + ends, away + ends) if side == "left" else (away + ends, toward + ends)
    thresholds = [float(-node if side == "left" else node) for node in range(depth)] + [0.0] * (depth + 1)
    tree = Tree(*children, [0] * (2 * depth + 1), thresholds, [float(node) for node in range(2 * depth + 1)])
    forest = Forest.from_bytes(encode([tree], features=1), engine=engine)
    sign = -1 if side == "left" else 1
    assert forest.predict((sign * 1e9,)) == depth
    for node in range(depth - 1):
        assert forest.predict((sign * (node + 0.5),)) == depth + 1 + node + 1


def search_tree(levels: int) -> Tree:
    """A perfect tree whose answer to a whole number below 2 ** levels is that number."""
    splits = 2**levels - 1
    inner = range(splits)
    width = [2 ** (levels + 1 - (node + 1).bit_length()) for node in inner]  # leaves below
    place = [node + 1 - 2 ** ((node + 1).bit_length() - 1) for node in inner]  # in its level
    thresholds = [float((2 * which + 1) * wide // 2) - 0.5 for which, wide in zip(place, width, strict=True)]
    ends, values = [-1] * (splits + 1), [0.0] * splits + [float(leaf) for leaf in range(splits + 1)]
    left, right = [2 * node + 1 for node in inner], [2 * node + 2 for node in inner]
    return Tree(left + ends, right + ends, [0] * len(values), thresholds + [0.0] * len(ends), values)


@pytest.mark.no_cover
@pytest.mark.parametrize("trees", [20, 34], ids=["1.3 MB", "2.2 MB"])
def test_large_columns(trees):
    """Nodes of megabytes are read correctly on whatever pages they are."""
    forest = Forest.from_bytes(encode([search_tree(12)] * trees, features=1))
    assert forest.nodes == trees * (2**13 - 1)
    rows = [(float(number),) for number in range(0, 2**12, 7)]
    assert [forest.predict(row) for row in rows] == [number for (number,) in rows]


@st.composite
def any_tree(draw, features: int = 3) -> Tree:
    """A tree of any shape, its nodes in any order behind the root, with any thresholds that are not NaN."""
    splits = draw(st.integers(0, 12))
    nodes = 2 * splits + 1
    left, right = [-1] * nodes, [-1] * nodes
    open_nodes, used = [0], 1
    for _ in range(splits):
        node = open_nodes.pop(draw(st.integers(0, len(open_nodes) - 1)))
        left[node], right[node] = draw(st.permutations([used, used + 1]))
        open_nodes += [used, used + 1]
        used += 2
    number = st.floats(allow_nan=False) | st.sampled_from(ODD_VALUES)
    leaf = draw(st.sampled_from([st.floats(-1e300, 1e300), st.integers(-(2**60), 2**60).map(float)]))
    return Tree(
        left,
        right,
        draw(st.lists(st.integers(0, features - 1), min_size=nodes, max_size=nodes)),
        draw(st.lists(number, min_size=nodes, max_size=nodes)),
        draw(st.lists(leaf, min_size=nodes, max_size=nodes)),
        draw(st.lists(st.booleans(), min_size=nodes, max_size=nodes)),
        draw(st.none() | st.lists(st.integers(0, 2**40) | st.just(1.5), min_size=nodes, max_size=nodes)),
    )


def answer_of(tree: Tree, row: tuple[float, ...]) -> float:
    """The definition, in float64 where nothing is rounded but the row."""
    node = 0
    while tree.children_left[node] != -1:
        value = float(np.float32(row[tree.feature[node]]))
        left = tree.missing_go_to_left[node] if math.isnan(value) else value <= tree.threshold[node]
        node = tree.children_left[node] if left else tree.children_right[node]
    return tree.value[node]


@pytest.mark.no_cover
@settings(max_examples=150, deadline=None)
@given(trees=st.lists(any_tree(), min_size=1, max_size=20), data=st.data())
def test_any_arrays(trees, data, engines):
    """Any arrays answer by the definition of a forest."""
    near = [threshold for tree in trees for threshold in tree.threshold if abs(threshold) <= LARGEST]
    value = st.floats(-LARGEST, LARGEST) | st.sampled_from([*ODD_VALUES, math.nan, *near])
    rows = data.draw(st.lists(st.tuples(value, value, value), min_size=1, max_size=20))
    expected = []
    for row in rows:
        total = 0.0
        for tree in trees:
            total += answer_of(tree, row)
        expected.append(total / len(trees))
    for engine in engines:
        forest = Forest.from_bytes(encode(trees, features=3), engine=engine)
        assert [forest.predict(row) for row in rows] == expected
        assert forest.predict_many(rows) == expected
