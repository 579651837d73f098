"""Where training rows come from: the models that ship, or any function that returns a table."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.tables import Table

from .errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_contracts import FeatureSet

    Source = Callable[[FeatureSet, int, int], Table]
    """(feature set, rows wanted, seed) to a table; a source of fixed size may ignore the rows."""


def house_price(_feature_set: FeatureSet, rows: int, seed: int) -> Table:
    """Synthetic houses: independent features and a linear price with normal noise of 20,000, in whole US dollars.

    bedrooms 1-5, bathrooms 1-3 and age 0-49 are uniform integers, sqft is normal(2000, 500), the location
    score uniform in [1, 10].
    """
    random = np.random.default_rng(seed)
    columns = {
        "bedrooms": random.integers(1, 6, rows).astype(np.float64),
        "bathrooms": random.integers(1, 4, rows).astype(np.float64),
        "sqft": _positive_normal(random, 2000, 500, rows),
        "age": random.integers(0, 50, rows).astype(np.float64),
        "location_score": random.uniform(1, 10, rows),
    }
    price = (
        50_000 * columns["bedrooms"]
        + 30_000 * columns["bathrooms"]
        + 150 * columns["sqft"]
        + 1_000 * (50 - columns["age"])
        + 20_000 * columns["location_score"]
        + random.normal(0, 20_000, rows)
    )
    return Table(source=f"synthetic:house-price rows={rows} seed={seed}", columns=columns, target=np.rint(price))


def _positive_normal(random: np.random.Generator, mean: float, deviation: float, rows: int) -> np.ndarray:
    """Normal values, those at or below zero drawn again: an area of nothing is not a house."""
    values = random.normal(mean, deviation, rows)
    while (bad := values <= 0).any():
        values[bad] = random.normal(mean, deviation, int(bad.sum()))
    return values


def diabetes(_feature_set: FeatureSet, _rows: int, _seed: int) -> Table:
    """The diabetes study inside scikit-learn, in its original units: 442 patients, 10 features."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 - 300 ms that --help need not pay

    data = load_diabetes(scaled=False)
    columns = {name: data.data[:, i].astype(np.float64) for i, name in enumerate(data.feature_names)}
    return Table(source="scikit-learn:diabetes", columns=columns, target=data.target.astype(np.float64))


SHIPPED: dict[str, Source] = {"house-price": house_price, "diabetes": diabetes}


def find_source(model: str, reference: str | None = None) -> Source:
    """The source named `module:function`, or the one that ships for this model. Raises TrainingError."""
    if reference is None:
        if model not in SHIPPED:
            raise TrainingError(
                f"no data source ships for this model; give --data FILE or --source MODULE:FUNCTION "
                f"(models with one: {', '.join(sorted(SHIPPED))})"
            )
        return SHIPPED[model]
    module_name, _, function_name = reference.partition(":")
    try:
        function: Source = getattr(importlib.import_module(module_name), function_name)
    except (ImportError, AttributeError, ValueError) as error:
        raise TrainingError(f"--source: expected an importable MODULE:FUNCTION ({type(error).__name__})") from error
    return function
