"""The command `python -m tools.mutants`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from dataclasses import asdict, dataclass
from itertools import count
from queue import Empty, SimpleQueue
from threading import Lock, Thread
from typing import TYPE_CHECKING

import click
from drift_contracts.commands import Command
from drift_contracts.exits import CannotStart

from tools.mutants.areas import (
    AREAS,
    FOLDER,
    ROOT,
    Area,
    area_of,
    copy_tree,
    digest_of,
    environment,
    make_equal,
    source_files,
    test_files,
)
from tools.mutants.drawing import Mutant, changed, difference, draw, list_mutants
from tools.mutants.executed import Executed
from tools.mutants.results import Result, Results, score

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

SECOND_NS = 1_000_000_000
#: Of the mutants of this run; each has a second of its own.
_NUMBERS = count(1)
EPILOG = """
Examples:

\b
  python -m tools.mutants --mutants 500 --seed 17   try, or go on where it was stopped
  python -m tools.mutants --retry-survivors         after tests were written for them

Exit codes: 0 all were tried, 2 the usage is wrong, or the sources are others than at the first
run, 5 the tests fail without a change; see docs/exit-codes.md.
"""


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--mutants",
    type=click.IntRange(1),
    default=500,
    show_default=True,
    help="How many are drawn.",
)
@click.option(
    "--seed",
    default=17,
    show_default=True,
    help="Of the drawing.",
)
@click.option(
    "--now",
    type=click.IntRange(0),
    help="Try at most so many in this run.",
)
@click.option(
    "--area",
    "names",
    type=click.Choice([area.name for area in AREAS]),
    multiple=True,
    help="Try those of this area only; may be repeated.",
)
@click.option(
    "--jobs",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="How many are tried at the same time.",
)
@click.option(
    "--fresh",
    is_flag=True,
    help="Forget earlier results.",
)
@click.option(
    "--retry-survivors",
    "retries",
    is_flag=True,
    help="Try those again that earlier tests did not notice; the sources must be the same.",
)
def main(
    mutants: int,
    seed: int,
    now: int | None,
    names: tuple[str, ...],
    jobs: int,
    fresh: bool,
    retries: bool,
) -> None:
    """Try mutants of contracts, engine and evidence; print the survivors and the score."""
    bench = prepare(FOLDER, fresh)
    drawn = draw(bench.database, bench.tree, mutants, seed)
    waiting = []
    for mutant in drawn:
        area = area_of(mutant.path)
        tests = bench.digest_of_tests(area)
        wanted = not names or area.name in names
        if wanted and bench.results.is_waiting(mutant.key, tests, retries):
            waiting.append(mutant)
    try_each(bench, waiting[:now], jobs)
    report(bench, drawn)


class Bench:
    """The folder in which mutants are tried."""

    def __init__(self, folder: Path) -> None:
        """Name what lies in the folder.

        Args:
            folder: of results; it lives on from run to run.
        """
        self.folder = folder
        #: The copy of the repository; a mutant is made in a copy of it.
        self.tree = folder / "tree"
        #: What cosmic-ray can change in the sources, of which some are drawn.
        self.database = folder / "mutants.sqlite"
        self.results = Results(folder / "results.jsonl")

    def digest_of_tests(self, area: Area) -> str:
        """Return a digest of an area's tests as they are now."""
        return digest_of(test_files(area, self.tree))


def prepare(
    folder: Path,
    fresh: bool,
    root: Path = ROOT,
) -> Bench:
    """Copy the repository and list its mutants.

    A copy is made at every start, since tests change.

    Args:
        folder: of results.
        fresh: whether earlier ones are forgotten.
        root: of the repository.

    Raises:
        UsageError: the sources are others than at the first run.
    """
    if fresh:
        shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True, exist_ok=True)
    bench = Bench(folder)
    copy_tree(bench.tree, root)
    files = source_files(bench.tree)
    current = digest_of(files)
    digest = folder / "sources.sha256"
    if digest.exists() and digest.read_text() != current:
        expected = "the sources that the first run had; --fresh begins anew"
        raise click.UsageError(f"{folder.name}: expected {expected}")
    if not bench.database.exists():
        list_mutants(files, bench.database)
    digest.write_text(current)
    return bench


def try_each(
    bench: Bench,
    mutants: Sequence[Mutant],
    jobs: int = 1,
) -> None:
    """Try mutants; each result is kept at once.

    Args:
        bench: where.
        mutants: in the order of their areas.
        jobs: how many are tried at the same time.
    """
    progress = Progress(bench.results, len(mutants))
    for area in AREAS:
        waiting: SimpleQueue[Mutant] = SimpleQueue()
        for mutant in mutants:
            if area_of(mutant.path) == area:
                waiting.put(mutant)
        if waiting.empty():
            continue
        measure(bench, area)
        workers = range(min(jobs, waiting.qsize()))
        with closing(Server(bench, area)) as server, ThreadPoolExecutor(len(workers)) as pool:
            runners = [Runner(bench, area, server, n) for n in workers]
            futures = [pool.submit(work, runner, waiting, progress) for runner in runners]
        for future in futures:
            # Raises what went wrong in a worker.
            future.result()


def work(
    runner: Runner,
    waiting: SimpleQueue[Mutant],
    progress: Progress,
) -> None:
    """Try mutants until none is waiting.

    Args:
        runner: tries them.
        waiting: is emptied.
        progress: hears of each result.
    """
    with suppress(Empty):
        while True:
            mutant = waiting.get_nowait()
            progress.add(mutant, runner.try_mutant(mutant))
    runner.check()


class Progress:
    """Keeps results, and prints a line for each."""

    def __init__(self, results: Results, expected: int) -> None:
        """Begin with nothing.

        Args:
            results: where they are kept.
            expected: how many there will be.
        """
        self._results = results
        self._expected = expected
        self._number = 0
        self._lock = Lock()

    def add(self, mutant: Mutant, result: Result) -> None:
        """Keep a result.

        Args:
            mutant: that was tried.
            result: how it ended.
        """
        with self._lock:
            self._results.add(result)
            self._number += 1
            place = f"{mutant.path}:{mutant.line}"
            count = f"{self._number}/{self._expected}"
            line = f"{count} {result.outcome} {result.seconds:.1f} s: {place}"
            # Flushed, so that a run in the background can be followed.
            print(line, result.test, flush=True)


class Server:
    """A process that has imported the libraries, and runs tests in forks of itself."""

    def __init__(self, bench: Bench, area: Area) -> None:
        """Start it.

        Args:
            bench: where.
            area: whose tests; they were measured.
        """
        measurement = str(bench.folder / f"{area.name}.json")
        self._process = subprocess.Popen(  # noqa: S603 - no word of it comes from outside
            [sys.executable, "-m", "tools.mutants.server", measurement],
            cwd=bench.tree,
            env=environment(bench.tree, compiles=False),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._numbers = count()
        self._answers: dict[int, SimpleQueue[Answer]] = {}
        self._lock = Lock()
        self._listener = Thread(target=self._listen)
        self._listener.start()

    def run_tests(self, folder: Path, tests: list[str]) -> Answer:
        """Run tests up to the first that fails; several threads may ask at the same time.

        Args:
            folder: the copy of the repository in which they run.
            tests: in their order.
        """
        number = next(self._numbers)
        answers: SimpleQueue[Answer] = SimpleQueue()
        self._answers[number] = answers
        request = {"number": number, "folder": str(folder), "tests": tests}
        pipe = self._process.stdin
        if pipe is None:
            raise RuntimeError("expected a server with pipes")
        with self._lock:
            pipe.write(f"{json.dumps(request)}\n")
            pipe.flush()
        return answers.get()

    def _listen(self) -> None:
        for line in self._process.stdout or ():
            answer = Answer(**json.loads(line))
            self._answers.pop(answer.number).put(answer)

    def close(self) -> None:
        """End it."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        # Before its pipe is closed: the listener reads to the end.
        self._listener.join()
        if self._process.stdout is not None:
            self._process.stdout.close()
        self._process.wait()


@dataclass(frozen=True)
class Answer:
    """How tests ended, as `tools.mutants.server` says it."""

    number: int
    outcome: str
    test: str
    seconds: float


class Runner:
    """Tries mutants of an area, one after the other, in a copy of the repository."""

    def __init__(
        self,
        bench: Bench,
        area: Area,
        server: Server,
        number: int,
    ) -> None:
        """Copy the copy of the repository.

        Args:
            bench: where.
            area: whose tests; they were measured.
            server: runs them.
            number: of the worker, from 0.
        """
        self._tree = bench.folder / f"tree-{number}"
        # A killed run leaves a changed file behind.
        shutil.rmtree(self._tree, ignore_errors=True)
        shutil.copytree(bench.tree, self._tree)
        files = bench.tree.rglob("*")
        self._sources = {path.relative_to(bench.tree).as_posix(): path for path in files}
        self._tests = bench.digest_of_tests(area)
        self._executed = Executed(bench.folder, area.name, bench.tree)
        self._server = server

    def try_mutant(self, mutant: Mutant) -> Result:
        """Change a source, run the tests that execute the place, and change everything back.

        A mutant may write files, which the next would meet.
        """
        tests = self._executed.tests_of(mutant.path, mutant.line)
        path = self._tree / mutant.path
        with replaced(path, changed(mutant, path.read_text("utf-8"))):
            answer = self._server.run_tests(self._tree, tests)
        make_equal(self._tree, self._sources)
        outcome = answer.outcome
        executed = self._executed.is_executed(mutant.path, mutant.line)
        if outcome == "passed" and not executed:
            outcome = "unexecuted"
        return Result(
            mutant.key,
            outcome,
            answer.test,
            answer.seconds,
            self._tests,
        )

    def check(self) -> None:
        """Run tests without a change.

        Raises:
            CannotStart: a mutant changed something that they need, outside of the copy.
        """
        answer = self._server.run_tests(self._tree, self._executed.fastest())
        if answer.outcome != "passed":
            place = answer.test or "tests"
            raise CannotStart(f"{place}: expected to pass, since no source is changed any more")


@contextmanager
def replaced(path: Path, text: str) -> Iterator[None]:
    """Replace a file inside the block.

    The old time comes back with the text, so that its bytecode is valid again.

    Args:
        path: of a source.
        text: that it has inside the block.
    """
    before, status = path.read_bytes(), path.stat()
    try:
        path.write_text(text, "utf-8")
        # Bytecode is valid for a size and a second: a mutant of the same size as its source, or as
        # an earlier mutant, would run as that one if it had its second.
        time_ns = status.st_mtime_ns + next(_NUMBERS) * SECOND_NS
        os.utime(path, ns=(status.st_atime_ns, time_ns))
        yield
    finally:
        path.write_bytes(before)
        os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns))


def measure(bench: Bench, area: Area) -> None:
    """Run an area's tests with coverage: all at first, then those in files that changed.

    Args:
        bench: where.
        area: whose tests.

    Raises:
        CannotStart: the tests fail without a change.
    """
    measured = bench.folder / f"{area.name}.measured.json"
    before = json.loads(measured.read_text("utf-8")) if measured.exists() else None
    current = {}
    for path in test_files(area, bench.tree):
        name = path.relative_to(bench.tree).as_posix()
        current[name] = digest_of([path])
    if current == before:
        return
    files = only_tests(before, current)
    print(f"{area.name}: measuring {' '.join(files) or 'all tests'}", flush=True)
    # What is measured by half is measured anew.
    measured.unlink(missing_ok=True)
    words = [json.dumps(asdict(area)), str(bench.folder), *files]
    done = subprocess.run(  # noqa: S603 - no word of it comes from outside
        [sys.executable, "-m", "tools.mutants.measuring", *words],
        cwd=bench.tree,
        env=environment(bench.tree, compiles=True),
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        shown = (done.stdout + done.stderr)[-800:]
        raise CannotStart(f"{area.sources}: its tests fail without a change\n{shown}")
    measured.write_text(json.dumps(current), "utf-8")


def only_tests(before: dict[str, str] | None, current: dict[str, str]) -> list[str]:
    """Return the files of tests that changed; none where anything else did.

    Args:
        before: digests by file when the tests were measured.
        current: digests by file as they are now.
    """
    changes = {name for name, _ in current.items() ^ (before or {}).items()}
    for name in changes:
        is_test = name.rpartition("/")[2].startswith("test_")
        if before is None or name not in current or not is_test:
            return []
    return sorted(changes)


def report(bench: Bench, drawn: Sequence[Mutant]) -> None:
    """Print the survivors, and the score at first and now.

    Args:
        bench: where.
        drawn: the mutants.
    """
    for mutant in drawn:
        last = bench.results.last.get(mutant.key)
        if last is not None and last.survived:
            why = " (no test executes it)" if last.outcome == "unexecuted" else ""
            print(f"\nsurvived{why}: {mutant.path}:{mutant.line} {mutant.operator}")
            source = (bench.tree / mutant.path).read_text("utf-8")
            print(difference(mutant, source))
    keys = [mutant.key for mutant in drawn]
    print(f"\nat first, {score(bench.results.first, keys)}")
    print(f"now, {score(bench.results.last, keys)}, of {len(drawn)} drawn")
