"""Requests for the model that ships: one that never changes, and ordinary traffic."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

#: A request's features, all of them ordinary values.
HOUSE = {"bedrooms": 3, "bathrooms": 2, "sqft": 2000, "age": 10, "location_score": 7}

#: The same features as options of `driftctl predict`.
HOUSE_OPTIONS = [f"--{name.replace('_', '-')}={value}" for name, value in HOUSE.items()]

#: A caller's identifier of a request: a version 7 UUID, as the contracts want it.
PREDICTION_ID = "019ab0f2-7c1e-7d3a-9b1f-0a1b2c3d4e5f"


def houses(seed: int, rows: int, shift: float = 0.0) -> Iterator[dict[str, float]]:
    """Yield ordinary houses, as the model was trained on.

    Args:
        seed: of the random numbers.
        rows: how many houses.
        shift: how far the area is moved, in standard deviations.
    """
    draw = random.Random(seed)
    for _ in range(rows):
        yield {
            "bedrooms": draw.randint(1, 5),
            "bathrooms": draw.randint(1, 3),
            "sqft": max(100.0, draw.gauss(2000 + 500 * shift, 500)),
            "age": draw.randint(0, 49),
            "location_score": draw.uniform(1, 10),
        }
