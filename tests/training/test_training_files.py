"""A user's file: every bad cell is named by row, column and rule; no row is dropped; no value is echoed."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import FeatureSet
from drift_ml.training import DataError, read_table
from pyarrow import parquet

BAD_FILES = json.loads((Path(__file__).parent / "bad_files.json").read_text())


def write_bad(csv, case):
    change = {(line, column): cell for line, column, cell in case.get("change", [])}
    return csv(**{key: case[key] for key in ("header", "rows") if key in case}, change=change)


def test_rows_in_order(csv, houses):
    """A good file gives every row in order."""
    table = read_table(csv(), houses)
    assert table.rows == 40
    assert list(table.columns) == list(houses.names)
    assert table.columns["sqft"][:3].tolist() == [1500.0, 1537.0, 1574.0]
    assert table.target[-1] == 400000 + 9000 * 39


def test_column_order(csv, houses):
    """Columns may be in any order."""
    header = "price,age,bedrooms,bathrooms,sqft,location_score"
    table = read_table(csv(header, ["500000,10,3,2,2000,7"]), houses)
    assert table.matrix(houses).tolist() == [[3, 2, 2000, 10, 7]]


def test_digest_of_rows(csv, houses, tmp_path):
    """Parquet and CSV of the same rows have the same digest."""
    table = read_table(csv(), houses)
    columns = {name: table.columns[name] for name in houses.names} | {"price": table.target}
    path = tmp_path / "houses.parquet"
    parquet.write_table(pa.table(columns), path)
    assert read_table(path, houses).digest(houses) == table.digest(houses)


@pytest.mark.parametrize("case", BAD_FILES, ids=lambda case: case["title"])
def test_bad_cell(csv, houses, case):
    """A bad cell is reported with column, rule and row."""
    path = write_bad(csv, case)
    with pytest.raises(DataError) as caught:
        read_table(path, houses)
    found = [[finding.column, finding.rule, finding.count, list(finding.rows)] for finding in caught.value.findings]
    assert found == case["findings"]


@pytest.mark.parametrize("case", BAD_FILES, ids=lambda case: case["title"])
def test_no_offending_value(csv, houses, case):
    """No message repeats the offending value."""
    path = write_bad(csv, case)
    with pytest.raises(DataError) as caught:
        read_table(path, houses)
    for secret in ("secret", "-77", "31415"):
        assert secret not in str(caught.value)


def test_five_bad_cells(csv, houses):
    """Every bad cell counts, and the first five are shown."""
    path = csv(change={(line, "age"): "old" for line in range(10, 20)})
    with pytest.raises(DataError) as caught:
        read_table(path, houses)
    assert "column age: type: " in str(caught.value)
    assert "(10 rows: 10, 11, 12, 13, 14, ...)" in str(caught.value)


def test_ignored_column(csv, houses):
    """An extra column can be left out by its name."""
    path = csv("bedrooms,bathrooms,sqft,age,location_score,price,street", ["3,2,2000,10,7,690000,Elm"] * 2)
    assert read_table(path, houses, ignore=["street"]).rows == 2


def test_missing_file(tmp_path, houses):
    """A missing file is reported with what was expected."""
    with pytest.raises(DataError, match="CSV or Parquet"):
        read_table(tmp_path / "none.csv", houses)


@pytest.mark.parametrize("content", [b"", b"\n"])
def test_empty_file(tmp_path, houses, content):
    """An empty file is reported, and nothing is trained."""
    path = tmp_path / "empty.csv"
    path.write_bytes(content)
    with pytest.raises(DataError, match="nothing was trained"):
        read_table(path, houses)


def test_other_parquet(tmp_path, houses):
    """A file that is no Parquet is refused."""
    path = tmp_path / "houses.parquet"
    path.write_bytes(b"not parquet at all")
    with pytest.raises(DataError, match="expected a Parquet file"):
        read_table(path, houses)


def test_feature_types(tmp_path):
    """Categories, booleans and nulls are read by their feature."""
    features = FeatureSet.from_json(
        {
            "contract": "feature-set.v1",
            "name": "shop",
            "version": "1.0.0",
            "description": "Baskets.",
            "target": {"name": "spend", "unit": "EUR", "description": "Money spent."},
            "features": [
                {
                    "name": "member",
                    "type": "boolean",
                    "unit": "none",
                    "description": "Member.",
                    "example": True,
                },
                {
                    "name": "colour",
                    "type": "category",
                    "unit": "none",
                    "description": "Colour.",
                    "categories": ["red", "blue"],
                    "other": True,
                    "nullable": True,
                    "example": "red",
                },
                {
                    "name": "visits",
                    "type": "integer",
                    "unit": "visits",
                    "description": "Visits.",
                    "nullable": True,
                    "example": 1,
                },
            ],
        }
    )
    path = tmp_path / "shop.csv"
    path.write_text("member,colour,visits,spend\ntrue,red,3,1\nFALSE,green,,2\n1,,2,3\n")
    matrix = read_table(path, features).matrix(features)
    np.testing.assert_array_equal(matrix, [[1, 0, 3], [0, 2, np.nan], [1, np.nan, 2]])
