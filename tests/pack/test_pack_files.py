"""What a file tells of an estimator is converted as the live one is, whatever wrote it."""

from __future__ import annotations

import joblib
import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, NotExact, convert
from drift_ml.exporting.rows import Rows
from drift_ml.handover.proofs import prove_by_answers
from drift_ml.model_files import read_model
from sklearn.calibration import CalibratedClassifierCV
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier, RandomForestRegressor
from sklearn.feature_selection import SelectFromModel
from sklearn.linear_model import LinearRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from tests.support.handover import write_features

NAMES = ("size", "age", "floor")


@pytest.fixture
def features(tmp_path):
    """Return the feature set of the houses' rows."""
    target = {"name": "price", "unit": "none"}
    return FeatureSet.load(write_features(tmp_path / "features.json", NAMES, target))


@pytest.fixture
def lifeless(tmp_path):
    """Return what reads an estimator out of a file that it is saved in."""

    def read(estimator):
        joblib.dump(estimator, tmp_path / "model.joblib")
        return read_model(tmp_path / "model.joblib").estimator

    return read


@pytest.fixture
def proven(houses):
    """Return the proof of a converted model against answers to the houses' rows."""
    rows = Rows([], houses.rows, np.zeros((len(houses.rows), 0)))

    def prove(converted, answers):
        columns = [f"answer {place}" for place in range(answers.shape[1])]
        return prove_by_answers(converted, rows, answers, columns)[1]

    return prove


def test_counts_in_leaves(lifeless, houses, features):
    """Leaves that hold counts, as scikit-learn 1.3 stores them, become the same model."""
    forest = RandomForestClassifier(3, max_depth=3, random_state=0).fit(houses.rows, houses.sold)
    expected = encode(convert(forest, features).model)
    record = lifeless(forest)
    for tree in record.estimators_:
        samples = tree.tree_.weighted_n_node_samples
        shares = tree.tree_.value
        assert not np.array_equal(shares, np.rint(shares))
        vars(tree.tree_)["value"] = np.rint(shares * samples[:, None, None])
        vars(tree)["_sklearn_version"] = "1.3.2"
    vars(record)["_sklearn_version"] = "1.3.2"
    assert encode(convert(record, features).model) == expected


def test_function_of_numpy(lifeless, houses, features):
    """A step of numpy's own function is served out of a file, where it is a name alone."""
    steps = FunctionTransformer(np.abs), RandomForestRegressor(2, max_depth=3, random_state=0)
    pipeline = make_pipeline(*steps).fit(houses.rows, houses.price)
    expected = encode(convert(pipeline, features).model)
    assert encode(convert(lifeless(pipeline), features).model) == expected


def test_logarithms_within_calibration(lifeless, houses, features, proven):
    """Calibrated boosting begins as the logarithm of either version of scipy has it."""
    boosting = GradientBoostingClassifier(n_estimators=3, random_state=0)
    calibrated = CalibratedClassifierCV(boosting, cv=2).fit(houses.rows, houses.sold == "yes")
    converted = convert(lifeless(calibrated), features)
    (other,) = converted.others
    assert encode(other) != encode(converted.model)
    answers = calibrated.predict_proba(houses.rows)
    assert proven(converted, answers).grade == "exact"


def test_choice_by_call(lifeless, houses, features):
    """A choice of columns that only a call tells is refused by name."""
    chosen = SelectFromModel(RandomForestRegressor(2, random_state=0))
    pipeline = make_pipeline(chosen, LinearRegression()).fit(houses.rows, houses.price)
    record = lifeless(pipeline)
    with pytest.raises(CannotServe) as refusal:
        convert(record, features)
    assert refusal.value.subject == "SelectFromModel"


def test_linear_bound(lifeless, houses, features, proven):
    """A linear model is held to the rounding of its sums, which 64 ulp may be far beyond."""
    model = LinearRegression().fit(houses.rows, houses.price)
    converted = convert(lifeless(model), features)
    answers = model.predict(houses.rows).reshape(-1, 1)
    assert proven(converted, answers).grade in ("exact", "nearest")
    beside = answers * (1 + 8 * np.finfo(np.float64).eps)
    with pytest.raises(NotExact):
        proven(converted, beside)
    within = proven(converted, answers * (1 + np.finfo(np.float64).eps))
    assert within.grade == "nearest"
    assert 0 < within.bound_share <= 1
