"""CatBoost's JSON is packed and proven; its binary form is refused with the line that saves JSON."""

from __future__ import annotations

import importlib.util
import json
import sys
from functools import partial
from itertools import chain

import pytest
from drift_contracts import FeatureSet
from drift_ml.converters import CannotServe, convert, prove
from drift_ml.converters.catboost_file import leaf_numbers
from drift_ml.handover.columns import fitted_columns
from drift_ml.handover.proofs import prove_by_library
from drift_ml.model_files import read_model

from tests.support import catboost
from tests.support.handover import write_table


@pytest.fixture
def library(monkeypatch):
    """Put a stand-in in place of the library, which loses the last bits of its JSON's numbers."""
    module = catboost.module()
    monkeypatch.setattr(catboost.CatBoost, "lost", 1.0 + 2**-50)
    monkeypatch.setitem(sys.modules, "catboost", module)
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: True)
    return module


@pytest.fixture
def absent(monkeypatch):
    """Let the library be absent, wherever the tests run."""
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)


def written(name, tmp_path, **columns):
    """Return the paths of a stored model's table and feature set."""
    stored = catboost.ANSWERS[name]
    names = [feature["name"] for feature in stored["features"]["features"]]
    table = {each: [row[each] for row in stored["rows"]] for each in names}
    (tmp_path / "features.json").write_text(json.dumps(stored["features"]))
    return write_table(tmp_path / "rows.csv", table | columns), tmp_path / "features.json"


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize("name", ["three", "poisson", "number"])
def test_stored_answers(name, pack, tmp_path):
    """A file is exact by answers that CatBoost gave before."""
    scores = list(zip(*catboost.ANSWERS[name]["scores"], strict=True))
    columns = {f"a{place}": list(values) for place, values in enumerate(scores)}
    data, features = written(name, tmp_path, **columns)
    words = [word for column in columns for word in ("--answers", column)]
    path = catboost.FOLDER / f"{name}.json"
    exactness = pack(path, data, "--features", features, *words).manifest["exactness"]
    assert (exactness["grade"], exactness["worst_ulp"]) == ("exact", 0)
    assert exactness["reference"]["version"] == "1.2.10"


@pytest.mark.usefixtures("absent")
@pytest.mark.parametrize(
    ("name", "kind", "columns"),
    [
        ("missing-above", "Probability", "['answer_0', 'answer_1']"),
        ("poisson", "Exponent", "['answer']"),
        ("number", "RawFormulaVal", "['answer']"),
    ],
)
def test_unproven_script(name, kind, columns, pack, tmp_path):
    """Without the library it is unproven, and the script asks the model itself, not its JSON."""
    data, features = written(name, tmp_path)
    packed = pack(catboost.FOLDER / f"{name}.json", data, "--features", features)
    assert packed.manifest["exactness"]["grade"] == "unproven"
    for word in (f"prediction_type='{kind}'", f"'{name}' + '.cbm'", columns):
        assert word in packed.output


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("name", ["number", "three"])
def test_proven_by_library(name, monkeypatch):
    """The installed library is given every leaf again, as it reads its own JSON less exactly."""
    monkeypatch.setattr("drift_ml.handover.proofs.prove", partial(prove, hard=0))
    estimator = read_model(catboost.FOLDER / f"{name}.json").estimator
    estimator.document["model_info"]["model_guid"] = name
    features = FeatureSet.from_json(catboost.ANSWERS[name]["features"])
    converted = convert(estimator, features)
    rows = catboost.ANSWERS[name]["rows"]
    assert prove_by_library(converted, estimator, features, rows, 7).grade == "exact"


@pytest.mark.usefixtures("library")
def test_library_refuses():
    """A document that the library does not load is refused."""
    estimator = read_model(catboost.FOLDER / "number.json").estimator
    estimator.document["model_info"]["model_guid"] = "damaged"
    with pytest.raises(CannotServe):
        prove_by_library(None, estimator, None, [], 7)


def test_grown_leaves():
    """Leaves of trees that grew are all found, each once."""
    document = json.loads((catboost.FOLDER / "by-depth.json").read_text())
    assert sorted(leaf_numbers(document)) == sorted(chain.from_iterable(leaves_of(document)))


def leaves_of(document):
    """Return what the leaves of a document's trees hold."""
    nodes = list(document["trees"])
    for node in nodes:
        nodes += [node[side] for side in ("left", "right") if side in node]
    return [node["value"] for node in nodes if "value" in node]


def test_column_names(tmp_path):
    """A document's columns have names, or their places."""
    path = tmp_path / "named.json"
    document = json.loads((catboost.FOLDER / "number.json").read_text())
    assert fitted_columns(read_model(catboost.FOLDER / "number.json").estimator) == ()
    for feature, name in zip(document["features_info"]["float_features"], ("a", "b"), strict=True):
        feature["feature_id"] = name
    path.write_text(json.dumps(document))
    assert fitted_columns(read_model(path).estimator) == ("a", "b")


@pytest.mark.parametrize("info", [None, {"float_features": [{}]}])
def test_damaged_columns(info, tmp_path):
    """A document without columns is refused before any of it is looked for in the rows."""
    document = json.loads((catboost.FOLDER / "number.json").read_text())
    (tmp_path / "damaged.json").write_text(json.dumps(document | {"features_info": info}))
    with pytest.raises(CannotServe):
        fitted_columns(read_model(tmp_path / "damaged.json").estimator)


def test_pickled_estimator(tmp_path, pack):
    """A pickle holds the binary form, which is refused with the line that saves the other."""
    content = b"\x80\x04ccatboost.core\nCatBoostClassifier\n)\x81}\x8c\x07__modelC\x04CBM1sb."
    (tmp_path / "model.pkl").write_bytes(content)
    data, features = written("number", tmp_path)
    output = pack(tmp_path / "model.pkl", data, "--features", features, code=2).output
    assert "model.save_model('model.json', format='json')" in output
    assert "CatBoostClassifier" in output
