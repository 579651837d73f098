"""The image of the second engine: the same layers as any other, and one more."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.image.support import IMAGE, ROOT, build, http_event, python

ONNX_IMAGE = f"{IMAGE}-onnx"
BUNDLES = Path(__file__).parents[1] / "onnx" / "bundles"
EVENT = http_event("POST", "/predict", json.dumps({"features": {"size": 80.5, "age": 3}}))
SCRIPT = (
    "import json; from drift_predictor.handler import handler\n"
    f"answer = handler(json.loads({json.dumps(json.dumps(EVENT))}), None)\n"
    "print(json.dumps(answer))"
)


@pytest.fixture(scope="module")
def onnx_image(docker, bases, image):  # noqa: ARG001 - its stages are taken from the cache
    """Build the image with the engine and a bundle that needs it."""
    folder = ROOT / "build/bundles-onnx"
    shutil.copytree(BUNDLES, folder, dirs_exist_ok=True)
    options = ("--build-arg", "BUNDLES=build/bundles-onnx", "--build-arg", "ENGINE=onnx")
    try:
        build(docker, bases, ONNX_IMAGE, *options)
    finally:
        shutil.rmtree(folder)
    yield ONNX_IMAGE
    docker("rmi", ONNX_IMAGE)


def test_onnx_prediction(docker, onnx_image):
    """The image answers with the second engine, without a network and as any user."""
    options = ("--env", "DRIFT_MODEL=", "--user", "12345", "--read-only")
    answer = json.loads(python(docker, onnx_image, SCRIPT, *options).splitlines()[-1])
    assert answer["statusCode"] == 200
    assert json.loads(answer["body"])["prediction"] == pytest.approx(235, abs=0.01)


def test_onnx_layer(docker, image, onnx_image, record_property):
    """The engine is one layer between those that every image has."""
    tags = (image, onnx_image)
    first, second = (json.loads(docker("inspect", "--format", "{{json .RootFS.Layers}}", tag)) for tag in tags)
    assert len(second) == len(first) + 1
    # Before it come the layers of every image, behind it library and model.
    assert second[:-3] == first[:-2]
    sizes = docker("history", "--no-trunc", "--human=false", "--format", "{{.Size}}\t{{.CreatedBy}}", onnx_image)
    copied = [int(line.partition("\t")[0]) for line in sizes.splitlines() if " COPY dir:" in line]
    record_property("layer onnx", f"{copied[2] / 1e6:.1f} MB")
    assert copied[2] < 90e6
