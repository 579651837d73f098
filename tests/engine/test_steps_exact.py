"""Steps compute what numpy and exact arithmetic say, and the same in both engines."""

from __future__ import annotations

import math
import random
from fractions import Fraction

import numpy as np
import pytest
from drift_engine.model import BadRow, PackedModel
from drift_engine.model.steps import Program, StepsModel
from drift_engine.model.writer import encode
from hypothesis import given
from hypothesis import strategies as st

from tests.engine.random_steps import KINDS, hash_of, make_rows, make_steps

NAN = math.nan
VALUES = (-2.0, -0.5, -0.0, 0.0, 0.3, 0.5, 1.0, 2.5, 3.0, 1e300)
numbers = st.floats(-1e100, 1e100)


def answer(call, row):
    """Return an answer, or what refused the row."""
    try:
        return call(row)
    except BadRow as error:
        return str(error)


@pytest.mark.parametrize("kind", KINDS)
def test_engines_agree(kind, engines):
    """Scores, labels, raw scores and refusals are equal in both engines."""
    chance = random.Random(kind)
    answered = 0
    for _ in range(40):
        model = make_steps(chance, kind)
        data = encode(model)
        packed = [PackedModel.from_bytes(data, engine=engine) for engine in engines]
        rows = make_rows(chance, model.features, 20)
        answers = [[answer(each.decide, row) for row in rows] for each in packed]
        assert all(each == answers[0] for each in answers)
        whole = [row for row, each in zip(rows, answers[0], strict=True) if isinstance(each, tuple)]
        answered += len(whole)
        for each in packed:
            decided = each.decide_many(whole)
            assert decided == [given for given in answers[0] if isinstance(given, tuple)]
            assert each.scores_many(whole) == [scores for scores, _ in decided] == [*map(each.scores, whole)]
            assert [*map(each.raw, whole)] == [*map(packed[0].raw, whole)]
            assert all(math.isfinite(number) for scores, _ in decided for number in scores)
    assert answered


def run(engine, make, row, width=1):
    """Return what one step writes for a row, made by a function of the program."""
    program = Program(width)
    written = make(program)
    written = [written] if isinstance(written, int) else written
    packed = PackedModel.from_bytes(encode(StepsModel(program, "regression", written, written)), engine=engine)
    return list(packed.scores(row))


@pytest.mark.parametrize("value", VALUES)
def test_as_numpy(value, engine):
    """Steps are those of numpy, number for number."""
    edges, heights = [-0.5, 0.0, 0.5, 0.5, 2.5], [0.0, 1.0, 1.5, 1.75, 9.0]
    for side in ("left", "right"):
        ranked = run(engine, lambda program, side=side: program.rank(0, edges, side), (value,))
        assert ranked == [float(np.searchsorted(edges, value, side=side))]
    flat = run(engine, lambda program: program.interpolate(0, [-math.inf, math.inf], [2.0, 2.0]), (value,))
    assert flat == [2.0]
    between = run(engine, lambda program: program.interpolate(0, edges, heights), (value,))
    assert between == [np.interp(value, edges, heights)]
    assert run(engine, lambda program: program.clip([0], [(-0.5, 1.0)]), (value,)) == [np.clip(value, -0.5, 1.0)]
    with np.errstate(all="ignore"):
        for name in ("negative", "absolute", "sign", "square", "floor", "ceil", "trunc", "rint"):
            expected = float(getattr(np, name)(value))
            result = answer(lambda row, name=name: run(engine, lambda p: p.function(name, [0]), row), (value,))
            assert result == [expected] if math.isfinite(expected) else isinstance(result, str)


@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=20))
def test_nearest_sum(terms):
    """The nearest sum of products is within a rounding of the exact one."""
    program = Program(len(terms))
    sums = program.dot(range(len(terms)), [[factor for _, factor in terms]], [0.0], "nearest")
    model = PackedModel.from_bytes(encode(StepsModel(program, "regression", sums, sums)))
    exact = sum((Fraction(value) * Fraction(factor) for value, factor in terms), Fraction(0))
    size = sum(abs(Fraction(value) * Fraction(factor)) for value, factor in terms)
    got = model.scores([value for value, _ in terms])[0]
    # Half of the last place, and the square of it for what twice the precision leaves.
    bound = abs(exact) / 2**53 + size * len(terms) ** 2 / 2**104 + Fraction(5e-324) * len(terms)
    assert abs(Fraction(got) - exact) <= bound


def test_dots_of_a_program():
    """A program gives its sums of an order, each with its sources, factors and addend."""
    program = Program(2)
    program.dot([0, 1], [[1.0, 2.0], [3.0, 4.0]], [5.0, 6.0], "nearest")
    program.dot([1], [[7.0]], [8.0], "in-order")
    assert program.dots("nearest") == [((0, 1), [[1.0, 2.0, 5.0], [3.0, 4.0, 6.0]])]
    assert program.dots("in-order") == [((1,), [[7.0, 8.0]])]


def test_codes(engine):
    """A number is found or not; its code is looked up; a place becomes a one among zeros."""

    def table(program):
        return program.lookup(program.find(0, [1.0, 2.5]), [10.0, 20.0, -1.0, -2.0])

    values = [run(engine, table, (value,))[0] for value in (1.0, 2.5, 2.0, NAN)]
    assert values == [10.0, 20.0, -1.0, -2.0]
    assert run(engine, lambda program: program.one_hot(0, 3), (1.0,)) == [0.0, 1.0, 0.0]
    assert run(engine, lambda program: program.one_hot(0, 3), (NAN,)) == [0.0, 0.0, 0.0]


@pytest.mark.parametrize("bits", [0, 1, 7, 32])
def test_hashes(engine, bits):
    """Numbers that were seen together have their code, others and what is no whole number of 32 bits have none."""
    chance = random.Random(bits)
    seen = {(chance.randrange(-(2**31), 2**31), chance.randrange(2)): None for _ in range(300)}
    keys = {hash_of(numbers): numbers for numbers in seen}
    codes = {key: chance.randrange(1 << bits) if bits else place for place, key in enumerate(sorted(keys))}
    for key in list(keys)[:5]:
        found = run(engine, lambda program: program.find_hash([0, 1], codes), tuple(map(float, keys[key])), 2)
        assert found == [float(codes[key])]
    for row in ((1.0, 7.0), (NAN, 0.0), (math.inf, 0.0), (2.0**31, 0.0), (-1e300, 0.0)):
        assert run(engine, lambda program: program.find_hash([0, 1], codes), row, 2) == [-1.0]
    assert run(engine, lambda program: program.find_hash([0], {}), (1.0,)) == [-1.0]


def test_missing(engine):
    """A missing value is told from others, and filled in."""
    assert run(engine, lambda program: program.is_number([0, 1], [NAN, 2.0]), (NAN, 2.0), 2) == [1.0, 1.0]
    assert run(engine, lambda program: program.replace([0, 1], [(NAN, 7.0), (2.0, 3.0)]), (NAN, 2.0), 2) == [7.0, 3.0]


def test_refusals(engine):
    """A refused value is named by its place, and one that steps made is not."""

    def make(program):
        program.refuse([1], missing=True)
        program.refuse(program.arithmetic("multiply", [0], [1e300]), missing=False, single=True)
        return program.copy([0])

    with pytest.raises(BadRow, match="position 1"):
        run(engine, make, (0.0, NAN), 2)
    with pytest.raises(BadRow, match="every step"):
        run(engine, make, (1.0, 0.0), 2)
    assert run(engine, make, (0.0, 0.0), 2) == [0.0]
    with pytest.raises(BadRow, match="expected 2 numbers"):
        run(engine, make, (0.0,), 2)
