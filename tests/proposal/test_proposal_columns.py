"""What becomes of a column: its type, its bounds, what is assumed and doubted, why it is left out."""

from __future__ import annotations

import datetime
import decimal

import pyarrow as pa
import pytest
from drift_ml.proposal.judge import judge
from drift_ml.proposal.profile import profile_column
from drift_ml.tables import ReadOptions

ROWS = 40
#: A whole number of each row, in no order.
MIXED = [(7 * row) % 11 for row in range(ROWS)]
TEXTS = {
    "number": (["1.5", "2.25"] * 20, {"type": "number", "minimum": 0, "usual": [1.5, 2.25]}),
    "negative": (["-1.5", "2"] * 20, {"type": "number", "usual": [-1.5, 2.0]}),
    "whole": ([str(value) for value in MIXED], {"type": "integer", "usual": [0, 10]}),
    "whole written with a point": (["3.0", "5.0"] * 20, {"type": "integer", "usual": [3, 5]}),
    "spaces": ([" 1.5 ", "2.5"] * 20, {"type": "number"}),
    "missing": (["1.5", "NA", "2.5", ""] * 10, {"type": "number", "nullable": True}),
    "marks of missing": (["1.5", "?", "2.5", "-"] * 10, {"type": "number", "nullable": True}),
    "yes and no": (["Yes", "no", "no"] * 10, {"type": "boolean", "example": False}),
    "true": (["true", "false", "True"] * 10, {"type": "boolean", "example": True}),
    "levels": (["red", "blue", "red"] * 10, {"categories": ["blue", "red"], "example": "red"}),
    "numbers and words": (["1", "two", "3"] * 10, {"type": "category"}),
    "only yes": (["yes", "maybe"] * 20, {"type": "category"}),
    "codes": (["007", "042"] * 20, {"type": "category", "categories": ["007", "042"]}),
    "decimals below one": (["0.5", "0.25", "0"] * 10, {"type": "number"}),
    "one level in two spellings": (["on", "true"] * 20, {"type": "category"}),
}
TYPED = {
    "integers": (pa.array(MIXED), {"type": "integer"}),
    "floats": (pa.array([0.5, None, 1.5] * 20), {"type": "number", "nullable": True}),
    "decimals": (pa.array([decimal.Decimal("1.5"), decimal.Decimal("2.5")] * 20), {"type": "number"}),
    "booleans": (pa.array([True, False, None] * 10), {"type": "boolean", "nullable": True}),
    "dictionary": (pa.array(["a", "b"] * 20).dictionary_encode(), {"type": "category"}),
    "bytes": (pa.array([b"a", b"b", None] * 10), {"type": "category", "nullable": True}),
    "large strings": (pa.array(["a", "b"] * 20, pa.large_string()), {"type": "category"}),
    "an extension": (
        pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16, b"1" * 16] * 20, pa.binary(16))),
        {"type": "category"},
    ),
}
#: Name, cells and a word of the reason.
LEFT_OUT = {
    "no name": ("", ["1", "2"] * 20, "name"),
    "lists": ("tags", pa.array([[1], [2]] * 20), "lists"),
    "timestamps": ("at", pa.array([datetime.datetime(2026, 1, 1)] * ROWS), "times"),
    "dates": ("day", [f"2026-01-{1 + row % 28:02d}" for row in range(ROWS)], "times"),
    "days with slashes": ("day", [f"2026/{1 + row % 12}/0{1 + row % 9}" for row in range(ROWS)], "--time-column day"),
    "months by name": ("day", [f"Jan {1 + row % 28} 2026" for row in range(ROWS)], "times"),
    "days of Europe": ("day", [f"{1 + row % 28}.1.2026" for row in range(ROWS)], "times"),
    "seconds since 1970": ("created_at", [str(1_700_000_000 + 7 * row) for row in range(ROWS)], "times"),
    "nothing": ("gone", ["", "NA"] * 20, "no value"),
    "typed nothing": ("gone", pa.nulls(ROWS), "no value"),
    "empty numbers": ("gone", pa.array([None] * ROWS, pa.float64()), "no value"),
    "one value": ("same", ["4"] * ROWS, "one value"),
    "one level": ("same", ["a"] * ROWS, "one value"),
    "names": ("person", [f"person {row}" for row in range(ROWS)], "identifier"),
    "sentences": ("note", ["a" * 200, "b"] * 20, "free text"),
    "a count of rows": ("n", [str(row) for row in range(ROWS)], "identifier"),
    "keys": ("customer_id", [str(row * 37 % 1009) for row in range(ROWS)], "identifier"),
    "too large": ("huge", ["1e39", "1"] * 20, "float32"),
    "infinite": ("huge", ["inf", "1"] * 20, "float32"),
}
#: Name, cells and a word of the doubt.
DOUBTS = {
    "two whole numbers": ("flag", ["0", "1"] * 20, "boolean"),
    "few codes": ("store", ["3", "7", "12"] * 20, "3 whole numbers"),
    "many codes": ("zip_code", [str(10_000 + value * 7) for value in range(60)], "codes"),
    "far sentinel": ("age", [str(20 + value) for value in MIXED] + ["-999"] * 5, "--missing=-999"),
    "only negative": ("visits", [str(value) for value in MIXED] + ["-1"] * 5, "--missing=-1"),
    "decimal comma": ("size", ["1,5", "2,25"] * 20, "--decimal"),
    "very many levels": ("shop_name", [f"shop {row}" for row in range(10_200)] * 2, "10,200 levels"),
}


def column_of(cells, name="column", **options):
    """Judge one column of cells: texts, or an Arrow array."""
    array = cells if isinstance(cells, pa.Array) else pa.array(cells, pa.string())
    profile = profile_column(name, pa.chunked_array([array]), ReadOptions(**options))
    return judge(profile)


@pytest.mark.parametrize("kind", TEXTS)
def test_text_columns(kind):
    """A column of a text file becomes the feature that its cells suggest."""
    cells, expected = TEXTS[kind]
    assert expected.items() <= column_of(cells).members.items()


@pytest.mark.parametrize("kind", TYPED)
def test_typed_columns(kind):
    """A column of a Parquet file becomes the feature of its type."""
    array, expected = TYPED[kind]
    assert expected.items() <= column_of(array).members.items()


@pytest.mark.parametrize("kind", LEFT_OUT)
def test_useless_columns_are_left_out(kind):
    """A column that can be no feature is left out with its reason."""
    name, cells, word = LEFT_OUT[kind]
    judged = column_of(cells, name)
    assert judged.members is None
    assert word in judged.reason


@pytest.mark.parametrize("kind", DOUBTS)
def test_doubts(kind):
    """What somebody must decide is reported, with the option for it."""
    name, cells, word = DOUBTS[kind]
    assert any(word in doubt for doubt in column_of(cells, name).doubts)


def test_single_outlier():
    """A number far from the others that occurs once is a value."""
    assert not column_of([str(value) for value in MIXED] + ["-999"]).doubts


def test_frequent_number_in_range():
    """A frequent 99 among numbers up to 200 is a value."""
    assert not column_of([str(value * 5 % 201) for value in range(60)] + ["99"] * 5).doubts


def test_python_numbers():
    """A number with an underscore, which Python alone reads, is text."""
    assert column_of(["1_000", "2_000", "?"] * 10).members["type"] == "category"


def test_marks_are_assumed():
    """A mark that stands for a missing value is named."""
    assert any("?" in words for words in column_of(["1.5", "?", "2"] * 10).assumed)


def test_decimal_option():
    """Numbers are read with the decimal point of the options."""
    judged = column_of(["1,5", "2,5", "x,y"] * 10, decimal=",")
    assert judged.members["type"] == "category"
    assert column_of(["1,5", "2,5"] * 10, decimal=",").members["usual"] == [1.5, 2.5]


def test_many_levels_are_open():
    """A category with many levels expects new ones."""
    cells = [f"level {value % 30}" for value in range(300)]
    assert column_of(cells).members["other"] is True
