"""`driftctl replay` on a million rows, from the start of the process to its end, the HTML report written.

The yardstick is a script as one writes it without this project: pandas reads the file, and scipy's `ks_2samp` compares
every feature of every day with the training rows.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import feature_set
from drift_ml.training import Recipe, load_rows, train
from pairs import Side, Turn, time_of
from pyarrow import csv, parquet
from workloads import houses

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

ROWS = 1_000_000
CHANGE = 600_000
HOUSES = feature_set("house-price")
PEAK_MEGABYTES = 400


@pytest.fixture(scope="module")
def bundle(tmp_path_factory):
    folder = tmp_path_factory.mktemp("build")
    return train(HOUSES, load_rows(HOUSES, rows=10_000), folder, recipe=Recipe(trees=5)).bundle


@pytest.fixture(scope="module")
def traffic(tmp_path_factory):
    """A month of houses with times and predictions, as CSV and Parquet; the area grows by half a deviation."""
    rows, price = houses(ROWS, 8)
    rows[CHANGE:, HOUSES.names.index("sqft")] += 250
    columns = {name: np.ascontiguousarray(rows[:, place]) for place, name in enumerate(HOUSES.names)}
    seconds = np.arange(ROWS) * 30 * 86_400 // ROWS
    columns["time"] = np.datetime64("2026-10-01T00:00:00") + seconds.astype("timedelta64[s]")
    folder = tmp_path_factory.mktemp("traffic")
    table = pa.table({**columns, "prediction": price})
    csv.write_csv(table, folder / "million.csv")
    parquet.write_table(table, folder / "million.parquet")
    csv.write_csv(table.slice(0, 1_000), folder / "first.csv")
    rows, _ = houses(10_000)
    parquet.write_table(pa.table(dict(zip(HOUSES.names, rows.T.copy(), strict=True))), folder / "training.parquet")
    return folder


MEASURE = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - started
print()
print(json.dumps([os.waitstatus_to_exitcode(status), wall, usage.ru_maxrss / 1024]))
"""
"""Runs a command from a small process: a child's peak counts what its parent held when it was started."""

USUAL = """
import sys
import pandas
from scipy import stats
training, path = pandas.read_parquet(sys.argv[1]), sys.argv[2]
if path.endswith("csv"):
    rows = pandas.read_csv(path, parse_dates=["time"])
else:
    rows = pandas.read_parquet(path)
found = {}
for day, part in rows.groupby(rows["time"].dt.date):
    for name in training:
        p = stats.ks_2samp(training[name], part[name], method="asymp").pvalue
        if p < 1e-12:
            found.setdefault(name, day)
for name, day in found.items():
    print(f"Drift in {name} since {day}")
"""


class Run(NamedTuple):
    """What a process came to: its output, exit code, wall seconds, and peak memory in MB."""

    text: str
    code: int
    seconds: float
    megabytes: float


def run(*command: Any) -> Run:
    """Run a command to its end; bytecode is kept, as usual."""
    text = subprocess.run(
        [sys.executable, "-c", MEASURE, *map(str, command)],
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    output, _, measured = text.rstrip().rpartition("\n")
    return Run(output, *json.loads(measured))


def side(name: str, runs: list[Run], *command: Any) -> Side:
    """Return a side whose turn is one process; its runs are kept."""

    def turn(count: int) -> Turn:
        results = [run(*command) for _ in range(count)]
        runs.extend(results)
        return Turn(sum(result.seconds for result in results), results)

    return Side(name, turn, 1)


def check(ours: Sequence[Run], usual: Sequence[Run]) -> None:
    """Both find the drift that is there, and no other."""
    for mine, theirs in zip(ours, usual, strict=True):
        assert mine.code == 1, "drift was found"
        assert "Drift in sqft: mean up" in mine.text
        assert (theirs.code, theirs.text.split()) == (0, ["Drift", "in", "sqft", "since", "2026-10-19"])


@pytest.mark.parametrize(
    "kind",
    [pytest.param(kind, marks=pytest.mark.bar(f"replay of a million rows, {kind}")) for kind in ("parquet", "csv")],
)
def test_a_million_rows_to_the_report(
    traffic: Path, bundle: Path, tmp_path: Path, kind: str, decide_row: Callable[..., object]
) -> None:
    million = traffic / f"million.{kind}"
    replay = (Path(sys.executable).with_name("driftctl"), "replay", "--baseline", bundle, "--time-column", "time")
    run(*replay, "--data", traffic / "first.csv", "--html", tmp_path / "first.html")
    runs: list[Run] = []
    ours = side("ours", runs, *replay, "--data", million, "--html", tmp_path / "report.html")
    usual = side("usual", [], sys.executable, "-c", USUAL, traffic / "training.parquet", million)
    try:
        decide_row(ours, usual, check)
    finally:
        seconds, peak = min(each.seconds for each in runs), min(each.megabytes for each in runs)
        print(f"{kind}, {million.stat().st_size / 1e6:.0f} MB: least {time_of(seconds)}, {peak:.0f} MB")
    assert peak < PEAK_MEGABYTES
