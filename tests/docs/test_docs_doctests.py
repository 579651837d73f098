"""The examples in docstrings hold, in every room that this environment has."""

from __future__ import annotations

import doctest
import re
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROMPT = re.compile(r"^\s*>>> ", re.MULTILINE)
TOOLS = ("tools/**/*.py", "benchmarks/*.py")
#: Modules for which this environment lacks a library; tests/site runs their examples.
ELSEWHERE = {"tools.griffe_examples"}


def module_names() -> list[str]:
    """Return the names of all modules that hold an example."""
    names = []
    for folder in [*ROOT.glob("*/src"), *ROOT.glob("services/*/src")]:
        if folder.parent.name != "infra":
            names += named(folder, "**/*.py")
    for pattern in TOOLS:
        names += named(ROOT, pattern)
    return names


def named(folder: Path, pattern: str) -> list[str]:
    """Return the names of the modules below a folder of `sys.path` that hold an example."""
    names = []
    for path in sorted(folder.glob(pattern)):
        if PROMPT.search(path.read_text("utf-8")):
            parts = path.relative_to(folder).with_suffix("").parts
            names.append(".".join(parts).removesuffix(".__init__"))
    return [name for name in names if name not in ELSEWHERE]


@pytest.mark.parametrize("name", module_names())
def test_examples_hold(name: str) -> None:
    """The examples of all docstrings hold."""
    result = doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS)
    assert result.attempted > 0
    assert result.failed == 0
