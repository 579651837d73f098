"""Rows to train on: in the order of time, with labels as places, and as requests hold them."""

from __future__ import annotations

import pytest
from drift_contracts import FeatureSet
from drift_ml.tables import DataError, read_table

HEADER = "size,colour,new,verdict,sold\n"


def wine(**target: object) -> FeatureSet:
    """Return a feature set of a number, a category and a flag, each of which may be missing."""
    some = {"nullable": True, "unit": "none", "description": "."}
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": "wine",
            "version": "1.0.0",
            "description": "A wine.",
            "target": {"name": "verdict", "description": "The jury's.", **target},
            "features": [
                {"name": "size", "type": "number", "example": 1, **some},
                {"name": "colour", "type": "category", "categories": ["red", "white"], "example": "red", **some},
                {"name": "new", "type": "boolean", "example": True, **some},
            ],
        }
    )


CLASSES = wine(kind="classification", classes=["bad", "good"])
ROWS = "1,red,true,good,2026-01-03\n,,,bad,2026-01-01\n2,white,false,good,2026-01-01\n"


@pytest.fixture
def path(tmp_path):
    """A file of three wines, the newest first."""
    file = tmp_path / "wines.csv"
    file.write_text(HEADER + ROWS)
    return file


def test_in_the_order_of_time(path):
    """Rows are sorted by the column of times, and equal times stay in the order of the file."""
    table = read_table(path, CLASSES, time_column="sold")
    assert table.target.tolist() == [0, 1, 1]
    assert table.columns["colour"].tolist() == [None, "white", "red"]
    assert (table.times_ms - table.times_ms[0]).tolist() == [0, 0, 2 * 86_400_000]
    assert table.time_column == "sold"


def test_as_requests_hold_them(path):
    """What is missing is None, a flag a boolean, whatever the file has."""
    table = read_table(path, CLASSES, ignore=["sold"])
    assert table.json_rows(CLASSES) == [
        {"size": 1.0, "colour": "red", "new": True},
        {"size": None, "colour": None, "new": None},
        {"size": 2.0, "colour": "white", "new": False},
    ]
    assert table.times_ms is None


@pytest.mark.parametrize(("label", "rule"), [("", "missing"), ("secret", "choice")])
def test_bad_labels(tmp_path, label, rule):
    """A label that is missing or no class is refused by its row, and not repeated."""
    file = tmp_path / "wines.csv"
    file.write_text(f"{HEADER}1,red,true,{label},2026-01-01\n")
    with pytest.raises(DataError, match=f"column verdict: {rule}: .*row 2") as refused:
        read_table(file, CLASSES, time_column="sold")
    assert "secret" not in str(refused.value)
