from __future__ import annotations

import json
import platform
import shutil
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engine as engines
import standin

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
IMAGE = "drift-monitor:test"
NAIVE = "drift-naive:test"
FEATURES = {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Short, because a socket's path must be."""
    place = Path(tempfile.mkdtemp(prefix="drift-image-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def docker(folder: Path) -> Iterator[engines.Docker]:
    with engines.engine(folder) as running:
        yield running


@pytest.fixture(scope="session")
def bases(docker: engines.Docker, folder: Path) -> standin.Bases:
    return standin.bases(docker, folder)


@pytest.fixture(scope="session")
def image(docker: engines.Docker, bases: standin.Bases) -> str:
    build(docker, bases, IMAGE)
    return IMAGE


def build(docker: engines.Docker, bases: standin.Bases, tag: str, *options: str) -> None:
    version = json.loads((ROOT / "build/bundles/house-price/manifest.json").read_text())["model_version"]
    arguments = {"BASE_IMAGE": bases.base, "BUILD_IMAGE": bases.build, "VERSION": "0.1.0", "COMMIT": "test", "BUNDLE_DIGEST": version}
    words = [word for name, value in arguments.items() for word in ("--build-arg", f"{name}={value}")]
    docker("build", "--quiet", "--network", "host", "--file", ROOT / standin.DOCKERFILE, "--tag", tag, *words, *options, ROOT)


@pytest.fixture(scope="session")
def naive(docker: engines.Docker, bases: standin.Bases, folder: Path) -> str:
    context = folder / "naive"
    shutil.copytree(Path(__file__).parent / "naive", context)
    shutil.copy(ROOT / "requirements/naive.txt", context)
    shutil.copy(ROOT / "build/estimators/house-price.joblib", context / "model.joblib")
    docker("build", "--quiet", "--network", "host", "--build-arg", f"BASE_IMAGE={bases.base}", "--tag", NAIVE, context)
    return NAIVE


@pytest.fixture(scope="session")
def emulator() -> Path:
    """The Lambda Runtime Interface Emulator out of the aws-sam-cli wheel, for this machine's processor."""
    name = {"x86_64": "aws-lambda-rie-x86_64", "aarch64": "aws-lambda-rie-arm64"}[platform.machine()]
    return next((ROOT / "build/emulator").rglob(name))


@pytest.fixture(scope="session")
def api_event() -> dict[str, Any]:
    return http_event("POST", "/predict", json.dumps({"features": FEATURES}))


def http_event(method: str, path: str, body: str | None = None) -> dict[str, Any]:
    http = {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "test"}
    return {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": path,
        "rawQueryString": "",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": http, "requestId": "test", "stage": "$default", "timeEpoch": 0},
        "body": body,
        "isBase64Encoded": False,
    }
