"""Run the proof of the world's time: what is not kept yet, then the tables."""

from __future__ import annotations

import logging
import os
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from time import time
from typing import TYPE_CHECKING, Any

from benchmarks.simulate.bar_table import NOT_RELEASED, released_commit, released_tree
from benchmarks.simulate.world.cells import GROUPS, OURS, RELEASED, Cell, done
from benchmarks.simulate.world.plots import plot
from benchmarks.simulate.world.real_tables import TABLES
from benchmarks.simulate.world.report import Proof, document
from benchmarks.simulate.world.services import STRUCTURES

if TYPE_CHECKING:
    from argparse import Namespace
    from pathlib import Path

    from benchmarks.simulate.world.report import Results

BEGIN, END = "<!-- world: begin -->", "<!-- world: end -->"
#: Services a structure and days of a table's service.
QUICK_SERVICES, QUICK_DAYS = 4, 100
#: Services of a structure that the released detector is run on: it stands in alarm on most.
RELEASED_SERVICES = 4
STEP = 10
#: Parts after which a line says how far it is.
SAID_AFTER = 28


def cells(options: Namespace, *, with_released: bool) -> list[Cell]:
    """Return every cell, the services first.

    Args:
        options: of the command line.
        with_released: whether the released detector can be run.
    """
    days = QUICK_DAYS if options.quick else options.days
    number = QUICK_SERVICES if options.quick else options.services
    groups = [group for group in GROUPS if group != RELEASED or with_released]
    listed = []
    for seed in range(number):
        step = 1 if options.minutes else STEP
        for group in groups:
            if group != RELEASED or seed < RELEASED_SERVICES:
                listed += [Cell("service", each.key, group, seed, step) for each in STRUCTURES]
    listed += [Cell("table", each.name, group, days=days) for each in TABLES for group in groups]
    if options.group:
        return [cell for cell in listed if cell.group == options.group]
    return listed


def scale_of(options: Namespace, proof: Proof) -> str:
    """Return the scale that was reached, in words.

    Args:
        options: of the command line.
        proof: what was run.
    """
    asked = QUICK_SERVICES if options.quick else options.services
    numbers = [len(runs) for (name, _), runs in proof.services.items() if name == OURS]
    least, most = min(numbers, default=0), max(numbers, default=0)
    number = f"{least}" if least == most else f"{least} to {most}"
    share = "" if least >= asked else f" of the {asked} that a whole run has"
    days = QUICK_DAYS if options.quick else options.days
    span = f"at most {days} days of each table" if days else "whole tables"
    window = "a minute" if options.minutes else "ten minutes"
    return f"{number} services a structure{share}, windows of {window}, {span}"


def report(options: Namespace) -> None:
    """Run what is not there, print the tables, and write them on the full scale.

    Args:
        options: of the command line.
    """
    options.cache.mkdir(parents=True, exist_ok=True)
    # The evaluator logs each alert; ten thousand of them are told in the tables.
    logging.getLogger("drift_monitor").setLevel(logging.ERROR)
    tree = released_tree(options.cache)
    if tree is None:
        print(NOT_RELEASED.format(released_commit()), file=sys.stderr)
    else:
        os.environ["DRIFT_RELEASED_TREE"] = str(tree)
    listed = cells(options, with_released=tree is not None)
    results = kept(listed, options.cache) if options.kept else run(listed, options)
    if options.group:
        return
    proof = Proof.of(results)
    text = document(proof, scale_of(options, proof))
    if options.quick:
        print(text)
        return
    write(text, options.docs)
    plot(proof, options.docs / "evidence")
    print(f"wrote {options.docs / 'evidence.md'} and the plot beside it")


def run(listed: list[Cell], options: Namespace) -> Results:
    """Run the cells that are not there; return all, and say what they took.

    Args:
        listed: the cells.
        options: of the command line.
    """
    begun, used = time(), 0.0
    results: list[tuple[Cell, dict[str, Any]]] = []
    with ProcessPoolExecutor(options.jobs) as pool:
        waiting = [pool.submit(done, cell, str(options.cache)) for cell in listed]
        try:
            for number, future in enumerate(as_completed(waiting), 1):
                results.append(future.result())
                used += results[-1][1]["seconds"]
                if number % SAID_AFTER == 0:
                    print(f"{number} of {len(listed)} parts", file=sys.stderr, flush=True)
        finally:
            pool.shutdown(cancel_futures=True)
    minutes = (time() - begun) / 60
    print(
        f"{used / 3600:.2f} hours of processor time in all parts; {minutes:.1f} minutes now",
        file=sys.stderr,
    )
    return results


def kept(listed: list[Cell], cache: Path) -> Results:
    """Return the cells that are there, and run none.

    Args:
        listed: the cells.
        cache: their folder.
    """
    there = [cell for cell in listed if (cache / f"world-{cell.digest}.json").exists()]
    return [done(cell, str(cache)) for cell in there]


def write(text: str, docs: Path) -> None:
    """Put the tables between the marks of evidence.md.

    Args:
        text: the tables.
        docs: the folder of evidence.md.
    """
    path = docs / "evidence.md"
    before = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    head, tail = before.split(BEGIN)[0], before.split(END)[-1]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"{head}{BEGIN}\n\n{text}\n\n{END}{tail}")
