"""The README names what exists: sessions, files, commands, options."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").glob("*.md"))]


def sessions() -> set[str]:
    """The names of nox's sessions, read from the noxfile without running it."""
    found = set()
    for node in ast.parse((ROOT / "noxfile.py").read_text()).body:
        if isinstance(node, ast.FunctionDef) and any("session" in ast.unparse(each) for each in node.decorator_list):
            given = re.search(r"name='([\w-]+)'", ast.unparse(node.decorator_list[0]))
            found.add(given[1] if given else node.name)
    return found


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_sessions_exist(page):
    """Every session that a page names exists."""
    assert set(re.findall(r"nox -s ([\w-]+)", page.read_text())) <= sessions()


def test_readme_sessions():
    """The README lists every session that proves something."""
    listed = set(re.findall(r"`([\w-]+)`", README)) | set(re.findall(r"nox -s ([\w-]+)", README))
    assert sessions() - {"lock", "test-all", "sam"} <= listed


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_file_links(page):
    """Every link to a file leads to one."""
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text())
    assert [target for target in targets if not (page.parent / target).exists()] == []


def test_two_commands():
    """Each of the two commands is on a single line."""
    lines = [line for line in README.splitlines() if line.startswith("python3 -m venv")]
    assert [line.rsplit(" ", 1)[1] for line in lines] == ["local", "test"]


def test_model_version(tmp_path):
    """The pages show the version that house-price trains to."""
    door = "from drift_ml.training.commands import main; main()"
    command = [sys.executable, "-c", door, "--model", "house-price", "--out", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True, cwd=ROOT)
    version = (tmp_path / "bundles/house-price/current").read_text().strip()
    shown = set()
    for name in ("README.md", "docs/api.md", "docs/training.md"):
        text = (ROOT / name).read_text()
        shown.update(re.findall(r'"model": "house-price",\s+"model_version": "(\w+)"', text))
        shown.update(re.findall(r"house-price/current +(\w+)", text))
    assert shown == {version}
