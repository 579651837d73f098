"""`pulumi install`, then a preview in nothing but what it installed.

The language host that Go can build here does not hear of toolchains, so what the toolchain runs is run as it stands in
sdk/python/toolchain/pip.go of the CLI's own version: a virtual environment, its three tools, the program's file.
"""

# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from .world import begin, fresh, opened

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("--upgrade", "pip", "setuptools", "wheel")
SECONDS = 500


def install(root: Path) -> Path:
    """Do what `pulumi install` does in a checkout, and return the folder of the environment's programs."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    options = project["runtime"]["options"]
    assert options["toolchain"] == "pip"
    environment = root / options["virtualenv"]  # beside Pulumi.yaml, whatever `main` says
    program = root / project["main"]
    subprocess.run([sys.executable, "-m", "venv", environment], check=True, timeout=SECONDS)
    inside = {**os.environ, "VIRTUAL_ENV": str(environment)}
    for words in (TOOLS, ("-r", "requirements.txt")):
        line = [environment / "bin/python", "-m", "pip", "install", "--quiet", *words]
        done = subprocess.run(
            line, cwd=program, env=inside, capture_output=True, text=True, timeout=SECONDS, check=False
        )
        if done.returncode and "No matching distribution" in done.stderr:
            pytest.skip("NOT CHECKED: no package index answers")
        assert done.returncode == 0, done.stderr
    return environment / "bin"


def test_install(cli, tmp_path):
    """What is installed is enough to preview a stack, and holds no tool of the tests."""
    with opened(fresh(tmp_path / "world", "dev")) as world:
        begin(world)
        programs = install(world.pulumi.root)
        listed = subprocess.run([programs / "pip", "list"], capture_output=True, text=True, check=True).stdout
        assert not {"pytest", "hypothesis", "mypy", "cfn-lint"} & set(listed.split())
        world.pulumi.python = programs
        seen = world.pulumi.preview()
        assert seen.code == 0, seen.why
        assert seen.counts["create"] > 100
