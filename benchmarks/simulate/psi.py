"""What an alarm of PSI costs: false alarms and shifts that it shows, by the events of a window.

`python -m benchmarks.simulate.psi` prints the table of `docs/evidence.md`.
"""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Groups that PSI is read over, as in reports.
GROUPS = 10
FEATURES = 5
LIMIT = 0.2
SMOOTHING = 0.5
SIZES = (60, 100, 250, 1_000)
REFERENCES = (500, 10_000)
#: Standard deviations that the mean of one feature moves by.
SHIFTS = (0.0, 0.25, 0.5, 1.0)
#: Of the standard normal distribution; the 95 % interval of a share uses it.
QUANTILE = 1.96


def share_above(
    rng: np.random.Generator,
    windows: int,
    rows: int,
    events: int,
    shift: float,
) -> float:
    """Return the share of windows in which the largest PSI of five features is above the limit.

    The features are normal and independent. Groups are tenths of a reference that is drawn anew
    for each window: what they hold of the distribution is Dirichlet's.

    Args:
        rng: a seeded generator.
        windows: how many.
        rows: of each reference.
        events: of each window.
        shift: of the first feature's mean, standard deviations.
    """
    held = rng.dirichlet([rows / GROUPS] * GROUPS, size=(windows, FEATURES))
    cuts = special.ndtri(np.cumsum(held, axis=-1)[..., :-1].clip(0, 1))
    cuts[:, 0] -= shift
    below = np.concatenate(
        [
            np.zeros((windows, FEATURES, 1)),
            special.ndtr(cuts),
            np.ones((windows, FEATURES, 1)),
        ],
        axis=-1,
    )
    counts = rng.multinomial(events, np.diff(below, axis=-1))
    largest = _psi(np.full_like(counts, rows / GROUPS), counts).max(axis=-1)
    return float((largest > LIMIT).mean())


def _psi(reference: npt.NDArray[np.int64], counts: npt.NDArray[np.int64]) -> Floats:
    """Return PSI over the last axis, nats, as `drift_ml.effects.psi` defines it."""
    before, after = _shares(reference), _shares(counts)
    difference: Floats = np.sum((after - before) * np.log(after / before), axis=-1)
    return difference


def _shares(counts: npt.NDArray[np.int64]) -> Floats:
    filled = counts + SMOOTHING
    shares: Floats = filled / filled.sum(axis=-1, keepdims=True)
    return shares


def interval(share: float, runs: int) -> str:
    """Return a share with its 95 % interval (Wilson 1927), in per cent.

    Args:
        share: of the runs.
        runs: how many.
    """
    spread = QUANTILE**2 / runs
    middle = (share + spread / 2) / (1 + spread)
    half = QUANTILE * np.sqrt(share * (1 - share) / runs + spread / (4 * runs)) / (1 + spread)
    low, high = max(0.0, middle - half), min(1.0, middle + half)
    return f"{100 * share:.1f} % ({100 * low:.1f} to {100 * high:.1f})"


def main() -> None:
    """Print how often PSI is above the limit, by the window's size, the reference and the shift."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--windows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = np.random.default_rng(options.seed)
    print("| events in a window | reference rows | nothing changed | .25 sd | .5 sd | 1 sd |")
    print("|---|---|---|---|---|---|")
    for events in SIZES:
        for rows in REFERENCES:
            cells = []
            for shift in SHIFTS:
                share = share_above(rng, options.windows, rows, events, shift)
                cells.append(interval(share, options.windows))
            print(f"| {events:,} | {rows:,} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
