"""Categories, booleans, missing values and constants go through from file to page."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import FeatureSet
from drift_engine.bundle import Bundle
from drift_ml.baseline import Baseline
from drift_ml.baseline.fit import fit_baseline
from drift_ml.replay.backtest import Request, backtest
from drift_ml.replay.outcome import conclude, page
from pyarrow import csv, parquet

MIXED = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "mixed",
        "version": "1.0.0",
        "description": "One feature of each type.",
        "target": {"name": "price", "unit": "USD", "description": "Price."},
        "features": [
            {"name": "colour", "type": "category", "unit": "-", "categories": ["red", "blue"], "other": True,
             "nullable": True, "example": "red", "description": "-"},
            {"name": "garden", "type": "boolean", "unit": "-", "example": True, "description": "-"},
            {"name": "area", "type": "number", "unit": "m2", "nullable": True, "example": 1, "description": "-"},
            {"name": "level", "type": "integer", "unit": "-", "example": 1, "description": "-"},
        ],
    }
)  # fmt: skip


def rows(count, seed, *, blue=0.5):
    random = np.random.default_rng(seed)
    colour = random.choice(["red", "blue", "green", None], count, p=[0.9 - blue, blue, 0.05, 0.05])
    area = random.normal(50, 10, count)
    area[random.random(count) < 0.1] = np.nan
    return {"colour": colour, "garden": random.random(count) < 0.3, "area": area, "level": np.ones(count)}


@pytest.fixture(scope="module")
def bundle():
    baseline = fit_baseline(MIXED, rows(4000, 1), predictions=np.random.default_rng(2).normal(size=800))
    manifest = {"model": "mixed", "model_version": "0" * 12}
    return Bundle(manifest=manifest, feature_set=MIXED, baseline=baseline.to_json(), model=None)


@pytest.mark.parametrize("name", ["t.csv", "t.parquet"])
def test_growing_category(bundle, tmp_path, name):
    """A category that grows is found and drawn."""
    columns = {key: np.concatenate([rows(2000, 3)[key], rows(2000, 4, blue=0.8)[key]]) for key in MIXED.names}
    area = pa.array(columns["area"], from_pandas=True)
    table = pa.table({**columns, "area": area, "prediction": np.random.default_rng(5).normal(size=4000)})
    (csv.write_csv if name.endswith("csv") else parquet.write_table)(table, tmp_path / name)
    found = backtest(bundle, Request(tmp_path / name))
    alarm = found.replay.standing
    assert alarm.finding.channel == "colour"
    assert abs(alarm.since_row - 2000) <= 100
    baseline = Baseline.from_json(bundle.baseline)
    outcome = conclude(baseline, found.windows, found.replay, found.detections)
    text = page(outcome, baseline, MIXED, source=name, made="now")
    for part in ("Drift in colour", "blue", "missing area", "new colour", ">false<", ">level<"):
        assert part in text
