"""A bundle is loaded whole and unchanged, or not at all."""

from __future__ import annotations

import hashlib
import json
import os
import pickle
import re
import shutil
import subprocess
import sys

import pytest
from drift_contracts import ContractError, DriftError, feature_set
from drift_engine.bundle import BundleError, describe_files, load_bundle, model_version
from drift_engine.forest import BadForest
from drift_engine.forest.writer import Tree, encode
from drift_engine.model import BadModel
from drift_engine.model import writer as packing
from drift_engine.onnx import RuntimeAbsent

from tests.support.onnx_bytes import sum_of_two

HOUSES = feature_set("house-price")
FIGURES = {"count": 100, "missing": 0, "mean": 5, "std": 2.5, "min": 1, "max": 10}
BASELINE = {
    "contract": "baseline.v1",
    "model": HOUSES.name,
    "rows": 100,
    "features": {feature.name: {"type": feature.type, **FIGURES} for feature in HOUSES.features},
    "correlation": {"names": [], "matrix": []},
    "channels": [{"name": "age", "kind": "quantiles", "of": ["age"], "edges": [5], "counts": [50, 50]}],
}
LEAF = Tree([-1], [-1], [0], [0.0], [7.0])
SECOND = {"contract": "bundle.manifest.v2", "warnings": []}
OFFLINE = {"offline_files": describe_files({"rows.bin": b"rows"})}


def contents(**changed: bytes) -> dict[str, bytes]:
    files = {
        "feature_set.json": json.dumps(HOUSES.to_json()).encode(),
        "baseline.json": json.dumps(BASELINE).encode(),
        "forest.bin": encode([LEAF], features=len(HOUSES.names)),
    }
    return files | {name.replace("__", "."): content for name, content in changed.items()}


def manifest_of(files: dict[str, bytes]) -> dict:
    described = describe_files(files)
    return {
        "contract": "bundle.manifest.v1",
        "model": HOUSES.name,
        "model_version": model_version(described),
        "feature_set": HOUSES.version,
        "files": described,
    }


@pytest.fixture
def write(tmp_path):
    """Writes a folder of files and the manifest, which is true unless given."""

    def write(files: dict[str, bytes], manifest: object = None):
        manifest = manifest_of(files) if manifest is None else manifest
        for name, content in files.items():
            (tmp_path / name).write_bytes(content)
        (tmp_path / "manifest.json").write_text(json.dumps(manifest))
        return tmp_path

    return write


def test_contents_loaded(write, engine):
    """A bundle holds the contents of its files."""
    bundle = load_bundle(write(contents()), engine=engine)
    assert bundle.feature_set == HOUSES
    assert bundle.baseline == BASELINE
    assert bundle.manifest["model"] == "house-price"
    assert bundle.model.engine == engine
    assert bundle.model.predict((3, 2, 2000, 10, 7)) == 7.0


def packed(outputs: int = 1, task: str = "regression") -> bytes:
    """Return a packed model of one leaf, for rows of houses."""
    leaf = packing.Tree([0], [0.0], [-1], [-1], [[7.0 / outputs] * outputs])
    start = [0.0] * outputs
    return packing.encode(packing.Model(len(HOUSES.names), task, outputs, [packing.Column(0)], [leaf], start))


def packed_contents() -> dict[str, bytes]:
    """Return the files of a bundle with a packed model in the forest's place."""
    files = contents(model__bin=packed())
    del files["forest.bin"]
    return files


def test_packed_model_loaded(write, engine):
    """A manifest of version 2 may name a packed model."""
    files = packed_contents()
    bundle = load_bundle(write(files, manifest_of(files) | SECOND), engine=engine)
    assert bundle.model.engine == engine
    assert bundle.predict(dict(zip(HOUSES.names, (3, 2, 2000, 10, 7), strict=True))) == 7.0


def test_packed_model_in_manifest_1(write):
    """A manifest of version 1 names a forest, and neither version names both."""
    files = packed_contents()
    with pytest.raises(BundleError, match=r"files to name .*baseline\.json, forest\.bin"):
        load_bundle(write(files))
    both = contents(model__bin=packed())
    with pytest.raises(BundleError, match=r"forest\.bin or model\.bin"):
        load_bundle(write(both, manifest_of(both) | SECOND))


def test_packed_classifier(write, engine):
    """The probabilities of a packed classifier are as many as the feature set has classes."""
    classes = {"name": "late", "kind": "classification", "classes": ["no", "yes"], "description": "Late."}
    document = HOUSES.to_json() | {"contract": "feature-set.v2", "target": classes}
    files = packed_contents() | {"feature_set.json": json.dumps(document).encode()}
    right = files | {"model.bin": packed(2, "classification")}
    bundle = load_bundle(write(right, manifest_of(right) | SECOND), engine=engine)
    assert bundle.model.scores((3, 2, 2000, 10, 7)) == (3.5, 3.5)
    wrong = files | {"model.bin": packed(3, "classification")}
    with pytest.raises(BundleError, match=r"classes .* model has: 3"):
        load_bundle(write(wrong, manifest_of(wrong) | SECOND))


def test_packed_model_is_none(write):
    """What is no packed model is refused."""
    files = packed_contents() | {"model.bin": b"no model"}
    with pytest.raises(BadModel, match="header"):
        load_bundle(write(files, manifest_of(files) | SECOND))


def onnx_contents():
    """Return the files of a bundle with an ONNX model, and a manifest that names its engine."""
    files = contents(model__onnx=sum_of_two(len(HOUSES.names)))
    del files["forest.bin"]
    return files, manifest_of(files) | SECOND | {"engine": "onnx"}


def test_onnx_without_runtime(write, monkeypatch):
    """An ONNX model is checked, and refused where its runtime or its engine is absent."""
    folder = write(*onnx_contents())
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(RuntimeAbsent, match=r"drift-predictor\[onnx\]"):
        load_bundle(folder)
    monkeypatch.setitem(sys.modules, "drift_engine.onnx", None)
    with pytest.raises(BundleError, match="ENGINE=onnx"):
        load_bundle(folder)


def test_onnx_without_its_engine(write):
    """The engine and the file stand together."""
    files, manifest = onnx_contents()
    del manifest["engine"]
    with pytest.raises(BundleError, match="engine onnx"):
        load_bundle(write(files, manifest))


CLASSES = {"name": "late", "kind": "classification", "classes": ["no", "yes"], "description": "Late."}
NUMBERS = [{"name": name, "unit": "USD", "description": "Price."} for name in ("low", "high")]


@pytest.mark.parametrize(
    ("target", "message"),
    [
        (CLASSES, "kind regression"),
        ({"name": "prices", "description": "Prices.", "outputs": NUMBERS}, "outputs as the model has: 1"),
    ],
    ids=["classes", "two outputs"],
)
def test_target_not_of_model(target, message, write):
    """A feature set whose target the model does not answer is refused."""
    document = {**HOUSES.to_json(), "contract": "feature-set.v2", "target": target}
    with pytest.raises(BundleError) as caught:
        load_bundle(write(contents(feature_set__json=json.dumps(document).encode())))
    assert caught.value.file == "feature_set.json"
    assert message in str(caught.value)


def test_frozen_bundle(write):
    """A loaded bundle cannot be changed."""
    bundle = load_bundle(write(contents()))
    with pytest.raises(AttributeError):
        bundle.model = None


def test_path_as_string(write):
    """A bundle is loaded from a path in a string."""
    assert load_bundle(str(write(contents()))).model.trees == 1


@pytest.fixture
def model(write, tmp_path_factory):
    """The folder of a model whose only version is the current one."""
    files = contents()
    version = manifest_of(files)["model_version"]
    folder = tmp_path_factory.mktemp("bundles") / HOUSES.name
    shutil.copytree(write(files), folder / version)
    (folder / "current").write_text(version)
    return folder


def test_current_version(model):
    """The current version of a model is loaded, and an older one by its folder."""
    version = (model / "current").read_text()
    assert load_bundle(model).manifest["model_version"] == version
    assert load_bundle(model / version).manifest["model_version"] == version


def test_renamed_version(model):
    """A version whose folder was renamed is refused, since answers would name another one."""
    version = (model / "current").read_text()
    (model / version).rename(model / ("0" * 12))
    (model / "current").write_text("0" * 12)
    with pytest.raises(BundleError, match=r"manifest\.json: expected the model_version"):
        load_bundle(model)


def test_flat_beside_version(model):
    """A flat bundle with a version beside it is loaded, as a first training leaves it for a moment."""
    version = (model / "current").read_text()
    (model / "current").unlink()
    for path in (model / version).iterdir():
        shutil.copy(path, model)
    assert load_bundle(model).manifest["model_version"] == version


def test_pinned_manifest(write):
    """A bundle is loaded with the pinned manifest, and refused with another."""
    folder = write(contents())
    digest = hashlib.sha256((folder / "manifest.json").read_bytes()).hexdigest()
    assert load_bundle(folder, digest).digest == digest
    with pytest.raises(BundleError, match=r"manifest\.json: expected the SHA-256 0000"):
        load_bundle(folder, "0" * 64)


def test_pin_of_scores(write):
    """A pin binds the scores in the manifest too, which the version does not."""
    pinned = load_bundle(write(contents()))
    flattered = load_bundle(write(contents(), manifest_of(contents()) | {"scores": {"r2": {"value": 1.0}}}))
    assert re.fullmatch("[0-9a-f]{12}", pinned.manifest["model_version"])
    assert flattered.manifest["model_version"] == pinned.manifest["model_version"]
    assert flattered.digest != pinned.digest


def test_version_of_files():
    """The version depends on the files' contents and names, and on nothing else."""
    files = describe_files({"a": b"1", "b": b"2"})
    assert model_version(files) == model_version(dict(reversed(files.items())))
    others = [{"a": b"2", "b": b"1"}, {"a": b"1", "c": b"2"}, {"a": b"1"}]
    assert len({model_version(files), *(model_version(describe_files(other)) for other in others)}) == 4


@pytest.mark.parametrize("name", contents())
def test_changed_byte(name, write):
    """A file with a changed byte is refused by its checksum."""
    folder = write(contents())
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert str(caught.value) == f"bundle: {name}: expected the sha256 that the manifest says: it was changed"
    assert caught.value.file == name


@pytest.mark.parametrize("name", contents())
def test_other_size(name, write):
    """A file of another size than the manifest states is refused."""
    folder = write(contents())
    with (folder / name).open("ab") as file:
        file.write(b" ")
    with pytest.raises(BundleError, match=f"{name}: .* bytes"):
        load_bundle(folder)


@pytest.mark.parametrize("name", [*contents(), "manifest.json"])
def test_missing_file(name, write):
    """A bundle that lacks a file is refused."""
    folder = write(contents())
    (folder / name).unlink()
    with pytest.raises(BundleError):
        load_bundle(folder)


def test_missing_folder(tmp_path):
    """A folder that does not exist is refused, with its name."""
    with pytest.raises(BundleError, match=r"manifest\.json: .* read in .*nowhere"):
        load_bundle(tmp_path / "nowhere")


def test_unreadable_file(write):
    """A file that cannot be read is refused."""
    folder = write(contents())
    (folder / "forest.bin").unlink()
    (folder / "forest.bin").mkdir()
    with pytest.raises(BundleError, match=r"forest\.bin: .* read"):
        load_bundle(folder)


FILES = [*contents(), "manifest.json"]


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("target", ["/dev/zero", "elsewhere"])
def test_link_refused(name, target, write, tmp_path_factory):
    """A link is refused, whether to an endless device or to the same file outside the folder."""
    folder = write(contents())
    if target == "elsewhere":
        target = tmp_path_factory.mktemp("outside") / name
        target.write_bytes((folder / name).read_bytes())
    (folder / name).unlink()
    (folder / name).symlink_to(target)
    with pytest.raises(BundleError, match="and no link") as caught:
        load_bundle(folder)
    assert caught.value.file == name


@pytest.mark.parametrize("name", FILES)
def test_pipe_does_not_block(name, write):
    """A pipe without a writer is refused instead of waited for."""
    folder = write(contents())
    (folder / name).unlink()
    os.mkfifo(folder / name)
    with pytest.raises(BundleError, match="expected a regular file") as caught:
        load_bundle(folder)
    assert caught.value.file == name


@pytest.mark.parametrize("name", FILES)
def test_huge_file(name, write):
    """A file over its limit is refused unread; this one is a terabyte of holes."""
    folder = write(contents())
    os.truncate(folder / name, 2**40)
    with pytest.raises(BundleError, match=r"bytes") as caught:
        load_bundle(folder)
    assert caught.value.file == name


@pytest.mark.parametrize("name", ["feature_set.json", "baseline.json"])
@pytest.mark.parametrize("blanks", [b" ", b"\n\n", b"\t\n", b"\r\n", b"\n "])
def test_blanks_after_document(name, blanks, write):
    """Blanks after a document are refused, as they would let two models have the same version."""
    with pytest.raises(BundleError, match="at most one newline") as caught:
        load_bundle(write(contents(**{name.replace(".", "__"): contents()[name] + blanks})))
    assert caught.value.file == name


@pytest.mark.parametrize(("before", "after"), [("", " "), ("", "\n\n"), (" ", ""), ("\n", "\n")])
def test_blanks_around_manifest(before, after, write):
    """Blanks around a manifest are refused, but for a final line end."""
    folder = write(contents())
    text = (folder / "manifest.json").read_text()
    (folder / "manifest.json").write_text(f"{before}{text}{after}")
    with pytest.raises(BundleError, match=r"manifest\.json: .* before the document"):
        load_bundle(folder)
    (folder / "manifest.json").write_text(f"{text}\n")
    assert load_bundle(folder).model.trees == 1


def test_extra_file(write):
    """A file that does not belong to a bundle is refused."""
    folder = write(contents())
    (folder / "estimator.joblib").write_bytes(b"")
    with pytest.raises(BundleError, match=r"manifest\.json, .*forest\.bin and nothing else"):
        load_bundle(folder)


def test_next_manifest(write):
    """A bundle with the next version of the manifest is loaded."""
    bundle = load_bundle(write(contents(), manifest_of(contents()) | SECOND))
    assert bundle.manifest["warnings"] == []


def test_row_digests_unopened(write):
    """Digests of rows are not opened; here a folder is in their place."""
    folder = write(contents(), manifest_of(contents()) | SECOND | OFFLINE)
    assert load_bundle(folder).model.trees == 1
    (folder / "rows.bin").mkdir()
    assert load_bundle(folder).model.trees == 1


@pytest.mark.parametrize("offline", [{}, {"offline_files": None}, {"offline_files": {}}])
def test_unlisted_row_digests(write, offline):
    """Digests of rows that the manifest does not list are refused."""
    folder = write(contents(), manifest_of(contents()) | SECOND | offline)
    (folder / "rows.bin").write_bytes(b"rows")
    with pytest.raises(BundleError, match=r"manifest\.json, .*forest\.bin and nothing else"):
        load_bundle(folder)


def test_extra_file_with_digests(write):
    """A file that does not belong is refused beside digests of rows too."""
    folder = write(contents(), manifest_of(contents()) | SECOND | OFFLINE)
    (folder / "estimator.joblib").write_bytes(b"")
    with pytest.raises(BundleError, match=r"forest\.bin, rows\.bin and nothing else"):
        load_bundle(folder)


FOREST = describe_files(contents())["forest.bin"]
BAD_MANIFESTS = {
    "another contract": ({"contract": "baseline.v1"}, "contract bundle.manifest.v1 or bundle.manifest.v2"),
    "a newer contract": ({"contract": "bundle.manifest.v3"}, "a newer release packed it"),
    "no files": ({"files": None}, "files to name"),
    "a file too few": ({"files": {"forest.bin": FOREST}}, "files to name"),
    "a file too many": ({"files": describe_files(contents(x=b""))}, "files to name"),
    "no digest": ({"files": describe_files(contents()) | {"forest.bin": {"bytes": 1}}}, "/files/forest.bin"),
    "no facts": (
        {"files": describe_files(contents()) | {"forest.bin": 1}},
        "/files/forest.bin",
    ),
    "a size that is true": (
        {"files": describe_files(contents()) | {"forest.bin": FOREST | {"bytes": True}}},
        "sha256 and bytes at /files/forest.bin",
    ),
    "a version of other files": ({"model_version": "0" * 12}, "the model_version of the files"),
    "another model": ({"model": "diabetes"}, "name and version in feature_set.json"),
    "another feature set": ({"feature_set": "2.0.0"}, "name and version in feature_set.json"),
}


@pytest.mark.parametrize(("changed", "message"), BAD_MANIFESTS.values(), ids=BAD_MANIFESTS)
def test_wrong_manifest(changed, message, write):
    """A manifest that does not fit the bundle is refused with the reason."""
    with pytest.raises(BundleError) as caught:
        load_bundle(write(contents(), manifest_of(contents()) | changed))
    assert caught.value.file == "manifest.json"
    assert message in str(caught.value)


NOT_NEWER = ["baseline.v1", "bundle.manifest.v0", "bundle.manifest.vnext", 7, None]


@pytest.mark.parametrize("contract", NOT_NEWER)
def test_newer_manifest(contract, write):
    """Only a later version of the manifest is called newer."""
    with pytest.raises(BundleError) as caught:
        load_bundle(write(contents(), manifest_of(contents()) | {"contract": contract}))
    assert "newer" not in str(caught.value)


def test_manifest_no_object(write):
    """A manifest that is no object is refused."""
    with pytest.raises(BundleError, match=r"manifest\.json: expected contract bundle\.manifest\.v1"):
        load_bundle(write(contents(), [1]))


@pytest.mark.parametrize("text", ["", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "\x00"])
def test_manifest_not_strict(text, write):
    """A manifest that is not strict JSON is refused."""
    folder = write(contents())
    (folder / "manifest.json").write_text(text)
    with pytest.raises(BundleError, match=r"manifest\.json: expected strict JSON"):
        load_bundle(folder)


PARTS_THAT_DIFFER = {
    "a forest of other features": (
        {"forest__bin": encode([LEAF], features=4)},
        BundleError,
        "forest.bin: expected rows of 5 features",
    ),
    "no forest": ({"forest__bin": b"pickle"}, BadForest, "expected a header of 80 bytes"),
    "a baseline of other features": (
        {"baseline__json": b'{"features": {"age": {}}}'},
        BundleError,
        "baseline.json: expected features to name bedrooms, bathrooms, sqft, age, location_score",
    ),
    "a baseline that is a list": ({"baseline__json": b"[]"}, BundleError, "baseline.json: expected features"),
    "a baseline with NaN": ({"baseline__json": b"NaN"}, BundleError, "baseline.json: expected strict JSON"),
    "another model's baseline": (
        {"baseline__json": json.dumps(BASELINE | {"model": "other"}).encode()},
        BundleError,
        "baseline.json: expected the model and the types of features",
    ),
    "a baseline with a feature of another type": (
        {
            "baseline__json": json.dumps(
                BASELINE | {"features": BASELINE["features"] | {"age": {"type": "boolean", **FIGURES}}}
            ).encode()
        },
        BundleError,
        "baseline.json: expected the model and the types of features",
    ),
    "no feature set": ({"feature_set__json": b"{}"}, ContractError, "feature_set.json: feature-set.v1"),
}  # fmt: skip


@pytest.mark.parametrize(("changed", "error", "message"), PARTS_THAT_DIFFER.values(), ids=PARTS_THAT_DIFFER)
def test_mismatched_files(changed, error, message, write):
    """Files that do not belong together are refused with the reason."""
    with pytest.raises(error) as caught:
        load_bundle(write(contents(**changed)))
    assert message in str(caught.value)
    assert isinstance(caught.value, DriftError)


NO_FIGURES = dict.fromkeys(("mean", "std", "min", "max"))
BAD_FIGURES = {
    "a mean in words": ({"mean": "5"}, "type at /features/age/mean"),
    "a deviation in words": ({"std": "2"}, "type at /features/age/std"),
    "no deviation": ({"std": None}, "figures at /features/age"),
    "a deviation below 0": ({"std": -1}, "minimum at /features/age/std"),
    "a denormal deviation": ({"std": 5e-324}, "spread at /features/age/std"),
    "a deviation of 0 of values that differ": ({"std": 0}, "spread at /features/age/std"),
    "a deviation too small for the extremes": ({"std": 0.01}, "spread at /features/age/std"),
    "a deviation wider than the values": ({"std": 9.5}, "spread at /features/age/std"),
    "a denormal deviation of a constant": ({"min": 5, "max": 5, "std": 5e-324}, "spread at /features/age/std"),
    "values that are not counted": ({"count": 0}, "spread at /features/age/std"),
    "a mean beyond the values": ({"mean": 1e300}, "order at /features/age/mean"),
    "a mean below them": ({"mean": -1e300}, "order at /features/age/mean"),
    "extremes in the wrong order": ({"min": 10, "max": 1}, "order at /features/age/mean"),
}


@pytest.mark.parametrize(("changed", "place"), BAD_FIGURES.values(), ids=BAD_FIGURES)
def test_impossible_figures(changed, place, write):
    """Figures that no column can have are refused with their place."""
    features = BASELINE["features"] | {"age": BASELINE["features"]["age"] | changed}
    with pytest.raises(ContractError, match=r"baseline\.json: baseline\.v1: " + place):
        load_bundle(write(contents(baseline__json=json.dumps(BASELINE | {"features": features}).encode())))


@pytest.mark.parametrize(
    "figures",
    [
        {**NO_FIGURES, "count": 0},
        {"mean": 7, "std": 0, "min": 7, "max": 7},
        {"mean": 0.1 + 1e-17, "std": 0, "min": 0.1, "max": 0.1, "count": 1},
        {"mean": 0.5, "std": 0.5**0.5, "min": 0, "max": 1, "count": 2},
    ],
    ids=["no value", "a constant", "one value", "two values"],
)
def test_small_columns(figures, write):
    """The figures of small columns are accepted."""
    features = BASELINE["features"] | {"age": BASELINE["features"]["age"] | figures}
    folder = write(contents(baseline__json=json.dumps(BASELINE | {"features": features}).encode()))
    assert load_bundle(folder).baseline["features"] == features


@pytest.mark.parametrize("part", ["target", "prediction", "error"])
def test_other_columns_checked(part, write):
    """Figures of target, prediction and error are checked too, as the model's card shows them."""
    for figures, place in (([], f"type at /{part}"), ({"type": "number", **FIGURES, "std": 50}, f"spread at /{part}")):
        with pytest.raises(ContractError, match=place):
            load_bundle(write(contents(baseline__json=json.dumps(BASELINE | {part: figures}).encode())))


@pytest.mark.parametrize("features", [[], None, {name: [] for name in HOUSES.names}])
def test_features_no_objects(features, write):
    """A baseline whose features are no objects is refused."""
    with pytest.raises(DriftError, match=r"baseline\.json"):
        load_bundle(write(contents(baseline__json=json.dumps(BASELINE | {"features": features}).encode())))


def test_channels_unread(write):
    """Channels are not validated at load, which would double a cold start; their users do it."""
    assert load_bundle(write(contents(baseline__json=json.dumps(BASELINE | {"channels": {}}).encode()))).digest


def test_error_pickles():
    """An error of a bundle survives pickling."""
    error = pickle.loads(pickle.dumps(BundleError("forest.bin", "rows of 5 features")))
    assert (error.file, error.expected, str(error)) == (
        "forest.bin",
        "rows of 5 features",
        "bundle: forest.bin: expected rows of 5 features",
    )


def test_imports_of_loading(write):
    """Loading a bundle imports neither numpy, jsonschema, dataclasses nor typing."""
    code = (
        "import sys; from drift_engine.bundle import load_bundle; load_bundle(sys.argv[1]);"
        "print(sorted({'numpy', 'jsonschema', 'sklearn', 'dataclasses', 'typing'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", code, str(write(contents()))]
    assert subprocess.run(command, capture_output=True, text=True, check=True).stdout == "[]\n"
