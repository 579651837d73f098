"""Which bars there are, which the README states, and what each option of the session asks for."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from benchmarks import counts
from benchmarks.bars import BARS, Options

ROOT = Path(__file__).parents[2]
COLLECT = """
import json, sys, pytest
class Collected:
    def show(self, word, items):
        for item in items:
            bars = [mark.args[0] for mark in item.iter_markers("bar")]
            print(word, json.dumps([item.name, bars, [mark.name for mark in item.iter_markers()]]))
    def pytest_collection_finish(self, session):
        self.show("CHOSEN", session.items)
    def pytest_deselected(self, items):
        self.show("DROPPED", items)
options = ["--collect-only", "-q", "-p", "no:randomly", "benchmarks", *sys.argv[1:]]
sys.exit(pytest.main(options, plugins=[Collected()]))
"""


class Item(NamedTuple):
    """A benchmark: its name, the bars that it decides, and its markers."""

    name: str
    bars: list[str]
    markers: list[str]


class Collected(NamedTuple):
    """What `--quick` runs, and all that there is."""

    quick: list[Item]
    every: list[Item]


@pytest.fixture(scope="module")
def items():
    """Return the benchmarks; to import them takes seconds, so that one process collects for all tests."""
    command = [sys.executable, "-c", COLLECT, "--quick"]
    lines = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    groups = [
        [Item(*json.loads(line.removeprefix(word))) for line in lines if line.startswith(word)]
        for word in ("CHOSEN ", "DROPPED ")
    ]
    return Collected(groups[0], groups[0] + groups[1])


def chosen(items, **options):
    """Return the benchmarks that options ask for."""
    return [item for item in items.every if Options(**options).ask_for(item.bars, item.markers)]


def bars(items):
    """Return the names of the bars, sorted."""
    return sorted(name for item in items for name in item.bars)


STATED = sorted(name for name, bar in BARS.items() if bar.readme)


def test_readme_states_bars():
    """The table of README.md states the bars of bars.py by name, number and usual way."""
    section = (ROOT / "README.md").read_text().partition("\n## Speed\n")[2].partition("\n## ")[0]
    stated = re.findall(r"^\| ([^|]+) \| ([\d,]+) times as fast \| ([^|]+) \|$", section, re.MULTILINE)
    assert stated == [(name, f"{bar.least:,}", bar.usual) for name, bar in BARS.items() if bar.readme]


def test_default_choice(items):
    """Without options every bar is decided once, counts are taken and no slowdown is planted."""
    everything = chosen(items)
    markers = {mark for item in everything for mark in item.markers}
    assert bars(everything) == sorted(name for name, bar in BARS.items() if not bar.models)
    assert "counts" in markers
    assert "planted" not in markers


def test_models_choice(items):
    """With --models the bars of packed models are decided, and no others."""
    assert bars(chosen(items, models=True)) == sorted(name for name, bar in BARS.items() if bar.models)


def test_quick_choice(items):
    """With --quick the bars of the README are decided, and no others."""
    assert items.quick == chosen(items, quick=True)
    assert bars(items.quick) == STATED
    assert len(items.quick) == len(STATED)


def test_quick_with_counts(items):
    """Quick bars and counts can be run together, as the check of every change does."""
    both = chosen(items, quick=True, counts=True)
    assert bars(both) == STATED
    assert len([item for item in both if "counts" in item.markers]) == len(both) - len(STATED) == len(counts.NAMES)


def test_counts_without_bars(items):
    """Counts can be run without the bars, so that a revision is compared quickly."""
    assert all("counts" in item.markers for item in chosen(items, counts=True))


def test_planted_choice(items):
    """Planted slowdowns are a choice of their own: kernel, handler and evidence."""
    names = [item.name for item in chosen(items, planted=True, quick=True)]
    assert [re.search(r"\[(.+)\]", name)[1] for name in names] == ["kernel", "handler", "evidence"]
