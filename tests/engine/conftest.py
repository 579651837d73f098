from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np
import pytest
from drift_engine.forest import ENGINES
from drift_engine.model import ENGINES as MODEL_ENGINES
from sklearn.ensemble import ExtraTreesRegressor, RandomForestRegressor

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture(params=ENGINES)
def engine(request: pytest.FixtureRequest) -> str:
    """Each engine that this machine has; DRIFT_REQUIRE_KERNEL=1 where the compiled one must be among them."""
    assert ("c" in ENGINES and "c" in MODEL_ENGINES) or not os.environ.get("DRIFT_REQUIRE_KERNEL")
    return request.param


@pytest.fixture(scope="session")
def engines() -> list[str]:
    """All engines that this machine has."""
    return list(ENGINES)


@pytest.fixture(scope="session")
def fitted() -> Callable[..., tuple[RandomForestRegressor | ExtraTreesRegressor, np.ndarray]]:
    """A seeded forest and its rows: fitted(kind, seed, rows, features, **parameters).

    holes: share of values that are NaN; whole: targets are whole numbers.
    """

    def fit(kind: str, seed: int, rows: int, features: int, *, holes: float = 0.0, whole: bool = False, **parameters):
        random = np.random.default_rng(seed)
        table = random.normal(size=(rows, features))
        table[:, 0] = random.integers(0, 4, rows)
        target = table.sum(axis=1) * 100 + random.normal(size=rows)
        target = np.rint(target) if whole else target
        table[random.random(table.shape) < holes] = np.nan
        estimators = {"random": RandomForestRegressor, "extra": ExtraTreesRegressor}
        return estimators[kind](random_state=seed, **parameters).fit(table, target), table

    return fit
