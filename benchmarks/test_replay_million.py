"""`driftctl replay` on a million rows, from the start of the process to its end, the HTML report written."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import feature_set
from drift_ml.training import Recipe, load_rows, train
from pyarrow import csv, parquet
from workloads import houses

ROWS = 1_000_000
CHANGE = 600_000
HOUSES = feature_set("house-price")
WALL_SECONDS = 5.0
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
    return folder


MEASURE = """
import json, os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
wall = time.perf_counter() - started
print()
print(json.dumps([os.waitstatus_to_exitcode(status), wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024]))
"""
"""Runs a command from a small process: a child's peak counts what its parent held when it was started."""


def run(data, bundle, html):
    """What was said, exit code, wall seconds, processor seconds, peak memory in MB; bytecode is kept, as usual."""
    command = [Path(sys.executable).with_name("driftctl"), "replay", "--data", data, "--baseline", bundle]
    told = subprocess.run(
        [sys.executable, "-c", MEASURE, *command, "--time-column", "time", "--html", html],
        env={name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"},
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout
    said, _, measured = told.rstrip().rpartition("\n")
    return said, *json.loads(measured)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_million_rows_to_the_report(traffic, bundle, tmp_path, kind):
    run(traffic / "first.csv", bundle, tmp_path / "first.html")
    runs = [run(traffic / f"million.{kind}", bundle, tmp_path / "report.html") for _ in range(3)]
    for said, code, _, _, _ in runs:
        assert code == 1, "drift was found"
        assert "Drift in sqft: mean up" in said
    wall, processor, peak = (min(each[place] for each in runs) for place in (2, 3, 4))
    weight = (traffic / f"million.{kind}").stat().st_size / 1e6
    print(f"\n{kind}, {weight:.0f} MB: {wall:.2f} s wall, {processor:.2f} s of processors, {peak:.0f} MB at the most")
    assert wall < WALL_SECONDS
    assert peak < PEAK_MEGABYTES
