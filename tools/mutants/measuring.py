"""Run an area's tests once, and write down which lines each of them executes.

`python -m tools.mutants.measuring AREA FOLDER` (an `Area`, as JSON) runs in the copy of the
repository, its sources unchanged. Two files are written: coverage.py's data with a context for each
test, and a JSON file with what that data cannot hold (see `Measurement`).
"""

from __future__ import annotations

import json
import os
import sys
import time
from dataclasses import asdict, dataclass, field
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from typing import TYPE_CHECKING, Any

import _hypothesis_pytestplugin
import pytest
from coverage import Coverage

from tools.mutants.areas import Area

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

#: Equal examples each time: a mutant that is noticed by luck would be another score.
OPTIONS = ("-q", "--hypothesis-seed=0")
#: Modules that must not be imported before a test run, beside ours.
KEPT_OUT = ("coverage", "__", "tools", "_pytest.assertion")


@dataclass
class Measurement:
    """What is known of an area's tests beside the lines that they execute."""

    #: By test: seconds, fixtures of its module or session included where it is the first.
    seconds: dict[str, float] = field(default_factory=dict)
    #: By test: the names of its fixtures.
    fixtures: dict[str, list[str]] = field(default_factory=dict)
    #: Tests that start a program: what it executes is not seen from here.
    programs: list[str] = field(default_factory=list)
    #: What the tests import of libraries.
    modules: list[str] = field(default_factory=list)


def fixture_context(name: str) -> str:
    """Return the context of a fixture that tests share.

    Only the first of them executes it, but a change in it can be noticed by each.
    """
    return f"fixture {name}"


class Contexts:
    """A plugin of pytest that tells coverage.py which test or shared fixture is running."""

    def __init__(self, coverage: Coverage) -> None:
        """Remember where the lines are counted.

        Args:
            coverage: is running.
        """
        self.coverage = coverage
        self.measurement = Measurement()
        self._stack = [""]

    def _enter(self, context: str) -> None:
        self._stack.append(context)
        self.coverage.switch_context(context)

    def _leave(self) -> None:
        self._stack.pop()
        self.coverage.switch_context(self._stack[-1])

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self, collector: pytest.Collector) -> Iterator[None]:
        """Count what a file of tests executes at its import under the file's name."""
        if not isinstance(collector, pytest.Module):
            return (yield)
        forget_cached()
        self._enter(collector.nodeid)
        result = yield
        self._leave()
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item: pytest.Item) -> Iterator[None]:
        """Count a test's lines and time under its name."""
        forget_cached()
        names = getattr(item, "fixturenames", ())
        self.measurement.fixtures[item.nodeid] = list(names)
        start = time.monotonic()
        self._enter(item.nodeid)
        result = yield
        self._leave()
        seconds = time.monotonic() - start
        self.measurement.seconds[item.nodeid] = round(seconds, 4)
        return result

    @pytest.hookimpl(wrapper=True)
    def pytest_fixture_setup(self, fixturedef: pytest.FixtureDef[object]) -> Iterator[None]:
        """Count the lines of a fixture that tests share under its own name."""
        if fixturedef.scope == "function":
            return (yield)
        self._enter(fixture_context(fixturedef.argname))
        try:
            return (yield)
        finally:
            self._leave()

    def hear(self, event: str, _: object) -> None:
        """Remember the test that starts a program.

        Args:
            event: of the interpreter (`sys.addaudithook`).
        """
        tests = self.measurement.fixtures.keys() & self._stack
        if event == "subprocess.Popen":
            self.measurement.programs += tests.difference(self.measurement.programs)


def forget_cached() -> None:
    """Empty our functions' caches, so that each test executes what it depends on."""
    for module in list(sys.modules.values()):
        if is_ours(module):
            for value in list(vars(module).values()):
                clear = getattr(value, "cache_clear", None)
                if callable(clear):
                    clear()


def is_ours(module: ModuleType) -> bool:
    """Return whether a module comes from the working folder."""
    return (getattr(module, "__file__", None) or "").startswith(f"{Path.cwd()}{os.sep}")


def library_modules() -> set[str]:
    """Return the names of the imported modules that are not ours.

    One of ours would have been imported before its source is changed.
    """
    libraries = set()
    for name, module in sys.modules.items():
        if not is_ours(module) and not name.startswith(KEPT_OUT):
            libraries.add(name)
    return libraries


def import_sources(package: str) -> None:
    """Import a package with all its modules, so that no test counts as the one that executes them.

    Args:
        package: its full name.
    """
    root = import_module(package)
    for module in walk_packages(root.__path__, f"{package}."):
        # `python -m` would run it.
        if not module.name.endswith("__main__"):
            import_module(module.name)


def measure(
    area: Area,
    folder: Path,
    files: list[str],
) -> int:
    """Run an area's tests and write what they execute; return pytest's exit code.

    Args:
        area: in the working folder.
        folder: of the two files.
        files: of tests, which are measured in addition to earlier ones; all tests where empty.
    """
    written = folder / f"{area.name}.json"
    coverage = Coverage(
        data_file=folder / f"{area.name}.coverage",
        source=[str(Path(area.sources).absolute())],
        config_file=False,
    )
    contexts = Contexts(coverage)
    if files:
        coverage.load()
        contexts.measurement = earlier(written, files)
    else:
        coverage.erase()
    sys.addaudithook(contexts.hear)
    plugins: list[Any] = [_hypothesis_pytestplugin, contexts]
    coverage.start()
    import_sources(area.package)
    ignored = [f"--ignore={file}" for file in area.ignored]
    words = [*OPTIONS, "-x", *ignored, *(files or area.tests)]
    code = pytest.main(words, plugins)
    coverage.stop()
    coverage.save()
    modules = {*contexts.measurement.modules, *library_modules()}
    contexts.measurement.modules = sorted(modules)
    text = json.dumps(asdict(contexts.measurement))
    written.write_text(text, "utf-8")
    return int(code)


def earlier(written: Path, files: list[str]) -> Measurement:
    """Return an earlier measurement without the tests that are measured again.

    Args:
        written: its file.
        files: of tests.
    """
    fields = json.loads(written.read_text("utf-8"))
    for name in list(fields["seconds"]):
        if name.partition("::")[0] in files:
            del fields["seconds"][name]
            del fields["fixtures"][name]
    fields["programs"] = [name for name in fields["programs"] if name in fields["seconds"]]
    return Measurement(**fields)


if __name__ == "__main__":
    fields = json.loads(sys.argv[1])
    code = measure(Area(**fields), Path(sys.argv[2]), sys.argv[3:])
    sys.stdout.flush()
    # Threads that a test left behind would hold the interpreter up.
    os._exit(code)
