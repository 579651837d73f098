"""Baselines of many features, and of categories with many levels."""

import numpy as np
from drift_contracts import FeatureSet
from drift_ml.baseline import Baseline
from drift_ml.baseline.fit import MOST_CORRELATED, fit_baseline
from drift_ml.window import Window

NUMBER = {"type": "number", "unit": "none", "example": 0.5, "description": "A number."}


def of_features(features):
    return FeatureSet.from_json({
        "contract": "feature-set.v2", "name": "wide", "version": "1.0.0", "description": "Wide.",
        "target": {"name": "y", "unit": "none", "description": "A number."}, "features": features,
    })  # fmt: skip


def test_correlated_features():
    """Correlations and pairs are of the first ninety features, and every feature has its channels."""
    random = np.random.default_rng(3)
    names = [f"n{place}" for place in range(MOST_CORRELATED + 10)]
    feature_set = of_features([{"name": name, **NUMBER} for name in names])
    baseline = fit_baseline(feature_set, {name: random.normal(size=200) for name in names})
    assert baseline.correlation_names == tuple(names[:MOST_CORRELATED])
    assert len(baseline.correlation) == MOST_CORRELATED
    pairs = [channel.of for channel in baseline.channels if channel.kind == "product"]
    assert pairs
    assert {name for pair in pairs for name in pair} <= set(names[:MOST_CORRELATED])
    assert set(names) <= {channel.name for channel in baseline.channels}
    (together,) = [channel for channel in baseline.channels if channel.kind == "sum_of_squares"]
    assert set(together.of) == set(names)
    assert Baseline.from_json(baseline.to_json()) == baseline


def test_ten_thousand_levels():
    """Each of ten thousand levels has its bin, and a new one is counted as new."""
    levels = [f"level {place}" for place in range(10_000)]
    shop = {"name": "shop", "type": "category", "unit": "none", "categories": levels, "example": levels[0]}
    feature_set = of_features([{**shop, "description": "A shop.", "other": True}, {"name": "size", **NUMBER}])
    sizes = np.linspace(0, 1, 10_000)
    baseline = fit_baseline(feature_set, {"shop": levels, "size": sizes})
    window = Window.empty(baseline)
    for shop in (levels[0], levels[-1], levels[-1], "somewhere new"):
        window.observe({"shop": shop, "size": 0.5}, prediction=None)
    counts = window.channel_counts()
    assert counts["shop"][0] == 1
    assert counts["shop"][-1] == 2
    assert sum(counts["shop"]) == 3
    assert counts["new:shop"] == [3, 1]
