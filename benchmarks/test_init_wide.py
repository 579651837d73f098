"""`driftctl init` on 100,000 rows of 500 columns, from the start of the process to the file that it writes.

The yardstick is reading every cell of the same file once, with one thread of Arrow: a proposal must not take longer
than a look at everything. The command has 20 s, of which an idle core takes a few.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv

ROWS, COLUMNS = 100_000, 500
READ = "import sys; from pyarrow import csv; csv.read_csv(sys.argv[1], csv.ReadOptions(use_threads=False))"


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    """Numbers with and without fractions, and words; some cells are missing."""
    random = np.random.default_rng(11)
    words = np.array(["north", "south", "east", "west"])
    columns = {}
    for place in range(COLUMNS - 1):
        kinds = (
            lambda: random.normal(50, 9, ROWS).round(3),
            lambda: random.integers(0, 900, ROWS),
            lambda: words[random.integers(0, 4, ROWS)],
        )
        missing = random.random(ROWS) < 0.02
        columns[f"c{place}"] = pa.array(kinds[place % 3](), mask=missing)
    columns["price"] = random.normal(100, 20, ROWS).round(2)
    path = tmp_path_factory.mktemp("wide") / "rows.csv"
    csv.write_csv(pa.table(columns), path)
    return path


def seconds_of(words, folder):
    """Return processor time and wall time of a command."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return processor, time.perf_counter() - started


def test_init_wide(table):
    """A proposal for a wide table takes less processor time than two looks at all of it."""
    folder = table.parent
    reading, _ = seconds_of([sys.executable, "-c", READ, str(table)], folder)
    init = [
        str(Path(sys.executable).with_name("driftctl")),
        "init",
        "--data",
        str(table),
        "--target",
        "price",
        "--force",
    ]
    proposing, wall = seconds_of(init, folder)
    document = json.loads((folder / "price.json").read_text())
    print(f"\ninit of {ROWS:,} x {COLUMNS}: {proposing:.1f} s of a core, {wall:.1f} s; reading all: {reading:.1f} s")
    assert len(document["features"]) == COLUMNS - 1
    assert proposing < 2 * reading
