from __future__ import annotations

import json
import platform
import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.image import engine as engines
from tests.image import standin
from tests.image.emulator import PREDICTOR, emulated
from tests.image.foreign import runnable
from tests.image.support import IMAGE, NAIVE, ROOT, build, http_event
from tests.support.houses import HOUSE

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.image.emulator import Function

HERE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--processor", choices=["amd64", "arm64"], default=HERE, help="whose image to build and run")


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    """Short, because a socket's path must be."""
    place = Path(tempfile.mkdtemp(prefix="drift-image-"))
    yield place
    shutil.rmtree(place, ignore_errors=True)


@pytest.fixture(scope="session")
def processor(request: pytest.FixtureRequest) -> Iterator[str]:
    """amd64 or arm64; the kernel is told how to run what is not this machine's own."""
    chosen: str = request.config.getoption("--processor")
    with runnable(chosen, foreign=chosen != HERE):
        yield chosen


@pytest.fixture(scope="session")
def docker(folder: Path) -> Iterator[engines.Docker]:
    with engines.engine(folder) as running:
        yield running


@pytest.fixture(scope="session")
def bases(docker: engines.Docker, folder: Path, processor: str) -> standin.Bases:
    return standin.bases(docker, folder, processor)


@pytest.fixture(scope="session")
def image(docker: engines.Docker, bases: standin.Bases) -> str:
    build(docker, bases, IMAGE)
    return IMAGE


@pytest.fixture(scope="session")
def naive(docker: engines.Docker, bases: standin.Bases, folder: Path) -> str:
    context = folder / "naive"
    shutil.copytree(Path(__file__).parent / "naive", context)
    shutil.copy(ROOT / "requirements/naive.txt", context)
    shutil.copy(ROOT / "build/estimators/house-price.joblib", context / "model.joblib")
    base = f"BASE_IMAGE={bases.base}"
    docker("build", "--quiet", "--network", "host", "--build-arg", base, "--tag", NAIVE, context)
    return NAIVE


@pytest.fixture(scope="session")
def emulator(processor: str) -> Path:
    """The Lambda Runtime Interface Emulator out of the aws-sam-cli wheel, for the image's processor."""
    name = {"amd64": "aws-lambda-rie-x86_64", "arm64": "aws-lambda-rie-arm64"}[processor]
    return next((ROOT / "build/emulator").rglob(name))


@pytest.fixture(scope="session")
def predictor(docker: engines.Docker, emulator: Path, image: str) -> Iterator[Function]:
    with emulated(docker, emulator, image, PREDICTOR) as function:
        yield function


@pytest.fixture(scope="session")
def api_event() -> dict[str, Any]:
    return http_event("POST", "/predict", json.dumps({"features": HOUSE}))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The figures that the tests measured, and the base that they hold for."""
    figures = [pair for report in terminalreporter.getreports("passed") for pair in report.user_properties]
    if figures:
        terminalreporter.section("measured")
    for name, value in figures:
        terminalreporter.write_line(f"{name:20} {value}")
