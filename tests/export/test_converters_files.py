"""Files of boosters, which are inert data, and the names of categories in them."""

from __future__ import annotations

import json
import struct

import lightgbm
import numpy as np
import pytest
import xgboost
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, convert, prove
from drift_ml.converters.lightgbm_text import convert_lightgbm_text
from drift_ml.converters.ubjson import read_ubjson
from drift_ml.converters.xgboost_file import convert_xgboost_file, parse_xgboost
from sklearn.ensemble import HistGradientBoostingClassifier


@pytest.fixture(scope="module")
def frame(with_missing):
    """The rows as a data frame with a column of categories."""
    pandas = pytest.importorskip("pandas")
    made = pandas.DataFrame(with_missing.rows)
    made[["width", "height", "depth"]] = made[["width", "height", "depth"]].astype(float)
    made["kind"] = made["kind"].astype("category")
    return made


@pytest.fixture(scope="module")
def booster(whole):
    """A Booster of XGBoost with two classes."""
    matrix = xgboost.DMatrix(whole.matrix, whole.labels(2))
    parameters = {"objective": "binary:logistic", "nthread": 1, "base_score": 0.3}
    return xgboost.train(parameters, matrix, 4)


def test_ubj_and_json_are_one_model(booster, whole):
    """In bytes as in answers."""
    packed = set()
    for kind in ("ubj", "json"):
        document = parse_xgboost(bytes(booster.save_raw(kind)))
        packed.add(encode(convert_xgboost_file(document, whole.feature_set).model))
    assert len(packed) == 1
    (model,) = map(PackedModel.from_bytes, packed)
    expected = booster.predict(xgboost.DMatrix(whole.matrix))
    assert [row[1] for row in model.scores_many(whole.matrix.tolist())] == expected.tolist()


def test_booster_alone(booster, whole):
    """A booster without its wrapper is converted, with numbers as classes."""
    converted = convert(booster, whole.feature_set)
    assert converted.classes == ("0", "1")
    data = whole.feature_set, whole.rows
    assert prove(encode(converted.model), converted, *data, hard=50).grade == "exact"


def test_early_stopping_chooses_the_rounds(whole):
    """As the wrapper predicts."""
    model = xgboost.XGBRegressor(n_estimators=60, early_stopping_rounds=1, n_jobs=1, learning_rate=0.9)
    held_out = [(whole.matrix[:80], whole.number[:80])]
    model.fit(whole.matrix[80:], whole.number[80:], eval_set=held_out, verbose=False)
    converted = convert(model, whole.feature_set)
    assert len(converted.model.trees) == model.best_iteration + 1 < 60
    packed = PackedModel.from_bytes(encode(converted.model))
    assert packed.predict_many(whole.matrix.tolist()) == model.predict(whole.matrix).tolist()


@pytest.mark.parametrize(
    "fit",
    [
        lambda: xgboost.XGBClassifier(n_estimators=4, enable_categorical=True, max_cat_to_onehot=2, n_jobs=1),
        lambda: lightgbm.LGBMClassifier(
            n_estimators=4, verbose=-1, min_data_per_group=2, min_child_samples=2, cat_smooth=1, n_jobs=1
        ),
        lambda: HistGradientBoostingClassifier(max_iter=4, categorical_features="from_dtype"),
    ],
    ids=["xgboost", "lightgbm", "scikit-learn"],
)
def test_named_categories(fit, frame, with_missing):
    """Categories of a frame keep their names, however the library numbers them."""
    renamed = frame.assign(kind=frame["kind"].cat.reorder_categories(sorted(frame["kind"].cat.categories)[::-1]))
    is_odd = with_missing.matrix[:, 5] % 2 == 1
    estimator = fit().fit(renamed, is_odd.astype(int))
    converted = convert(estimator, with_missing.feature_set)
    data = with_missing.feature_set, with_missing.rows
    assert prove(encode(converted.model), converted, *data, hard=300).grade == "exact"
    if not hasattr(estimator, "booster_"):
        return
    # The user's own call, with the frame's texts.
    packed = PackedModel.from_bytes(encode(converted.model))
    answers = packed.scores_many(with_missing.matrix.tolist())
    assert np.array_equal(np.array(answers), estimator.predict_proba(renamed))


def test_numbered_categories(whole, frame):
    """Categories that are numbers have no names, as XGBoost stores the numbers."""
    matrix = frame.assign(kind=frame["kind"].cat.codes.astype("category"))
    options = {"n_estimators": 2, "enable_categorical": True, "n_jobs": 1}
    estimator = xgboost.XGBRegressor(**options).fit(matrix, whole.number)
    assert convert(estimator, whole.feature_set).inputs.names == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"{i\x01aZ",
        b"[$U#i\x05ab",
        b"[$U?",
        b"Q",
        b"{i\x01aSi\x02\xff\xff}",
        b"[" * 100,
        b"Zi",
        b"S",
    ],
)
def test_incomplete_document(content):
    """An incomplete document is refused, whatever its bytes are."""
    with pytest.raises(CannotServe, match="UBJSON"):
        read_ubjson(content)


def test_every_kind_of_value_is_read():
    """As the format's draft 12 has them."""
    content = b"".join(
        (
            b"{i\x01a[#i\x02TF",
            b"i\x01bD" + struct.pack(">d", 0.5),
            b"i\x01c[Zi\x07]",
            b"i\x01d[$d#i\x01" + struct.pack(">f", 0.25),
            b"i\x01eSi\x02hi",
            b"i\x01fL" + struct.pack(">q", -2),
            b"}",
        )
    )
    values = {"a": [True, False], "b": 0.5, "c": [None, 7], "d": [0.25], "e": "hi", "f": -2}
    assert read_ubjson(content) == values


@pytest.mark.parametrize("content", [b"tree\n", b'{"', b"\x80pickle"])
def test_no_xgboost_file(content):
    """A file that is not of XGBoost is refused, and nothing in it is executed."""
    with pytest.raises(CannotServe, match="model file"):
        parse_xgboost(content)


@pytest.mark.parametrize(
    ("change", "subject"),
    [
        ({"version": [1, 7, 0]}, "XGBoost"),
        ({"learner": {}}, "model file"),
        ({"learner": None}, "model file"),
    ],
)
def test_other_document(change, subject, booster, whole):
    """A document that cannot be read is refused with what is wrong with it."""
    document = json.loads(booster.save_raw("json"))
    with pytest.raises(CannotServe) as refusal:
        convert_xgboost_file({**document, **change}, whole.feature_set)
    assert subject in refusal.value.subject


@pytest.mark.parametrize(
    ("objective", "is_served"),
    [
        ("reg:logistic", True),
        ("reg:quantileerror", True),
        ("multi:softmax", False),
        ("binary:hinge", False),
    ],
)
def test_objectives(objective, is_served, booster, whole):
    """Each objective is served or refused by name, as its scores can become answers or not."""
    document = json.loads(booster.save_raw("json"))
    document["learner"]["objective"]["name"] = objective
    if is_served:
        assert convert_xgboost_file(document, whole.feature_set).model.task == "regression"
        return
    with pytest.raises(CannotServe, match=objective):
        convert_xgboost_file(document, whole.feature_set)


def test_no_lightgbm_text(whole):
    """A text that is not of LightGBM is refused, and nothing in it is executed."""
    with pytest.raises(CannotServe, match="model file"):
        convert_lightgbm_text("tree\nversion=v4\n", whole.feature_set)


def test_custom_objective(whole):
    """A user's objective is refused, since the text does not have it."""

    def squared(actual, predicted):
        return predicted - actual, np.ones_like(actual)

    model = lightgbm.LGBMRegressor(n_estimators=2, objective=squared, verbose=-1, n_jobs=1)
    model.fit(whole.matrix, whole.number)
    with pytest.raises(CannotServe, match="custom"):
        convert(model, whole.feature_set)


def test_a_constant_category_has_no_name(with_missing, frame):
    """LightGBM leaves it out of the text's kinds."""
    constant = frame.assign(kind="k0").astype({"kind": "category"})
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1, n_jobs=1)
    model.fit(constant, with_missing.number)
    assert convert(model, with_missing.feature_set).inputs.names == {}


@pytest.mark.parametrize("is_served", [True, False])
def test_tree_weights(is_served, booster, whole):
    """Dropout leaves weights from XGBoost 3.4 on, which are refused unless they are 1."""
    document = json.loads(booster.save_raw("json"))
    weights = [1.0, 1.0, 1.0, 1.0 if is_served else 0.5]
    document["learner"]["gradient_booster"]["model"]["weight_drop"] = weights
    if is_served:
        assert len(convert_xgboost_file(document, whole.feature_set).model.trees) == 4
        return
    with pytest.raises(CannotServe, match="dart"):
        convert_xgboost_file(document, whole.feature_set)
