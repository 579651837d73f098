"""Simulate every detector and write the tables and plots of docs/evidence.md."""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

EPILOG = """examples:
  python -m benchmarks.simulate                 all cells on two processes, about ten minutes
  python -m benchmarks.simulate --scale 0.2     a fifth of the replicates, for a first look
  python -m benchmarks.simulate --only null     the false-alarm rates alone (no document is written)

Every cell is seeded by its own parameters; finished cells are kept and not run again, so that an interrupted
run goes on where it stopped."""


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.simulate",
        description=__doc__,
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--jobs", type=int, default=2, help="processes (default: 2)")
    parser.add_argument("--scale", type=float, default=1.0, help="replicates, as a factor (default: 1)")
    parser.add_argument("--only", help="run the cells of one task alone: null, real, delay, rivals, time")
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


def main(words: list[str] | None = None) -> int:
    """Run the cells, then write."""
    options = parse(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from benchmarks.simulate.cells import cells  # noqa: PLC0415 - the number of threads is set first
    from benchmarks.simulate.report import write  # noqa: PLC0415 - as above

    chosen = [cell for cell in cells(options.scale) if options.only in (None, cell["task"])]
    if not chosen:
        print("no such task; there is null, real, delay, rivals, rivals-null, time", file=sys.stderr)
        return 2
    options.cache.mkdir(parents=True, exist_ok=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    results = []
    with Progress(*columns) as progress, ProcessPoolExecutor(options.jobs) as pool:
        bar = progress.add_task("cells", total=len(chosen))
        for future in as_completed([pool.submit(one, cell, str(options.cache)) for cell in chosen]):
            results.append(future.result())
            progress.advance(bar)
    if options.only:
        for cell, result in results:
            print(json.dumps({**cell, **{k: v for k, v in result.items() if k != "delays"}}))
        return 0
    write(results, options.docs, options.scale)
    print(f"wrote {options.docs / 'evidence.md'} and the plots beside it")
    return 0


if __name__ == "__main__":
    sys.exit(main())
