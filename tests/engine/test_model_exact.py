"""A packed model answers as its arrays say, to the last bit, and the same in both engines."""

from __future__ import annotations

import math
import random

import pytest
from drift_engine.model import BadRow, PackedModel
from drift_engine.model.writer import Column, Model, Tree, encode

from tests.engine.random_models import LINKS, make_model, make_rows, raw_scores


def answer(call, row):
    """Return an answer, or what refused the row."""
    try:
        return call(row)
    except BadRow as error:
        return str(error)


@pytest.mark.no_cover
@pytest.mark.parametrize("link", LINKS)
def test_raw_scores_of_random_models(link, engine):
    """Raw scores are those of a naive walk; rows are refused where the arrays refuse them."""
    chance = random.Random(link)
    for _ in range(20):
        model = make_model(chance, link)
        packed = PackedModel.from_bytes(encode(model), engine=engine)
        for row in make_rows(chance, model, 20):
            expected = answer(lambda row, model=model: raw_scores(model, row), row)
            got = answer(packed.raw, row)
            assert got == expected if isinstance(expected, tuple) else isinstance(got, str)


@pytest.mark.no_cover
@pytest.mark.parametrize("link", LINKS)
def test_engines_agree(link, engines):
    """Scores, labels and refusals are equal in both engines, one by one and many at once."""
    chance = random.Random(f"both {link}")
    for _ in range(12):
        model = make_model(chance, link)
        data = encode(model)
        packed = [PackedModel.from_bytes(data, engine=engine) for engine in engines]
        rows = make_rows(chance, model, 20)
        answers = [[answer(each.decide, row) for row in rows] for each in packed]
        assert all(found == answers[0] for found in answers)
        whole = [row for row, found in zip(rows, answers[0], strict=True) if isinstance(found, tuple)]
        for each in packed:
            decided = each.decide_many(whole)
            assert decided == [found for found in answers[0] if isinstance(found, tuple)]
            assert each.scores_many(whole) == [scores for scores, _ in decided] == [*map(each.scores, whole)]
            assert all(math.isfinite(number) for scores, _ in decided for number in scores)
            assert each.predict_many(whole) == [*map(each.predict, whole)]


def chain(depth, width, output):
    """Return a tree whose leaf after k right turns is of all numbers up to k."""
    places = range(depth)
    inner = [float(place) for place in places]
    left = [depth + place for place in places] + [-1] * (depth + 1)
    right = [*range(1, depth), 2 * depth] + [-1] * (depth + 1)
    numbers = [0.0] * depth + [(place + 1) / (output + 3) for place in range(depth + 1)]
    values = numbers if width == 1 else [[number * (place + 1) for place in range(width)] for number in numbers]
    nodes = len(left)
    return Tree([0] * nodes, inner + [0.0] * (depth + 1), left, right, values, output=output if width == 1 else 0)


@pytest.mark.parametrize("width", [1, 2, 3, 4, 5])
def test_paths_of_any_length(width, engine):
    """Trees whose paths end after one step or after fifty are added in their order."""
    depths = [1, 3, 6, 9, 10, 50, 12, 7, 33, 18, 9, 41, 2, 15, 23]
    trees = [chain(depth, width, output) for output, depth in enumerate(depths)]
    start = [0.5] * (len(depths) if width == 1 else width)
    packed = PackedModel.from_bytes(
        encode(Model(1, "regression", len(start), [Column(0)], trees, start=start)), engine=engine
    )
    for value in (-1.0, 0.0, 5.5, 8.0, 9.5, 17.0, 40.5, 99.0):
        places = [min(max(0, math.ceil(value)), depth) for depth in depths]
        leaves = [(place + 1) / (output + 3) for output, place in enumerate(places)]
        expected = [0.5 + leaf for leaf in leaves]
        if width > 1:
            expected = [sum((leaf * (place + 1) for leaf in leaves), 0.5) for place in range(width)]
        assert list(packed.scores((value,))) == expected
        assert list(packed.scores_many([(value,)])[0]) == expected


@pytest.mark.no_cover
def test_tree_of_many_nodes(engines):
    """A tree whose children are too far for half a word is walked as any other."""
    depth = 33_000
    data = encode(Model(1, "regression", 1, [Column(0)], [chain(depth, 1, 0)], start=[0.0]))
    for engine in engines:
        packed = PackedModel.from_bytes(data, engine=engine)
        for place in (0, 7, depth - 1, depth):
            assert packed.scores((place - 0.5,)) == ((place + 1) / 3,)
