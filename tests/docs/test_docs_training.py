"""docs/training.md quotes what the code says, and its third model trains as written."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from drift_contracts import feature_set
from drift_engine.bundle import BundleError, bundle_folder, load_bundle
from drift_ml.proposal.commands import main as init
from drift_ml.training import DataError, read_table
from drift_ml.training.__main__ import main

DOC = (Path(__file__).parents[2] / "docs/training.md").read_text()
HEADER = "bedrooms,bathrooms,sqft,age,location_score,price"
ROW = "3,2,2000,10,7,690000"

FILES = {
    "A wrong column name": f"{HEADER.replace('age', 'years')}\n{ROW}\n",
    "A NaN": f"{HEADER}\n{ROW}\n3,2,NaN,10,7,690000\n",
    "A string in a number": f"{HEADER}\n3,2,2000,old,7,690000\n{ROW}\n",
    "An empty file": "",
    "A duplicate column": f"{HEADER.replace('sqft', 'sqft,sqft')}\n3,2,2000,2000,10,7,690000\n",
}


def block(after: str) -> str:
    """The first fenced block behind a phrase."""
    found = re.search(re.escape(after) + r".*?```\w*[^\n]*\n(.*?)```", DOC, re.DOTALL)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("title", FILES)
def test_quoted_findings(tmp_path, title):
    """The quoted findings are those that a reader gets."""
    path = tmp_path / "houses.csv"
    path.write_text(FILES[title])
    with pytest.raises(DataError) as caught:
        read_table(path, feature_set("house-price"))
    assert [str(finding) for finding in caught.value.findings] == block(f"{title}:").splitlines()


def test_third_model(tmp_path, monkeypatch):
    """The third model trains as written, and a changed byte is refused as quoted."""
    (tmp_path / "wine.json").write_text(block("A feature set file"))
    (tmp_path / "cellar.py").write_text(block("a function that returns a table"))
    monkeypatch.syspath_prepend(tmp_path)
    words = ["--feature-set", tmp_path / "wine.json", "--source", "cellar:load", "--rows", 200, "--trees", 5]
    result = CliRunner().invoke(main, [str(word) for word in [*words, "--out", tmp_path / "build"]])
    assert result.exit_code == 0, result.output
    bundle = tmp_path / "build/bundles/wine"
    assert load_bundle(bundle).feature_set.names == ("sugar", "colour")
    changed = shutil.copytree(bundle_folder(bundle), tmp_path / "changed") / "forest.bin"
    data = bytearray(changed.read_bytes())
    data[len(data) // 2] ^= 1
    changed.write_bytes(data)
    with pytest.raises(BundleError) as caught:
        load_bundle(changed.parent)
    assert str(caught.value) == block("A bundle with one byte changed").strip()


def test_options_exist():
    """Every option of the commands that the page names exists."""
    parameters = [*main.params, *init.params]
    options = {option for parameter in parameters for option in (*parameter.opts, *parameter.secondary_opts)}
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", DOC)) - {"--help"} <= options
