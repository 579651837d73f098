"""What is inside: only what is allowed, nothing of training, small layers, repeatable bytes."""

from __future__ import annotations

import json
import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

import pytest
from drift_contracts.bundle_paths import bundle_folder

from tests.image.support import IMAGE, ROOT, build, python

HERE = Path(__file__).parent
MEGABYTE = 1_000_000
ABSENT = (
    "sklearn",
    "pandas",
    "scipy",
    "pulumi",
    "joblib",
    "pytest",
    "jsonschema",
    "drift_ml.training",
    "drift_ml.converters",
    "drift_ml.exporting",
    "drift_console",
    "onnxruntime",
    "drift_engine.onnx",
)


def layers(docker, image):
    """Sizes in bytes of the five layers that the Dockerfile adds."""
    rows = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", image).splitlines()
    sizes = [int(size) for size, _, created in (row.partition("\t") for row in rows) if " COPY dir:" in created]
    return dict(zip(("model", "library", "app", "monitor", "runtime"), sizes, strict=True))  # the newest comes first


@pytest.fixture(scope="module")
def files(docker, image, bases):
    """The files that the image adds to its base."""
    words = ("--network", "none", "--entrypoint", "find")
    inside, before = (docker("run", "--rm", *words, tag, "/", "-xdev", "-type", "f") for tag in (image, bases.base))
    return sorted({*inside.splitlines()} - {*before.splitlines()})


def test_allowed_files(files):
    """Every file is on the allow list."""
    allowed = [line for line in (HERE / "allowed_files.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in allowed)] == []


def test_allow_list_used(files):
    """Every line of the allow list is used."""
    allowed = [line for line in (HERE / "allowed_files.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [pattern for pattern in allowed if not any(fnmatch(name, pattern) for name in files)] == []


@pytest.mark.parametrize("word", ["test_", "conftest", ".pem", ".key", ".env", "id_rsa", ".joblib", ".git"])
def test_no_secrets(files, word):
    """The image holds no secret, no key and no test."""
    ours = [name for name in files if "/runtime/" not in name and "/monitor/" not in name]
    assert [name for name in ours if word in Path(name).name] == []


@pytest.fixture(scope="module")
def importable(docker, image):
    script = (
        "import importlib\n"
        f"for name in {ABSENT}:\n"
        "    try: importlib.import_module(name)\n"
        "    except ModuleNotFoundError: continue\n"
        "    print(name)"
    )
    return python(docker, image, script).split()


@pytest.mark.parametrize("module", ABSENT)
def test_no_training(importable, module):
    """Modules of training cannot be imported."""
    assert module not in importable


def test_prediction_imports(docker, image, api_event):
    """A prediction loads neither numpy nor boto3."""
    script = (
        "import sys, json; from drift_predictor.handler import handler\n"
        f"answer = handler(json.loads({json.dumps(json.dumps(api_event))}), None)\n"
        "print(json.dumps([answer['statusCode'], sorted(sys.modules)]))"
    )
    status, modules = json.loads(python(docker, image, script).splitlines()[-1])
    assert status == 200
    assert {"numpy", "boto3", "botocore", "jsonschema"}.isdisjoint(modules)


def test_compiled_kernel(docker, image):
    """The compiled kernel is in the image and used."""
    script = (
        "from drift_engine.forest import Forest; print(Forest.open('/opt/drift/bundles/house-price/forest.bin').engine)"
    )
    assert python(docker, image, script) == "c"


def test_layer_sizes(docker, image, bases, record_property):
    """The layers of the prediction path take less than 40 MB."""
    record_property("base", bases.what)
    sizes = layers(docker, image)
    for place, size in sizes.items():
        record_property(f"layer {place}", f"{size / MEGABYTE:.1f} MB")
    assert sum(sizes.values()) - sizes["monitor"] < 40 * MEGABYTE


def test_unchecked_bytecode(docker, image):
    """Bytecode is never compared with its source, so that it cannot be stale."""
    script = (
        "import pathlib, struct\n"
        "flags = {struct.unpack('<I', p.read_bytes()[4:8])[0] for p in pathlib.Path('/opt/drift').rglob('*.pyc')}\n"
        "print(flags)"
    )
    assert python(docker, image, script) == "{1}"  # PEP 552: hash-based and unchecked


@pytest.mark.parametrize("start", ["awslambdaric.bootstrap, drift_predictor.handler", "drift_monitor.handlers"])
def test_nothing_compiled(docker, image, start):
    """No source is compiled at a start, neither ours nor the standard library's."""
    script = (
        f"import os, sys, {start}\n"
        "specs = [module.__spec__ for module in sys.modules.values() if module.__spec__]\n"
        "print([s.name for s in specs if s.has_location and s.origin.endswith('.py') and not os.path.exists(s.cached)])"
    )
    assert python(docker, image, script).splitlines()[-1] == "[]"


def test_reproducible_layers(docker, image, bases):
    """The same sources give the same layers."""
    again = f"{IMAGE}-again"
    build(docker, bases, again, "--no-cache")
    first, second = (
        json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", tag)) for tag in (image, again)
    )
    docker("rmi", again)
    assert first == second


def test_labels(docker, image):
    """The labels state version, commit and bundle."""
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.revision"] == "test"
    assert re.fullmatch("[0-9a-f]{12}", labels["drift.bundle.digest"])


def test_older_version(docker, image, bases):
    """An older version changes no layer, as the image holds the current one in a flat folder."""
    among_others = ROOT / "build/bundles-others"
    for name in ("house-price", "diabetes", "flight-delay"):
        shutil.copytree(ROOT / "build/bundles" / name, among_others / name)
        folder = Path(bundle_folder(among_others / name))
        older = shutil.copytree(folder, folder.with_name("0" * 12))
        (older / "forest.bin").write_bytes(b"older")
    try:
        build(docker, bases, f"{IMAGE}-others", "--build-arg", "BUNDLES=build/bundles-others")
    finally:
        shutil.rmtree(among_others)
    tags = (image, f"{IMAGE}-others")
    first, second = (json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", tag)) for tag in tags)
    docker("rmi", tags[1])
    assert first == second


def test_new_model_layer(docker, image, bases):
    """A new model changes the last layer only."""
    changed = ROOT / "build/bundles-changed"
    shutil.copytree(ROOT / "build/bundles/diabetes", changed / "diabetes", dirs_exist_ok=True)
    try:
        build(docker, bases, f"{IMAGE}-changed", "--build-arg", "BUNDLES=build/bundles-changed")
    finally:
        shutil.rmtree(changed)
    tags = (image, f"{IMAGE}-changed")
    first, second = (json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", tag)) for tag in tags)
    docker("rmi", tags[1])
    assert first[:-1] == second[:-1]
    assert first[-1] != second[-1]
