"""The theoretical limit: CUSUMs that know the true law and the size of the shift."""

from __future__ import annotations

import numpy as np


def cusum_threshold(shift: float, run_length: float) -> float:
    """The threshold at which one one-sided CUSUM has a mean run length (Siegmund 1985), by fixed point."""
    height = 10.0
    for _ in range(50):
        height = float(np.log(run_length * shift * shift / 2 + height + 1))
    return height - 1.166 * shift


def cusum_delays(streams: np.ndarray, change: int, *, shift: float, budget: float) -> list[float]:
    """Delays of the limit after a change: one-sided CUSUMs, two per feature, that know the law and the shift.

    streams: shape (replicates, events, features). The sums start anew after an alarm; NaN where none came.
    """
    both = np.concatenate([streams, -streams], axis=2)
    bar = cusum_threshold(shift, budget * both.shape[2])
    sums = np.zeros((len(streams), both.shape[2]))
    delays = np.full(len(streams), np.nan)
    for step in range(both.shape[1]):
        sums = np.maximum(0, sums + shift * (both[:, step] - shift / 2))
        over = sums.max(axis=1) >= bar
        if step >= change:
            delays[over & np.isnan(delays)] = step + 1 - change
        sums[over] = 0
    return delays.tolist()
