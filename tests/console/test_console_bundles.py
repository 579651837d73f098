"""Which models a console serves."""

import io
import subprocess
import sys

import pytest
from drift_console.bundles import ready_bundles
from drift_contracts import SettingsError, UnknownName, feature_set
from drift_engine.bundle import BundleError
from drift_ml.training import Recipe, load_rows, train
from rich.console import Console as Terminal

QUIET = Terminal(quiet=True)


@pytest.fixture
def two_versions(tmp_path):
    """A folder with two versions of a model, the second of which is the current one; and their names."""
    houses = feature_set("house-price")
    jobs = [train(houses, load_rows(houses, rows=100), tmp_path, recipe=Recipe(trees=3, seed=seed)) for seed in (1, 2)]
    return tmp_path / "bundles", [job.manifest["model_version"] for job in jobs]


def test_unknown_model(tmp_path):
    """A model without a feature set is refused before anything is trained."""
    told = io.StringIO()
    with pytest.raises(UnknownName, match="house-price"):
        ready_bundles(tmp_path / "bundles", ("nope",), Terminal(file=told))
    assert told.getvalue() == ""
    assert not (tmp_path / "bundles").exists()


def test_current_version(two_versions):
    """The current version is served, though older ones are beside it."""
    folder, (first, second) = two_versions
    assert ready_bundles(folder, (), QUIET)["house-price"].manifest["model_version"] == second
    (folder / "house-price/current").write_text(first)
    assert ready_bundles(folder, (), QUIET)["house-price"].manifest["model_version"] == first


def test_missing_current_version(two_versions):
    """A current version that does not exist is refused with the way out, and nothing is trained
    over it.
    """
    folder, versions = two_versions
    (folder / "house-price/current").write_text("0" * 12)
    with pytest.raises(BundleError) as caught:
        ready_bundles(folder, (), QUIET)
    assert caught.value.exit_code == 5
    assert all(version in str(caught.value) for version in versions)
    assert "driftctl bundles use house-price" in str(caught.value)


def test_other_folder(tmp_path):
    """A folder of another name than `bundles`, which `train` would not write to, is refused."""
    with pytest.raises(SettingsError, match="bundles"):
        ready_bundles(tmp_path / "models", (), QUIET)


WITHOUT = """
import sys
sys.modules["sklearn"] = None
from pathlib import Path
from rich.console import Console
from drift_console.bundles import ready_bundles
try:
    print(list(ready_bundles(Path(sys.argv[1]), (), Console(quiet=True))))
except Exception as error:
    print(error.exit_code, error)
"""


def run_without_scikit_learn(folder):
    done = subprocess.run([sys.executable, "-c", WITHOUT, folder], capture_output=True, text=True, check=True)
    return done.stdout


def test_serving_imports(two_versions):
    """Serving needs neither scikit-learn nor anything else that only training needs."""
    assert run_without_scikit_learn(two_versions[0]) == "['house-price']\n"


def test_missing_extra(tmp_path):
    """Training without scikit-learn names the extra and ends with the code of what cannot start."""
    answer = run_without_scikit_learn(tmp_path / "bundles")
    assert answer.startswith("5 ")
    assert "sklearn" in answer
    assert "drift-ml[train]" in answer
