"""Simulate every detector and write the tables and plots of docs/evidence.md."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("benchmarks.simulate.__main__")

import argparse
import json
import os
import signal
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from math import inf
from pathlib import Path
from typing import Any

from drift_contracts.exits import INTERRUPTED, SUCCESS
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EPILOG = """examples:
  python -m benchmarks.simulate                   all cells on two processes, under fifteen minutes
  python -m benchmarks.simulate --scale 0.1 --docs build
                                                  a tenth of the replicates, for a first look in build/evidence.md
  python -m benchmarks.simulate --bars            every bar beside the released detector and the others, 200 runs a row
  python -m benchmarks.simulate --bars --quick    the same of 20 runs, printed only
  python -m benchmarks.simulate --world           four weeks of simulated services and real tables in the order of time,
                                                  with the deployed evaluator, 40 services a structure
  python -m benchmarks.simulate --world --quick   the same in less than twenty minutes, printed only
  python -m benchmarks.simulate --only recovery   one kind of cell, its results as lines of JSON (no document)

kinds of cells:
  null         false alarms of ours while nothing changes: laws, sizes of the reference, numbers of features
  real         the same on real rows in random order
  delay        how soon ours finds a drift
  recovery     how often an alarm ends falsely while its drift lasts, and how soon once the drift is over
  time         autocorrelation, a daily and a weekly cycle, with and without a learned rhythm
  rivals       how soon the others find a drift
  rivals-null  false alarms of the others

Ctrl-C stops at once. Every cell is seeded by its own parameters; finished cells are kept and not run again, so
that the same command goes on where it was stopped. After a change of the detectors themselves remove the folder
of --cache. The parameters of the others come from `python -m benchmarks.simulate.tune`."""
TASKS = ("null", "real", "delay", "recovery", "time", "rivals", "rivals-null")


def _jobs(text: str) -> int:
    """Return a number of processes. Raises ValueError, which argparse reports."""
    if int(text) < 1:
        raise ValueError
    return int(text)


def _scale(text: str) -> float:
    """Return a factor. Raises ValueError, which argparse reports."""
    if not 0 < float(text) < inf:
        raise ValueError
    return float(text)


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulate",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=_jobs, default=2, help="processes (default: 2)")
    parser.add_argument("--scale", type=_scale, default=1.0, help="replicates, as a factor (default: 1)")
    parser.add_argument("--only", choices=TASKS, help="run one kind of cell alone (see below)")
    parser.add_argument("--bars", action="store_true", help="the table of the bars instead (see above)")
    parser.add_argument("--runs", type=_jobs, default=200, help="of the bars: seeded runs a row, by 20 (default: 200)")
    parser.add_argument("--kept", action="store_true", help="of the bars: show the runs that are there, run none")
    parser.add_argument("--quick", action="store_true", help="of the bars: 20 runs a row, printed only")
    parser.add_argument("--newservice", action="store_true", help="what a service sees that is started today, instead")
    parser.add_argument("--world", action="store_true", help="the world's time instead (see above)")
    parser.add_argument("--services", type=_jobs, default=40, help="of the world: a structure (default: 40)")
    parser.add_argument("--days", type=int, default=0, help="of the world: of each table at most (default: 0, all)")
    parser.add_argument("--minutes", action="store_true", help="of the world: windows of a minute, not of ten")
    parser.add_argument("--group", choices=("ours", "released", "others"), help="of the world: run these alone")
    parser.add_argument("--cache", type=Path, default=Path("build/simulate"), help="where finished cells are kept")
    parser.add_argument("--docs", type=Path, default=Path("docs"), help="where evidence.md is (default: docs)")
    return parser.parse_args(words)


def one(cell: dict[str, Any], cache: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A cell's result, kept in a file."""
    from benchmarks.simulate.cells import digest, run  # noqa: PLC0415 - --help must not wait for numpy

    path = Path(cache) / f"{digest(cell)}.json"
    if path.exists():
        return cell, json.loads(path.read_text())
    result = run(cell)
    part = path.with_suffix(f".{os.getpid()}")
    part.write_text(json.dumps(result))
    part.replace(path)
    return cell, result


def simulated(cells: list[dict[str, Any]], jobs: int, cache: str) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """All cells with their results, those that were kept at once."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    pool = ProcessPoolExecutor(jobs, initializer=signal.signal, initargs=(signal.SIGINT, signal.SIG_DFL))
    with Progress(*columns) as progress:
        bar = progress.add_task("cells", total=len(cells))
        try:
            for future in as_completed([pool.submit(one, cell, cache) for cell in cells]):
                results.append(future.result())
                progress.advance(bar)
        finally:
            pool.shutdown(cancel_futures=True)
    return results


def main(words: list[str] | None = None) -> int:
    """Run the cells, then write."""
    options = parse(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    try:
        if options.newservice:
            from benchmarks.simulate import new_service  # noqa: PLC0415 - the number of threads is set first

            return new_service.main(["--seeds", "1" if options.quick else "3"])
        if options.world:
            from benchmarks.simulate.world import proof  # noqa: PLC0415 - the number of threads is set first

            proof.report(options)
        elif options.bars:
            from benchmarks.simulate import bar_table  # noqa: PLC0415 - the number of threads is set first

            bar_table.report(options)
        else:
            report(options)
    except (KeyboardInterrupt, BrokenProcessPool):
        print(f"stopped; finished cells are in {options.cache}: the same command goes on from there", file=sys.stderr)
        return INTERRUPTED
    return SUCCESS


def report(options: argparse.Namespace) -> None:
    """Run the cells that are wanted; print those of one kind, write the document on all."""
    from benchmarks.simulate.cells import cells  # noqa: PLC0415 - the number of threads is set first
    from benchmarks.simulate.document import write  # noqa: PLC0415 - as above

    options.cache.mkdir(parents=True, exist_ok=True)
    chosen = [cell for cell in cells(options.scale) if options.only in (None, cell["task"])]
    results = simulated(chosen, options.jobs, str(options.cache))
    print(f"{sum(result['seconds'] for _, result in results) / 60:.1f} minutes of processor time in all cells")
    if options.only is None:
        write(results, options.docs, options.scale)
        print(f"wrote {options.docs / 'evidence.md'} and the plots beside it")
    for cell, result in results if options.only else ():
        print(json.dumps({**cell, **{k: v for k, v in result.items() if k not in ("delays", "limit")}}))
