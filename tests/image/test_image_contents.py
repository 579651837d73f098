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
    "drift_console",
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


def test_every_file_is_on_the_allow_list(files):
    allowed = [line for line in (HERE / "allowed_files.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [name for name in files if not any(fnmatch(name, pattern) for pattern in allowed)] == []


def test_every_line_of_the_allow_list_is_used(files):
    allowed = [line for line in (HERE / "allowed_files.txt").read_text().splitlines() if line and line[0] != "#"]
    assert [pattern for pattern in allowed if not any(fnmatch(name, pattern) for name in files)] == []


@pytest.mark.parametrize("word", ["test_", "conftest", ".pem", ".key", ".env", "id_rsa", ".joblib", ".git"])
def test_no_secret_no_key_and_no_test_is_inside(files, word):
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
def test_what_belongs_to_training_cannot_be_imported(importable, module):
    assert module not in importable


def test_a_prediction_brings_neither_numpy_nor_boto3_into_memory(docker, image, api_event):
    script = (
        "import sys, json; from drift_predictor.handler import handler\n"
        f"answer = handler(json.loads({json.dumps(json.dumps(api_event))}), None)\n"
        "print(json.dumps([answer['statusCode'], sorted(sys.modules)]))"
    )
    status, modules = json.loads(python(docker, image, script).splitlines()[-1])
    assert status == 200
    assert {"numpy", "boto3", "botocore", "jsonschema"}.isdisjoint(modules)


def test_the_compiled_kernel_is_inside_and_used(docker, image):
    script = (
        "from drift_engine.forest import Forest; print(Forest.open('/opt/drift/bundles/house-price/forest.bin').engine)"
    )
    assert python(docker, image, script) == "c"


def test_the_layers_of_the_prediction_path_stay_under_40_megabytes(docker, image, bases, record_property):
    record_property("base", bases.what)
    sizes = layers(docker, image)
    for place, size in sizes.items():
        record_property(f"layer {place}", f"{size / MEGABYTE:.1f} MB")
    assert sum(sizes.values()) - sizes["monitor"] < 40 * MEGABYTE


def test_bytecode_never_goes_stale(docker, image):
    script = (
        "import pathlib, struct\n"
        "flags = {struct.unpack('<I', p.read_bytes()[4:8])[0] for p in pathlib.Path('/opt/drift').rglob('*.pyc')}\n"
        "print(flags)"
    )
    assert python(docker, image, script) == "{1}"  # PEP 552: hash-based and unchecked


@pytest.mark.parametrize("start", ["awslambdaric.bootstrap, drift_predictor.handler", "drift_monitor.handlers"])
def test_no_source_is_compiled_at_a_start(docker, image, start):
    """Neither ours nor the standard library's, which the published base holds without bytecode."""
    script = (
        f"import os, sys, {start}\n"
        "specs = [module.__spec__ for module in sys.modules.values() if module.__spec__]\n"
        "print([s.name for s in specs if s.has_location and s.origin.endswith('.py') and not os.path.exists(s.cached)])"
    )
    assert python(docker, image, script).splitlines()[-1] == "[]"


def test_the_same_sources_give_the_same_layers(docker, image, bases):
    again = f"{IMAGE}-again"
    build(docker, bases, again, "--no-cache")
    first, second = (
        json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", tag)) for tag in (image, again)
    )
    docker("rmi", again)
    assert first == second


def test_the_labels_say_version_commit_and_bundle(docker, image):
    labels = json.loads(docker("inspect", "--format", "{{json .Config.Labels}}", image))
    assert labels["org.opencontainers.image.version"] == "0.1.0"
    assert labels["org.opencontainers.image.revision"] == "test"
    assert re.fullmatch("[0-9a-f]{12}", labels["drift.bundle.digest"])


def test_an_older_version_changes_no_layer(docker, image, bases):
    """Of each model the image holds the current version, in a flat folder."""
    among_others = ROOT / "build/bundles-others"
    for name in ("house-price", "diabetes"):
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


def test_a_new_model_changes_the_last_layer_only(docker, image, bases):
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
