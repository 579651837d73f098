"""`driftctl pack` of an ONNX file, and the service of what it wrote."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_engine.bundle import BundleError, load_bundle
from drift_ml.replay.answering import model_answers
from drift_predictor import start

from tests.onnx.conftest import ANSWERS, DATA
from tests.support import onnx_bytes as onnx
from tests.support.onnx_bytes import graph, model, node, sum_of_two, value

BOTH = {"forest": ("price", 1e-3), "classes": ("sold", 1e-6)}


@pytest.mark.parametrize("name", BOTH)
def test_measured_difference(pack, table, name):
    """The manifest has the engine, the grade and the largest difference from the answers."""
    target, most = BOTH[name]
    packed = pack(DATA / f"{name}.onnx", table("size", "age", target, name), "--target", target, "--answers", name)
    exactness = packed.manifest["exactness"]
    assert packed.manifest["engine"] == exactness["grade"] == "onnx"
    assert (exactness["rows"], exactness["worst_ulp"]) == (120, None)
    assert 0 < exactness["largest_difference"] < most
    assert exactness["reference"]["call"] == f"the answers in {name} of rows.csv"
    assert (packed.bundle / "model.onnx").read_bytes() == (DATA / f"{name}.onnx").read_bytes()
    assert "no more is promised" in packed.output
    assert [warning["kind"] for warning in packed.manifest["warnings"]] == ["seen-rows"]


def test_unproven_difference(pack, table):
    """Without reference answers the bundle says that its difference is unproven."""
    packed = pack(DATA / "forest.onnx", table("size", "age", "price"), "--target", "price")
    assert packed.manifest["exactness"]["largest_difference"] is None
    assert "unproven-difference" in {warning["kind"] for warning in packed.manifest["warnings"]}
    assert "--answers" in packed.output


def service_of(packed):
    """Return a service of what was packed, and the lines that it writes."""
    lines = []
    environ = {"DRIFT_BUNDLES": str(packed.bundle.parents[1])}
    service = start(environ, clock=lambda: 0, timer=lambda: 0, random_bytes=bytes, write=lines.append)
    return SimpleNamespace(service=service, lines=lines)


def test_served(pack, table, rows):
    """A pipeline of texts and numbers is served, and health names engine and grade."""
    data = table(*rows)
    packed = pack(DATA / "pipeline.onnx", data, "--target", "sold", "--answers", "pipeline")
    served = service_of(packed)
    health = json.loads(served.service.respond("GET", "/health").body)
    assert health["contract"] == "health.v2"
    assert {health["models"]["sold"][member] for member in ("engine", "grade")} == {"onnx"}
    card = json.loads(served.service.respond("GET", "/model").body)
    assert card["engine"] == "onnx"
    asked = {"size": float(rows["size"][0]), "age": int(rows["age"][0]), "street": rows["street"][0]}
    reply = served.service.respond("POST", "/predict", json.dumps({"features": asked}).encode())
    answer = json.loads(reply.body)
    assert answer["prediction"] == pytest.approx(float(rows["pipeline"][0]), abs=1e-6)
    assert answer["label"] == rows["sold"][0]
    asked["street"] = None
    assert served.service.respond("POST", "/predict", json.dumps({"features": asked}).encode()).status == 422


def test_replayed(pack, table, rows):
    """A replay has the answers of an ONNX model, its labels too."""
    packed = pack(DATA / "classes.onnx", table("size", "age", "sold"), "--target", "sold")
    loaded = load_bundle(packed.bundle)
    pairs = zip(rows["size"], rows["age"], strict=True)
    matrix = np.array([[float(size), float(age)] for size, age in pairs])
    answers = model_answers(loaded, matrix)
    assert answers.predictions.tolist() == pytest.approx([float(text) for text in rows["classes"]], abs=1e-6)


def test_changed_file(pack, table):
    """A model that is not the one that the manifest names is not opened."""
    packed = pack(DATA / "forest.onnx", table("size", "age", "price"), "--target", "price")
    path = packed.bundle / "model.onnx"
    path.write_bytes(path.read_bytes()[:-1] + b"\x00")
    with pytest.raises(BundleError, match="sha256"):
        load_bundle(packed.bundle)


def test_engine_member(pack, table):
    """The engine and the file stand together."""
    packed = pack(DATA / "forest.onnx", table("size", "age", "price"), "--target", "price")
    path = packed.bundle / "manifest.json"
    document = json.loads(path.read_text())
    del document["engine"]
    path.write_text(json.dumps(document))
    with pytest.raises(BundleError, match="engine onnx"):
        load_bundle(packed.bundle)


def test_image_without_engine(pack, table, monkeypatch):
    """An image that lacks the engine says how one is built that has it."""
    packed = pack(DATA / "forest.onnx", table("size", "age", "price"), "--target", "price")
    monkeypatch.setitem(sys.modules, "drift_engine.onnx", None)
    with pytest.raises(BundleError, match="ENGINE=onnx"):
        load_bundle(packed.bundle)


def test_given_features(pack, table, features, tmp_path):
    """With a feature set of the user's nothing is proposed; a model of another target is refused."""
    columns = {"size": "number", "age": "number"}
    path = tmp_path / "features.json"
    path.write_text(json.dumps(features(columns, column="price").to_json()))
    data = table("size", "age", "price")
    assert pack(sum_of_two(), data, "--features", path).manifest["model"] == "rows"
    outputs = [{"name": name, "unit": "none", "description": "One."} for name in ("u", "v")]
    path.write_text(json.dumps(features(columns, outputs=outputs).to_json()))
    assert "as the model answers" in pack(sum_of_two(), data, "--features", path, code=2).output


def test_rows_without_target(pack, table, features, tmp_path):
    """Rows without a target make a bundle of the model's own answers, which says so."""
    path = tmp_path / "features.json"
    path.write_text(json.dumps(features({"size": "number", "age": "number"}).to_json()))
    manifest = pack(sum_of_two(), table("size", "age"), "--features", path).manifest
    assert {"no-target", "unproven-difference"} <= {warning["kind"] for warning in manifest["warnings"]}


def test_held_out_rows(pack, table, tmp_path):
    """Scores are of the rows that were held out."""
    data = table("size", "age", "price")
    few = tmp_path / "few.csv"
    few.write_text("".join(data.read_text().splitlines(keepends=True)[:41]))
    packed = pack(DATA / "forest.onnx", data, "--target", "price", "--held-out", few)
    assert packed.manifest["training"]["held_out_rows"] == 40


def test_number_of_a_class(pack, table):
    """A column that looks like a class is a number where the model answers numbers."""
    data = table("size", "age", sold=["0", "1"] * 60)
    packed = pack(sum_of_two(), data, "--target", "sold")
    target = FeatureSet.load(packed.bundle / "feature_set.json").target
    assert target.is_number


def test_swapped_classes(pack, table, features, tmp_path):
    """Classes in another order than the model's are found by its labels."""
    path = tmp_path / "features.json"
    swapped = features({"size": "number", "age": "number"}, column="sold", kind="classification", classes=["1", "0"])
    path.write_text(json.dumps(swapped.to_json()))
    label = node(
        "ArgMax",
        ["x"],
        ["label"],
        onnx.attribute("axis", onnx.field(3, 1), kind=2),
        onnx.attribute("keepdims", onnx.field(3, 0), kind=2),
    )
    outputs = [value("label", onnx.INT64, ["N"]), value("p", onnx.FLOAT, ["N", 2])]
    text = model(graph([label, node("Identity", ["x"], ["p"])], [value("x", onnx.FLOAT, ["N", 2])], outputs))
    data = table("size", "age", sold=["0", "1"] * 60)
    assert "labels" in pack(text, data, "--features", path, code=2).output


def test_refusals(pack, table, tmp_path):
    """A file that is refused is named as the user named it, and nothing is written."""
    data = table("size", "age", "price", *ANSWERS)
    assert "model.onnx: its input has 2 columns" in pack(sum_of_two(), data, "--target", "price", code=2).output
    assert "model.onnx: it is damaged" in pack(b"\x08\x08\x00", data, "--target", "price", code=2).output
    words = ("--target", "price", "--answers", "forest", "--answers", "classes", "--ignore", "pipeline")
    assert "--answers" in pack(sum_of_two(), data, *words, code=2).output
    assert not (tmp_path / "bundles").exists()


def test_folders_are_no_files(pack, table, tmp_path):
    """A folder of that name is read as a folder."""
    folder = tmp_path / "model.onnx"
    folder.mkdir()
    assert "MLmodel" in pack(folder, table("size", "price"), "--target", "price", code=2).output
