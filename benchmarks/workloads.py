"""Seeded workloads that the benchmarks share: the same rows and the same forest in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import feature_set
from drift_ml.training.sources import house_price

if TYPE_CHECKING:
    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

SEED = 7


def houses(rows: int = 10_000, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """The synthetic houses that training ships, shape (rows, 5), and their prices in USD."""
    features = feature_set("house-price")
    table = house_price(features, rows, seed)
    return table.matrix(features), table.target


def house_forest(min_samples_leaf: int = 5, trees: int = 100, rows: int = 10_000) -> RandomForestRegressor:
    """A forest fitted on the houses; it predicts with n_jobs=None, the order that answers are compared in."""
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - some workloads need no scikit-learn

    forest = RandomForestRegressor(trees, min_samples_leaf=min_samples_leaf, random_state=SEED, n_jobs=2)
    return forest.fit(*houses(rows)).set_params(n_jobs=None)
