"""Every code block of the documents is run, or is held in another way that is named."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest
from drift_contracts import feature_set
from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline
from drift_ml.training import Recipe, train
from drift_ml.training.sources import find_source, house_price
from drift_ml.window import Window

from tools import doc_blocks
from tools.doc_blocks import RUN, SHELLS, all_blocks

BLOCKS = all_blocks()
#: A page whose blocks are the steps of one way, run in its order and in a folder of its own.
TUTORIAL = doc_blocks.ROOT / "docs" / "tutorial.md"
RUNNABLE = [block for block in BLOCKS if block.held == RUN and block.page != TUTORIAL]
PORT = "8123"
#: What commands of the pages may end with: a replay that finds drift ends with 1.
ENDS = {"driftctl replay": (0, 1)}


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """Return a folder as a reader has it after training: a bundle of each model that ships."""
    folder = tmp_path_factory.mktemp("reader")
    for model, rows in (("house-price", 2_000), ("diabetes", 442)):
        features = feature_set(model)
        train(features, find_source(model)(features, rows, 7), folder / "build", recipe=Recipe(trees=20))
    return folder


@pytest.fixture(scope="session")
def console(place):
    """Return the port of a console that serves the folder's bundles."""
    words = [sys.executable, "-m", "drift_console", "--port", "0", "--fast", "--data-dir", str(place / "build/console")]
    with subprocess.Popen(words, cwd=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            port = None
            while port is None:
                line = process.stdout.readline()
                assert line, "the console ended"
                found = re.search(r"http://127\.0\.0\.1:(\d+)", line)
                port = found and found[1]
            yield port
        finally:
            process.terminate()


@pytest.fixture
def names(place):
    """Return what the pages' Python takes for granted."""
    features = feature_set("house-price")
    bundle = load_bundle(place / "build/bundles/house-price")
    table = house_price(features, 400, 3)
    baseline = Baseline.from_json(bundle.baseline)
    window = Window.empty(baseline, "a")
    window.observe_rows(table.columns, timestamps_ms=np.arange(table.rows) + 1_795_435_200_000)
    instances = [
        dict(zip(features.names, map(float, row), strict=True)) for row in np.stack(list(table.columns.values()), 1)
    ]
    return {
        "houses": [{**row, "bedrooms": int(row["bedrooms"])} for row in instances[:20]],
        "feature_set": features,
        "columns": table.columns,
        "price": table.target,
        "held_out": table.target[:80],
        "actual": table.target[:80] - 1.0,
        "predictions": table.target,
        "baseline": baseline,
        "window": window,
        "windows": [window],
        "stream": [(row, float(price)) for row, price in zip(instances, table.target, strict=True)],
    }


def test_block_languages():
    """Every block has a language that is tested."""
    assert [block.held for block in BLOCKS]


@pytest.mark.parametrize(
    "block", [block for block in BLOCKS if block.language in ("toml", "yaml")], ids=lambda b: b.place
)
def test_data(block):
    """Blocks of TOML parse."""
    tomllib.loads(block.text)


@pytest.mark.parametrize(
    "block", [block for block in RUNNABLE if block.language in SHELLS], ids=lambda block: block.place
)
def test_commands(block, place, console):
    """Each line of a shell block succeeds in a folder that has what training leaves."""
    tools = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "DRIFT_URL": f"http://127.0.0.1:{console}"}
    environment["PYTHONPATH"] = str(doc_blocks.ROOT)
    text = block.text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{console}")
    allowed = next((codes for words, codes in ENDS.items() if words in text), (0,))
    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", text],
        cwd=place,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in allowed, done.stdout + done.stderr


@pytest.mark.parametrize("block", [block for block in RUNNABLE if block.language == "python"], ids=lambda b: b.place)
def test_python(block, place, console, names, monkeypatch):
    """Python of a page runs with the names that the page speaks of."""
    monkeypatch.chdir(place)
    text = block.text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{console}")
    exec(compile(ast.parse(text), block.place, "exec"), names)


def test_tutorial(tmp_path, monkeypatch):
    """Each step of the tutorial works with what the steps before it have left, and prints what the page says."""
    tools = str(Path(sys.executable).parent)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}", "COLUMNS": "400"}
    monkeypatch.chdir(tmp_path)
    (tmp_path / "tests").symlink_to(doc_blocks.ROOT / "tests")
    steps = [block for block in BLOCKS if block.page == TUTORIAL and "nox -s" not in block.text]
    serving, port, printed = None, PORT, ""
    try:
        for step in steps:
            text = step.text.replace(f"127.0.0.1:{PORT}", f"127.0.0.1:{port}")
            if step.language == "text":
                for line in step.text.splitlines():
                    assert as_pattern(line).search(plain(printed)), (step.place, line, printed)
            elif "driftctl serve" in text:
                words = [*text.split(), "--port", "0"]
                serving = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True)
                port = re.search(r"http://127\.0\.0\.1:(\d+)", "".join(iter_until(serving.stdout, "http://")))[1]
                environment["DRIFT_URL"] = f"http://127.0.0.1:{port}"
            elif step.language == "python":
                exec(compile(ast.parse(text), step.place, "exec"), {})
            else:
                words = ["bash", "-euo", "pipefail", "-c", text]
                done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
                printed = done.stdout + done.stderr
                assert done.returncode in ((0, 1) if "driftctl replay" in text else (0,)), (step.place, printed)
    finally:
        if serving is not None:
            serving.terminate()
            serving.wait(30)
            serving.stdout.close()
    report = (tmp_path / "report.html").read_text("utf-8")
    assert "Drift in " in report
    assert "body_mass_g" in report


def plain(text):
    """Return a text with one space where it has several, and no other line ends."""
    return " ".join(text.split())


def as_pattern(line):
    """Return the pattern of a printed line, in which three dots stand for anything."""
    return re.compile(".*?".join(map(re.escape, plain(line).split("..."))))


def iter_until(lines, words):
    """Yield lines up to the one that holds some words."""
    for line in lines:
        yield line
        if words in line:
            return
