"""Run tests in forked processes: `python -m tools.mutants.server MEASUREMENT`.

The libraries are imported once, before. Each line of standard input is a request (`Request`, as
JSON), each line of standard output an answer (`Answer`), in the order in which tests end. The
server ends with its parent.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from importlib import import_module
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import _hypothesis_pytestplugin
import pytest
from hypothesis import Phase, settings

from tools.mutants.measuring import OPTIONS

if TYPE_CHECKING:
    from collections.abc import Mapping

#: How long the server sleeps between looking at a test run, in seconds.
PAUSE_S = 0.01
#: A mutant may ask for any amount; the tests themselves take less than a tenth.
MOST_MEMORY_BYTES = 12 << 30
#: A test that loops is ended after so many times what it took when it was measured.
PATIENCE = 6.0
#: Seconds on the clock for each of processor time: tests wait too, more so on a busy machine.
WALL_FACTOR = 20


@dataclass(frozen=True)
class Request:
    """Tests that are run up to the first that fails."""

    #: Repeated in the answer.
    number: int
    #: The copy of the repository in which they run.
    folder: str
    #: In their order.
    tests: list[str]
    #: Seconds of processor time that every test has, and that importing the tests has.
    limit_s: float = 12.0


@dataclass(frozen=True)
class Answer:
    """How tests ended."""

    #: Of the request.
    number: int
    #: `passed`, `failed` or `timeout`.
    outcome: str
    #: The test that failed; empty where none did, or where a file could not be imported.
    test: str
    seconds: float


class Chosen:
    """A plugin of pytest that runs chosen tests in their order, and reports the first failure."""

    def __init__(
        self,
        request: Request,
        measured: Mapping[str, float],
        failures: int,
    ) -> None:
        """Remember the choice.

        Args:
            request: the chosen tests.
            measured: all tests of the area, and the seconds of each. Another one is run last: a
                change of the sources may rename tests, or add to them.
            failures: a file descriptor that the name of a failed test is written to.
        """
        self.request = request
        self.measured = measured
        self.failures = failures

    def pytest_collection(self) -> None:
        """Let failing examples be: making them small takes long, and nobody reads them."""
        # Here the tests' conftest.py has chosen its profile, and no test has taken it over yet.
        name = settings.get_current_profile_name()
        phases = (Phase.explicit, Phase.generate)
        settings.register_profile("mutants", settings.get_profile(name), phases=phases)
        settings.load_profile("mutants")

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        """Keep the chosen tests, in their order."""
        wanted: dict[str, list[pytest.Item]] = {name: [] for name in self.request.tests}
        unmeasured = []
        for item in items:
            if item.nodeid in wanted:
                wanted[item.nodeid].append(item)
            elif item.nodeid not in self.measured:
                unmeasured.append(item)
        items[:] = chain(*wanted.values(), unmeasured)

    def pytest_runtest_protocol(self, item: pytest.Item) -> None:
        """Limit the time of a test."""
        measured = self.measured.get(item.nodeid, 0.0)
        limit_time(max(PATIENCE * measured, self.request.limit_s))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Write down which test failed."""
        if report.failed:
            os.write(self.failures, report.nodeid.encode())


def limit_time(seconds: float) -> None:
    """Have the kernel end this process when it takes longer from now on, or waits for ever.

    Args:
        seconds: of processor time.
    """
    limit = int(time.process_time() + seconds) + 1
    resource.setrlimit(resource.RLIMIT_CPU, (limit, resource.RLIM_INFINITY))
    signal.setitimer(signal.ITIMER_REAL, WALL_FACTOR * seconds)


def run_tests(
    request: Request,
    measured: Mapping[str, float],
    parent: int,
) -> Answer:
    """Run tests in a forked process, and wait for their end.

    Args:
        request: which tests.
        measured: all tests of the area, and the seconds of each.
        parent: the process for which they are run; when it is gone, so is this one.
    """
    start = time.monotonic()
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        _run_forked(request, measured, writing)
    os.close(writing)
    ended, status = 0, 0
    while not ended:
        ended, status = os.waitpid(child, os.WNOHANG)
        if os.getppid() != parent:
            _end_group(child)
            os._exit(1)
        time.sleep(PAUSE_S)
    # Programs that the tests left behind.
    _end_group(child)
    failed = os.read(reading, 4096).decode()
    os.close(reading)
    seconds = time.monotonic() - start
    return Answer(
        request.number,
        _outcome(status),
        failed,
        round(seconds, 3),
    )


def _outcome(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    # A negative code is the signal that ended the process.
    if -code in (signal.SIGXCPU, signal.SIGALRM):
        return "timeout"
    quiet = (
        pytest.ExitCode.OK,
        pytest.ExitCode.NO_TESTS_COLLECTED,
    )
    return "passed" if code in quiet else "failed"


def _end_group(child: int) -> None:
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(child, signal.SIGKILL)


def _run_forked(
    request: Request,
    measured: Mapping[str, float],
    failures: int,
) -> NoReturn:
    code = 1
    # Whatever happens here, the server's own code below the fork must not go on.
    try:
        os.setsid()
        _move_to(request.folder)
        nowhere = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nowhere, stream)
        limit_time(request.limit_s)
        resource.setrlimit(resource.RLIMIT_AS, (MOST_MEMORY_BYTES, MOST_MEMORY_BYTES))
        files = {name.partition("::")[0] for name in request.tests}
        words = [*OPTIONS, "-x", "--tb=no"]
        plugins = [
            _hypothesis_pytestplugin,
            Chosen(request, measured, failures),
        ]
        code = int(pytest.main([*words, *sorted(files)], plugins))
    finally:
        os._exit(code)


def _move_to(folder: str) -> None:
    """Let this process import from another copy of the repository, and its programs too."""
    before = str(Path.cwd())
    sys.path[:] = [path.replace(before, folder) for path in sys.path]
    os.environ["PYTHONPATH"] = os.environ["PYTHONPATH"].replace(before, folder)
    sys.path_importer_cache.clear()
    os.chdir(folder)


def serve(measurement: Path) -> None:
    """Answer requests until standard input ends.

    Args:
        measurement: the file that `measuring` wrote.
    """
    contents = json.loads(measurement.read_text("utf-8"))
    for name in contents["modules"]:
        # What cannot be imported by itself is imported by the tests, as always.
        with suppress(Exception):
            import_module(name)
    # Nobody waits for those who wait for the tests.
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    server = os.getpid()
    for line in sys.stdin:
        if os.fork() == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            request = Request(**json.loads(line))
            answer = run_tests(request, contents["seconds"], server)
            text = f"{json.dumps(asdict(answer))}\n"
            # One write: other answers may come at the same time.
            os.write(sys.stdout.fileno(), text.encode())
            os._exit(0)


if __name__ == "__main__":
    serve(Path(sys.argv[1]))
