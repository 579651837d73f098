"""Estimators of every family, converted and held against their own libraries."""

from __future__ import annotations

import pytest
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, convert, prove

from tools.exactness.cases import booster_cases, refused_cases, scikit_cases

ROWS, HARD, TREES = 240, 400, 6


@pytest.mark.parametrize("case", [*scikit_cases(), *booster_cases()], ids=lambda case: case.name)
def test_a_packed_model_answers_as_its_library(case, with_missing, whole):
    """On training rows, and on rows at every threshold."""
    data = whole if case.missing_since is None else with_missing
    converted = convert(case.fit(data, TREES), data.feature_set)
    exactness = prove(encode(converted.model), converted, data.feature_set, data.rows, hard=HARD)
    assert exactness.grade in ("exact", "exact-link")
    assert exactness.worst_ulp <= 4
    assert (exactness.rows, exactness.hard_rows) == (ROWS, HARD)
    assert exactness.library == case.library


@pytest.mark.parametrize("case", refused_cases(), ids=lambda case: case.name)
def test_what_cannot_be_served_is_refused_by_name(case, with_missing):
    """With a way out, when it is converted."""
    estimator = case.fit(with_missing, TREES)
    with pytest.raises(CannotServe) as refusal:
        convert(estimator, with_missing.feature_set)
    assert refusal.value.subject
    assert refusal.value.way_out
