"""Choose the recipe of `flight-delay`: `python -m tools.flight_recipe`.

The flights that are held out for the scores are never looked at. Of the learnt ones the last fifth
in the order of time is held back again; each candidate is fitted on those before, and the one with
the least log loss on that fifth is chosen. It takes about a minute.
"""

from __future__ import annotations

import sys
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import feature_set
from drift_ml.training import Recipe, load_rows
from drift_ml.training.fitting import fit
from drift_ml.training.holding_out import Sides, split
from drift_ml.training.recipes import SHIPPED
from sklearn import metrics
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped] # it has no stubs

if TYPE_CHECKING:
    import numpy.typing as npt
    from drift_ml.tables import Table

    Times = npt.NDArray[np.int64]

MODEL = "flight-delay"
#: Histograms learn categories by name and missing values, in a file of 130 kB; a forest takes 50
#: times as much for the same log loss.
ESTIMATOR = "hist-boosting"
LEARNING_RATES = (0.01, 0.02, 0.03, 0.05, 0.1)
LEAVES = (5, 20, 50)


def inner_sides(times_ms: Times, recipe: Recipe) -> Sides:
    """Return a split of the learnt rows alone, as the places of rows in the whole table.

    Args:
        times_ms: When each row was, milliseconds of Unix time, shape (rows,).
        recipe: Whose share and seed hold rows out, here as in training.
    """
    learnt = np.sort(split(len(times_ms), recipe, times_ms).learnt)
    inner = split(len(learnt), recipe, times_ms[learnt])
    return Sides(learnt[inner.learnt], learnt[inner.held_out], inner.period_ms)


def log_loss(table: Table, recipe: Recipe, sides: Sides) -> float:
    """Return the log loss of a candidate in nats, on the rows that its split holds back.

    Args:
        table: All flights.
        recipe: The candidate.
        sides: Of `inner_sides`.
    """
    chosen = feature_set(MODEL)
    fitted = fit(chosen, table.matrix(chosen), table.target, recipe, sides=sides)
    return float(metrics.log_loss(fitted.actual, fitted.predicted))


def main() -> int:
    """Print every candidate and the best; return 1 where another is shipped."""
    table = load_rows(feature_set(MODEL))
    assert table.times_ms is not None  # noqa: S101 - flights have times
    sides = inner_sides(table.times_ms, Recipe(ESTIMATOR))
    candidates = []
    for rate, leaf in product(LEARNING_RATES, LEAVES):
        recipe = Recipe(ESTIMATOR, min_samples_leaf=leaf, learning_rate=rate)
        # Of so few rows, threads only wait for each other.
        with threadpool_limits(1, "openmp"):
            loss = log_loss(table, recipe, sides)
        candidates.append((loss, recipe))
        print(f"learning rate {rate:<5g} leaf {leaf:<3} log loss {loss:.4f}", flush=True)
    loss, best = min(candidates, key=lambda candidate: candidate[0])
    shipped = SHIPPED[MODEL]
    print(f"chosen: learning rate {best.learning_rate}, leaf {best.min_samples_leaf}")
    if best == shipped:
        return 0
    print(f"shipped: learning rate {shipped.learning_rate}, leaf {shipped.min_samples_leaf}")
    return 1


if __name__ == "__main__":
    sys.exit(main())
