"""Files and folders: kinds by their first bytes, order, columns of other names, sorting, Parquet's types."""

from __future__ import annotations

import datetime
import decimal
import gzip

import numpy as np
import pyarrow as pa
import pytest
from drift_contracts import Feature, FeatureSet
from drift_ml import tables
from drift_ml.tables import (
    DataError,
    Layout,
    OptionError,
    ReadOptions,
    batches,
    column_names,
    count_rows,
    order,
    read_chunks,
    read_table,
)
from drift_ml.tables.cells import Reading, check_column
from drift_ml.tables.options import MISSING
from pyarrow import parquet

HEADER = "weight,pieces,express,country,cost"
ROWS = ["2.5,3,true,DE,9", "1.5,,false,N/A,7"]
MATRIX = [[2.5, 3, 1, 0], [1.5, np.nan, 0, 3]]
UNTYPED = {
    "weight": [2.5, 1.5], "pieces": [3, None], "express": [True, False], "country": ["DE", "N/A"], "cost": [9, 7],
}  # fmt: skip
TYPES = [
    ("weight", pa.array([2.5, 1.5], pa.float32())),
    ("weight", pa.array([decimal.Decimal("2.50"), decimal.Decimal("1.50")])),
    ("weight", pa.array(["2.5", " 1.5 "])),
    ("weight", pa.array(["2.5", "1.5"], pa.large_string())),
    ("weight", pa.array([b"2.5", b"1.5"], pa.binary(3))),
    ("weight", pa.array(["2.5", "1.5"]).dictionary_encode()),
    ("pieces", pa.array([3.0, float("nan")])),
    ("pieces", pa.array([3, None], pa.uint8()).dictionary_encode()),
    ("pieces", pa.array([3.0, None], pa.float16())),
    ("pieces", pa.array(["3", "NULL"])),
    ("express", pa.array([1, 0], pa.int8())),
    ("express", pa.array([1.0, 0.0])),
    ("express", pa.array(["Yes", "no"]).dictionary_encode()),
    ("express", pa.array([b"t", b"f"])),
    ("express", pa.array([decimal.Decimal("1.0"), decimal.Decimal("0.0")])),
    ("country", pa.array(["DE", "N/A"], pa.large_string())),
    ("country", pa.array(["DE", "N/A"], pa.string_view())),
    ("country", pa.array([b"DE", b"N/A"])),
    ("country", pa.array(["DE", "N/A"]).dictionary_encode()),
    ("cost", pa.array([9, 7], pa.int16())),
]
WRONG = [
    ("weight", pa.array([True, False]), "type"),
    ("weight", pa.array([[1.5], [2.5]]), "type"),
    ("weight", pa.array([datetime.date(2026, 1, 1)] * 2), "type"),
    ("weight", pa.array([b"\xff\xfe", b"1"]), "type"),
    ("weight", pa.array([None, None]), "missing"),
    ("weight", pa.array(["2.5", "x"]).dictionary_encode(), "type"),
    ("express", pa.array([2, 0]), "type"),
    ("express", pa.array([[1], [0]]), "type"),
    ("country", pa.array([["DE"], None]), "type"),
    ("country", pa.array([b"\xff", b"DE"]), "type"),
    ("country", pa.array([1.5, 2.5]), "enum"),
    ("country", pa.array([datetime.date(2026, 1, 1)] * 2), "enum"),
]


def write(path, rows=ROWS, header=HEADER):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


@pytest.mark.parametrize(("name", "column"), TYPES, ids=lambda each: str(getattr(each, "type", each)))
def test_column_types(tmp_path, parcel, name, column):
    """Every Arrow type of a column gives the same rows."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({**UNTYPED, name: column}), path)
    table = read_table(path, parcel)
    np.testing.assert_array_equal(table.matrix(parcel), MATRIX)
    assert table.digest(parcel) == read_table(write(tmp_path / "t.csv"), parcel).digest(parcel)


@pytest.mark.parametrize(("name", "column", "rule"), WRONG, ids=lambda each: str(getattr(each, "type", each)))
def test_other_column_type(tmp_path, parcel, name, column, rule):
    """A column of another type is refused in row 1, since Parquet has no lines."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({**UNTYPED, name: column}), path)
    with pytest.raises(DataError) as caught:
        read_table(path, parcel)
    finding = next(each for each in caught.value.findings if each.rule == rule)
    assert finding.column == name
    assert finding.rows[0] in {1, 2}
    assert finding.lines == ()


BASKET = {
    "contract": "feature-set.v1", "name": "basket", "version": "1.0.0", "description": "-",
    "target": {"name": "value", "unit": "EUR", "description": "-"},
    "features": [
        {"name": "shop", "type": "category", "unit": "-", "categories": ["1", "2", "3"], "nullable": True,
         "example": "1", "description": "-"},
        {"name": "online", "type": "category", "unit": "-", "categories": ["true", "false"], "example": "true",
         "description": "-"},
        {"name": "size", "type": "category", "unit": "-", "categories": ["1.0", "0.1"], "other": True, "example": "0.1",
         "description": "-"},
    ],
}  # fmt: skip
SHOPS = [
    pa.array([1, None, 3], pa.int64()), pa.array([1.0, None, 3.0]), pa.array([1.0, float("nan"), 3.0]),
    pa.array(["1", "", "3"]), pa.array(["1.0", "NA", "3.0"]), pa.array([b"1", None, b"3"]),
    pa.array([1, None, 3]).dictionary_encode(), pa.array([1.0, None, 3.0]).dictionary_encode(),
    pa.array([decimal.Decimal("1.00"), None, decimal.Decimal("3.00")]),
]  # fmt: skip
ONLINE = [pa.array([True, False, True]), pa.array(["true", "false", "true"]), pa.array(["True", "FALSE", "True"])]
SIZES = [pa.array([1.0, 0.1, 7.5], pa.float32()), pa.array([1.0, 0.1, 7.5]), pa.array(["1.0", " 0.1", "huge"])]


def test_typed_categories(tmp_path):
    """Integers, floats, decimals, booleans, texts, bytes and dictionaries give the same categories."""
    basket = FeatureSet.from_json(BASKET)
    path = tmp_path / "t.parquet"
    for place, shop in enumerate(SHOPS):
        columns = {"shop": shop, "online": ONLINE[place % 3], "size": SIZES[place % 3], "value": [1, 2, 3]}
        parquet.write_table(pa.table(columns), path)
        matrix = read_table(path, basket).matrix(basket)
        np.testing.assert_array_equal(matrix, [[0, 0, 0], [np.nan, 1, 1], [2, 0, 2]])


@pytest.mark.parametrize("shop", [pa.array([4.0, 1.0]), pa.array([4, 1]), pa.array(["4", "1"]), pa.array([b"4", b"1"])])
def test_new_closed_category(tmp_path, shop):
    """A value outside a closed category is refused, of whatever type."""
    path = tmp_path / "t.parquet"
    columns = {"shop": shop, "online": [True, True], "size": ["1.0", "1.0"], "value": [1, 2]}
    parquet.write_table(pa.table(columns), path)
    with pytest.raises(DataError) as caught:
        read_table(path, FeatureSet.from_json(BASKET))
    assert [(each.column, each.rule, each.rows) for each in caught.value.findings] == [("shop", "enum", (1,))]


def test_required_category(tmp_path):
    """An empty cell is refused in a category that may not be missing."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({"shop": [1], "online": [None], "size": ["1.0"], "value": [1]}), path)
    with pytest.raises(DataError, match="column online: missing"):
        read_table(path, FeatureSet.from_json(BASKET))


def test_folder_order(tmp_path, parcel):
    """A folder is read in the order of numbers in its names, and other files are ignored."""
    folder = tmp_path / "parts"
    (folder / "2026").mkdir(parents=True)
    for part in (1, 2, 10):
        write(folder / f"part-{part}.csv", [f"{part},1,true,DE,{part}"])
    write(folder / "2026" / "a.csv", ["20,1,true,DE,20"], "weight,pieces,express,country,cost")
    parquet.write_table(pa.table({**UNTYPED, "note": [1, 2]}).select(list(UNTYPED)), folder / "z.parquet")
    (folder / "y.tsv.gz").write_bytes(gzip.compress(b"cost\tweight\tpieces\texpress\tcountry\n5\t5\t1\tno\tDE\n"))
    (folder / "README.md").write_text("-")
    (folder / "_SUCCESS.csv").write_text("-")
    table = read_table(folder, parcel)
    assert table.columns["weight"].tolist() == [20, 1, 2, 10, 5, 2.5, 1.5]
    assert count_rows(folder) == 7


def test_folder_findings(tmp_path, parcel):
    """Findings of a folder name their file, count rows in it and hide no other file's."""
    folder = tmp_path / "parts"
    folder.mkdir()
    write(folder / "a.csv", ["x,1,true,DE,1", "1,1,true,DE,1"])
    write(folder / "b.csv", ["1,1,true,DE,1", "x,1,true,DE,1"])
    (folder / "c.csv").write_text("")
    (folder / "d.parquet").write_bytes(b"no")
    with pytest.raises(DataError) as caught:
        read_table(folder, parcel)
    assert "d.parquet" in str(caught.value)
    (folder / "d.parquet").unlink()
    with pytest.raises(DataError) as caught:
        read_table(folder, parcel)
    weight, empty = caught.value.findings
    assert (weight.rows, weight.lines, weight.files) == ((2, 3), (2, 3), ("a.csv", "b.csv"))
    assert (empty.rule, empty.files) == ("rows", ("c.csv",))
    assert "3 of b.csv" in str(caught.value)
    assert "in c.csv" in str(caught.value)


def test_folder_without_tables(tmp_path, parcel):
    """A folder without tables is refused with the kinds of files that are read."""
    with pytest.raises(DataError, match="a folder of them"):
        read_table(tmp_path, parcel)


@pytest.mark.parametrize(
    ("name", "head", "word"),
    [("t.xlsx", b"PK\x03\x04", "workbook"), ("t.csv", b"\x28\xb5\x2f\xfd", "zstd"), ("t.parquet", b"weight", "Parquet"),
     ("t.feather", b"ARROW1", "Arrow")],
)  # fmt: skip
def test_not_a_table(tmp_path, parcel, name, head, word):
    """A file of another format is recognised by its first bytes and named."""
    path = tmp_path / name
    path.write_bytes(head + b"\0" * 20)
    with pytest.raises(DataError, match=word):
        read_table(path, parcel)


@pytest.mark.parametrize("data", [b"PAR1" + b"\0" * 30, b"PAR1"])
def test_short_parquet(tmp_path, parcel, data):
    """A Parquet file that was cut short is refused, also where only rows or names are read."""
    path = tmp_path / "t.parquet"
    path.write_bytes(data)
    for ask in (lambda: read_table(path, parcel), lambda: count_rows(path), lambda: column_names(path)):
        with pytest.raises(DataError, match="whole"):
            ask()


def test_damaged_parquet_rows(tmp_path, parcel):
    """A Parquet file with damaged rows is refused, though its end is whole."""
    path = tmp_path / "t.parquet"
    columns = {name: values * 500 for name, values in UNTYPED.items()}
    parquet.write_table(pa.table(columns), path, compression="gzip")
    data = bytearray(path.read_bytes())
    data[4:200] = b"\xff" * 196
    path.write_bytes(data)
    with pytest.raises(DataError, match="whole"):
        read_table(path, parcel)


def test_pandas_index(tmp_path, parcel):
    """The index that pandas adds is left out."""
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({**UNTYPED, "__index_level_0__": [5, 7]}), path)
    assert read_table(path, parcel).rows == 2


def named(document):
    weight, *rest = document["features"]
    features = [{**weight, "column": "Größe (kg)"}, *rest]
    target = {**document["target"], "column": "price paid"}
    return FeatureSet.from_json({**document, "contract": "feature-set.v2", "target": target, "features": features})


def test_column_names(tmp_path, parcel_document):
    """Columns match features by name in either encoding of accents, and with a log's prefix."""
    feature_set = named(parcel_document)
    assert FeatureSet.from_json(feature_set.to_json()) == feature_set
    for weight in ("Größe (kg)", "Gro\u0308ße (kg)", "weight"):
        path = write(tmp_path / "t.csv", header=f"{weight},pieces,express,country,price paid")
        np.testing.assert_array_equal(read_table(path, feature_set).matrix(feature_set), MATRIX)
    with pytest.raises(DataError, match=r"column Größe \(kg\): required"):
        read_table(write(tmp_path / "t.csv", header="kg,pieces,express,country,price paid"), feature_set)
    bad = write(tmp_path / "t.csv", ["-1,3,yes,DE,9"], "Größe (kg),pieces,express,country,price paid")
    with pytest.raises(DataError, match=r"column Größe \(kg\): minimum"):
        read_table(bad, feature_set)


def timed(path, rows):
    return write(path, [f"{weight},1,true,DE,1,{time}" for weight, time in rows], f"{HEADER},time")


def test_sorted_by_time(tmp_path, parcel, monkeypatch):
    """Rows are sorted by time with their texts, and equal times stay in the file's order."""
    monkeypatch.setattr(order, "ROWS", 4)
    monkeypatch.setattr(batches, "CHUNK", 3)
    rows = [(i + 1, 1_790_000_000 + i * 7 % 10) for i in range(10)]
    table = pa.table({
        "weight": [float(weight) for weight, _ in rows], "pieces": [1] * 10, "express": [True] * 10,
        "country": ["DE", "FR", None, "N/A", "DE"] * 2, "time": [time for _, time in rows],
    })  # fmt: skip
    path = tmp_path / "t.parquet"
    parquet.write_table(table, path)
    layout = Layout(parcel, None, "time")
    with pytest.raises(DataError, match="--sort"):
        list(read_chunks(path, layout))
    chunks = list(read_chunks(path, layout, ReadOptions(sort=True)))
    assert len(chunks) == 3
    expected = sorted(range(10), key=lambda place: rows[place][1])
    weights = np.concatenate([chunk.columns["weight"] for chunk in chunks])
    assert weights.tolist() == [rows[place][0] for place in expected]
    countries = np.concatenate([chunk.columns["country"] for chunk in chunks]).tolist()
    assert countries == [table["country"][place].as_py() for place in expected]
    times = np.concatenate([chunk.times_ms for chunk in chunks]).tolist()
    assert times == [1000 * rows[place][1] for place in expected]


def test_sort_without_times(tmp_path, parcel):
    """A table without times, and one without rows, cannot be sorted."""
    with pytest.raises(OptionError, match="--time-column"):
        list(read_chunks(write(tmp_path / "t.csv"), Layout(parcel), ReadOptions(sort=True)))
    path = timed(tmp_path / "t.csv", [])
    with pytest.raises(DataError, match="at least one row"):
        list(read_chunks(path, Layout(parcel, None, "time"), ReadOptions(sort=True)))


def test_column_read_twice(tmp_path, parcel):
    """A feature's column may also be the time or the prediction, each read by its own rule."""
    path = write(tmp_path / "t.csv", ["1790000000,3,true,DE,9", "1790000001,3,true,DE,9"])
    (chunk,) = read_chunks(path, Layout(parcel, "pieces", "weight"))
    assert chunk.times_ms.tolist() == [1790000000000, 1790000001000]
    assert chunk.columns["weight"].tolist() == [1790000000, 1790000001]


def test_ignored_names(tmp_path):
    """Names are listed without the ignored ones, so that a prediction can be left out."""
    path = write(tmp_path / "t.csv", header="weight, prediction,x")
    assert column_names(path) == ["weight", "prediction", "x"]
    assert column_names(path, ReadOptions(ignore=("pred*", "#3"))) == ["weight"]


def test_extension_type(tmp_path, parcel):
    """An extension type, such as those of pandas, is read by its storage."""
    column = pa.ExtensionArray.from_storage(pa.bool8(), pa.array([1, 0], pa.int8()))
    path = tmp_path / "t.parquet"
    parquet.write_table(pa.table({**UNTYPED, "express": column}), path)
    np.testing.assert_array_equal(read_table(path, parcel).matrix(parcel), MATRIX)


def test_prediction_column(tmp_path, parcel):
    """The column of predictions may have any name, and holds numbers, none missing."""
    path = write(tmp_path / "t.csv", header="weight,pieces,express,country,my score")
    (chunk,) = read_chunks(path, Layout(parcel, "my score"))
    assert chunk.columns["my score"].tolist() == [9, 7]
    with pytest.raises(DataError, match="column my score: missing"):
        list(
            read_chunks(
                write(path, ["1,1,no,DE,"], "weight,pieces,express,country,my score"), Layout(parcel, "my score")
            )
        )


def test_bounds():
    """Inclusive and exclusive bounds are checked, also where values may be missing."""
    bounds = {"maximum": 5, "minimum": 1}
    open_bounds = {"exclusive_maximum": 5.0, "exclusive_minimum": 1.0}
    column = pa.array([0.0, 1.0, 3.0, 5.0, 6.0, None])
    for chosen, low, high in ((bounds, [0], [4]), (open_bounds, [0, 1], [3, 4])):
        feature = Feature("x", "number", "-", "-", 3, nullable=True, **chosen)
        problems = check_column(feature, column, Reading(MISSING)).problems
        assert [each.rule for each in problems] == ["minimum", "maximum"]
        assert [np.flatnonzero(each.broken).tolist() for each in problems] == [low, high]
        assert check_column(feature, column[2:3], Reading(MISSING)).problems == []


def test_missing_boolean():
    """A missing boolean is NaN."""
    feature = Feature("x", "boolean", "-", "-", True, nullable=True)
    checked = check_column(feature, pa.array(["on", "N/A", None, "0"]), Reading(MISSING))
    np.testing.assert_array_equal(checked.values, [1, np.nan, np.nan, 0])
    assert checked.problems == []


@pytest.mark.parametrize("kind", ["number", "boolean"])
def test_empty_column(kind):
    """An empty column has no problem."""
    feature = Feature("x", kind, "-", "-", 1)
    assert check_column(feature, pa.array([], pa.float64()), Reading(MISSING)).problems == []


def test_model_without_missing(tmp_path, parcel):
    """A model without missing values is refused a missing one, with the way out and other faults."""
    path = write(tmp_path / "t.csv", ["1,3,true,DE,9", "1,,true,DE,9", "1,x,true,,9"])
    with pytest.raises(DataError, match="--prediction-column") as caught:
        list(read_chunks(path, Layout(parcel, complete=True)))
    found = [(each.column, each.rule, each.rows, each.lines) for each in caught.value.findings]
    assert found == [
        ("pieces", "type", (4,), (4,)),
        ("pieces", "missing", (3,), (3,)),
        ("country", "missing", (4,), (4,)),
    ]


def test_second_parquet_column(tmp_path, parcel):
    """The second Parquet column of a name can be left out, whatever it holds."""
    path = tmp_path / "t.parquet"
    table = pa.table(UNTYPED)
    twice = pa.Table.from_arrays([*table.columns, pa.array(["x", "y"])], names=[*table.column_names, "weight"])
    parquet.write_table(twice, path)
    with pytest.raises(DataError, match="duplicate"):
        read_table(path, parcel)
    assert read_table(path, parcel, ignore=["#6"]).columns["weight"].tolist() == [2.5, 1.5]


def test_absent_name():
    """The package has the names that it lists and no other."""
    assert {getattr(tables, name).__name__ for name in tables.__all__} == set(tables.__all__)
    with pytest.raises(AttributeError, match="absent"):
        _ = tables.absent
