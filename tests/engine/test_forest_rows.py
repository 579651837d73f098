"""Rows that a forest answers, and rows that it refuses."""

from __future__ import annotations

import math
import warnings
from array import array
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest
from drift_engine.forest import BadRow, Forest
from drift_engine.forest.writer import Tree, encode, trees_of

LARGEST = float(np.finfo(np.float32).max)
ROUNDS_TO_LARGEST = 3.4028235677973362e38
OVERFLOWS = 3.4028235677973366e38
STUMP = Tree([1, -1, -1], [2, -1, -1], [1, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])


class Broken:
    def __float__(self) -> float:
        raise RuntimeError("no number today")


@pytest.fixture
def stump(engine) -> Forest:
    return Forest.from_bytes(encode([STUMP], features=2), engine=engine)


ANSWERED = {
    "tuple": (0.0, 0.5),
    "list": [0.0, 0.5],
    "array": array("d", [0.0, 0.5]),
    "numpy row": np.array([0.0, 0.5]),
    "numpy row of singles": np.array([0.0, 0.5], dtype=np.float32),
    "integers": (7, 0),
    "booleans": (True, False),
    "fractions": (Fraction(1, 3), Decimal("0.5")),
    "the largest single": (LARGEST, -LARGEST),
    "what still rounds to it": (ROUNDS_TO_LARGEST, -ROUNDS_TO_LARGEST),
}


@pytest.mark.parametrize("row", ANSWERED.values(), ids=ANSWERED)
def test_any_sequence(row, stump):
    """Any sequence of numbers is a row."""
    assert stump.predict(row) == 10.0
    assert stump.predict_many([row, row]) == [10.0, 10.0]


NUMBER = "expected a finite number in the range of a float32"
REFUSED = {
    "too short": ((1.0,), "row: expected 2 numbers, got 1"),
    "too long": ((1.0, 2.0, 3.0), "row: expected 2 numbers, got 3"),
    "no sequence": (1.0, "row: expected a sequence of numbers"),
    "NaN": ((1.0, math.nan), f"row: position 1: {NUMBER}"),
    "infinity": ((math.inf, 1.0), f"row: position 0: {NUMBER}"),
    "minus infinity": ((1.0, -math.inf), f"row: position 1: {NUMBER}"),
    "overflow of a single": ((1.0, OVERFLOWS), f"row: position 1: {NUMBER}"),
    "overflow of a double": ((1.0, 10**400), f"row: position 1: {NUMBER}"),
    "a string": ((1.0, "3"), f"row: position 1: {NUMBER}"),
    "None": ((None, 1.0), f"row: position 0: {NUMBER}"),
    "a complex number": ((1.0, 1j), f"row: position 1: {NUMBER}"),
}


@pytest.mark.parametrize(("row", "message"), REFUSED.values(), ids=REFUSED)
def test_refused_rows(row, message, stump):
    """A row that cannot be answered is refused with its place."""
    for ask in (lambda: stump.predict(row), lambda: stump.predict_many([(1.0, 1.0), row])):
        with pytest.raises(BadRow) as caught:
            ask()
        assert str(caught.value) == message


def test_own_error_passes(stump):
    """An error that a value itself raises is not hidden."""
    with pytest.raises(RuntimeError, match="no number today"):
        stump.predict((1.0, Broken()))


def test_rows_no_sequence(stump):
    """Rows that are no sequence are a TypeError."""
    with pytest.raises(TypeError):
        stump.predict_many(1.0)


def test_no_rows(stump):
    """No rows give no answers."""
    assert stump.predict_many([]) == []


def test_many_rows_and_features(engine):
    """More rows than a block and more features than the stack holds are answered."""
    features = 100
    tree = Tree([1, -1, -1], [2, -1, -1], [99, 0, 0], [0.5, 0, 0], [0.0, 1.0, 2.0])
    forest = Forest.from_bytes(encode([tree] * 3, features=features), engine=engine)
    rows = [(*[0.0] * 99, float(number % 2)) for number in range(1100)]
    assert forest.predict_many(rows) == [1.0 + number % 2 for number in range(1100)]
    assert forest.predict(rows[1]) == 2.0


@pytest.mark.parametrize("value", [ROUNDS_TO_LARGEST, OVERFLOWS, math.inf, -math.inf, LARGEST, 1e300])
def test_large_values(value, engine, fitted):
    """Values too large for single precision are refused, as by scikit-learn."""
    estimator, _ = fitted("random", 1, 50, 2, n_estimators=3)
    forest = Forest.from_bytes(encode(trees_of(estimator), features=2), engine=engine)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the cast overflows, then it is refused
        try:
            expected = float(estimator.predict([[0.0, value]])[0])
        except ValueError:
            with pytest.raises(BadRow):
                forest.predict((0.0, value))
        else:
            assert forest.predict((0.0, value)) == expected


def test_infinity_with_missing(engine):
    """A forest that accepts missing values still refuses infinity and what is no number."""
    columns = (STUMP.children_left, STUMP.children_right, STUMP.feature, STUMP.threshold, STUMP.value)
    tree = Tree(*columns, missing_go_to_left=[1, 0, 0])
    forest = Forest.from_bytes(encode([tree], features=2), engine=engine)
    assert forest.predict((math.nan, math.nan)) == 10.0
    assert forest.predict((math.nan, 0.6)) == 20.0
    for value in (math.inf, "nan", None, 1e39):
        with pytest.raises(BadRow):
            forest.predict((0.0, value))


def test_outputs_of_a_forest(engines):
    """A forest answers as a model of one output, so that callers need not ask which it is."""
    stump = Tree([1, -1, -1], [2, -1, -1], [0, -2, -2], [0.5, -2.0, -2.0], [15.0, 10.0, 20.0])
    for engine in engines:
        forest = Forest.from_bytes(encode([stump], features=1), engine=engine)
        assert (forest.task, forest.outputs) == ("regression", 1)
        assert forest.scores((0.5,)) == (10.0,)
        assert forest.scores_many([(0.5,), (1.0,)]) == [(10.0,), (20.0,)]
