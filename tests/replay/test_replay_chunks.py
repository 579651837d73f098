"""Files are read in chunks, and every bad cell is named as training names it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import feature_set
from drift_ml.tables import DataError, batches, texts
from drift_ml.tables.chunks import Layout, column_names, count_rows, read_chunks
from pyarrow import csv, parquet

HOUSES = feature_set("house-price")
HEADER = "bedrooms,bathrooms,sqft,age,location_score,time"
GOOD = [f"{1 + i % 5},{1 + i % 3},{1500 + i},{i % 50},{1 + i % 9}.5,{1_790_000_000 + i}" for i in range(3000)]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch):
    monkeypatch.setattr(batches, "BLOCK", 2**13)
    monkeypatch.setattr(texts, "BLOCK", 2**13)
    monkeypatch.setattr(batches, "CHUNK", 700)


@pytest.fixture
def write(tmp_path):
    def make(change=(), *, rows=GOOD, header=HEADER, kind="csv"):
        lines = [header, *rows]
        for line, cells in change:
            lines[line - 1] = cells
        path = tmp_path / "traffic.csv"
        path.write_text("\n".join(lines) + "\n")
        if kind == "parquet":
            path = tmp_path / "traffic.parquet"
            parquet.write_table(csv.read_csv(tmp_path / "traffic.csv"), path)
        return path

    return make


def read(path, **layout):
    return list(read_chunks(path, Layout(HOUSES, **layout)))


def findings(path, **layout):
    with pytest.raises(DataError) as caught:
        read(path, **layout)
    assert "nothing was compared" in str(caught.value)
    return [(each.column, each.rule, each.count, each.rows) for each in caught.value.findings]


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_rows_in_order(write, kind):
    """All rows come in order, in several chunks."""
    found = read(write(kind=kind), time="time")
    assert len(found) > 2
    assert np.concatenate([chunk.columns["sqft"] for chunk in found]).tolist() == [1500.0 + i for i in range(3000)]
    times = np.concatenate([chunk.times_ms for chunk in found])
    assert times.tolist() == [1_790_000_000_000 + 1000 * i for i in range(3000)]


def test_other_columns(write):
    """Columns of no feature are left out."""
    assert set(read(write())[0].columns) == set(HOUSES.names)


BAD = {
    "a word": ((2500, "3,2,big,10,7,0"), ("sqft", "type", 1, (2500,))),
    "nothing": ((17, "3,2,,10,7,0"), ("sqft", "missing", 1, (17,))),
    "not a number": ((17, "3,2,nan,10,7,0"), ("sqft", "finite", 1, (17,))),
    "impossible": ((2999, "3,2,-5,10,7,0"), ("sqft", "minimum", 1, (2999,))),
    "a fraction of a room": ((4, "2.5,2,1500,10,7,0"), ("bedrooms", "type", 1, (4,))),
    "a cell too few": ((1200, "3,2"), ("(file)", "cells", 1, (1200,))),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_cell(write, case):
    """A bad cell is reported with column, rule and line."""
    change, expected = BAD[case]
    assert findings(write([change])) == [expected]


def test_findings_join(write):
    """Findings of a rule in several chunks are a single finding."""
    change = [(line, "3,2,none,10,7,0") for line in range(100, 3000, 400)]
    assert findings(write(change)) == [("sqft", "type", 8, (100, 500, 900, 1300, 1700))]


def test_python_number(write):
    """A number that only Python reads changes nothing else."""

    def whole(path):
        found = read(path, time="time")
        assert len(found) > 2
        return [
            np.concatenate([chunk.times_ms for chunk in found]).tolist(),
            *(np.concatenate([chunk.columns[name] for chunk in found]).tolist() for name in HOUSES.names),
        ]

    change = (2000, GOOD[1998].replace(",3498,", ",3_498,"))
    assert change[1] != GOOD[1998]
    assert whole(write([change])) == whole(write())


def test_parquet_rows(write):
    """Rows of a Parquet file count from 1."""
    assert findings(write([(11, "3,2,-5,10,7,0")], kind="parquet")) == [("sqft", "minimum", 1, (10,))]


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ((9, "3,2,1500,10,7,yesterday"), ("time", "type", 1, (9,))),
        ((9, "3,2,1500,10,7,"), ("time", "missing", 1, (9,))),
        ((9, "3,2,1500,10,7,1e300"), ("time", "type", 1, (9,))),
        ((1800, "3,2,1500,10,7,1790000000"), ("time", "order", 1, (1800,))),
    ],
)
def test_bad_time(write, change, expected):
    """A bad time is reported with its rule and line."""
    assert findings(write([change]), time="time") == [expected]


@pytest.mark.parametrize(
    "texts",
    [
        ["2026-11-23T12:00:00Z", "2026-11-23T13:00:01+01:00"],
        ["2026-11-23T12:00:00", "2026-11-23 12:00:01"],
        ["1795435200", "1795435201"],
        ["1795435200000", "1795435201000"],
    ],
)
def test_time_forms(write, texts):
    """Times may have any of the usual forms."""
    path = write(rows=[f"3,2,1500,10,7,{text}" for text in texts])
    assert read(path, time="time")[0].times_ms.tolist() == [1795435200000, 1795435201000]


def test_parquet_times(tmp_path):
    """Days and timestamps of Parquet are times."""
    columns = {name: [3.0, 3.0] for name in HOUSES.names}
    path = tmp_path / "days.parquet"
    parquet.write_table(pa.table({**columns, "day": pa.array([0, 2], pa.date32())}), path)
    assert read(path, time="day")[0].times_ms.tolist() == [0, 2 * 86_400_000]


def test_wrong_columns(write):
    """Missing and duplicate columns are named."""
    path = write(header="bedrooms,bathrooms,sqft,sqft,location_score,time")
    assert findings(path) == [("age", "required", 1, ()), ("sqft", "duplicate", 2, ())]


@pytest.mark.parametrize(
    ("name", "content", "rule"),
    [("none.csv", None, "exists"), ("empty.csv", b"", "rows"), ("bad.parquet", b"PAR1", "format")],
)
def test_unreadable_file(tmp_path, name, content, rule):
    """A file that cannot be read is reported with its rule."""
    path = tmp_path / name
    if content is not None:
        path.write_bytes(content)
    assert findings(path)[0][:2] == ("(file)", rule)


def test_header_alone(write):
    """A header alone has no rows."""
    assert findings(write(rows=[])) == [("(file)", "rows", 1, ())]


def test_not_text(write):
    """Bytes that are no text are reported with their column, or as a format."""
    path = write()
    path.write_bytes(path.read_bytes().replace(b"1,1,1500", b"\xff\xfe,1,1500", 1))
    assert findings(path)[0][:2] in {("bedrooms", "type"), ("(file)", "format")}


def test_row_count(write):
    """Rows can be counted beforehand."""
    assert count_rows(write()) == 3000
    assert count_rows(write(kind="parquet")) == 3000


def test_header_names(write):
    """The header gives the names in order."""
    assert column_names(write()) == HEADER.split(",")
