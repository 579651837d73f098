from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import feature_set
from drift_engine.bundle import describe_files, model_version
from drift_engine.forest.writer import encode, trees_of
from drift_ml.baseline.fit import fit_baseline
from drift_ml.window import Window
from pyarrow import csv, parquet
from sklearn.ensemble import RandomForestRegressor

if TYPE_CHECKING:
    from pathlib import Path

    from drift_ml.baseline import Baseline

HOUSES = feature_set("house-price")
START_MS = 1_790_000_000_000


def house_rows(rows: int, seed: int, shift: float = 0.0, begin: int = 0) -> dict[str, np.ndarray]:
    """Rows as in training; from row `begin` on, sqft is higher by `shift` standard deviations."""
    random = np.random.default_rng(seed)
    columns = {
        "bedrooms": random.integers(1, 6, rows).astype(float),
        "bathrooms": random.integers(1, 4, rows).astype(float),
        "sqft": random.normal(2000, 250, rows),
        "age": random.integers(0, 50, rows).astype(float),
        "location_score": random.uniform(1, 10, rows),
    }
    columns["sqft"][begin:] += shift * 250
    return columns


def prices(columns: dict[str, np.ndarray]) -> np.ndarray:
    return 150 * columns["sqft"] + 50_000 * columns["bedrooms"] - 1000 * columns["age"]


@dataclass(frozen=True)
class Made:
    """A small bundle on disk, the forest that is in it, and its baseline."""

    folder: Path
    forest: RandomForestRegressor
    baseline: Baseline


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    columns = house_rows(4000, seed=1)
    matrix = np.column_stack([columns[name] for name in HOUSES.names])
    forest = RandomForestRegressor(n_estimators=3, max_depth=6, random_state=1).fit(matrix, prices(columns))
    baseline = fit_baseline(HOUSES, columns, target=prices(columns), predictions=forest.predict(matrix))
    files = {
        "feature_set.json": json.dumps(HOUSES.to_json()).encode(),
        "baseline.json": json.dumps(baseline.to_json()).encode(),
        "forest.bin": encode(trees_of(forest, missing=False), features=len(HOUSES.names)),
    }
    described = describe_files(files)
    manifest = {
        "contract": "bundle.manifest.v1",
        "model": HOUSES.name,
        "model_version": model_version(described),
        "feature_set": HOUSES.version,
        "files": described,
    }
    folder = tmp_path_factory.mktemp("bundles") / HOUSES.name
    folder.mkdir()
    for name, content in {**files, "manifest.json": json.dumps(manifest).encode()}.items():
        (folder / name).write_bytes(content)
    return Made(folder, forest, baseline)


@pytest.fixture(scope="session")
def cut(made: Made) -> Any:
    """Makes windows of equally many rows, one row a second."""

    def make(*, rows: int, size: int, seed: int = 5, timed: bool = True, **drift: Any) -> list[Window]:
        columns = house_rows(rows, seed, **drift)
        predictions = made.forest.predict(np.column_stack([columns[name] for name in HOUSES.names]))
        times = START_MS + 1000 * np.arange(rows) if timed else None
        windows = []
        for start in range(0, rows, size):
            part = slice(start, start + size)
            window = Window.empty(made.baseline, "0" * 12)
            taken = {name: values[part] for name, values in columns.items()}
            window.observe_rows(taken, predictions[part], None if times is None else times[part])
            windows.append(window)
        return windows

    return make


@pytest.fixture(scope="session")
def houses() -> Any:
    return house_rows


@pytest.fixture
def traffic(tmp_path: Path) -> Any:
    """Writes a file of traffic and returns its path; one row a second."""

    def write(name: str = "traffic.csv", *, rows: int = 4000, predicted: bool = True, **options: Any) -> Path:
        columns: dict[str, Any] = house_rows(rows, options.pop("seed", 5), **options)
        if predicted:
            columns["prediction"] = prices(columns)
        times = pa.array(START_MS + 1000 * np.arange(rows), pa.timestamp("ms", "UTC"))
        table = pa.table({**columns, "time": times, "street": ["Elm"] * rows})
        path = tmp_path / name
        (parquet.write_table if path.suffix == ".parquet" else csv.write_csv)(table, path)
        return path

    return write
