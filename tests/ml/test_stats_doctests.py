"""The examples in the docstrings hold."""

import doctest
import importlib
import pkgutil

import drift_ml.baseline
import drift_ml.columns
import drift_ml.detectors
import drift_ml.effects
import drift_ml.evidence
import drift_ml.report
import drift_ml.window
import pytest

PACKAGES = [
    drift_ml.baseline,
    drift_ml.window,
    drift_ml.effects,
    drift_ml.report,
    drift_ml.detectors,
    drift_ml.evidence,
]
MODULES = [
    f"{package.__name__}.{module.name}" for package in PACKAGES for module in pkgutil.iter_modules(package.__path__)
]


@pytest.mark.parametrize("name", [*MODULES, "drift_ml.columns", "drift_engine.scale"])
def test_examples_hold(name):
    assert doctest.testmod(importlib.import_module(name), optionflags=doctest.ELLIPSIS).failed == 0
