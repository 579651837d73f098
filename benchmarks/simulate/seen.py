"""Print what the mixture sees and what it does not, and how its state grows with the features."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("benchmarks.simulate.seen")

import argparse
import json
import os
from dataclasses import dataclass, replace
from time import perf_counter
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

BUDGET = 100_000
ROWS = 20_000
BATCH = 20
WIDTHS = (5, 60, 500, 2000)
"""Numbers of features of which the state is measured."""


@dataclass(frozen=True)
class Drift:
    """A change of normal rows. words: for the table. columns: features. most: events that are looked through."""

    words: str
    columns: int
    most: int
    change: Callable


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate.seen", description=__doc__)
    parser.add_argument("--runs", type=int, default=200, help="seeded runs of each drift (default: 200)")
    return parser.parse_args(words)


def drifts() -> list[Drift]:
    """What is tried, the visible first."""
    import numpy as np  # noqa: PLC0415 - --help must not wait for numpy

    def frozen(z, rng):
        z[rng.random(len(z)) < 0.05, 0] = 0.01

    def everywhere(z, _rng):
        z += 1.0

    def part(z, rng):
        z[rng.random(len(z)) < 0.1, 0] += 1.0

    def pair(z, rng):
        first, second = rng.choice(z.shape[1], 2, replace=False)
        z[:, second] = 0.6 * z[:, first] + 0.8 * z[:, second]

    def three(z, _rng):
        # The sign of each follows from the two others, while each pair stays independent.
        z[:, 2] = np.abs(z[:, 2]) * np.sign(z[:, 0] * z[:, 1])

    def tail(z, rng):
        # Beyond the 95 % quantile both are alike in half of the events; below nothing changes.
        far = (z[:, 0] > 1.645) & (rng.random(len(z)) < 0.5)
        z[far, 1] = z[far, 0]

    return [
        Drift("one value frozen in 5 % of the traffic", 5, 2000, frozen),
        Drift("all features by 1 sd in one direction", 5, 200, everywhere),
        Drift("a feature by 1 sd in 10 % of the traffic", 5, 10_000, part),
        Drift("correlation 0 to .6 of a random pair of 10", 10, 1000, pair),
        Drift("the same of 15", 15, 1000, pair),
        Drift("the same of 30", 30, 1000, pair),
        Drift("the same of 60", 60, 1000, pair),
        Drift("a tail that two features share", 5, 10_000, tail),
        Drift("the sign of a third feature follows from two", 5, 10_000, three),
    ]


def found(drift: Drift, runs: int) -> list[float]:
    """Events to the alarm of each run, infinity where none came."""
    import numpy as np  # noqa: PLC0415 - as above

    from benchmarks.simulate.mixture import Watched, alarms  # noqa: PLC0415 - as above
    from benchmarks.simulate.streams import normals  # noqa: PLC0415 - as above

    rng = np.random.default_rng([21, drift.columns, drift.most, len(drift.words)])
    delays: list[float] = []
    while len(delays) < runs:
        count = min(10, runs - len(delays))
        watched = [Watched(normals(rng, ROWS, drift.columns))] * count
        streams = [normals(rng, drift.most, drift.columns) for _ in watched]
        for stream in streams:
            drift.change(stream, rng)
        each = alarms(watched, streams, batch=BATCH, bar=BUDGET, until=0)
        delays += [float(at[0]) if at else float("inf") for at in each]
    return delays


def line(drift: Drift, delays: list[float]) -> str:
    """A row of the table: the share that was found with its 95 % interval (Wilson 1927), and the median."""
    import numpy as np  # noqa: PLC0415 - as above

    runs, seen = len(delays), int(np.isfinite(delays).sum())
    share, spread = seen / runs, 1.96**2 / runs
    middle = (share + spread / 2) / (1 + spread)
    half = 1.96 * np.sqrt(share * (1 - share) / runs + spread / runs / 4) / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    median = float(np.median(delays))
    often = f"{seen} of {runs} ({100 * low:.0f} to {100 * high:.0f} %)"
    return f"| {drift.words} | {drift.most:,} | {often} | {f'{median:.0f}' if median < np.inf else '-'} |"


def size(columns: int) -> str:
    """A row of the table of sizes: charts, bytes of the state, seconds of a window of 1,000 events."""
    from drift_ml.baseline import Channel  # noqa: PLC0415 - as above
    from drift_ml.evidence import MixtureDetector, Settings  # noqa: PLC0415 - as above

    values = Channel("x", "quantiles", ("x",), (300,) * 64, edges=tuple(map(float, range(63))))
    gone = Channel("missing:x", "missing", ("x",), (ROWS, 0))
    channels = []
    for place in range(columns):
        name = f"x{place}"
        channels.append(replace(values, name=name, of=(name,)))
        channels.append(replace(gone, name=f"missing:{name}", of=(name,)))
    detector = MixtureDetector(Settings(channels))
    counts = {channel.name: [16] * 64 if channel.kind == "quantiles" else [1024, 0] for channel in channels}
    detector.update(counts)
    begun = perf_counter()
    detector.update(counts)
    took = perf_counter() - begun
    state = detector.to_json()
    charts = len(state["capital"]["log"])
    text = len(json.dumps(state, separators=(",", ":")))
    return f"| {columns:,} | {charts:,} | {text / 1e6:.2f} | {1000 * took:.1f} |"


def main(words: list[str] | None = None) -> int:
    """Print both tables."""
    options = parse(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    print("| features | charts | state, MB | a window, ms |\n|---|---|---|---|")
    for columns in WIDTHS:
        print(size(columns), flush=True)
    print("\n| drift | events | found (95 % interval) | median events |\n|---|---|---|---|")
    for drift in drifts():
        print(line(drift, found(drift, options.runs)), flush=True)
    return 0
