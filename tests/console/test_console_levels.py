"""A category of 10,000 levels has a bounded place on the page."""

from __future__ import annotations

import json

import pytest
from drift_console.levels import MOST_LEVELS, drawn_levels
from drift_console.monitoring.effects import effects_document
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline
from drift_ml.report import window_report
from drift_ml.window import Window

LEVELS = [f"shop {number}" for number in range(10_000)]


def test_many_levels():
    """The largest levels of either column are drawn in their order, and the others as one."""
    usual = [1 / 20_000] * 9_999 + [1 - 9_999 / 20_000]
    now = [0.5 if place == 7 else 0.5 / 9_999 for place in range(10_000)]
    names, (before, after) = drawn_levels(LEVELS, (usual, now))
    assert (len(names), names[-1]) == (MOST_LEVELS + 1, "9,960 others")
    assert {"shop 7", "shop 9999"} <= set(names)
    assert names[:-1] == sorted(names[:-1], key=LEVELS.index)
    assert (sum(before), sum(after)) == (pytest.approx(1.0), pytest.approx(1.0))


def test_effects_of_many_levels():
    """Effects of a category of very many levels are a few kilobytes."""
    shops = {
        "name": "shop", "type": "category", "unit": "none", "categories": LEVELS, "other": True,
        "example": "shop 0", "description": "Which.",
    }  # fmt: skip
    document = {
        "contract": "feature-set.v2", "name": "spend", "version": "1.0.0", "description": "Spending.",
        "target": {"name": "y", "unit": "none", "description": "Anything."}, "features": [shops],
    }  # fmt: skip
    columns = {"shop": LEVELS * 2}
    values = [float(row % 7) for row in range(20_000)]
    baseline = fit_baseline(FeatureSet.from_json(document), columns, target=values, predictions=values)
    window = Window.empty(baseline, "0" * 12)
    window.observe_rows({"shop": LEVELS[:100]}, values[:100])
    effects = effects_document(window_report(baseline, window))
    assert len(json.dumps(effects)) < 10_000
