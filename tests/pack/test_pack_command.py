"""`driftctl pack` as a user calls it."""

from __future__ import annotations

import importlib.util
import json
import pickle
import sys
from types import SimpleNamespace

import lightgbm
import numpy as np
import pytest
import xgboost
from drift_engine.model.writer import Column, Model, Tree, encode
from drift_ml.converters import CannotServe, Exactness
from drift_ml.handover import script
from drift_ml.handover.proofs import check_answers, prove_by_library
from drift_ml.model_files import read_model
from sklearn.ensemble import (
    ExtraTreesRegressor,
    GradientBoostingClassifier,
    GradientBoostingRegressor,
    IsolationForest,
    RandomForestClassifier,
)
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tests.support.handover import write_features, write_table
from tests.support.onnx_bytes import sum_of_two

pandas = pytest.importorskip("pandas")

NAMES = ("size", "age", "floor")


@pytest.fixture
def save(tmp_path, houses):
    """Return a call that fits a model on named columns and writes its pickle."""

    def call(model, target=None, names=NAMES):
        """Return the file."""
        frame = pandas.DataFrame(houses.rows, columns=list(names))
        model.fit(frame) if target is None else model.fit(frame, target)
        path = tmp_path / "model.pkl"
        path.write_bytes(pickle.dumps(model))
        return path

    return call


def test_unproven_words(save, houses, pack):
    """Without answers the model is packed, and everything says that it is unproven."""
    path = save(RandomForestClassifier(3, random_state=0), houses.sold)
    packed = pack(path, houses.file, "--target", "sold", "--name", "homes")
    exactness = packed.manifest["exactness"]
    assert (exactness["grade"], exactness["rows"], exactness["worst_ulp"]) == ("unproven", 0, None)
    assert packed.manifest["model"] == "homes"
    assert {warning["kind"] for warning in packed.manifest["warnings"]} >= {"unproven", "seen-rows"}
    assert "compared with nothing" in packed.output


def test_unproven_infinity():
    """A model that nothing proves, and that answers a row with what is no number, is refused."""
    stump = Tree([0, 0, 0], [0.5, 0.0, 0.0], [1, -1, -1], [2, -1, -1], [0.0, 1000.0, 0.0])
    packed = encode(Model(1, "regression", 1, [Column(0)], [stump], start=[0.0], link="exp"))
    converted = SimpleNamespace(kind="Boosting")
    check_answers(packed, converted, SimpleNamespace(matrix=np.array([[1.0]])))
    with pytest.raises(CannotServe, match="no number"):
        check_answers(packed, converted, SimpleNamespace(matrix=np.array([[0.0]])))


def test_script_answers(save, houses, pack, tmp_path, monkeypatch):
    """The lines that are printed write the answers with which the model is proven."""
    monkeypatch.setattr(script, "FEATURES", "")
    path = save(RandomForestClassifier(3, random_state=0), houses.sold)
    lines = pack(path, houses.file, "--target", "sold").output.splitlines()
    start, end = lines.index("import os"), next(place for place, line in enumerate(lines) if "to_csv" in line)
    monkeypatch.chdir(tmp_path)
    exec("\n".join(line for line in lines[start : end + 1] if "environ" not in line), {})
    words = ("--target", "sold", "--answers", "answer_0", "--answers", "answer_1")
    exactness = pack(path, tmp_path / "rows-answers.csv", *words).manifest["exactness"]
    assert (exactness["grade"], exactness["rows"]) == ("exact", 150)


def test_held_out_rows(save, houses, pack, tmp_path):
    """Scores are of the rows that were held out."""
    path = save(ExtraTreesRegressor(3, random_state=0), houses.price)
    few = {name: values[:40] for name, values in houses.columns.items()}
    data = write_table(tmp_path / "test.csv", few)
    manifest = pack(path, houses.file, "--target", "price", "--held-out", data).manifest
    assert manifest["training"]["held_out_rows"] == 40
    assert [warning["kind"] for warning in manifest["warnings"]] == ["unproven"]


@pytest.mark.parametrize("kind", ["classifier", "regressor"])
def test_rows_without_target(save, houses, pack, tmp_path, kind):
    """Rows without a target make a bundle of the model's own answers, which says so."""
    is_class = kind == "classifier"
    model = RandomForestClassifier(3) if is_class else ExtraTreesRegressor(3)
    path = save(model, houses.sold if is_class else houses.price)
    data = write_table(tmp_path / "bare.csv", {name: houses.columns[name] for name in NAMES})
    target = {"name": "price", "unit": "none"}
    if is_class:
        target = {"name": "sold", "kind": "classification", "classes": ["no", "yes"]}
    features = write_features(tmp_path / "f.json", NAMES, target)
    manifest = pack(path, data, "--features", features, "--name", "bare").manifest
    assert manifest["model"] == "bare"
    assert list(manifest["scores"]) == ["mean_answer"]
    assert "no-target" in {warning["kind"] for warning in manifest["warnings"]}


def test_isolation_forest(save, houses, pack, tmp_path):
    """An isolation forest needs no target."""
    path = save(IsolationForest(n_estimators=3, random_state=0))
    features = write_features(tmp_path / "f.json", NAMES, {"name": "score", "unit": "none"})
    packed = pack(path, houses.file, "--features", features)
    assert [warning["kind"] for warning in packed.manifest["warnings"]] == ["unproven"]
    assert "score_samples" in packed.output


def test_boosting_starts(save, houses, pack, tmp_path):
    """Each way to start a boosting is read: zero, a number, half the log odds."""
    sold = houses.sold == "yes"
    for model, target in (
        (GradientBoostingRegressor(n_estimators=2, init="zero"), houses.price),
        (GradientBoostingClassifier(n_estimators=2, init="zero"), sold),
        (GradientBoostingClassifier(n_estimators=2, loss="exponential"), np.arange(150) < 20),
    ):
        path = save(model, target)
        frame = pandas.DataFrame(houses.rows, columns=list(NAMES))
        is_class = hasattr(model, "predict_proba")
        answers = model.predict_proba(frame)[:, 1] if is_class else model.predict(frame)
        columns = {name: houses.columns[name] for name in NAMES} | {
            "y": np.asarray(target).tolist(),
            "a": answers.tolist(),
        }
        data = write_table(tmp_path / "answers.csv", columns)
        assert pack(path, data, "--target", "y", "--answers", "a").manifest["exactness"]["grade"] == "exact"


def test_other_answers(save, houses, pack, tmp_path):
    """Answers of another model are a refusal, and nothing is written."""
    path = save(ExtraTreesRegressor(3, random_state=0), houses.price)
    data = write_table(tmp_path / "wrong.csv", houses.columns | {"a": (houses.price + 1).tolist()})
    assert "nothing was written" in pack(path, data, "--target", "price", "--answers", "a", code=70).output


def test_onnx_without_runtime(pack, houses, tmp_path, monkeypatch):
    """An ONNX file without its runtime ends with the line that installs it."""
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    path = tmp_path / "model.onnx"
    path.write_bytes(sum_of_two())
    assert "pip install 'drift-predictor[onnx]'" in pack(path, houses.file, "--target", "price", code=5).output


@pytest.mark.parametrize(("difference", "words"), [(0.25, "at most 0.25 from"), (None, "--answers")])
def test_onnx_words(monkeypatch, houses, pack, save, difference, words):
    """The last lines say how far an ONNX model is from its reference, or how to find out."""
    exactness = Exactness("onnx", 10, 0, None, "the answers in a", "onnxruntime", "1.32.0", None, difference)
    exported = SimpleNamespace(exactness=exactness, manifest={"warnings": []}, bundle="b")
    packed = SimpleNamespace(exported=exported, kind="ONNX model")
    # The package has a function of the module's name.
    monkeypatch.setattr(sys.modules["drift_ml.handover.pack"], "pack", lambda _handover: packed)
    path = save(ExtraTreesRegressor(1), houses.price)
    assert words in pack(path, houses.file, "--target", "price").output


def test_features_or_target(save, houses, pack):
    """Without a feature set and a target the command says what it needs."""
    path = save(ExtraTreesRegressor(3), houses.price)
    assert "--target" in pack(path, houses.file, code=2).output


def test_absent_column(save, houses, pack):
    """A column that the file has not is named."""
    path = save(ExtraTreesRegressor(3), houses.price, ("size", "age", "garden"))
    assert "garden (not in the file)" in pack(path, houses.file, "--target", "price", code=2).output


def test_booster_classes(tmp_path, houses, pack):
    """A booster's classes are those of the target, in the order of their places."""
    late = (houses.sold == "yes").astype(int)
    frame = pandas.DataFrame(houses.rows, columns=list(NAMES))
    xgboost.XGBClassifier(n_estimators=2).fit(frame, late).save_model(tmp_path / "m.ubj")
    states = np.where(late == 1, "sold", "open").tolist()
    data = write_table(tmp_path / "states.csv", houses.columns | {"state": states})
    manifest = pack(tmp_path / "m.ubj", data, "--target", "state").manifest
    version = tmp_path / "bundles" / "state" / manifest["model_version"]
    target = json.loads((version / "feature_set.json").read_text())["target"]
    assert target["classes"] == ["open", "sold"]
    assert list(manifest["estimator"]["parameters"]) == []


def test_without_libraries(tmp_path, houses, pack, monkeypatch):
    """A booster whose library is absent is unproven, and its script asks the booster."""
    late = (houses.sold == "yes").astype(int)
    xgboost.XGBClassifier(n_estimators=2).fit(houses.rows, late).save_model(tmp_path / "m.ubj")
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(houses.rows, houses.price)
    model.booster_.save_model(tmp_path / "m.txt")
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)
    for name, call, target in (
        ("m.ubj", "inplace_predict", {"name": "sold", "kind": "classification", "classes": ["no", "yes"]}),
        ("m.txt", "model.predict(", {"name": "price", "unit": "none"}),
    ):
        features = write_features(tmp_path / "f.json", NAMES, target)
        packed = pack(tmp_path / name, houses.file, "--features", features)
        assert packed.manifest["exactness"]["grade"] == "unproven"
        assert call in packed.output


def test_library_refuses(tmp_path, houses, monkeypatch):
    """A booster that its library does not load is refused."""
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(houses.rows, houses.price)
    model.booster_.save_model(tmp_path / "m.txt")
    estimator = read_model(tmp_path / "m.txt").estimator

    def fail(**_options):
        raise lightgbm.basic.LightGBMError("damaged")

    monkeypatch.setattr(lightgbm, "Booster", fail)
    with pytest.raises(CannotServe):
        prove_by_library(None, estimator, None, [], 7)


def test_answers_missing(save, houses, pack, tmp_path):
    """An answer that is no number is refused."""
    path = save(ExtraTreesRegressor(3, random_state=0), houses.price)
    data = write_table(tmp_path / "holes.csv", houses.columns | {"a": ["", *houses.price.tolist()[1:]]})
    pack(path, data, "--target", "price", "--answers", "a", code=2)


def test_linear_answers(save, houses, pack, tmp_path):
    """A linear model is near its library's answers, and says how near."""
    path = save(make_pipeline(StandardScaler(), LogisticRegression()), houses.sold)
    frame = pandas.DataFrame(houses.rows, columns=list(NAMES))
    answers = pickle.loads(path.read_bytes()).predict_proba(frame)[:, 1]
    data = write_table(tmp_path / "answers.csv", houses.columns | {"a": answers.tolist()})
    exactness = pack(path, data, "--target", "sold", "--answers", "a").manifest["exactness"]
    assert exactness["grade"] in ("exact", "nearest")
    assert exactness.get("bound_share", 0) <= 1


@pytest.mark.no_cover
@pytest.mark.parametrize("is_named", [True, False])
def test_lightgbm_columns(houses, pack, tmp_path, is_named):
    """LightGBM's columns are found by name, or all of the rows where they have none."""
    rows = pandas.DataFrame(houses.rows, columns=list(NAMES)) if is_named else houses.rows
    model = lightgbm.LGBMRegressor(n_estimators=2, verbose=-1).fit(rows, houses.price)
    model.booster_.save_model(tmp_path / "m.txt")
    bare = {name: houses.columns[name] for name in (*NAMES, "price")}
    data = write_table(tmp_path / "bare.csv", bare)
    assert pack(tmp_path / "m.txt", data, "--target", "price").manifest["exactness"]["grade"] == "exact"


def test_columns_without_names(houses, pack, tmp_path):
    """A model that was fitted on an array takes all features of the rows."""
    model = ExtraTreesRegressor(2).fit(houses.rows, houses.price)
    (tmp_path / "m.pkl").write_bytes(pickle.dumps(model))
    bare = {name: houses.columns[name] for name in (*NAMES, "price")}
    data = write_table(tmp_path / "bare.csv", bare)
    assert pack(tmp_path / "m.pkl", data, "--target", "price").manifest["exactness"]["grade"] == "unproven"
    # Answers beside them are no feature.
    data = write_table(tmp_path / "bare.csv", bare | {"a": model.predict(houses.rows).tolist()})
    manifest = pack(tmp_path / "m.pkl", data, "--target", "price", "--answers", "a").manifest
    assert manifest["exactness"]["grade"] == "exact"
