"""Seeded workloads that the benchmarks share: the same rows and the same forest in every run."""

from __future__ import annotations

import json
from functools import cache
from typing import TYPE_CHECKING, Any

from drift_contracts import feature_set
from drift_engine.bundle import describe_files, model_version
from drift_engine.forest.writer import encode, trees_of
from drift_ml.baseline.fit import fit_baseline
from drift_ml.training.sources import house_price

if TYPE_CHECKING:
    from pathlib import Path

    import numpy as np
    from sklearn.ensemble import RandomForestRegressor

SEED = 7


def houses(rows: int = 10_000, seed: int = SEED) -> tuple[np.ndarray, np.ndarray]:
    """The synthetic houses that training ships, shape (rows, 5), and their prices in USD."""
    features = feature_set("house-price")
    table = house_price(features, rows, seed)
    return table.matrix(features), table.target


@cache
def house_forest(min_samples_leaf: int = 5, trees: int = 100, rows: int = 10_000) -> RandomForestRegressor:
    """Return a forest fitted on the houses, one for all calls with the same words; it predicts with n_jobs=None."""
    from sklearn.ensemble import RandomForestRegressor  # noqa: PLC0415 - some workloads need no scikit-learn

    forest = RandomForestRegressor(trees, min_samples_leaf=min_samples_leaf, random_state=SEED, n_jobs=2)
    return forest.fit(*houses(rows)).set_params(n_jobs=None)


def write_bundle(folder: Path, estimator: RandomForestRegressor) -> dict[str, Any]:
    """A bundle of the forest with the houses' baseline; gives the facts of its features."""
    houses_set = feature_set("house-price")
    table, prices = houses()
    columns = dict(zip(houses_set.names, table.T, strict=True))
    baseline = fit_baseline(houses_set, columns, target=prices).to_json()
    files = {
        "feature_set.json": json.dumps(houses_set.to_json()).encode(),
        "baseline.json": json.dumps(baseline).encode(),
        "forest.bin": encode(trees_of(estimator), features=5),
    }
    described = describe_files(files)
    manifest = {
        "contract": "bundle.manifest.v1",
        "model": houses_set.name,
        "model_version": model_version(described),
        "feature_set": houses_set.version,
        "files": described,
    }
    folder.mkdir(parents=True)
    for name, content in (files | {"manifest.json": json.dumps(manifest).encode()}).items():
        (folder / name).write_bytes(content)
    return baseline["features"]
