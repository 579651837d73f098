"""Which bars there are, which the README states, and what each option of the session asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.bars import BARS

ROOT = Path(__file__).parents[2]
COLLECT = """
import json, sys, pytest
class Collected:
    def pytest_collection_finish(self, session):
        for item in session.items:
            bars = [mark.args[0] for mark in item.iter_markers("bar")]
            print("ITEM", json.dumps([item.name, bars, [mark.name for mark in item.iter_markers()]]))
sys.exit(pytest.main(["--collect-only", "-q", "-p", "no:randomly", "benchmarks", *sys.argv[1:]], plugins=[Collected()]))
"""


def collected(*options):
    """Return name, bars and markers of the tests that the options ask for."""
    command = [sys.executable, "-c", COLLECT, *options]
    text = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [json.loads(line.removeprefix("ITEM ")) for line in text.splitlines() if line.startswith("ITEM ")]


def test_the_readme_states_its_bars():
    """The table of README.md is what bars.py says, by name, number and usual way."""
    section = (ROOT / "README.md").read_text().partition("\n## Speed\n")[2].partition("\n## ")[0]
    stated = re.findall(r"^\| ([^|]+) \| ([\d,]+) times as fast \| ([^|]+) \|$", section, re.MULTILINE)
    bars = [(name, f"{bar.least:,}", bar.usual) for name, bar in BARS.items() if bar.readme]
    assert stated == bars


def test_without_options_every_bar_is_decided_once_and_counts_are_taken():
    """No bar without its test, and no test without its bar; slowdowns are planted only when asked for."""
    items = collected()
    assert sorted(name for _, bars, _ in items for name in bars) == sorted(BARS)
    markers = [mark for _, _, marks in items for mark in marks]
    assert "counts" in markers
    assert "planted" not in markers


@pytest.mark.parametrize(
    "options, counted", [(["--quick"], False), (["--quick", "--counts"], True)], ids=["quick", "quick and counts"]
)
def test_quick_judges_the_bars_of_the_readme_alone(options, counted):
    """The counts come only when they are asked for too."""
    items = collected(*options)
    bars = [name for _, names, _ in items for name in names]
    assert sorted(bars) == sorted(name for name, bar in BARS.items() if bar.readme)
    rest = [marks for _, names, marks in items if not names]
    assert all("counts" in marks for marks in rest)
    assert bool(rest) == counted


@pytest.mark.parametrize("options", [["--counts"], ["--compare", "HEAD"], ["--update"]], ids=" ".join)
def test_options_of_the_counts_leave_out_the_bars(options):
    """A revision can be compared without waiting for the ratios."""
    items = collected(*options)
    assert len(items) == 4
    assert all("counts" in marks for _, _, marks in items)


def test_planted_slowdowns_are_a_choice_of_their_own():
    """Kernel, handler and evidence, one at a time."""
    items = collected("--planted")
    assert [re.search(r"\[(.+)\]", name)[1] for name, _, _ in items] == ["kernel", "handler", "evidence"]
