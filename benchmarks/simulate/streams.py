"""Seeded traffic: laws of one feature, ways to drift, and real rows in shuffled order."""

from __future__ import annotations

import numpy as np
from drift_contracts import FeatureSet
from scipy.special import ndtr, stdtrit
from sklearn import datasets

FEATURES = 5
MOST_OF_V1 = 90
"""Features of a feature-set.v1."""
LAWS = ("normal", "integer", "lognormal", "t3", "category")
"""Of all features but for the last: there x0 is a category, and the others are normal."""
CATEGORIES = {"a": 0.4, "b": 0.3, "c": 0.15, "d": 0.1, "e": 0.05}


def feature_set(columns: int = FEATURES, law: str = "normal") -> FeatureSet:
    """Plain features x0, x1, ...; under the law `category` the first is one."""
    common = {"unit": "none", "description": "a simulated value", "nullable": True}
    number = {"type": "number", "example": 0, **common}
    category = {"type": "category", "categories": list(CATEGORIES), "other": True, "example": "a", **common}
    features = [category if law == "category" and not i else number for i in range(columns)]
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v1" if columns <= MOST_OF_V1 else "feature-set.v2",
            "name": "simulated",
            "version": "1.0.0",
            "description": "Rows that a simulation makes",
            "target": {"name": "y", "unit": "none", "description": "nothing"},
            "features": [{"name": f"x{i}", **feature} for i, feature in enumerate(features)],
        }
    )


def normals(rng: np.random.Generator, rows: int, columns: int = FEATURES, ar: float = 0.0) -> np.ndarray:
    """Standard normal rows, shape (rows, columns); `ar` is the autocorrelation at lag one."""
    noise = rng.standard_normal((rows, columns))
    if ar:
        noise[1:] *= np.sqrt(1 - ar * ar)
        for row in range(1, rows):
            noise[row] += ar * noise[row - 1]
    return noise


def drifted(z: np.ndarray, kind: str, size: float, rng: np.random.Generator) -> np.ndarray:
    """Normal rows after a drift of some kind; all but `all` and `correlation` concern the first feature.

    The size of `mix` is the share of events that move into the rarest category, that of `newcomer` the share
    in a category that the reference has not.
    """
    z = z.copy()
    steps = np.arange(len(z))
    if kind == "mean":
        z[:, 0] += size
    elif kind == "all":
        z += size
    elif kind == "variance":
        z[:, 0] *= size
    elif kind == "correlation":
        z[:, 1] = size * z[:, 0] + np.sqrt(1 - size * size) * z[:, 1]
    elif kind == "gradual":
        z[:, 0] += size * np.minimum(1.0, steps / 1000)
    elif kind == "seasonal":
        z[:, 0] += size * np.sin(2 * np.pi * steps / 1440)
    elif kind in INSTEAD:
        z[rng.random(len(z)) < size, 0] = INSTEAD[kind]
    return z


INSTEAD = {"missing": np.nan, "mix": 2.0, "newcomer": np.inf}
"""What some events show instead: as ranks of a normal, 2.0 is in the last category and infinity past it."""


def through(law: str, z: np.ndarray) -> np.ndarray:
    """Normal rows turned into another law, rank by rank."""
    if law == "lognormal":
        return np.exp(z)
    if law == "integer":
        return np.where(np.isnan(z), z, np.ceil(ndtr(z) * 10))
    if law == "t3":
        return stdtrit(3, np.clip(ndtr(z), 1e-12, 1 - 1e-12))
    if law == "category":
        shares = np.cumsum(list(CATEGORIES.values())).round(9)
        indices = np.where(np.isnan(z[:, 0]), np.nan, np.searchsorted(shares, ndtr(z[:, 0]), side="right"))
        return np.column_stack([indices, z[:, 1:]])
    return z


def real(name: str) -> np.ndarray:
    """The first numeric columns (those that vary) of a data set bundled with scikit-learn, shape (rows, <=
    8)."""
    rows = np.asarray(getattr(datasets, f"load_{name}")().data, dtype=np.float64)
    return rows[:, rows.std(axis=0) > 0][:, :8]
