"""A packed model answers as its arrays say, to the last bit, and the same in both engines."""

from __future__ import annotations

import math
import random

import pytest
from drift_engine.model import BadRow, PackedModel
from drift_engine.model.writer import encode

from tests.engine.random_models import LINKS, make_model, make_rows, raw_scores


def answer(call, row):
    """Return an answer, or what refused the row."""
    try:
        return call(row)
    except BadRow as error:
        return str(error)


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
