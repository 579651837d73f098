"""Drift in five lines: data frames of any library, and streams."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas
import polars
import pytest
from drift_contracts import ContractError, FeatureSet
from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline
from drift_ml.baseline.fit import fit_baseline
from drift_ml.evidence import Budget, EvidenceError
from drift_ml.watch import DriftWatch, baseline_of, compare
from drift_ml.window import Window, WindowError

#: A small bundle that is kept with the tests of the predictor.
BUNDLE = Path(__file__).parents[1] / "predictor" / "bundles" / "house-price"
FEATURES = FeatureSet.from_json(
    {
        "contract": "feature-set.v1",
        "name": "wine",
        "version": "1.0.0",
        "description": "Points that a jury gives a wine.",
        "target": {"name": "points", "unit": "points", "description": "The jury's points."},
        "features": [
            {
                "name": "sugar",
                "type": "number",
                "unit": "g/l",
                "nullable": True,
                "example": 5,
                "description": "Residual sugar.",
            },
            {
                "name": "colour",
                "type": "category",
                "unit": "none",
                "categories": ["red", "white"],
                "example": "red",
                "description": "Colour.",
            },
        ],
    }
)
BUDGET = Budget(20_000)


def rows(count, seed, shift=0.0):
    """Return columns of wines; sugar is higher by `shift` standard deviations."""
    random = np.random.default_rng(seed)
    colours = np.array(["red", "white"], dtype=object)
    return {"sugar": random.normal(shift, 1.0, count), "colour": colours[random.integers(0, 2, count)]}


@pytest.fixture(scope="module")
def baseline():
    """Return the baseline of four thousand wines."""
    return fit_baseline(FEATURES, rows(4_000, 1))


@pytest.mark.parametrize("library", [dict, pandas.DataFrame, polars.DataFrame], ids=["mapping", "pandas", "polars"])
def test_frame_libraries(library, baseline):
    """Frames of every library give the same report, as columns are read by name."""
    columns = rows(500, 2, shift=1.0)
    window = Window.empty(baseline)
    window.observe_rows(columns)
    report = compare(baseline, library({name: list(column) for name, column in columns.items()}))
    assert report["verdict"]["drifted"][0] == "sugar"
    assert report["window"]["events"] == 500


@pytest.mark.parametrize(
    "sugar",
    [
        pandas.Series([1.0, None, 2.0]),
        pandas.Series([1, None, 2], dtype="Int64"),
        pandas.Series([1.0, pandas.NA, 2.0], dtype=object),
        polars.Series([1.0, None, 2.0]),
    ],
    ids=["nan", "nullable", "NA", "polars"],
)
def test_missing_values(sugar, baseline):
    """Each library's way to mark a missing value is read as missing."""
    report = compare(baseline, {"sugar": sugar, "colour": ["red", "white", "red"]})
    (missing,) = (channel for channel in report["channels"] if channel["name"] == "missing:sugar")
    assert missing["events"] == 3
    assert missing["window"] == pytest.approx([2 / 3, 1 / 3])


@pytest.mark.parametrize("library", [dict, pandas.DataFrame, polars.DataFrame], ids=["mapping", "pandas", "polars"])
def test_absent_column(library, baseline):
    """A feature that the frame lacks is refused by name, not taken for missing values."""
    with pytest.raises(WindowError, match="'colour'"):
        compare(baseline, library({"sugar": [1.0, 2.0]}))


def test_bundle_or_baseline(baseline):
    """A watch takes the folder of a bundle or a baseline."""
    assert baseline_of(baseline) is baseline
    assert isinstance(baseline_of(str(BUNDLE)), Baseline)
    assert DriftWatch.of(BUNDLE, days=7, events_per_day=5_000).alarm is None


def test_single_alarm(baseline):
    """An alarm is raised once, names the feature and stays."""
    watch = DriftWatch(baseline, BUDGET)
    columns = rows(400, 3, shift=1.0)
    raised = [
        watch.observe({"sugar": sugar, "colour": colour}) for sugar, colour in zip(*columns.values(), strict=True)
    ]
    assert raised.count(True) == 1
    assert watch.alarm.channel == "sugar"
    assert watch.alarms == (watch.alarm,)
    assert "sugar" in watch.reason


def test_unchanged_traffic(baseline):
    """Batches of an unchanged distribution raise no alarm."""
    watch = DriftWatch(baseline, BUDGET)
    columns = rows(400, 4)
    assert not any(watch.observe({"sugar": s, "colour": c}) for s, c in zip(*columns.values(), strict=True))
    assert watch.reason is None


def test_state_continues(baseline):
    """A watch that was stored, also within a batch, ends where one that was not does."""
    columns = list(zip(*rows(130, 5, shift=0.5).values(), strict=True))
    whole, first = DriftWatch(baseline, BUDGET), DriftWatch(baseline, BUDGET)
    for sugar, colour in columns[:65]:
        first.observe({"sugar": sugar, "colour": colour})
    second = DriftWatch.from_json(json.loads(json.dumps(first.to_json())), baseline, BUDGET)
    for sugar, colour in columns:
        whole.observe({"sugar": sugar, "colour": colour})
    for sugar, colour in columns[65:]:
        second.observe({"sugar": sugar, "colour": colour})
    assert second.to_json() == whole.to_json()


def test_other_settings(baseline):
    """A state of other settings is refused, as evidence belongs to its budget."""
    state = DriftWatch(baseline, BUDGET).to_json()
    with pytest.raises(EvidenceError, match="settings"):
        DriftWatch.from_json(state, baseline, Budget(30_000))


def test_batch_size(baseline):
    """A batch of no events is refused, as nothing could be summed over it."""
    with pytest.raises(WindowError, match="batch"):
        DriftWatch(baseline, BUDGET, batch=0)


def test_bundle_predicts():
    """A bundle predicts a row by names, which is checked as the service does."""
    bundle = load_bundle(BUNDLE)
    example = bundle.feature_set.example
    first, second = bundle.predict(example), bundle.predict(example)
    assert first == second
    assert vars(bundle).keys() == vars(load_bundle(BUNDLE)).keys()
    with pytest.raises(ContractError, match="required"):
        bundle.predict({})
