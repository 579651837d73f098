"""`.ci/run` reads from each session's output and exit code how it ended."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest

from tools.doc_blocks import NOT_RUN

SCRIPT = Path(__file__).parents[2] / ".ci/run"
#: What the sessions of the test print, by name; the others print nothing.
PRINTED = {
    "docs": "  12 " + " ".join(NOT_RUN.values()),
    "engine": "nox > Session engine skipped: NOT RUN: needs Go",
    "image": "SKIPPED [1] tests/image/foreign.py:28: NOT RUN: no interpreter",
    "wheels": "SKIPPED [5] tests/wheels/test.py:3: NOT CHECKED: no Python 3.13",
    "style": "a page says NOT RUN where a tool is missing",
}
FAILING = "browser"
NOX = """#!/bin/sh
case "$2" in
{cases}
esac
"""


@pytest.fixture(scope="module")
def listed(tmp_path_factory):
    """The words of each session's line in the summary, after a run with sessions that only print."""
    folder = tmp_path_factory.mktemp("checkout")
    (folder / ".ci").mkdir()
    shutil.copy(SCRIPT, folder / ".ci/run")
    (folder / "README.md").write_text("python3 --version && .venv/bin/nox -s test\n", "utf-8")
    nox = folder / ".venv/bin/nox"
    nox.parent.mkdir(parents=True)
    cases = [f"{name}) echo {shlex.quote(text)};;" for name, text in PRINTED.items()]
    nox.write_text(NOX.format(cases="\n".join([*cases, f"{FAILING}) exit 1;;"])), "utf-8")
    nox.chmod(0o755)
    done = subprocess.run([folder / ".ci/run"], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    summary = done.stdout.partition("=== summary\n")[2]
    return {line.split()[0]: line for line in summary.splitlines()}


def result(line):
    """Return how a session ended, by its line."""
    return re.search(r"passed|FAILED|NOT RUN", line)[0]


def test_passed(listed):
    """A session that passes is listed as passed, whatever its output says of others."""
    for name in ("test", "docs", "style", "wheels", "benchmark"):
        assert result(listed[name]) == "passed"


def test_not_run(listed):
    """A session that says NOT RUN with a reason is listed so."""
    assert [result(listed[name]) for name in ("engine", "image")] == ["NOT RUN", "NOT RUN"]


def test_failed(listed):
    """A session that ends with an error is listed as failed."""
    assert result(listed[FAILING]) == "FAILED"


def test_not_checked(listed):
    """Tests that lack a tool are counted."""
    assert listed["wheels"].endswith("5 tests NOT CHECKED")
