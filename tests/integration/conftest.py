from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from tests.support.ministack import Aws

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT


@pytest.fixture(scope="session")
def ministack() -> str:
    command = os.environ.get("DRIFT_MINISTACK") or shutil.which("ministack")
    if not command:
        pytest.skip("NOT CHECKED: no MiniStack; nox -s integration installs it")
    return str(Path(command).absolute())


@pytest.fixture(scope="module")
def aws(ministack, tmp_path_factory):
    local = Aws(ministack, tmp_path_factory.mktemp("aws"))
    yield local
    local.stop()


@pytest.fixture(scope="session")
def start_aws():
    return Aws
