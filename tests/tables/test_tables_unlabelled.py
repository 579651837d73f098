"""Rows without a target are refused, or left out and counted where that is asked for."""

from __future__ import annotations

import pyarrow as pa
import pytest
from click.testing import CliRunner
from drift_contracts import FeatureSet
from drift_ml.tables import DataError, Unlabelled, read_table
from drift_ml.training.commands import main
from pyarrow import csv, parquet

FEATURES = [{"name": "size", "type": "number", "unit": "m2", "example": 1, "description": "Area."}]
CLASSES = {"kind": "classification", "classes": ["no", "yes"]}


def home(target):
    """A feature set of one feature; its target is a number, or has classes."""
    members = {
        "name": "sold",
        "description": "Whether or how.",
        **({"unit": "days"} if target == "number" else CLASSES),
    }
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2", "name": "home", "version": "1.0.0", "description": "Homes.",
            "target": members, "features": FEATURES,
        }
    )  # fmt: skip


@pytest.mark.parametrize(
    ("target", "cells"),
    [("number", ["1", "NA", "", "2"]), ("classes", ["no", "NA", "", "yes"])],
    ids=["number", "classes"],
)
def test_unlabelled_text(tmp_path, target, cells):
    """Rows whose target is empty or a word for missing are left out and counted."""
    path = tmp_path / "homes.csv"
    path.write_text("size,sold\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
    unlabelled = Unlabelled()
    table = read_table(path, home(target), unlabelled=unlabelled)
    assert (table.columns["size"].tolist(), unlabelled.rows) == ([0, 3], 2)
    with pytest.raises(DataError):
        read_table(path, home(target))


def test_unlabelled_parquet(tmp_path):
    """Nulls of a typed column are missing targets; a whole row group of them is left out."""
    path = tmp_path / "homes.parquet"
    table = pa.table({"size": [1.0, 2.0, 3.0, 4.0], "sold": pa.array([None, None, 3.5, None])})
    parquet.write_table(table, path, row_group_size=2)
    unlabelled = Unlabelled()
    assert read_table(path, home("number"), unlabelled=unlabelled).target.tolist() == [3.5]
    assert unlabelled.rows == 3


def test_no_labels(tmp_path):
    """A table of rows without a target is refused, and says what it needs."""
    path = tmp_path / "homes.parquet"
    parquet.write_table(pa.table({"size": [1.0, 2.0], "sold": pa.array([None, None], pa.float64())}), path)
    with pytest.raises(DataError, match="at least one row with sold"):
        read_table(path, home("number"), unlabelled=Unlabelled())


@pytest.mark.parametrize("cells", [["1", "soon", "", "2"], ["", "", "", ""]], ids=["no number", "nothing"])
def test_wrong_targets(tmp_path, cells):
    """A target that is no number is refused all the same, and so is a table without any."""
    path = tmp_path / "homes.csv"
    path.write_text("size,sold\n" + "".join(f"{row},{cell}\n" for row, cell in enumerate(cells)))
    with pytest.raises(DataError):
        read_table(path, home("number"), unlabelled=Unlabelled())


def test_no_target_column(tmp_path):
    """A table without the target's column is refused by its name."""
    path = tmp_path / "homes.csv"
    path.write_text("size\n1\n2\n")
    with pytest.raises(DataError, match="column sold: required"):
        read_table(path, home("number"), unlabelled=Unlabelled())


def test_complete_rows(tmp_path):
    """Where each row has a target, none is left out."""
    path = tmp_path / "homes.csv"
    csv.write_csv(pa.table({"size": [1, 2], "sold": [3, 4]}), path)
    unlabelled = Unlabelled()
    assert (read_table(path, home("number"), unlabelled=unlabelled).rows, unlabelled.rows) == (2, 0)


def test_train_unlabelled(tmp_path, monkeypatch):
    """Training names the option that leaves such rows out, and then says how many it left out."""
    monkeypatch.chdir(tmp_path)
    rows = [f"{row},{'' if row % 10 == 3 else row * 2}\n" for row in range(60)]
    (tmp_path / "homes.csv").write_text("size,sold\n" + "".join(rows))
    (tmp_path / "home.json").write_text(str(home("number").to_json()).replace("'", '"'))
    words = ["--feature-set", "home.json", "--data", "homes.csv", "--trees", "3"]
    refused = CliRunner().invoke(main, words)
    assert "--drop-unlabelled" in refused.output
    trained = CliRunner().invoke(main, [*words, "--drop-unlabelled"])
    assert trained.exit_code == 0, trained.output
    assert "6 rows without sold" in trained.output
