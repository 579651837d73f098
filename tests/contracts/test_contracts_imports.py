"""The prediction path imports the contracts: nothing slow may come along, and every name is where it is said to be."""

import importlib
import json
import subprocess
import sys

import drift_contracts
import pytest

SLOW = ("jsonschema", "httpx", "click", "rich", "numpy", "dataclasses", "typing", "inspect", "pathlib")


def test_prediction_imports():
    """The prediction path imports nothing slow."""
    code = (
        "import sys, json\n"
        "import drift_contracts as d\n"
        "v = d.RequestValidator(d.feature_set('house-price')); v.row({'features': v.feature_set.example})\n"
        "d.MonitoringSpec.load()\n"
        "print(json.dumps(sorted(sys.modules)))"
    )
    package = str(importlib.resources.files("drift_contracts").joinpath(".."))
    done = subprocess.run(
        [sys.executable, "-S", "-c", code], capture_output=True, text=True, check=True, env={"PYTHONPATH": package}
    )
    assert set(SLOW) & set(json.loads(done.stdout)) == set()


@pytest.mark.parametrize("name", ["drift_contracts", "drift_contracts.schemas", "drift_client"])
def test_exported_names(name):
    """Every exported name exists, and the lists are sorted."""
    module = importlib.import_module(name)
    assert all(hasattr(module, exported) for exported in module.__all__)
    assert list(module.__all__) == sorted(module.__all__)


def test_one_error_root():
    """Every exported error is a DriftError."""
    errors = [getattr(drift_contracts, name) for name in drift_contracts.__all__]
    errors = [one for one in errors if isinstance(one, type) and issubclass(one, Exception)]
    assert len(errors) == 5
    assert all(issubclass(one, drift_contracts.DriftError) for one in errors)
