"""The import contracts cover every module that they are about."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_core_forbids_training():
    """The contract of the core lists every module of training."""
    (core,) = (
        contract
        for contract in CONTRACTS
        if contract["name"] == "The core knows nothing of training, tables and replay"
    )
    places = (ROOT / "ml/src/drift_ml").iterdir()
    found = {
        f"drift_ml.{place.stem}"
        for place in places
        if (place.is_dir() or place.suffix == ".py") and place.stem[0] != "_"
    }
    others = {"exporting", "handover", "packing", "proposal", "read_options", "replay", "tables", "training"}
    assert set(core["source_modules"]) == found - {f"drift_ml.{name}" for name in others}


def test_distribution_names():
    """Every room has a distribution of its own name."""
    projects = [tomllib.loads(path.read_text())["project"]["name"] for path in sorted(ROOT.glob("*/pyproject.toml"))]
    projects += [
        tomllib.loads(path.read_text())["project"]["name"] for path in sorted(ROOT.glob("services/*/pyproject.toml"))
    ]
    table = (ROOT / "ARCHITECTURE.md").read_text()
    assert [name for name in projects if name not in table] == []


def test_no_python_cap():
    """No distribution caps the version of Python, as a cap keeps a new one from all dependents."""
    files = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]
    stated = {tomllib.loads(path.read_text())["project"]["requires-python"] for path in files}
    assert stated == {">=3.11"}


def test_checks_undistributed():
    """The checks of contracts are in no distribution, since they need a checkout."""
    assert list(ROOT.glob("*/src/*/contract_checks")) == []
    assert "needs a checkout, and no wheel holds it" in " ".join((ROOT / "docs/contracts.md").read_text().split())
