"""What a stored count belongs to, and what is counted where a machine is another."""

from __future__ import annotations

import ast
import json
import shutil
import subprocess
from pathlib import Path

import pytest

from benchmarks import counted, counts, planted

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path):
    """Return a copy of the sources that slowdowns are planted in."""
    for room in counts.ROOMS:
        shutil.copytree(
            ROOT / room / "src", tmp_path / room / "src", ignore=shutil.ignore_patterns("*.so", "__pycache__")
        )
    return tmp_path


@pytest.fixture
def history(tmp_path, monkeypatch):
    """Return a repository of two commits in the place of this one."""
    folder = tmp_path / "history"
    folder.mkdir()
    for number in (1, 2):
        (folder / "file").write_text(str(number))
        commit = ["-c", "user.name=n", "-c", "user.email=e@example.com", "commit", "-qm", str(number)]
        for words in (["init", "-q"], ["add", "."], commit):
            subprocess.run(["git", *words], cwd=folder, check=True)
    monkeypatch.setattr(counts, "ROOT", folder)
    return folder


def test_every_count_is_stored_with_all_it_depends_on():
    """Compiler, libc, interpreter, numpy, valgrind, the processor and its features, at a fixed hash seed."""
    stored = json.loads(counts.STORED.read_text())
    assert set(stored["machine"]) == set(counts.machine())
    assert {"compiler", "libc", "interpreter", "numpy", "features"} <= set(stored["machine"])
    assert set(stored["instructions"]) == set(counts.NAMES) == set(counted.WORKLOADS)
    assert all(count > 1000 for count in stored["instructions"].values())
    assert stored["hash_seed"] == 0


def test_the_machine_is_the_same_at_every_look():
    """Two looks differ in nothing, and the features are those of /proc/cpuinfo."""
    assert counts.differences(counts.machine(), counts.machine()) == []


@pytest.mark.parametrize("name", counts.machine())
def test_one_different_value_makes_another_machine(name):
    """A stored figure is a measure only where everything is the same."""
    here = counts.machine()
    assert counts.differences(here | {name: "another"}, here) == [name]


@pytest.mark.parametrize(("count", "word"), [(1031, "too slow"), (1029, "holds"), (971, "holds"), (900, "fewer")])
def test_the_tolerance_is_three_percent(count, word):
    """More than three of a hundred is too slow; less asks for a new figure and is no failure."""
    assert word in counts.verdict_of(count, 1000)


def test_a_process_is_counted_with_the_least_environment(tmp_path, monkeypatch):
    """Nothing of this session's environment reaches it but where programs are."""
    monkeypatch.setenv("DRIFT_MODEL", "another")
    environment = counts.Tree(tmp_path / "site", tmp_path / "counted.py", tmp_path).environment()
    assert "DRIFT_MODEL" not in environment
    assert (environment["PYTHONHASHSEED"], environment["OPENBLAS_NUM_THREADS"]) == ("0", "1")


def test_the_parent_is_head_where_something_is_changed(history):
    """A clean tree is compared with the commit before, a changed one with its own."""
    assert counts.parent_revision() == "HEAD~1"
    (history / "file").write_text("3")
    assert counts.parent_revision() == "HEAD"


def test_a_revision_is_copied_as_it_was(history, tmp_path):
    """The working tree is left as it is."""
    copy = counts.copy_revision("HEAD~1", tmp_path / "before")
    assert (copy / "file").read_text() == "1"
    assert (history / "file").read_text() == "2"


@pytest.mark.usefixtures("history")
def test_a_revision_beyond_a_shallow_history_is_not_checked(tmp_path):
    """The message says what to do."""
    with pytest.raises(counts.CannotCount, match=r"NOT CHECKED.*HEAD~5.*fetch"):
        counts.copy_revision("HEAD~5", tmp_path / "before")


def test_a_failing_process_says_its_last_words():
    """What valgrind or a workload printed is in the error."""
    with pytest.raises(counts.CannotCount, match="exit code 3: no engine"):
        counts.run(["sh", "-c", "echo no engine >&2; exit 3"], {"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("place", planted.PLANTS)
def test_a_slowdown_can_be_planted_in_the_sources_of_today(tree, place):
    """One file changes; Python still parses."""
    before = {path: path.read_text() for path in tree.rglob("*.[cp]*") if path.suffix in (".c", ".py")}
    planted.PLANTS[place](tree)
    changed = [path for path, text in before.items() if path.read_text() != text]
    assert len(changed) == 1
    if changed[0].suffix == ".py":
        ast.parse(changed[0].read_text())


def test_a_place_that_is_gone_is_reported(tree):
    """Sources that moved ask for the planting to move with them."""
    kernel = tree / "engine/src/drift_engine/forest/_kernel.c"
    kernel.write_text("")
    with pytest.raises(ValueError, match=r"_kernel\.c"):
        planted.in_the_kernel(tree)
