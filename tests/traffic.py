"""Traffic for the tests that drive a running console."""

from __future__ import annotations

import random


def houses(seed, rows, shift=0.0):
    """Ordinary houses, as the model was trained on; `shift` moves the area, in standard deviations."""
    draw = random.Random(seed)
    for _ in range(rows):
        yield {
            "bedrooms": draw.randint(1, 5),
            "bathrooms": draw.randint(1, 3),
            "sqft": max(100.0, draw.gauss(2000 + 500 * shift, 500)),
            "age": draw.randint(0, 49),
            "location_score": draw.uniform(1, 10),
        }
