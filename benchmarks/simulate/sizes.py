"""Print how the detector's charts, its state and the time of a window grow with the features."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("benchmarks.simulate.sizes")

import argparse
import json
import os
import zlib
from time import process_time

ROWS = 2000
EVENTS = 60
"""Events of a window."""
WINDOWS = 12
WIDTHS = (5, 50, 60, 200, 500, 1000, 2000)
"""Numbers of features that are measured."""
HEADER = "| features | charts | state, MB | state as it is stored, KB | a window, ms |\n|---|---|---|---|---|"


def parse(words: list[str] | None = None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulate.sizes", description=__doc__)
    parser.add_argument("features", type=int, nargs="*", default=WIDTHS, help="numbers of features (default: seven)")
    return parser.parse_args(words)


def size(columns: int) -> str:
    """A row of the table: charts, bytes of the state, processor time of the fastest of some windows."""
    import numpy as np  # noqa: PLC0415 - --help must not wait for numpy
    from drift_ml.baseline.fit import fit_baseline  # noqa: PLC0415 - as above
    from drift_ml.evidence import MixtureDetector, Settings  # noqa: PLC0415 - as above
    from drift_ml.window import Window  # noqa: PLC0415 - as above

    from benchmarks.simulate.streams import feature_set, normals  # noqa: PLC0415 - as above

    rng = np.random.default_rng(columns)
    names = [f"x{place}" for place in range(columns)]
    rows = normals(rng, ROWS, columns)
    baseline = fit_baseline(feature_set(columns), dict(zip(names, rows.T, strict=True)))
    detector = MixtureDetector(Settings(baseline.channels))
    times = []
    for minute in range(WINDOWS):
        window = Window.empty(baseline)
        window.observe_rows(dict(zip(names, normals(rng, EVENTS, columns).T, strict=True)))
        counts = window.channel_counts()
        begun = process_time()
        detector.update(counts, events=EVENTS, timestamp_s=1.8e9 + 60.0 * minute)
        times.append(process_time() - begun)
    state = detector.to_json()
    charts = len(state["capital"]["log"])
    text = json.dumps(state, separators=(",", ":")).encode()
    stored = len(zlib.compress(text, 6)) / 1e3
    return f"| {columns:,} | {charts:,} | {len(text) / 1e6:.2f} | {stored:,.0f} | {1000 * min(times):.2g} |"


def main(words: list[str] | None = None) -> int:
    """Print the table."""
    options = parse(words)
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    print(HEADER)
    for columns in options.features:
        print(size(columns), flush=True)
    return 0
