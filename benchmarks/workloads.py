"""Seeded workloads that the benchmarks share: the same rows and the same forest in every run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

SEED = 7


def houses(rows: int = 10_000, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """Synthetic houses, shape (rows, 5), by the features of house-price, and their prices in USD."""
    random = np.random.default_rng(seed)
    bedrooms, bathrooms = random.integers(1, 6, rows), random.integers(1, 4, rows)
    sqft, age = random.normal(2000, 500, rows), random.integers(0, 50, rows)
    location = random.uniform(1, 10, rows)
    price = 50_000 * bedrooms + 30_000 * bathrooms + 150 * sqft + 1000 * (50 - age) + 20_000 * location
    table = np.column_stack([bedrooms, bathrooms, sqft, age, location]).astype(np.float64)
    return table, price + random.normal(0, 20_000, rows)


def house_forest(min_samples_leaf: int = 5, trees: int = 100, rows: int = 10_000) -> RandomForestRegressor:
    """A forest fitted on the houses; it predicts with n_jobs=None, the order that answers are compared in."""
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - some workloads need no scikit-learn

    forest = RandomForestRegressor(trees, min_samples_leaf=min_samples_leaf, random_state=SEED, n_jobs=2)
    return forest.fit(*houses(rows)).set_params(n_jobs=None)
