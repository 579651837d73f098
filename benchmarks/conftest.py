"""What the benchmarks share: their options, the fixture that decides a row, and the table at the end."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from bars import BARS, Options
from pairs import HEAD, Decision, Side, decide, row

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

ROWS = pytest.StashKey[list[str]]()
COUNTS = pytest.StashKey[list[str]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("benchmark of this project")
    group.addoption("--quick", action="store_true", help="only the bars that README.md states, without the counts")
    group.addoption("--counts", action="store_true", help="only the instruction counts; with --quick, both")
    group.addoption("--compare", metavar="REVISION", help="count this revision instead of taking the stored figures")
    group.addoption("--update", action="store_true", help="store the counts that are measured")
    group.addoption("--planted", action="store_true", help="only the planted slowdowns: each must be found")
    group.addoption("--models", action="store_true", help="only packed models beside their libraries and lignum")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "bar(name): the row of bars.py that the test decides")
    config.addinivalue_line("markers", "counts: instruction counts, by valgrind")
    config.addinivalue_line("markers", "models: packed models of every family, which take minutes to fit")
    config.addinivalue_line("markers", "planted: slowdowns that are planted, by valgrind")
    config.stash[ROWS], config.stash[COUNTS] = [], []


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    counts = any(config.getoption(name) for name in ("counts", "update", "compare"))
    planted, models = bool(config.getoption("planted")), bool(config.getoption("models"))
    options = Options(bool(config.getoption("quick")), counts, planted, models)
    chosen = [item for item in items if options.ask_for(bars_of(item), {mark.name for mark in item.iter_markers()})]
    config.hook.pytest_deselected(items=[item for item in items if item not in chosen])
    items[:] = chosen


def bars_of(item: pytest.Item) -> list[str]:
    """Return the names of the bars that a test decides."""
    return [mark.args[0] for mark in item.iter_markers("bar")]


@pytest.fixture
def decide_row(request: pytest.FixtureRequest) -> Callable[[Side, Side, Callable[[Any, Any], None]], Decision]:
    """Return what times two sides against the bar of the test's marker, keeps the row, and fails where it must."""
    mark = request.node.get_closest_marker("bar")
    assert mark is not None, "the test needs @pytest.mark.bar(name)"
    name = mark.args[0]

    def run(ours: Side, usual: Side, check: Callable[[Sequence[Any], Sequence[Any]], None]) -> Decision:
        decision = decide(ours, usual, BARS[name].least, check)
        line = row(name, decision)
        request.config.stash[ROWS].append(line)
        print(f"\n{HEAD}\n{line}")
        assert decision.passes, f"{decision.verdict}: {line}"
        return decision

    return run


@pytest.fixture
def count_line(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Return what keeps a line of the table of counts."""
    return request.config.stash[COUNTS].append


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print every row that was decided, the failed ones too."""
    if config.stash[ROWS]:
        terminalreporter.section("speed: ratios of interleaved pairs")
        terminalreporter.write_line("\n".join([HEAD, *config.stash[ROWS]]))
    if config.stash[COUNTS]:
        terminalreporter.section("instructions a call")
        terminalreporter.write_line("\n".join(config.stash[COUNTS]))
