"""Find the parameter at which each rival raises as many false alarms as it may: `python -m benchmarks.simulate.tune`.

Prints what `cells.TUNED` holds. The streams are seeded, and others than those on which the rates in the table
are measured afterwards.
"""

from __future__ import annotations

from functools import partial
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.exits import run
from rich.progress import track
from river.drift import ADWIN, PageHinkley

from benchmarks.simulate.rivals import WINDOW, ks, per_feature, psi, windows
from benchmarks.simulate.streams import FEATURES, normals

if TYPE_CHECKING:
    from collections.abc import Iterable

    from benchmarks.simulate.rivals import Statistic

RATE = 1e-5
STREAMS = 30
EVENTS = 100_000
STEPS = 4


def adwin() -> float:
    """The delta at which as many alarms come as may, by bisection; every step sees the same streams."""
    low, high = 0.005, 0.02
    for _ in track(range(STEPS), description="ADWIN"):
        middle = sqrt(low * high)
        rng = np.random.default_rng(2024)
        rows = (normals(rng, EVENTS) for _ in range(STREAMS))
        count = sum(len(per_feature(each, each, make=partial(ADWIN, delta=middle))) for each in rows)
        low, high = (low, middle) if count > RATE * STREAMS * EVENTS else (middle, high)
    return sqrt(low * high)


def page_hinkley() -> float:
    """The threshold at which as many alarms come as may, on a line between the nearest two of a grid."""
    rng = np.random.default_rng(2026)
    grid = np.geomspace(100.0, 500.0, 24)
    features = 2 * STREAMS * FEATURES
    values = (rng.standard_normal(features) for _ in range(EVENTS))
    counts = page_hinkley_alarms(track(values, total=EVENTS, description="Page-Hinkley"), grid, features)
    return float(np.interp(-2 * STREAMS * EVENTS * RATE, -counts.astype(float), grid))


def page_hinkley_alarms(values: Iterable[np.ndarray], thresholds: np.ndarray, features: int) -> np.ndarray:
    """How many alarms river's Page-Hinkley raises per threshold, shape (thresholds,), over many streams at once.

    values: one value of each stream at a time, shape (features,). It starts anew after an alarm, as river's does.
    """
    own, bars = PageHinkley(), thresholds[:, None]
    shape = (len(thresholds), features)
    seen, mean, up, down = (np.zeros(shape) for _ in range(4))
    least, most = np.full(shape, np.inf), np.full(shape, -1.0)
    counts = np.zeros(len(thresholds), dtype=int)
    for value in values:
        seen += 1
        mean += (value - mean) / seen
        apart = value - mean
        up = own.alpha * up + apart - own.delta
        down = own.alpha * down + apart + own.delta
        least, most = np.minimum(least, up), np.maximum(most, down)
        over = (seen >= own.min_instances) & (np.maximum(up - least, most - down) > bars)
        if over.any():
            counts += over.sum(axis=1)
            for state in (seen, mean, up, down):
                state[over] = 0.0
            least[over], most[over] = np.inf, -1.0
    return counts


def quantile(statistic: Statistic) -> float:
    """The bar that a window without drift passes as often as nominal: a rate per event times its events."""
    rng = np.random.default_rng(2025)
    found: list[float] = []
    for _ in track(range(STREAMS * 3), description="windows"):
        reference = np.sort(normals(rng, 10_000), axis=0)
        found += [statistic(reference, window) for window in windows(normals(rng, EVENTS))]
    return float(np.quantile(found, 1 - RATE * WINDOW))


def main() -> None:
    """Tune, and print."""
    print("ks", round(-quantile(ks), 5), "psi", round(quantile(psi), 5), flush=True)
    print("page-hinkley", round(page_hinkley(), 1), flush=True)
    print("adwin", round(adwin(), 5))


if __name__ == "__main__":
    run(main)
