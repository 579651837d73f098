"""Packed models of CatBoost beside it and lignum: a part of `nox -s benchmark -- --models`.

CatBoost takes texts for categories and hashes them; the service has looked them up before the model is asked, so ours
takes codes, as for every other family. What that takes is part of a request's own row.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pytest
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import convert
from model_workloads import CATEGORICAL, workload
from pairs import Side, time_of

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.models

#: Rows that are asked for, one after the other.
ASKED = 400
#: Microseconds of a call that a trial aimed at.
AIMS = {"CatBoost 500 x 6, numbers": 3, "CatBoost 500 x 6, categories": 50}


class Fitted(NamedTuple):
    """A fitted estimator, its packed model, and rows as both take them."""

    estimator: Any
    content: bytes
    packed: PackedModel
    rows: list[np.ndarray]


@cache
def fitted(name: str) -> Fitted:
    """Return a model of 500 oblivious trees of depth 6, over numbers alone or with categories and their statistics."""
    from catboost import CatBoostClassifier  # noqa: PLC0415 - only the benchmarks have it

    data, categories = workload(), CATEGORICAL if name.endswith("categories") else []
    matrix = data.matrix.astype(object) if categories else data.matrix
    for column in categories:
        matrix[:, column] = [f"v{int(code)}" for code in data.matrix[:, column]]
    options = {"thread_count": 2, "random_seed": 7, "verbose": False, "allow_writing_files": False}
    estimator = CatBoostClassifier(iterations=500, depth=6, **options).fit(matrix, data.late, cat_features=categories)
    content = encode(convert(estimator, data.feature_set).model)
    rows = [matrix[place : place + 1] for place in range(ASKED)]
    return Fitted(estimator, content, PackedModel.from_bytes(content), rows)


def last(answer: Any) -> float:
    """Return the probability of the second class."""
    return float(np.asarray(answer).reshape(-1)[-1])


def check(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
    """Compare the probability of every answer."""
    assert [last(answer) for answer in ours] == [last(answer) for answer in theirs]


def ours_of(name: str) -> Side:
    """Return our side: rows as tuples, as the service has them."""
    return Side.of("ours", fitted(name).packed.scores, workload().tuples[:ASKED])


def against(usual: str) -> pytest.MarkDecorator:
    """Return the parameters of a test with a bar for each model."""
    chosen = [pytest.param(name, id=name.replace(" ", "_"), marks=pytest.mark.bar(f"{name}: {usual}")) for name in AIMS]
    return pytest.mark.parametrize("name", chosen)


@against("its library")
def test_one_row_of_catboost(name, decide_row):
    """Its own call for one row."""
    model = fitted(name)

    def predict(place: int) -> Any:
        return model.estimator.predict(model.rows[place], prediction_type="Probability")

    decision = decide_row(ours_of(name), Side.of("library", predict, range(ASKED)), check)
    print(f"{name}: {time_of(decision.seconds[0])}, aim {AIMS[name]} us; {len(model.content):,} B")


@against("lignum")
def test_one_row_of_catboost_by_lignum(name, decide_row, tmp_path):
    """Which reads the library's JSON."""
    import lignum  # noqa: PLC0415 - as above

    model, path = fitted(name), tmp_path / "model.json"
    model.estimator.save_model(str(path), format="json")
    theirs = lignum.load(str(path))
    usual = Side.of("lignum", lambda place: theirs.predict(model.rows[place]), range(ASKED))
    decide_row(ours_of(name), usual, check)
