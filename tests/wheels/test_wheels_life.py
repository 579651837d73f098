"""What somebody can do who has the wheels and no checkout."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from contextlib import contextmanager
from urllib.request import Request, urlopen

import pytest

from tests.wheels.conftest import ROOT, install, uv

HOUSE = {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}


@contextmanager
def serving(environment, *words):
    """Start a console on a free port; yield its address."""
    command = [str(environment.folder / "bin" / "driftctl"), "serve", "--port", "0", *words]
    with subprocess.Popen(
        command, cwd=environment.folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        try:
            seen = ""
            for line in process.stdout:
                seen += line
                found = re.search(r"http://127\.0\.0\.1:\d+", line)
                if found:
                    yield found[0]
                    return
            raise AssertionError(seen)
        finally:
            process.terminate()
            process.stdout.close()


def answered(address, seconds=60):
    """Return the answer to a request, asked again until the service is there."""
    body = json.dumps({"features": HOUSE}).encode()
    request = Request(f"{address}/predict", data=body, headers={"content-type": "application/json"})
    end = time.monotonic() + seconds
    while True:
        try:
            with urlopen(request, timeout=10) as answer:
                return json.load(answer)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def test_kernel(everything):
    """The wheel holds the compiled kernel, which imports without a deprecation."""
    code = "from drift_engine.forest import _kernel; print(_kernel.__file__)"
    assert "site-packages" in everything.run("python", "-W", "error", "-c", code).stdout


def test_imports_without_warning(everything):
    """Every module imports without a warning, but for those of other libraries."""
    code = """
import importlib, pkgutil, warnings
warnings.filterwarnings("error", module="drift_")
for name in ("contracts", "client", "engine", "ml", "predictor", "monitor", "console"):
    package = importlib.import_module(f"drift_{name}")
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        if module.name.endswith(("__main__", "drift_predictor.handler")):  # the handler needs its environment
            continue
        try:
            importlib.import_module(module.name)
        except ModuleNotFoundError as error:
            # The second engine's runtime comes with an extra.
            if (error.name, package.__name__) != ("onnxruntime", "drift_engine"):
                raise
"""
    everything.run("python", "-c", code)


def test_commands_listed(everything):
    """driftctl lists its own commands and those that distributions add."""
    shown = everything.run("driftctl", "--help").stdout
    for command in ("train", "serve", "predict", "watch", "replay", "report", "scenarios", "contracts"):
        assert re.search(rf"^\W*{command}\b", shown, re.MULTILINE), command


def test_console(everything, bundles):
    """A console serves a bundle without a checkout."""
    with serving(everything, "--bundles", str(bundles), "--data-dir", str(everything.folder / "data")) as address:
        answer = answered(address)
    assert answer["features_received"] == HOUSE
    assert answer["drift_score"] >= 0


def test_replay(everything, bundles):
    """A replay of drifted rows ends with exit code 1."""
    path = drifted_rows(everything.folder)
    everything.run("driftctl", "replay", "--data", str(path), "--baseline", str(bundles / "house-price"), code=1)


def test_tool_uninstalled(ours):
    """`uvx --from drift-client driftctl --help` works without an installation."""
    pinned = ("--constraints", str(ROOT / "requirements" / "dev.txt"), "--constraints", str(ours))
    shown = uv("tool", "run", "--no-python-downloads", *pinned, "--from", "drift-client", "driftctl", "--help")
    assert "predict" in shown


def drifted_rows(folder):
    """Write rows of houses that no training has seen; return the file."""
    path = folder / "rows.csv"
    path.write_text("\n".join(["bedrooms,bathrooms,sqft,age,location_score", *["3,2,4000,80,2"] * 400]))
    return path


def test_tool_replays(ours, bundles, tmp_path):
    """`uvx --from drift-client --with 'drift-ml[replay]' driftctl replay` finds drift."""
    pinned = ("--constraints", str(ROOT / "requirements" / "dev.txt"), "--constraints", str(ours))
    command = ("tool", "run", "--no-python-downloads", *pinned, "--from", "drift-client", "--with", "drift-ml[replay]")
    words = ("driftctl", "replay", "--data", str(drifted_rows(tmp_path)), "--baseline", str(bundles / "house-price"))
    done = subprocess.run(
        [os.environ.get("DRIFT_UV", "uv"), *command, *words], capture_output=True, text=True, check=False, cwd=tmp_path
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert "Drift in" in done.stdout


@pytest.mark.parametrize(
    ("names", "words", "extra"),
    [
        (["drift-client", "drift-ml"], ["train"], "drift-ml[train]"),
        (["drift-client", "drift-ml"], ["replay", "--data", "x.csv", "--baseline", "x"], "drift-ml[replay]"),
    ],
)
def test_missing_extra(names, words, extra, tmp_path, ours):
    """A command whose libraries are absent ends with code 5 and names what brings them."""
    environment = install(tmp_path / "venv", f"{sys.version_info.major}.{sys.version_info.minor}", ours, *names)
    assert extra in environment.run("driftctl", *words, code=5).stderr
