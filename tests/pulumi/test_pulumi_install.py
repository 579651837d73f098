"""The environment of docs/deploy.md, `pulumi install` over it, and a preview in nothing but what these installed.

The page's own lines run first, with the pip that this Python brings. The language host that Go can build here does not
hear of toolchains, so what the toolchain runs is run as it stands in sdk/python/toolchain/pip.go of the CLI's version:
a virtual environment, its three tools, the program's file.
"""

# ruff: noqa: ARG001 - to ask for the fixture `cli` is to have the programs

from __future__ import annotations

import os
import re
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
import yaml

from .workspace import ROOT
from .world import begin, fresh, opened

if TYPE_CHECKING:
    from pathlib import Path

TOOLS = ("--upgrade", "pip", "setuptools", "wheel")
SECONDS = 500
PAGE = (ROOT / "docs/deploy.md").read_text("utf-8")


def run(line, folder, **environment):
    """Run a command to its end; it has to succeed, where a package index answers."""
    inside = {**os.environ, **environment}
    done = subprocess.run(line, cwd=folder, env=inside, capture_output=True, text=True, timeout=SECONDS, check=False)
    if done.returncode and "No matching distribution" in done.stderr:
        pytest.skip("NOT CHECKED: no package index answers")
    assert done.returncode == 0, done.stderr


def follow_page(root: Path) -> None:
    """Make the environment as the page says, word for word."""
    section = PAGE.split("\n## The first time\n", 1)[1]
    block = re.findall(r"```bash\n(.*?)```", section, re.DOTALL)[0]
    lines = [line.split() for line in block.splitlines() if ".venv-infra" in line]
    assert len(lines) == 2
    for words in lines:
        # no other python3 than this one may be on the PATH of whoever runs the tests
        run([sys.executable if word == "python3" else word for word in words], root)


def install(root: Path) -> Path:
    """Do what `pulumi install` does in a checkout, and return the folder of the environment's programs."""
    project = yaml.safe_load((root / "Pulumi.yaml").read_text("utf-8"))
    options = project["runtime"]["options"]
    assert options["toolchain"] == "pip"
    environment = root / options["virtualenv"]  # beside Pulumi.yaml, whatever `main` says
    run([sys.executable, "-m", "venv", environment], root)
    for words in (TOOLS, ("-r", "requirements.txt")):
        line = [environment / "bin/python", "-m", "pip", "install", *words]
        run(line, root / project["main"], VIRTUAL_ENV=str(environment))
    return environment / "bin"


def test_install(cli, tmp_path):
    """What is installed is enough to preview a stack, and holds no tool of the tests."""
    with opened(fresh(tmp_path / "world", "dev")) as world:
        begin(world)
        follow_page(world.pulumi.root)
        programs = install(world.pulumi.root)
        listed = subprocess.run([programs / "pip", "list"], capture_output=True, text=True, check=True).stdout
        assert not {"pytest", "hypothesis", "mypy", "cfn-lint"} & set(listed.split())
        world.pulumi.python = programs
        seen = world.pulumi.preview()
        assert seen.code == 0, seen.why
        assert seen.counts["create"] > 100
