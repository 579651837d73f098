"""The same traffic as `houses`, as columns of numpy, with a price that is a formula."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray


def columns(rows: int, seed: int, shift: float = 0.0) -> dict[str, NDArray[np.float64]]:
    """Return ordinary houses by feature, each column of shape (rows,).

    Args:
        rows: how many houses.
        seed: of the random numbers.
        shift: how far the area is moved, in standard deviations.
    """
    random = np.random.default_rng(seed)
    return {
        "bedrooms": random.integers(1, 6, rows).astype(float),
        "bathrooms": random.integers(1, 4, rows).astype(float),
        "sqft": random.normal(2000 + 500 * shift, 500, rows).clip(100),
        "age": random.integers(0, 50, rows).astype(float),
        "location_score": random.uniform(1, 10, rows),
    }


def price(table: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """Return what each house of a table costs, in dollars: linear in three of its columns."""
    rooms = 50_000 * table["bedrooms"]
    return rooms + 150 * table["sqft"] + 20_000 * table["location_score"]
