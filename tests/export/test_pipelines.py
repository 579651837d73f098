"""Pipelines, linear models and calibrated classifiers, held against their own library."""

from __future__ import annotations

import re
from pathlib import Path

import drift_ml
import numpy as np
import pytest
from drift_engine.bundle import load_bundle
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, DoesNotFit, NotExact, convert, prove
from drift_ml.converters.scikit_steps import REFUSED, TRANSFORMERS
from sklearn.ensemble import RandomForestRegressor, VotingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, StandardScaler

from tools.exactness import pipelines
from tools.exactness.pipelines import chain, columns, make, one_hot, pipeline_cases, refused_pipelines

ROWS, HARD, TREES = 240, 600, 6


@pytest.mark.parametrize("case", pipeline_cases(), ids=lambda case: case.name)
def test_same_as_library(case, with_missing, whole):
    """A packed pipeline answers as its library, on training rows and where its steps turn."""
    data = whole if case.missing_since is None else with_missing
    converted = convert(case.fit(data, TREES), data.feature_set)
    exactness = prove(encode(converted.model), converted, data.feature_set, data.rows, hard=HARD)
    is_dense = case.family == "linear" and "sparse" not in case.name
    assert exactness.grade in (("nearest",) if is_dense else ("exact", "exact-link"))
    assert exactness.library == "scikit-learn"


@pytest.mark.parametrize("case", refused_pipelines(), ids=lambda case: case.name)
def test_refused(case, with_missing):
    """A step that cannot be served is refused by name, with what to do instead."""
    estimator = case.fit(with_missing, TREES)
    with pytest.raises(CannotServe) as refusal:
        convert(estimator, with_missing.feature_set)
    assert refusal.value.subject
    assert refusal.value.way_out


def test_boosters_at_the_end(with_missing):
    """XGBoost takes what a sparse matrix does not store for missing, and LightGBM for 0."""
    xgboost, lightgbm = pytest.importorskip("xgboost"), pytest.importorskip("lightgbm")
    ends = [
        xgboost.XGBClassifier(n_estimators=4),
        lightgbm.LGBMClassifier(n_estimators=4, verbose=-1),
    ]
    for end in ends:
        pipeline = chain(columns(make("MaxAbsScaler"), one_hot(), sparse_threshold=1.0), end)
        pipeline.fit(with_missing.frame(), with_missing.labels(3))
        converted = convert(pipeline, with_missing.feature_set)
        data = with_missing.feature_set, with_missing.rows
        assert prove(encode(converted.model), converted, *data, hard=HARD).grade in ("exact", "exact-link")


def test_null_is_not_nan(with_missing):
    """An imputer that looks for NaN leaves null among texts, which is a category of its own."""
    case = next(case for case in pipeline_cases() if case.name == "null among texts is no NaN")
    converted = convert(case.fit(with_missing, TREES), with_missing.feature_set)
    packed = PackedModel.from_bytes(encode(converted.model))
    nothing = [row for row in with_missing.matrix.tolist() if np.isnan(row[5])]
    other = [[*row[:5], 12.0] for row in nothing]
    assert packed.scores_many(nothing) != packed.scores_many(other)


def test_unseen_category_refused(with_missing):
    """An encoder that refuses new categories is refused where the feature set allows them."""
    pipeline = chain(columns(make("SimpleImputer"), OneHotEncoder()), RandomForestRegressor(2, random_state=0))
    converted = convert(pipeline.fit(with_missing.frame(), with_missing.number), with_missing.feature_set)
    with pytest.raises(CannotServe, match="handle_unknown"):
        prove(encode(converted.model), converted, with_missing.feature_set, with_missing.rows, hard=HARD)


def test_texts_reach_a_sum(with_missing):
    """A column of texts that no step encodes is refused before anything is packed."""
    forest = RandomForestRegressor(2, random_state=0).fit(with_missing.matrix[:, :5], with_missing.number)
    transformer = columns(make("SimpleImputer"), "passthrough").fit(with_missing.frame())
    with pytest.raises(CannotServe, match="texts"):
        convert(make_pipeline(transformer, forest), with_missing.feature_set)


def test_numbers_where_texts_were(whole):
    """A number of the feature set is no category that the estimator was fitted on."""
    frame = whole.frame()
    frame["width"] = frame["kind"]
    pipeline = chain(
        make("ColumnTransformer", [("texts", one_hot(), ["width"])]), RandomForestRegressor(2, random_state=0)
    )
    with pytest.raises(DoesNotFit, match="texts"):
        convert(pipeline.fit(frame, whole.number), whole.feature_set)


def test_kinds_that_are_not_served(whole):
    """Votes and stacks are refused by name, and steps with weights."""
    vote = VotingRegressor([("one", RandomForestRegressor(2))]).fit(whole.matrix, whole.number)
    with pytest.raises(CannotServe, match="VotingRegressor"):
        convert(vote, whole.feature_set)
    with pytest.raises(CannotServe, match="end of a pipeline"):
        convert(chain(StandardScaler(), vote).fit(whole.matrix, whole.number), whole.feature_set)
    weighted = columns("passthrough", one_hot(), transformer_weights={"numbers": 2.0})
    pipeline = chain(weighted, RandomForestRegressor(2)).fit(whole.frame(), whole.number)
    with pytest.raises(CannotServe, match="weights"):
        convert(pipeline, whole.feature_set)
    with pytest.raises(CannotServe, match="fit"):
        convert(make_pipeline(LinearRegression()), whole.feature_set)


def test_dense_model_within_calibration(whole):
    """Calibration would magnify a rounding that nothing bounds, so it is refused."""
    calibrated = make("CalibratedClassifierCV", LogisticRegression(max_iter=900), cv=2)
    with pytest.raises(CannotServe, match="dense"):
        convert(calibrated.fit(whole.matrix, whole.labels(2)), whole.feature_set)


def test_wrong_coefficient_is_found(whole):
    """The nearest sum is held to a bound, which another coefficient breaks."""
    model = LinearRegression().fit(whole.matrix, whole.number)
    packed = encode(convert(model, whole.feature_set).model)
    model.coef_ = model.coef_ * (1 + 1e-12)
    with pytest.raises(NotExact):
        prove(packed, convert(model, whole.feature_set), whole.feature_set, whole.rows, hard=HARD)


def test_several_targets(whole):
    """A linear model of several outputs answers all of them."""
    targets = np.column_stack([whole.number, whole.positive])
    converted = convert(LinearRegression().fit(whole.matrix, targets), whole.feature_set)
    data = whole.feature_set, whole.rows
    assert prove(encode(converted.model), converted, *data, hard=HARD).grade == "nearest"
    assert converted.model.outputs == 2


@pytest.mark.no_cover
def test_exported_pipeline(with_missing, tmp_path):
    """A pipeline is exported from a data frame, and its bundle answers requests."""
    frame = with_missing.frame().assign(worth=with_missing.number)
    pipeline = next(case for case in pipeline_cases() if case.name == "sparse ridge").fit(with_missing, TREES)
    learnt, unseen = frame[:180], frame[180:]
    exported = drift_ml.export(pipeline, learnt, held_out=unseen, feature_set=with_missing.feature_set, out=tmp_path)
    assert exported.exactness.grade == "exact"
    assert exported.manifest["estimator"]["kind"] == "Pipeline"
    bundle = load_bundle(exported.bundle)
    assert bundle.predict(with_missing.rows[0]) == pipeline.predict(frame[:1])[0]


def test_documented_steps():
    """The table of steps names every step that is served or refused, and no other."""
    page = Path(__file__).parents[2] / "docs/any-model.md"
    table = page.read_text().partition("## Steps of pipelines")[2].partition("\n## ")[0]
    named = set(re.findall(r"^\| `(\w+)`", table, re.MULTILINE))
    served = set(TRANSFORMERS)
    assert named == served | set(REFUSED) | {"CalibratedClassifierCV", "TransformedTargetRegressor"}
    assert pipelines.FAMILIES.keys() == {"preprocessing", "linear", "calibration"}
