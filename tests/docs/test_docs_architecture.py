"""The import contracts cover every module that they are about."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]
CONTRACTS = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]


def test_every_module_of_the_core_is_forbidden_training():
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
    assert set(core["source_modules"]) == found - {"drift_ml.replay", "drift_ml.tables", "drift_ml.training"}


def test_every_room_has_a_distribution_of_its_own_name():
    projects = [tomllib.loads(path.read_text())["project"]["name"] for path in sorted(ROOT.glob("*/pyproject.toml"))]
    projects += [
        tomllib.loads(path.read_text())["project"]["name"] for path in sorted(ROOT.glob("services/*/pyproject.toml"))
    ]
    table = (ROOT / "ARCHITECTURE.md").read_text()
    assert [name for name in projects if name not in table] == []


def test_no_distribution_caps_the_version_of_python():
    """A cap keeps a new Python away from everybody who depends on the distribution."""
    files = [*ROOT.glob("*/pyproject.toml"), *ROOT.glob("services/*/pyproject.toml")]
    stated = {tomllib.loads(path.read_text())["project"]["requires-python"] for path in files}
    assert stated == {">=3.11"}


def test_the_checks_of_contracts_are_in_no_distribution():
    """They need a checkout, as docs/contracts.md says, so no wheel may pretend to have them."""
    assert list(ROOT.glob("*/src/*/contract_checks")) == []
    assert "needs a checkout, and no wheel holds it" in " ".join((ROOT / "docs/contracts.md").read_text().split())
