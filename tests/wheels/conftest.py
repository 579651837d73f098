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
INTERPRETERS = ("3.11", "3.12", "3.13", "3.14")


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


def interpreter(version: str) -> Path | None:
    """Return a Python of a version that works, from the path or from pyenv; None where there is none."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    candidates = [shutil.which(f"python{version}"), *sorted(pyenv.glob(f"versions/{version}.*/bin/python"))]
    for candidate in filter(None, candidates):
        # A shim of pyenv is there for every version, and works for those that are switched on.
        tried = subprocess.run([str(candidate), "--version"], capture_output=True, check=False)
        if tried.returncode == 0:
            return Path(candidate)
    return None


@pytest.fixture(scope="session")
def ours(tmp_path_factory) -> Path:
    """Return constraints that take our distributions from the folder of wheels and from nowhere else.

    An index may have a distribution of the same name, which is somebody else's.
    """
    path = tmp_path_factory.mktemp("constraints") / "ours.txt"
    wheels = sorted(DIST.glob("*.whl"))
    lines = [f"{wheel.name.partition('-')[0].replace('_', '-')} @ {wheel.as_uri()}" for wheel in wheels]
    path.write_text("\n".join(lines))
    return path


def install(folder: Path, version: str, ours: Path, *names: str) -> Installed:
    """Make an environment and install distributions; ours from the wheels, the rest from the index."""
    uv("venv", "--quiet", "--no-python-downloads", "--python", str(interpreter(version)), str(folder))
    # The versions are those that everything else is tried with.
    pinned = ("--constraints", str(ROOT / "requirements" / "dev.txt"), "--constraints", str(ours))
    uv("pip", "install", "--quiet", "--python", str(folder / "bin" / "python"), *pinned, *names)
    return Installed(folder, version)


@pytest.fixture(scope="session", params=INTERPRETERS)
def everything(request, tmp_path_factory, ours) -> Installed:
    """Return an environment with all that serves, replays and trains, one for each interpreter."""
    if interpreter(request.param) is None:
        pytest.skip(f"NOT CHECKED: Python {request.param} is not installed")
    folder = tmp_path_factory.mktemp("everything") / "venv"
    return install(folder, request.param, ours, "drift-console", "drift-ml[train]")


@pytest.fixture(scope="session")
def bundles(tmp_path_factory, ours) -> Path:
    """Return a folder with one bundle, trained by installed wheels."""
    folder = tmp_path_factory.mktemp("training")
    environment = install(folder / "venv", "3.11", ours, "drift-client", "drift-ml[train]")
    environment.run("driftctl", "train", "--model", "house-price", "--out", str(folder / "out"))
    return folder / "out" / "bundles"
