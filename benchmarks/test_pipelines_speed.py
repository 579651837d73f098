"""Pipelines of steps, linear models and calibration beside scikit-learn: a part of `nox -s benchmark -- --models`.

A row is a data frame of one row to the library, as a service of the usual kind asks it, and a tuple of numbers to ours,
as the service has them behind its checks. lignum reads no pipeline.
"""

from __future__ import annotations

from itertools import cycle, islice
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from bars import BARS
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import convert
from drift_ml.converters.proof import MOST_ULP
from model_workloads import workload
from pairs import Side, time_of
from pipeline_workloads import PIPELINES, fitted_pipeline, isolation_model

if TYPE_CHECKING:
    from collections.abc import Sequence

pytestmark = pytest.mark.models

#: Rows that are asked for, one after the other.
ASKED = 400
#: Microseconds of a call that a trial took, without Python's part of it.
AIMS = {"sparse LogisticRegression": 0.5, "dense LogisticRegression": 0.5, "steps and RandomForestClassifier 100": 12}


def last(answer: Any) -> float:
    """Return the probability of the second class, or the only value."""
    return float(np.asarray(answer).reshape(-1)[-1])


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, id=name.replace(" ", "_"), marks=pytest.mark.bar(f"{name}: its pipeline"))
        for name in PIPELINES
    ],
)
def test_one_row_of_steps(name, decide_row):
    """All steps and the model behind them, for one row."""
    model, frame = fitted_pipeline(name), workload().frame()
    rows = [frame.iloc[place : place + 1] for place in range(ASKED)]
    answers = model.estimator.predict_proba(frame.iloc[:ASKED])[:, -1]
    room = model.room(ASKED, answers)

    def check(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
        pairs = zip(ours, theirs, islice(cycle(room), len(ours)), strict=True)
        assert all(abs(last(mine) - last(library)) <= most for mine, library, most in pairs)

    ours = Side.of("ours", model.packed.scores, model.rows[:ASKED])
    usual = Side.of("pipeline", lambda place: model.estimator.predict_proba(rows[place]), range(ASKED))
    decision = decide_row(ours, usual, check)
    aim = f", aim {AIMS[name]} us" if name in AIMS else ""
    print(f"{name}: {time_of(decision.seconds[0])}{aim}; at least {BARS[f'{name}: its pipeline'].least:g} times faster")


@pytest.mark.bar("IsolationForest 100: its library")
def test_one_row_of_isolation(decide_row):
    """Its own call for one row; it has no classes and no pipeline."""
    estimator, matrix = isolation_model(), workload().whole
    packed = PackedModel.from_bytes(encode(convert(estimator, workload().feature_set).model))
    rows = [matrix[place : place + 1] for place in range(ASKED)]

    def check(ours: Sequence[Any], theirs: Sequence[Any]) -> None:
        # With AVX-512 numpy's own power is up to that far beside what it is without.
        far = [np.spacing(abs(last(answer))) * MOST_ULP for answer in theirs]
        pairs = zip(ours, theirs, far, strict=True)
        assert all(abs(last(mine) - last(library)) <= most for mine, library, most in pairs)

    ours = Side.of("ours", packed.scores, list(map(tuple, matrix[:ASKED].tolist())))
    usual = Side.of("library", lambda place: estimator.score_samples(rows[place]), range(ASKED))
    decision = decide_row(ours, usual, check)
    print(f"IsolationForest 100: {time_of(decision.seconds[0])}")
