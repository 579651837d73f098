"""Every form of a file is read, and what is no such form is refused by name."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections import OrderedDict, defaultdict

import joblib
import lightgbm
import numpy as np
import pytest
import xgboost
from drift_ml.handover.columns import fitted_columns
from drift_ml.model_files import FileRefused, read_model
from sklearn.ensemble import ExtraTreesClassifier, GradientBoostingClassifier, GradientBoostingRegressor
from sklearn.pipeline import make_pipeline

from tests.support.handover import DATA, write_features, write_table

NAMES = ("size", "age", "floor")
SKOPS_NAMES = ("x0", "x1", "x2", "x3")


@pytest.mark.parametrize("protocol", range(6))
def test_pickle_protocols(tmp_path, houses, pack, protocol):
    """A pickle of any protocol answers as the library does."""
    model = GradientBoostingRegressor(n_estimators=3).fit(houses.rows, houses.price)
    path = tmp_path / "model.pkl"
    path.write_bytes(pickle.dumps(model, protocol=protocol))
    features = write_features(tmp_path / "f.json", NAMES, {"name": "price", "unit": "none"})
    data = _with_answers(houses, model.predict(houses.rows))
    assert pack(path, data, "--features", features, "--answers", "answer").manifest["exactness"]["grade"] == "exact"


@pytest.mark.parametrize("compress", [0, 3, ("gzip", 3), ("bz2", 3), ("lzma", 3), ("xz", 3)])
def test_joblib_compressions(tmp_path, houses, compress):
    """A joblib file is read, however it was compressed."""
    model = ExtraTreesClassifier(3, random_state=0).fit(houses.rows, houses.sold)
    joblib.dump(model, tmp_path / "model.joblib", compress=compress)
    estimator = read_model(tmp_path / "model.joblib").estimator
    assert estimator.classes_.tolist() == ["no", "yes"]
    trees = [tree.tree_.threshold.tolist() for tree in estimator.estimators_]
    assert trees == [tree.tree_.threshold.tolist() for tree in model.estimators_]


def _with_answers(houses, answers):
    """Return the file of the rows with a column of answers."""
    lines = houses.file.read_text().splitlines()
    rows = [f"{line},{answer!r}" for line, answer in zip(lines[1:], np.ravel(answers).tolist(), strict=True)]
    houses.file.write_text("\n".join([f"{lines[0]},answer", *rows]) + "\n")
    return houses.file


@pytest.mark.parametrize("name", ["forest", "histogram", "boosting"])
def test_skops_files(tmp_path, pack, name):
    """A file of skops answers as the library does."""
    target = {"name": "late", "kind": "classification", "classes": ["0", "1"]}
    category = ""
    if name == "histogram":
        target, category = {"name": "number", "unit": "none"}, "x3"
    features = write_features(tmp_path / "f.json", SKOPS_NAMES, target, category=category)
    data = DATA / "skops" / f"{name}.csv"
    packed = pack(DATA / "skops" / f"{name}.skops", data, "--features", features, "--answers", "answer")
    assert packed.manifest["exactness"]["grade"] == "exact"


@pytest.fixture
def boosters(houses):
    """Return a classifier of both libraries."""
    late = (houses.sold == "yes").astype(int)
    return (
        xgboost.XGBClassifier(n_estimators=3, max_depth=2).fit(houses.rows, late),
        lightgbm.LGBMClassifier(n_estimators=3, verbose=-1).fit(houses.rows, late),
    )


SOLD = {"name": "sold", "kind": "classification", "classes": ["no", "yes"]}


@pytest.mark.no_cover
@pytest.mark.parametrize("form", ["ubj", "json", "pkl", "joblib", "booster.pkl"])
def test_xgboost_forms(tmp_path, houses, boosters, pack, form):
    """A booster of XGBoost is read in every form, and proven by its library."""
    path = tmp_path / f"model.{form}"
    if form in ("ubj", "json"):
        boosters[0].save_model(path)
    elif form == "joblib":
        joblib.dump(boosters[0], path, compress=3)
    else:
        path.write_bytes(pickle.dumps(boosters[0].get_booster() if "booster" in form else boosters[0]))
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    exactness = pack(path, houses.file, "--features", features).manifest["exactness"]
    assert (exactness["grade"], exactness["hard_rows"]) == ("exact", 20_000)
    assert exactness["reference"]["version"] == xgboost.__version__


@pytest.mark.no_cover
@pytest.mark.parametrize("form", ["txt", "pkl", "joblib", "booster.pkl"])
def test_lightgbm_forms(tmp_path, houses, boosters, pack, form):
    """A booster of LightGBM is read in every form, and proven by its library."""
    path = tmp_path / f"model.{form}"
    if form == "txt":
        boosters[1].booster_.save_model(path)
    elif form == "joblib":
        joblib.dump(boosters[1], path)
    else:
        path.write_bytes(pickle.dumps(boosters[1].booster_ if "booster" in form else boosters[1]))
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    exactness = pack(path, houses.file, "--features", features).manifest["exactness"]
    assert (exactness["grade"], exactness["hard_rows"]) == ("exact", 20_000)


def test_early_stopping(tmp_path, houses, pack):
    """A wrapper that stopped early answers with the rounds that it chose."""
    late = (houses.sold == "yes").astype(int)
    model = xgboost.XGBClassifier(n_estimators=60, learning_rate=1.0, early_stopping_rounds=2)
    model.fit(houses.rows[:75], late[:75], eval_set=[(houses.rows[75:], late[75:])], verbose=False)
    assert model.best_iteration < 50
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    data = _with_answers(houses, model.predict_proba(houses.rows)[:, 1])
    words = ("--features", features)
    assert pack(tmp_path / "model.pkl", data, *words).manifest["exactness"]["grade"] == "unproven"
    exactness = pack(tmp_path / "model.pkl", data, *words, "--answers", "answer").manifest["exactness"]
    assert exactness["grade"] == "exact"


def _folder(tmp_path, text):
    folder = tmp_path / "model"
    folder.mkdir(exist_ok=True)
    (folder / "MLmodel").write_text(text)
    return folder


def test_mlflow_folder(tmp_path, houses, pack):
    """A folder's model is read, and its signature names the columns."""
    model = GradientBoostingRegressor(n_estimators=3).fit(houses.rows, houses.price)
    inputs = '[{"type": "double", "name": "size"}, {"type":\n    "double", "name": "age"}, {"name": "floor"}]'
    text = (
        f"# made\nflavors:\n  sklearn:\n    pickled_model: model.pkl\n    code: null\n"
        f"list:\n- one: 1\nsignature:\n  inputs: '{inputs}'\n"
    )
    folder = _folder(tmp_path, text)
    (folder / "model.pkl").write_bytes(pickle.dumps(model))
    assert read_model(folder).columns == NAMES
    packed = pack(folder, houses.file, "--target", "price")
    assert packed.manifest["exactness"]["grade"] == "unproven"


@pytest.mark.parametrize("inputs", ["none", '[{"type": "double"}]', "[1]", '"its"'])
def test_mlflow_unnamed(tmp_path, houses, inputs):
    """A signature without names gives none; a folder within the folder is looked into."""
    model = GradientBoostingRegressor(n_estimators=1).fit(houses.rows, houses.price)
    folder = _folder(tmp_path, f"flavors:\n  sklearn:\n    pickled_model: inner\nsignature:\n  inputs: '{inputs}'\n")
    (folder / "inner").mkdir(exist_ok=True)
    (folder / "inner" / "model.pkl").write_bytes(pickle.dumps(model))
    assert read_model(folder).columns == ()


def test_mlflow_too_large(tmp_path, monkeypatch):
    """A description that is no description by its size is refused."""
    monkeypatch.setattr("drift_ml.model_files.mlflow_folders.MOST_BYTES", 10)
    with pytest.raises(FileRefused):
        read_model(_folder(tmp_path, "flavors:\n  sklearn:\n"))
    with pytest.raises(FileRefused):
        read_model(tmp_path)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"CBM1abc", "format='json'"),
        (b"binfabc", "save_model('model.ubj')"),
        (b"bs64abc", "save_model('model.ubj')"),
        (b"\x08\x08\x12\x07", "ONNX"),
        (b"", "empty"),
        (b"ZF123", "no model"),
        (b"a text", "no model"),
        (b"{broken", "UBJSON"),
        (b'{"a": 1}', "neither"),
        (b'{"a": ', "damaged"),
        (b"PK\x03\x04abc", "archive"),
        (b"\x1f\x8babc", "gzip"),
        (b"\x78\x9cabc", "zlib"),
        (b"BZh9abc", "bz2"),
        (b"\x04\x22\x4d\x18abc", "lz4"),
    ],
)
def test_refused_forms(tmp_path, pack, houses, content, words):
    """A form that is not read is refused by name, with what to do instead."""
    path = tmp_path / "model.dat"
    path.write_bytes(content)
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    assert words in pack(path, houses.file, "--features", features, code=2).output


def test_old_xgboost_suffix(tmp_path):
    """An unknown file whose name is that of XGBoost's old form has its way out."""
    (tmp_path / "model.bin").write_bytes(b"\x00\x01\x02")
    with pytest.raises(FileRefused) as refused:
        read_model(tmp_path / "model.bin")
    assert "model.ubj" in refused.value.way_out


@pytest.mark.parametrize(
    "value",
    [
        {"model": GradientBoostingRegressor(), "note": 1},
        [1, 2],
        np.zeros(3),
        OrderedDict(a=1),
        defaultdict(list, a=[1]),
        {"s": {1, 2}, "f": frozenset([1]), "c": 1 + 2j, "t": (1, 2, 3, 4), "n": None, "l": 1 << 80, "b": b"x" * 9000},
        {"d": np.dtype("f4"), "r": slice(1, 2), "o": np.array(["a", None], object), "u": np.array(["ab"])},
        {"m": np.datetime64("2020-01-01"), "x": np.float32(1.5), "k": np.asfortranarray(np.ones((2, 3)))},
        {"e": bytearray(b"abc"), "y": True, "z": -3, "w": 70_000, "h": 300, "q": 1.5, "g": "é" * 300, "j": ""},
    ],
)
@pytest.mark.parametrize("protocol", range(6))
def test_no_estimator(tmp_path, value, protocol):
    """What is no estimator is refused by what it is, whatever it holds."""
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(value, protocol=protocol))
    with pytest.raises(FileRefused) as refused:
        read_model(tmp_path / "model.pkl")
    assert "it holds a" in refused.value.reason


def test_pipeline_columns(tmp_path, houses):
    """A pipeline's columns are those of its first step."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame(houses.rows, columns=NAMES)
    model = make_pipeline(GradientBoostingRegressor(n_estimators=1)).fit(frame, houses.price)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    assert fitted_columns(read_model(tmp_path / "model.pkl").estimator) == NAMES


def test_unfitted_booster(tmp_path, houses, pack):
    """A booster that was never fitted is refused."""
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(lightgbm.LGBMClassifier()))
    assert "fit" in pack(tmp_path / "model.pkl", houses.file, "--features", features, code=2).output


def test_user_function(tmp_path, houses, pack):
    """A class of the user's own is refused by its name."""
    (tmp_path / "model.pkl").write_bytes(b"\x80\x04cmine\nModel\n)\x81.")
    features = write_features(tmp_path / "f.json", NAMES, SOLD)
    assert "mine Model" in pack(tmp_path / "model.pkl", houses.file, "--features", features, code=2).output


def test_catboost_json(tmp_path):
    """A document of CatBoost is read as one."""
    (tmp_path / "model.json").write_text(json.dumps({"model_info": {}, "oblivious_trees": []}))
    assert read_model(tmp_path / "model.json").form == "catboost"


def test_zip_without_schema(tmp_path):
    """An archive that is none of skops is refused."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("other", "1")
    with pytest.raises(FileRefused):
        read_model(tmp_path / "a.zip")


def test_multiclass_boosting(tmp_path, houses, pack):
    """Three classes are answered within the exactness of a link, from a column for each."""
    classes = np.digitize(houses.price, np.quantile(houses.price, [0.3, 0.6]))
    model = GradientBoostingClassifier(n_estimators=2).fit(houses.rows, classes)
    (tmp_path / "model.pkl").write_bytes(pickle.dumps(model))
    answers = model.predict_proba(houses.rows)
    columns = houses.columns | {f"answer_{place}": answers[:, place].tolist() for place in range(3)}
    data = write_table(tmp_path / "answers.csv", columns)
    target = {"name": "level", "kind": "classification", "classes": ["0", "1", "2"]}
    features = write_features(tmp_path / "f.json", NAMES, target)
    words = [word for place in range(3) for word in ("--answers", f"answer_{place}")]
    exactness = pack(tmp_path / "model.pkl", data, "--features", features, *words).manifest["exactness"]
    assert exactness["grade"] in ("exact", "exact-link")
    assert exactness["worst_ulp"] <= 4
    pack(tmp_path / "model.pkl", data, "--features", features, "--answers", "answer_0", code=2)
