"""The proof: what it compares, and what it refuses."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_engine.model.writer import Model, encode
from drift_ml.converters import CannotServe, Exactness, NotExact, convert, prove
from drift_ml.converters.hard_rows import hard_values
from drift_ml.converters.proof import ulps
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor


@pytest.fixture(scope="module")
def boosted(whole):
    """A converted classifier of two classes."""
    estimator = GradientBoostingClassifier(n_estimators=3, random_state=0)
    return convert(estimator.fit(whole.matrix, whole.labels(2)), whole.feature_set)


def changed(model, **members):
    """The bytes of a model some of whose members are others."""
    return encode(Model(**{**vars(model), **members}))


def test_onnx_difference():
    """The grade of an ONNX model has a difference in the place of a distance."""
    exactness = Exactness("onnx", 10, 0, None, "the answers", "onnxruntime", "1.32.0", None, 0.5)
    assert exactness.to_json()["largest_difference"] == 0.5


def test_another_score_is_found(whole, boosted):
    """With how many rows differ, and how far."""
    packed = changed(boosted.model, start=(0.25,))
    with pytest.raises(NotExact) as refusal:
        prove(packed, boosted, whole.feature_set, whole.rows, hard=20)
    assert refusal.value.what == "scores"
    assert refusal.value.differing == refusal.value.rows == 260
    assert refusal.value.worst_ulp > 4


def test_another_label_is_found(whole, boosted):
    """Though every score is the same."""
    packed = changed(boosted.model, decision="above", threshold=0.9)
    with pytest.raises(NotExact) as refusal:
        prove(packed, boosted, whole.feature_set, whole.rows, hard=20)
    assert refusal.value.what == "labels"


def test_inexact_link(whole, boosted):
    """A link that differs by some ulps is a grade of its own, if the score before it is exact."""
    reference = boosted.reference

    def beside(rows):
        return np.nextafter(reference.scores(rows), 1.0)

    shifted = replace(boosted, reference=replace(reference, scores=beside))
    packed = encode(boosted.model)
    exactness = prove(packed, shifted, whole.feature_set, whole.rows, hard=20)
    assert (exactness.grade, exactness.worst_ulp) == ("exact-link", 1.0)
    assert exactness.to_json()["reference"]["library"] == "scikit-learn"

    def further(rows):
        return reference.scores(rows) * (1 + 2**-48)

    far = replace(boosted, reference=replace(reference, scores=further))
    with pytest.raises(NotExact, match="NPY_DISABLE_CPU_FEATURES"):
        prove(packed, far, whole.feature_set, whole.rows, hard=20)
    unknown = replace(boosted, reference=replace(reference, scores=beside, raw=None))
    with pytest.raises(NotExact):
        prove(packed, unknown, whole.feature_set, whole.rows, hard=20)


def test_inexact_score(whole, boosted):
    """A score before the link must be exact, as some ulps are for the link alone."""
    reference = boosted.reference

    def raw(rows):
        return reference.raw(rows) + 1.0

    other = replace(boosted, reference=replace(reference, raw=raw))
    with pytest.raises(NotExact) as refusal:
        prove(encode(boosted.model), other, whole.feature_set, whole.rows, hard=20)
    assert refusal.value.what == "raw scores"


def test_answer_no_number(whole, boosted):
    """An answer that is no number is refused, on any row of the proof."""

    def answers(rows):
        return np.full((len(rows), 2), np.nan)

    reference = replace(boosted.reference, scores=answers)
    with pytest.raises(CannotServe, match="no number"):
        prove(encode(boosted.model), replace(boosted, reference=reference), whole.feature_set, whole.rows)


def test_nullable_feature(with_missing, whole):
    """A nullable feature is refused with a library that refuses NaN."""
    estimator = GradientBoostingClassifier(n_estimators=2).fit(whole.matrix, whole.labels(2))
    converted = convert(estimator, with_missing.feature_set)
    with pytest.raises(CannotServe, match="missing"):
        prove(encode(converted.model), converted, with_missing.feature_set, with_missing.rows)


def test_threads_do_not_change_the_reference(whole):
    """Forests are asked without them, whatever they were made with."""
    forest = RandomForestClassifier(20, n_jobs=2, random_state=0).fit(whole.matrix, whole.labels(3))
    converted = convert(forest, whole.feature_set)
    exactness = prove(encode(converted.model), converted, whole.feature_set, whole.rows, hard=100)
    assert exactness.grade == "exact"
    assert "n_jobs=None" in exactness.call
    assert forest.n_jobs == 2


def test_ulps():
    """Distances count numbers of the library's type, over a zero of two signs."""
    tiny = 5e-324
    assert ulps(np.array([tiny]), np.array([-tiny])).tolist() == [2]
    assert ulps(np.array([0.0]), np.array([-0.0])).tolist() == [0]
    single = float(np.nextafter(np.float32(1), np.float32(2)))
    assert ulps(np.array([1.0]), np.array([single]), single=True).tolist() == [1]


def feature(**members):
    """One feature."""
    whole = {"name": "one", "unit": "none", "description": "Made up.", "example": 1, **members}
    document = {"contract": "feature-set.v1", "name": "made-up", "version": "1.0.0"}
    target = {"name": "worth", "unit": "none", "description": "Made up."}
    described = {**document, "description": "Made up.", "target": target, "features": [whole]}
    return FeatureSet.from_json(described).features[0]


def test_hard_values_keep_the_bounds():
    """Exclusive ones too, up to the next number."""
    bounds = {"type": "number", "exclusive_minimum": 0, "exclusive_maximum": 2, "example": 1}
    values = hard_values(feature(**bounds), np.array([1.0, 2.0, 3.0]))
    assert min(values) == 5e-324
    assert max(values) == np.nextafter(2.0, 0.0)
    assert 1.0 in values
    assert np.nextafter(1.0, 2.0) in values
    assert float(np.nextafter(np.float32(1), np.float32(0))) in values


def test_hard_values_have_the_features_type():
    """Whole numbers, truth values, and the categories that requests may hold."""
    whole = hard_values(feature(type="integer", maximum=9), np.array([2.5]))
    assert {2, 3, 9} <= set(whole)
    assert all(isinstance(value, int) for value in whole)
    assert hard_values(feature(type="boolean", example=True), np.zeros(0)) == [True, False]
    closed = feature(type="category", categories=["a", "b"], example="a", nullable=True)
    assert hard_values(closed, np.zeros(0)) == ["a", "b", None]


def test_single_leaf(whole):
    """A model of a single leaf is proven, though it has no threshold to try."""
    forest = RandomForestRegressor(1, min_samples_leaf=200, random_state=0)
    converted = convert(forest.fit(whole.matrix, whole.number), whole.feature_set)
    data = whole.feature_set, whole.rows
    assert prove(encode(converted.model), converted, *data, hard=20).grade == "exact"
