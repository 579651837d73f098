"""Feature sets, columns and baselines that the tests of baseline, window and report share."""

import numpy as np
import pytest
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline

KINDS = {
    "rooms": {"type": "integer", "minimum": 0, "usual": [1, 5], "example": 3},
    "area": {"type": "number", "minimum": 0, "example": 90.5},
    "garden": {"type": "boolean", "nullable": True, "example": True},
    "heating": {"type": "category", "categories": ["gas", "oil", "wood"], "other": True, "example": "gas"},
    "ground": {"type": "number", "nullable": True, "example": 400.0},
}


def feature_set(*names, **changed):
    kinds = {name: KINDS[name] for name in names or KINDS} | changed
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v1",
            "name": "houses",
            "version": "1.0.0",
            "description": "Houses.",
            "target": {"name": "price", "unit": "EUR", "description": "Price."},
            "features": [
                {"name": name, "unit": "of its own", "description": "One.", **kind} for name, kind in kinds.items()
            ],
        }
    )


def columns(seed, rows, shift=0.0):
    random = np.random.default_rng(seed)
    ground = random.lognormal(6, 1, rows)
    ground[random.random(rows) < 0.1] = np.nan
    garden = random.integers(0, 2, rows).astype(float)
    garden[random.random(rows) < 0.05] = np.nan
    heating = random.choice(np.array(["gas", "oil", "wood", None, "heat pump"], dtype=object), rows)
    return {
        "rooms": random.integers(1, 7, rows),
        "area": random.normal(90 + 20 * shift, 20, rows),
        "garden": garden,
        "heating": heating,
        "ground": ground,
    }


def predictions(of):
    return 1000.0 * np.asarray(of["rooms"]) + 10 * np.asarray(of["area"])


def events(of, predicted=None):
    """The rows as events: plain values, None for missing."""
    found = []
    for place in range(len(of["rooms"])):
        row = {name: column[place] for name, column in of.items()}
        plain = {name: value.item() if isinstance(value, np.generic) else value for name, value in row.items()}
        found.append((plain, None if predicted is None else float(predicted[place])))
    return found


@pytest.fixture(scope="session")
def make():
    """Feature sets, columns, predictions and events."""

    class Make:
        feature_set = staticmethod(feature_set)
        columns = staticmethod(columns)
        predictions = staticmethod(predictions)
        events = staticmethod(events)

    return Make


@pytest.fixture(scope="session")
def houses():
    """A baseline with every kind of feature, 600 rows."""
    of = columns(1, 600)
    return fit_baseline(
        feature_set(), of, target=predictions(of) + 1, predictions=predictions(of)[:200], errors=np.ones(200)
    )
