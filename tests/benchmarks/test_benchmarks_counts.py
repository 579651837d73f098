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


def test_stored_counts():
    """Every count is stored with all that it depends on, from compiler to hash seed."""
    stored = json.loads(counts.STORED.read_text())
    assert set(stored["machine"]) == set(counts.machine())
    assert {"compiler", "libc", "interpreter", "numpy", "features"} <= set(stored["machine"])
    assert set(stored["instructions"]) == set(counts.NAMES) == set(counted.WORKLOADS)
    assert all(count > 1000 for count in stored["instructions"].values())
    assert stored["hash_seed"] == 0


def test_machine():
    """Two descriptions of the machine are equal, with the features of /proc/cpuinfo."""
    assert counts.differences(counts.machine(), counts.machine()) == []


@pytest.mark.parametrize("name", counts.machine())
def test_other_machine(name):
    """A single different value makes another machine, for which stored figures do not hold."""
    here = counts.machine()
    assert counts.differences(here | {name: "another"}, here) == [name]


@pytest.mark.parametrize(("count", "word"), [(1031, "too slow"), (1029, "holds"), (971, "holds"), (900, "fewer")])
def test_tolerance(count, word):
    """More than 3 % is too slow, and less only asks for a new figure."""
    assert word in counts.verdict_of(count, 1000)


def test_least_environment(tmp_path, monkeypatch):
    """A counted process gets nothing of this environment but where programs are."""
    monkeypatch.setenv("DRIFT_MODEL", "another")
    environment = counts.Tree(tmp_path / "site", tmp_path / "counted.py", tmp_path).environment()
    assert "DRIFT_MODEL" not in environment
    assert (environment["PYTHONHASHSEED"], environment["OPENBLAS_NUM_THREADS"]) == ("0", "1")


def test_parent_revision(history):
    """A clean tree is compared with the commit before, a changed one with its own."""
    assert counts.parent_revision() == "HEAD~1"
    (history / "file").write_text("3")
    assert counts.parent_revision() == "HEAD"


def test_copied_revision(history, tmp_path):
    """A revision is copied as it was, and the working tree stays."""
    copy = counts.copy_revision("HEAD~1", tmp_path / "before")
    assert (copy / "file").read_text() == "1"
    assert (history / "file").read_text() == "2"


@pytest.mark.usefixtures("history")
def test_shallow_history(tmp_path):
    """A revision beyond a shallow history is not checked, and the message says what to do."""
    with pytest.raises(counts.CannotCount, match=r"NOT CHECKED.*HEAD~5.*fetch"):
        counts.copy_revision("HEAD~5", tmp_path / "before")


def test_failing_process():
    """What a failing process printed is in the error."""
    with pytest.raises(counts.CannotCount, match="exit code 3: no engine"):
        counts.run(["sh", "-c", "echo no engine >&2; exit 3"], {"PATH": "/usr/bin:/bin"})


@pytest.mark.parametrize("place", planted.PLANTS)
def test_planted_slowdown(tree, place):
    """A planted slowdown changes a single file, which Python still parses."""
    before = {path: path.read_text() for path in tree.rglob("*.[cp]*") if path.suffix in (".c", ".py")}
    planted.PLANTS[place](tree)
    changed = [path for path, text in before.items() if path.read_text() != text]
    assert len(changed) == 1
    if changed[0].suffix == ".py":
        ast.parse(changed[0].read_text())


def test_moved_place(tree):
    """A place that is gone is reported, so that the planting moves with its source."""
    kernel = tree / "engine/src/drift_engine/forest/_kernel.c"
    kernel.write_text("")
    with pytest.raises(ValueError, match=r"_kernel\.c"):
        planted.in_the_kernel(tree)
