"""Empty environments into which the wheels of `build/dist` are installed."""

from __future__ import annotations

import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DIST = ROOT / "build" / "dist"
INTERPRETERS = ("3.11", "3.12", "3.13")


@dataclass(frozen=True)
class Installed:
    """An environment outside of the checkout."""

    folder: Path
    version: str

    def run(self, *words: str, code: int = 0, **options) -> subprocess.CompletedProcess[str]:
        """Run a program of the environment in a folder of its own; check its exit code."""
        program = self.folder / "bin" / words[0]
        environment = {"PATH": "/usr/bin:/bin", "HOME": str(self.folder), "NO_COLOR": "1", "COLUMNS": "200"}
        done = subprocess.run(
            [str(program), *words[1:]],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=environment,
            check=False,
            timeout=300,
            **options,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done


def uv(*words: str) -> str:
    """Run uv; return what it prints."""
    done = subprocess.run(
        [os.environ.get("DRIFT_UV", "uv"), *words], capture_output=True, text=True, check=False, timeout=600
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def install(folder: Path, version: str, *names: str) -> Installed:
    """Make an environment and install distributions; ours from the folder of wheels, the rest from the index."""
    uv("venv", "--quiet", "--python", version, str(folder))
    # The versions are those that everything else is tried with; an upper bound is nobody's business here.
    constraints = ("--constraints", str(ROOT / "requirements" / "dev.txt"))
    places = ("--find-links", str(DIST), "--python", str(folder / "bin" / "python"))
    uv("pip", "install", "--quiet", *places, *constraints, *names)
    return Installed(folder, version)


@pytest.fixture(scope="session", params=INTERPRETERS)
def everything(request, tmp_path_factory) -> Installed:
    """Return an environment with all that serves, replays and trains, one for each interpreter."""
    if shutil.which(f"python{request.param}") is None:
        pytest.skip(f"NOT CHECKED: Python {request.param} is not installed")
    folder = tmp_path_factory.mktemp("everything") / "venv"
    return install(folder, request.param, "drift-console", "drift-ml[train]")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory) -> Path:
    """Return a folder with one bundle, trained by installed wheels."""
    folder = tmp_path_factory.mktemp("training")
    environment = install(folder / "venv", "3.11", "drift-client", "drift-ml[train]")
    environment.run("driftctl", "train", "--model", "house-price", "--out", str(folder / "out"))
    return folder / "out" / "bundles"
