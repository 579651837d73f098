"""What a cold start imports: every module of the prediction path counted and timed, beside the usual way's.

`nox -s benchmark -- benchmarks/test_cold_start.py -s` prints the counts and the dearest modules. A module that is not
in tests/predictor/imports.json fails it, and tests/predictor/test_predictor_imports.py lets nothing heavy in there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from drift_contracts import feature_set
from workloads import house_forest, write_bundle

LISTED = Path(__file__).parents[1] / "tests/predictor/imports.json"
OURS = "import drift_predictor.handler"
USUAL = "import boto3, joblib, numpy, sklearn.ensemble"
SHOWN = 8


class Import(NamedTuple):
    name: str
    microseconds: int


@pytest.fixture(scope="module")
def bundles(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("bundles")
    write_bundle(folder / feature_set("house-price").name, house_forest(trees=5))
    return folder


def imports(program: str, bundles: Path) -> list[Import]:
    """The modules that a new interpreter imports for the program, beyond its own start, with the time of each alone."""
    environment = {"PATH": os.environ["PATH"], "DRIFT_BUNDLES": str(bundles), "PYTHONSAFEPATH": "1"}
    command = [sys.executable, "-X", "importtime", "-c", f"import sys; sys.stderr.write('begin\\n'); {program}"]
    told = subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stderr
    lines = told.rpartition("begin\n")[2].splitlines()
    cells = [line.removeprefix("import time:").split("|") for line in lines if line.startswith("import time:")]
    return [Import(name.strip(), int(alone)) for alone, _, name in cells]


def told(name: str, found: list[Import]) -> str:
    return f"{name:8} {len(found):5} modules {sum(one.microseconds for one in found) / 1000:8.1f} ms"


def test_a_start_imports_few_modules_and_all_of_them_are_listed(bundles):
    ours, usual = imports(OURS, bundles), imports(USUAL, bundles)
    dearest = sorted(ours, key=lambda one: -one.microseconds)[:SHOWN]
    print("", told("ours", ours), told("usual", usual), sep="\n")
    print("dearest: " + ", ".join(f"{one.name} {one.microseconds / 1000:.1f} ms" for one in dearest))
    listed = json.loads(LISTED.read_text())
    unlisted = {one.name for one in ours if not one.name.startswith("encodings.")}
    assert unlisted <= {*listed["standard library"], *listed["ours"]}
    assert len(usual) >= 10 * len(ours)
