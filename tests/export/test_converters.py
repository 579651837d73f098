"""Estimators of every family, converted and held against their own libraries."""

from __future__ import annotations

import pytest
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, convert, prove

from tools.exactness.cases import booster_cases, refused_cases, scikit_cases

ROWS, HARD, TREES = 240, 400, 6


@pytest.mark.parametrize("case", [*scikit_cases(), *booster_cases()], ids=lambda case: case.name)
def test_same_as_library(case, with_missing, whole):
    """A packed model answers as its library, on training rows and at every threshold."""
    data = whole if case.missing_since is None else with_missing
    converted = convert(case.fit(data, TREES), data.feature_set)
    exactness = prove(encode(converted.model), converted, data.feature_set, data.rows, hard=HARD)
    assert exactness.grade in ("exact", "exact-link")
    assert exactness.worst_ulp <= 4
    assert (exactness.rows, exactness.hard_rows) == (ROWS, HARD)
    assert exactness.library == case.library


@pytest.mark.parametrize("case", refused_cases(), ids=lambda case: case.name)
def test_refused(case, with_missing):
    """A model that cannot be served is refused by name, with the way out."""
    estimator = case.fit(with_missing, TREES)
    with pytest.raises(CannotServe) as refusal:
        convert(estimator, with_missing.feature_set)
    assert refusal.value.subject
    assert refusal.value.way_out
