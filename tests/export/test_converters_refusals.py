"""What is refused when it is converted, by name and with the way out."""

from __future__ import annotations

import json

import numpy as np
import pytest
import sklearn
import xgboost
from drift_contracts import FeatureSet
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, DoesNotFit, convert, encode_converted, prove
from sklearn.ensemble import (
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
    VotingRegressor,
)
from sklearn.multioutput import MultiOutputRegressor
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsRegressor
from sklearn.tree import DecisionTreeRegressor


class Derived(RandomForestRegressor):
    """A class of the user's own, which may predict otherwise."""


def with_target(feature_set, **target):
    """The same features with another target."""
    document = {**feature_set.to_json(), "contract": "feature-set.v2"}
    document["target"] = {"name": "worth", "description": "Made up.", **target}
    return FeatureSet.from_json(document)


@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (KNeighborsRegressor, "RandomForestRegressor"),
        (lambda: GaussianNB().fit([[0.0], [1.0]], [0, 1]), "RandomForestClassifier"),
        (lambda: MultiOutputRegressor(RandomForestRegressor()), "estimators_"),
        (lambda: 1.5, "fitted estimator"),
        (lambda: VotingRegressor([("a", RandomForestRegressor())]), "one of its estimators"),
        (Derived, "RandomForestRegressor"),
        (RandomForestRegressor, "fit"),
    ],
    ids=["neighbours", "classes", "several", "number", "votes", "derived", "unfitted"],
)
def test_unknown_estimator(make, way_out, whole):
    """An unknown estimator is named, with what to train or export instead."""
    estimator = make()
    with pytest.raises(CannotServe) as refusal:
        convert(estimator, whole.feature_set)
    assert way_out in refusal.value.way_out
    assert type(estimator).__name__ in refusal.value.subject


def test_large_file(whole, monkeypatch):
    """A model whose file would be larger than 512 MB is refused, with what makes it smaller."""
    converted = convert(DecisionTreeRegressor().fit(whole.matrix, whole.number), whole.feature_set)
    monkeypatch.setattr("drift_engine.model._layout.LARGEST_FILE", 1000)
    with pytest.raises(CannotServe, match="512 MB") as refusal:
        encode_converted(converted)
    assert "max_depth" in refusal.value.way_out


def test_many_classes(whole):
    """More than a thousand classes are refused, as an answer has no room for them."""
    matrix = np.tile(whole.matrix, (9, 1))[:2002]
    labels = np.repeat(np.arange(1001), 2)
    forest = RandomForestClassifier(1, max_depth=1, random_state=0).fit(matrix, labels)
    with pytest.raises(CannotServe, match="classes"):
        convert(forest, whole.feature_set)


def test_several_outputs(whole):
    """A classifier of several outputs is refused, since an answer names one class."""
    labels = np.column_stack([whole.labels(2), whole.labels(3)])
    forest = RandomForestClassifier(2, random_state=0).fit(whole.matrix, labels)
    with pytest.raises(CannotServe, match="several outputs"):
        convert(forest, whole.feature_set)


@pytest.mark.parametrize(
    ("estimator", "subject"),
    [
        (GradientBoostingRegressor(n_estimators=2, init=DecisionTreeRegressor(max_depth=1)), "init"),
        (GradientBoostingClassifier(n_estimators=2), "loss"),
        (HistGradientBoostingRegressor(max_iter=2), "loss"),
    ],
    ids=["initial estimator", "gradient boosting's loss", "histogram boosting's loss"],
)
def test_unknown_settings(estimator, subject, whole):
    """Unknown settings, which a later version may bring, are refused."""
    estimator.fit(whole.matrix, whole.labels(2))
    if subject == "loss":
        estimator.loss = "another"
    with pytest.raises(CannotServe) as refusal:
        convert(estimator, whole.feature_set)
    assert subject in refusal.value.subject


def test_number_for_missing(whole):
    """A number that stands for missing is refused, as JSON has null."""
    booster = xgboost.XGBRegressor(n_estimators=1, missing=-1.0).fit(whole.matrix, whole.number)
    with pytest.raises(CannotServe, match="missing"):
        convert(booster, whole.feature_set)


def test_columns_must_be_the_features(whole, houses):
    """By number, and by name where the estimator has names."""
    pandas = pytest.importorskip("pandas")
    by_number = DecisionTreeRegressor(max_depth=2).fit(whole.matrix, whole.number)
    with pytest.raises(DoesNotFit, match="6 features"):
        convert(by_number, houses)
    names = ["width", "height", "depth", "count", "flag", "elsewhere"]
    frame = pandas.DataFrame(whole.matrix, columns=names)
    by_name = DecisionTreeRegressor(max_depth=2).fit(frame, whole.number)
    with pytest.raises(DoesNotFit, match="elsewhere"):
        convert(by_name, whole.feature_set)


def test_names_decide_the_order_of_columns(whole):
    """A frame may have another order than the feature set."""
    pandas = pytest.importorskip("pandas")
    names = list(whole.feature_set.names)
    frame = pandas.DataFrame(whole.matrix, columns=names)[names[::-1]]
    tree = DecisionTreeRegressor(max_depth=4).fit(frame, whole.number)
    converted = convert(tree, whole.feature_set)
    data = whole.feature_set, whole.rows
    assert prove(encode(converted.model), converted, *data, hard=50).grade == "exact"


def test_class_order(whole):
    """Classes are those of the feature set in its order, or their places."""
    forest = RandomForestClassifier(2, random_state=0).fit(whole.matrix, whole.labels(2))
    named = with_target(whole.feature_set, kind="classification", classes=["low", "high"])
    assert convert(forest, named).classes == ("low", "high")
    listed = with_target(whole.feature_set, kind="classification", classes=["0", "1"])
    assert convert(forest, listed).classes == ("0", "1")
    forest.classes_ = np.array([False, True])
    truths = with_target(whole.feature_set, kind="classification", classes=["false", "true"])
    assert convert(forest, truths).classes == ("false", "true")
    forest.classes_ = np.array([0, 1])
    turned = with_target(whole.feature_set, kind="classification", classes=["1", "0"])
    with pytest.raises(DoesNotFit, match="classes"):
        convert(forest, turned)


@pytest.mark.parametrize("library", ["scikit-learn", "xgboost"])
def test_categories_need_a_category(library, whole):
    """What was fitted as a category cannot be a number of the feature set."""
    if library == "xgboost":
        kinds = ["float"] * 3 + ["c"] + ["float"] * 2
        options = {"enable_categorical": True, "feature_types": kinds, "n_estimators": 2}
        estimator = xgboost.XGBRegressor(**options)
    else:
        estimator = HistGradientBoostingRegressor(max_iter=2, categorical_features=[3])
    estimator.fit(whole.matrix, whole.number)
    with pytest.raises(DoesNotFit) as refusal:
        convert(estimator, whole.feature_set)
    assert refusal.value.place == "/features/3/type"


@pytest.mark.parametrize("classes", [2, 3])
def test_older_versions(classes, whole, monkeypatch):
    """Older versions of libraries are read as they compute: counts in leaves are divided."""
    forest = RandomForestClassifier(3, random_state=0).fit(whole.matrix, whole.labels(classes))
    boosted = GradientBoostingClassifier(n_estimators=3).fit(whole.matrix, whole.labels(classes))
    monkeypatch.setattr(sklearn, "__version__", "1.2.2")
    values = np.array(convert(forest, whole.feature_set).model.trees[0].value)
    assert np.allclose(values.sum(axis=1), 1.0)
    if classes == 2:
        assert convert(boosted, whole.feature_set).model.decision == "above"
        return
    with pytest.raises(CannotServe, match=r"1\.4 or later"):
        convert(boosted, whole.feature_set)


def test_a_model_without_categories_is_converted(whole):
    """By numbers, booleans among them as categories."""
    plain = HistGradientBoostingClassifier(max_iter=2).fit(whole.matrix, whole.labels(2))
    flags = HistGradientBoostingClassifier(max_iter=2, categorical_features=[4])
    flags.fit(whole.matrix, whole.labels(2))
    for estimator in (plain, flags):
        converted = convert(estimator, whole.feature_set)
        data = whole.feature_set, whole.rows
        assert prove(encode(converted.model), converted, *data, hard=50).worst_ulp == 0


def test_refusal_fields(whole):
    """The parts of a refusal are fields, for programs."""
    with pytest.raises(CannotServe) as refusal:
        convert(KNeighborsRegressor(), whole.feature_set)
    facts = {"subject": refusal.value.subject, "reason": refusal.value.reason}
    assert json.loads(json.dumps(facts)) == facts
