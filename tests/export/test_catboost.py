"""Models of CatBoost answer as it did, to the last bit, from its JSON and from its process."""

from __future__ import annotations

import json
import sys

import numpy as np
import pytest
from drift_contracts import FeatureSet, RequestValidator
from drift_engine.model import ENGINES, BadRow, PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import CannotServe, DoesNotFit, convert, prove
from drift_ml.converters.catboost_file import convert_catboost_file
from drift_ml.converters.catboost_hashes import category_hash
from drift_ml.converters.catboost_statistics import Statistics
from drift_ml.model_files import read_model

from tests.support import catboost

NUMBERS = [{"name": name, "type": "number", "example": 0.5} for name in ("width", "height")]


def document_of(name):
    """Return a stored document."""
    return json.loads((catboost.FOLDER / f"{name}.json").read_text())


def features_of(name, **changes):
    """Return the feature set of a stored model, with some features changed."""
    document = json.loads(json.dumps(catboost.ANSWERS[name]["features"]))
    for feature in document["features"]:
        feature.update(changes.get(feature["name"], {}))
    return FeatureSet.from_json(document)


@pytest.fixture
def library(monkeypatch):
    """Put a stand-in in place of the library, which is not among what these tests install."""
    module = catboost.module()
    monkeypatch.setitem(sys.modules, "catboost", module)
    return module


@pytest.mark.parametrize("name", catboost.NAMES)
@pytest.mark.parametrize("engine", ENGINES)
def test_stored_answers(name, engine):
    """Raw scores, answers and classes are CatBoost's own on rows that are hard."""
    stored, features = catboost.ANSWERS[name], features_of(name)
    estimator = read_model(catboost.FOLDER / f"{name}.json").estimator
    converted = convert(estimator, features)
    model = PackedModel.from_bytes(encode(converted.model), engine=engine)
    validator = RequestValidator(features)
    rows = [validator.row({"features": row}) for row in stored["rows"]]
    assert [list(model.raw(row)) for row in rows] == stored["raw"]
    assert [list(model.scores(row)) for row in rows] == stored["scores"]
    if stored["labels"] is not None:
        labels = [converted.classes[place] for _, place in model.decide_many(rows)]
        assert labels == stored["labels"]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", ["number", "missing-above", "one-hot"])
def test_live_estimator(name):
    """An estimator is proven by its own calls, of numbers and of texts."""
    stored, features = catboost.ANSWERS[name], features_of(name)
    estimator = catboost.CatBoost(name)
    converted = convert(estimator, features)
    exactness = prove(encode(converted.model), converted, features, stored["rows"], hard=0)
    assert (exactness.grade, exactness.rows) == ("exact", 40)
    assert exactness.version == "1.2.10"


@pytest.mark.usefixtures("library")
def test_bias_unrounded():
    """The bias of an estimator is its own, which the document has as a float32."""
    estimator = catboost.CatBoost("number")
    estimator.get_scale_and_bias = lambda: (1.0, 0.1)
    last = convert(estimator, features_of("number")).model.trees[-1]
    assert list(last.value) == [0.1]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("cell", [None, "refused"])
def test_refused_row(cell):
    """A row that the library refuses is refused, such as one without a category."""
    features = features_of("one-hot", kind={"nullable": True})
    converted = convert(catboost.CatBoost("one-hot"), features)
    with pytest.raises(ValueError, match=r"must be|refused"):
        converted.reference.scores([{**catboost.ANSWERS["one-hot"]["rows"][0], "kind": cell}])


def test_refused_without_category():
    """A model with categories refuses a row that lacks one of them."""
    features = features_of("statistics", kind={"nullable": True})
    model = convert_catboost_file(document_of("statistics"), features).model
    row = RequestValidator(features).row({"features": {**catboost.ANSWERS["statistics"]["rows"][0], "kind": None}})
    for engine in ENGINES:
        with pytest.raises(BadRow):
            PackedModel.from_bytes(encode(model), engine=engine).scores(row)


@pytest.mark.parametrize(
    ("kind", "counts", "ratio"),
    [
        ("FeatureFreq", (7,), (7, 20)),
        ("Counter", None, (0, 20)),
        ("FloatTargetMeanValue", (2.5, 4), (2.5, 4)),
        ("BinarizedTargetMeanValue", None, (0, 0)),
        ("Buckets", (3, 4, 5), (4, 12)),
        ("Borders", (3, 4, 5), (5, 12)),
    ],
)
def test_statistics(kind, counts, ratio):
    """Each statistic is a ratio of counts with a prior, in float32."""
    document = document_of("statistics")
    entry = document["features_info"]["ctrs"][0]
    entry |= {"ctr_type": kind, "target_border_idx": 1, "prior_numerator": 0.1, "shift": 0.3, "scale": 7}
    document["ctr_data"][entry["identifier"]]["counter_denominator"] = 20
    single = np.float32
    expected = (single(ratio[0]) + single(0.1)) / (single(ratio[1]) + single(1))
    assert Statistics(document).listed[0].value(counts) == (expected + single(0.3)) * single(7)


#: By length in characters, of a text that is repeated; worked out by lignum.
HASHES = {
    0: 797982799,
    1: 2136526169,
    2: -364888933,
    4: -1911466750,
    8: 1594268732,
    9: -952276774,
    16: -1076703968,
    17: -564917030,
    32: -1749679957,
    33: 320109062,
    64: 158488943,
    65: 1329551550,
    128: -275308010,
    129: -407471783,
    300: -277964155,
}


@pytest.mark.parametrize("length", HASHES)
def test_hashes(length):
    """Texts of every length have CatBoost's own hashes."""
    assert category_hash(("drift é " * 40)[:length]) == HASHES[length]


def damaged(name, *path, value=None):
    """Return a document with another value somewhere."""
    document = document_of(name)
    place = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


LOSS = ("model_info", "params", "loss_function", "type")
CTR = ("features_info", "ctrs", 0)
TABLE = document_of("statistics")["features_info"]["ctrs"][0]["identifier"]
BEYOND = {"split_type": "OnlineCtr", "split_index": 0, "border": 0}


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (damaged("number", *LOSS, value="RMSEWithUncertainty"), "RMSEWithUncertainty"),
        (damaged("outputs", *LOSS, value="Logloss"), "Logloss"),
        (damaged("number", "features_info", "text_features", value=[{}]), "text features"),
        (damaged("statistics", *CTR, "ctr_type", value="Other"), "Other"),
        (damaged("number", "model_info"), "document"),
        (damaged("number", "scale_and_bias", value=[float("nan"), [0.0]]), "document"),
        (damaged("number", "scale_and_bias", value=[1]), "document"),
        (damaged("number", "oblivious_trees", value=[{"leaf_values": [1.0, 2.0]}]), "document"),
        (damaged("outputs", "oblivious_trees", value=[{"leaf_values": [1.0]}]), "document"),
        (damaged("number", "oblivious_trees", 0, "splits", 0, "split_type", value="x"), "document"),
        (damaged("number", "oblivious_trees", 0, "splits", 0, "float_feature_index", value=9), "document"),
        (damaged("number", "features_info", "float_features", 0, "flat_feature_index", value=7), "document"),
        (damaged("statistics", *CTR, "borders", value=[]), "document"),
        (damaged("statistics", "ctr_data"), "document"),
        (damaged("statistics", "oblivious_trees", 0, "splits", 0, value=BEYOND), "document"),
        (damaged("statistics", "ctr_data", TABLE, "hash_stride", value=0), "document"),
    ],
)
def test_refused_document(document, word):
    """A document that is not served, or is none, is refused by what is wrong with it."""
    features = features_of("statistics" if "ctrs" in (document["features_info"] or ()) else "number")
    with pytest.raises(CannotServe) as refused:
        convert_catboost_file(document, features)
    assert word in str(refused.value)


def test_category_as_number():
    """A column that was a category in training is none whose texts nobody lists."""
    features = features_of("one-hot").to_json()
    features["features"][2] = {**NUMBERS[0], "name": "kind", "unit": "none", "description": "Made up."}
    with pytest.raises(DoesNotFit) as refused:
        convert_catboost_file(document_of("one-hot"), FeatureSet.from_json(features))
    assert refused.value.place == "/features/2/type"


@pytest.mark.usefixtures("library")
def test_unfitted():
    """An estimator that was not fitted is refused."""
    with pytest.raises(CannotServe):
        convert(catboost.CatBoost(), features_of("number"))
