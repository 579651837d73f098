"""Find the parameter at which each rival raises as many false alarms as it may: `python -m benchmarks.simulate.tune`.

Prints what `cells.TUNED` holds. The streams are seeded, and others than those on which the rates in the table
are measured afterwards.
"""

from __future__ import annotations

from functools import partial
from math import exp, log
from typing import TYPE_CHECKING

import numpy as np
from rich.progress import track
from river.drift import ADWIN, PageHinkley

from benchmarks.simulate.rivals import WINDOW, ks, per_feature, psi, windows
from benchmarks.simulate.streams import normals

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchmarks.simulate.rivals import Statistic

RATE = 1e-5
STREAMS = 30
EVENTS = 100_000
STEPS = 7


def bisected(make: Callable[[float], Callable[[], ADWIN | PageHinkley]], low: float, high: float) -> float:
    """The parameter, between one with too few alarms and one with too many, at which the count is as nominal.

    Every step sees the same streams. The middle is the geometric one.
    """
    for _ in track(range(STEPS), description="bisecting"):
        middle = exp((log(low) + log(high)) / 2)
        rng = np.random.default_rng(2024)
        rows = (normals(rng, EVENTS) for _ in range(STREAMS))
        count = sum(len(per_feature(each, each, make=make(middle))) for each in rows)
        low, high = (low, middle) if count > RATE * STREAMS * EVENTS else (middle, high)
    return exp((log(low) + log(high)) / 2)


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
    print("ks", round(-quantile(ks), 5), "psi", round(quantile(psi), 5))
    print("adwin", round(bisected(lambda value: partial(ADWIN, delta=value), 0.002, 0.03), 5))
    print("page-hinkley", round(bisected(lambda value: partial(PageHinkley, threshold=value), 800.0, 100.0), 1))


if __name__ == "__main__":
    main()
