"""Mutants are tried with the tests that execute them, and a run goes on where it was stopped."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tools.mutants import areas, command, drawing
from tools.mutants.areas import Area
from tools.mutants.drawing import Mutant
from tools.mutants.executed import place_of
from tools.mutants.results import Result, Results, score

AREA = Area("small", "room/src/small", ("tests/small",))
NAME = "room/src/small/__init__.py"
SOURCE = '''"""A package."""

from functools import cache

LIMIT = 3


def larger(first, second):
    """Return the larger of two numbers."""
    if first > second:
        return first
    return second


def unused():
    """Return what nobody asks for."""
    return 1


@cache
def limit():
    """Return the limit."""
    return LIMIT + 1
'''
TESTS = '''"""Tests of the package."""

import pytest
import small


@pytest.fixture(scope="session")
def greater():
    return small.larger(2, 1)


def test_shared(greater):
    assert greater


def test_larger(greater):
    assert greater == 2


def test_limit():
    assert small.limit() == 4


def test_limit_again():
    assert small.limit() > 3
'''


def mutant(before, after):
    """Make a mutant of the one place that holds a text; `apply` below reads it."""
    lines = SOURCE.partition(before)[0].splitlines()
    return Mutant(NAME, f"{before} -> {after}", 0, len(lines), 0)


def apply(changed, source):
    """Stand in for cosmic-ray, which has an environment of its own."""
    return source.replace(*changed.operator.split(" -> "))


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """A small repository with one area; returns its folder."""
    root = tmp_path / "repository"
    tests = root / "tests/small"
    tests.mkdir(parents=True)
    (root / NAME).parent.mkdir(parents=True)
    (root / NAME).write_text(SOURCE)
    (tests / "test_small.py").write_text(TESTS)
    (root / "pyproject.toml").write_text('[tool.pytest.ini_options]\naddopts = "--import-mode=importlib"\n')
    subprocess.run(["git", "init", "-q"], cwd=root, check=True)
    monkeypatch.setattr(areas, "AREAS", (AREA,))
    monkeypatch.setattr(command, "AREAS", (AREA,))
    monkeypatch.setattr(command, "changed", apply)
    monkeypatch.setattr(command, "list_mutants", lambda _, database: database.touch())
    return root


def prepare(repository, fresh=False):
    """Begin a run in the small repository."""
    return command.prepare(repository.parent / "build", fresh, repository)


def outcomes(bench, *mutants, jobs=1):
    """Try mutants; return how each ended, and by which test."""
    command.try_each(bench, mutants, jobs)
    results = [bench.results.last[each.key] for each in mutants]
    return [(result.outcome, result.test.rpartition("::")[2]) for result in results]


def test_each_outcome(repository):
    """A mutant is noticed by a test that executes it, survives, or is not executed by any."""
    bench = prepare(repository)
    mutants = [
        mutant("first > second", "first < second"),
        mutant("first > second", "first >= second"),
        mutant("return 1", "return 2"),
    ]
    assert outcomes(bench, *mutants, jobs=2) == [
        ("failed", "test_larger"),
        ("passed", ""),
        ("unexecuted", ""),
    ]
    assert (bench.folder / "tree-0" / NAME).read_text() == SOURCE


def test_shared_work(repository):
    """Work of a session's fixture or a cached function counts for every test that uses it."""
    bench = prepare(repository)
    command.measure(bench, AREA)
    executed = command.Executed(bench.folder, AREA.name, bench.tree)
    place = f"{AREA.tests[0]}/test_small.py::"
    assert set(executed.tests_of(NAME, 10)) == {f"{place}test_shared", f"{place}test_larger"}
    assert set(executed.tests_of(NAME, 23)) == {f"{place}test_limit", f"{place}test_limit_again"}
    # A constant is read by tests that execute no line of its module.
    assert len(executed.tests_of(NAME, 5)) == 4


def test_unimportable_file(repository):
    """A mutant that cannot be imported counts as noticed, though no test is collected."""
    bench = prepare(repository)
    assert outcomes(bench, mutant("LIMIT = 3", "LIMIT = 3 / 0")) == [("failed", "")]


def test_later_run(repository):
    """A later run continues from what a killed one completed, on whole sources."""
    bench = prepare(repository)
    noticed, other = mutant("first > second", "first < second"), mutant("return 1", "return 2")
    command.try_each(bench, [noticed])
    (bench.folder / "tree-0" / NAME).write_text("changed")
    with (bench.folder / "results.jsonl").open("a") as file:
        file.write(f'{{"key": "{other.key}", "outc')
    again = prepare(repository)
    waiting = [each.key for each in (noticed, other) if again.results.is_waiting(each.key, "", False)]
    assert waiting == [other.key]
    assert outcomes(again, other) == [("unexecuted", "")]
    assert (again.folder / "tree-0" / NAME).read_text() == SOURCE
    assert set(prepare(repository).results.last) == {noticed.key, other.key}


def test_survivors_again(repository, capsys):
    """Survivors are tried again with new tests, and the first score is kept beside the new one."""
    survivor = mutant("first > second", "first >= second")
    bench = prepare(repository)
    assert outcomes(bench, survivor) == [("passed", "")]
    assert not bench.results.is_waiting(survivor.key, bench.digest_of_tests(AREA), True)
    tests = repository / "tests/small/test_small.py"
    tests.write_text(f"{TESTS}\n\ndef test_equal():\n    assert type(small.larger(1, 1.0)) is float\n")
    again = prepare(repository)
    assert again.results.is_waiting(survivor.key, again.digest_of_tests(AREA), True)
    assert outcomes(again, survivor) == [("failed", "test_equal")]
    assert "measuring tests/small/test_small.py" in capsys.readouterr().out
    assert score(again.results.first, [survivor.key]).startswith("0 of 1 ")
    assert score(again.results.last, [survivor.key]).startswith("1 of 1 ")


def test_only_changed_tests_are_measured_again():
    """Unless something changed that they share, or a file is gone."""
    before = {"a/test_a.py": "1", "a/test_b.py": "1", "a/conftest.py": "1"}
    measured = command.only_tests(before, before | {"a/test_b.py": "2", "a/test_c.py": "1"})
    assert measured == ["a/test_b.py", "a/test_c.py"]
    assert command.only_tests(before, before | {"a/conftest.py": "2", "a/test_b.py": "2"}) == []
    assert command.only_tests(before | {"a/test_c.py": "1"}, before) == []
    assert command.only_tests(None, before) == []


def test_other_sources_are_refused(repository):
    """Results belong to the sources that they were found in; `--fresh` begins anew."""
    prepare(repository)
    (repository / NAME).write_text(f"{SOURCE}\n")
    with pytest.raises(command.click.UsageError, match="--fresh") as refused:
        prepare(repository)
    assert refused.value.exit_code == 2
    assert (prepare(repository, fresh=True).tree / NAME).read_text() == f"{SOURCE}\n"


def test_tests_that_fail_without_a_change(repository):
    """Nothing is tried with them; the command cannot start."""
    (repository / "tests/small/test_small.py").write_text("def test_no():\n    assert False\n")
    with pytest.raises(command.CannotStart, match="fail without a change") as refused:
        outcomes(prepare(repository), mutant("return 1", "return 2"))
    assert refused.value.exit_code == 5


@pytest.fixture
def server(repository):
    """A server for a test that loops; started by a process of its own, whose input is returned."""
    (repository / "tests/small/test_small.py").write_text(
        "import pathlib, os\n\n\n"
        "def test_loop():\n"
        "    pathlib.Path('looping').write_text(str(os.getpid()))\n"
        "    while True:\n"
        "        pass\n"
    )
    (repository / "known.json").write_text(json.dumps({"modules": [], "seconds": {}}))
    return subprocess.Popen(
        [sys.executable, "-m", "tools.mutants.server", "known.json"],
        cwd=repository,
        env=areas.environment(repository, compiles=False),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def looping(repository, limit_s):
    """Return the request to run the test that loops."""
    tests = ["tests/small/test_small.py::test_loop"]
    return json.dumps({"number": 0, "folder": str(repository), "tests": tests, "limit_s": limit_s})


def test_a_test_that_loops_is_ended(repository, server):
    """It counts as a timeout."""
    server.stdin.write(f"{looping(repository, 1)}\n")
    server.stdin.flush()
    assert json.loads(server.stdout.readline())["outcome"] == "timeout"
    server.communicate()


def test_nothing_outlives_a_killed_run(repository, server):
    """Server and tests end when the process that asked is gone."""
    server.communicate("")
    words = [sys.executable, "-m", "tools.mutants.server", "known.json"]
    code = (
        "import subprocess, sys, time\n"
        "server = subprocess.Popen(sys.argv[1:], stdin=subprocess.PIPE, text=True)\n"
        f"server.stdin.write({looping(repository, 90)!r} + chr(10))\n"
        "server.stdin.flush()\n"
        "time.sleep(90)\n"
    )
    environment = areas.environment(repository, compiles=False)
    parent = subprocess.Popen([sys.executable, "-c", code, *words], cwd=repository, env=environment)
    child = repository / "looping"
    _wait_for(lambda: child.exists() and child.read_text())
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    _wait_for(lambda: not Path(f"/proc/{child.read_text()}/cmdline").exists())


def _wait_for(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.05)


def test_results_are_counted_by_their_outcome():
    """What runs out of time is noticed, what no test executes is not."""
    ended = {"a": "failed", "b": "timeout", "c": "passed", "d": "unexecuted"}
    results = {key: Result(key, outcome, "", 0.0, "") for key, outcome in ended.items()}
    assert score(results, [*ended, "not tried"]) == "2 of 4 tried mutants were noticed (50.0 %)"
    assert score({}, []) == "0 of 0 tried mutants were noticed (0.0 %)"


def test_no_results_yet(tmp_path):
    """A first run begins with nothing."""
    assert Results(tmp_path / "results.jsonl").last == {}


STATEMENTS = """import os


@os.fspath
def first(
    path=1 + 2,
):
    try:
        value = (
            path,
            1,
        )
    except (
        ValueError
    ):
        match value:
            case 1:
                return 2
    return value
"""


@pytest.mark.parametrize(
    ("line", "lines", "at_import"),
    [
        (1, {1}, True),
        (4, {4, 5, 6, 7}, True),
        (6, {4, 5, 6, 7}, True),
        (11, {9, 10, 11, 12}, False),
        (14, {13, 14, 15}, False),
        (18, {18}, False),
        (19, {19}, False),
    ],
)
def test_the_statement_of_a_line(line, lines, at_import):
    """A line of a statement that spans several has no code of its own."""
    place = place_of(STATEMENTS, line)
    assert lines <= place.lines
    assert place.at_import is at_import


def test_lines_that_do_nothing():
    """A mutant of an annotation or of an import for type checkers cannot be noticed."""
    source = (
        "TYPE_CHECKING = False\n"
        "if TYPE_CHECKING:\n"
        "    import os\n"
        "value: (\n    int | str\n) = 1 + 2\n"
        "def first(\n    path: int | str,\n    other=2,\n) -> int | str:\n    return path\n"
    )
    assert drawing.idle_lines(source) == {1, 2, 3, 5, 8, 10}


def test_what_a_mutant_wrote_is_removed(tmp_path):
    """Files are as they were, whatever a mutant did to them; bytecode stays."""
    pristine, tree = tmp_path / "pristine", tmp_path / "tree"
    pristine.mkdir()
    for name in ("kept", "changed", "removed"):
        (pristine / name).write_text(name)
    sources = {path.name: path for path in pristine.iterdir()}
    areas.make_equal(tree, sources)
    (tree / "changed").write_text("else")
    (tree / "removed").unlink()
    (tree / "new").write_text("")
    (tree / "link").symlink_to("nowhere")
    (tree / "kept.pyc").write_text("")
    areas.make_equal(tree, sources)
    assert {path.name: path.read_text() for path in tree.iterdir()} == {
        "kept": "kept",
        "changed": "changed",
        "removed": "removed",
        "kept.pyc": "",
    }


def test_time_of_a_mutant(tmp_path):
    """No two mutants of a file have one second, so that no bytecode of one is taken for another's."""
    path = tmp_path / "small.py"
    path.write_text("A = 1\n")
    seconds = [int(path.stat().st_mtime)]
    for text in ("A = 2\n", "A = 3\n"):
        with command.replaced(path, text):
            seconds.append(int(path.stat().st_mtime))
    assert len(set(seconds)) == 3
    assert int(path.stat().st_mtime) == seconds[0]
