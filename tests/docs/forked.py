"""Run a command in a process forked from one that has imported the libraries, which takes a tenth of the time."""

from __future__ import annotations

import multiprocessing
import os
import runpy
import sys
import tempfile
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

PRELOADED = [
    "benchmarks.simulate",
    "drift_console.cli",
    "drift_console.console",
    "drift_ml.replay.backtest",
    "drift_ml.replay.commands",
    "drift_console.report",
    "drift_ml.replay.outcome",
    "drift_console.scenarios",
    "tools.contract_checks",
    "drift_client.cli",
    "drift_contracts.openapi",
    "drift_ml.training.__main__",
    "uvicorn",
]


@dataclass(frozen=True)
class Ended:
    """A process that has ended, as `subprocess.CompletedProcess` shows it."""

    returncode: int
    stderr: str


def run_forked(words: list[str], root: Path, output: Path, *, path: tuple[Path, ...] = (), timeout: float = 120):
    """Return what came of a command.

    words: as a shell has them, the first `python` or `driftctl`. root: the working folder. output: a folder for what
    it prints, which is also its TMPDIR. path: further folders of modules.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_play, args=(words, root, output, path))
    process.start()
    process.join(timeout)
    if process.exitcode is None:
        process.kill()
        process.join()
    return Ended(process.exitcode, (output / "stderr.txt").read_text("utf-8"))


def _play(words: list[str], root: Path, output: Path, path: tuple[Path, ...]) -> None:
    """Be the command. Raises SystemExit, as every command does."""
    for number, name in ((1, "stdout.txt"), (2, "stderr.txt")):
        with (output / name).open("wb") as file:
            os.dup2(file.fileno(), number)
    os.chdir(root)
    os.environ.update(TMPDIR=str(output), PATH="")
    tempfile.tempdir = None  # TMPDIR is asked again
    program, *rest = words
    sys.path[:0] = map(str, path)
    if program == "driftctl":
        from drift_contracts.exits import driftctl  # noqa: PLC0415 - what the installed script imports

        sys.argv = words
        driftctl()
    if rest[0] == "-m":
        sys.argv = rest[1:]
        runpy.run_module(rest[1], run_name="__main__", alter_sys=True)
    sys.argv = rest
    sys.path.insert(0, str((root / rest[0]).parent))
    runpy.run_path(rest[0], run_name="__main__")
