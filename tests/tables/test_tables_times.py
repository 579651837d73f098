"""Times: every spelling is right, or refused by name."""

from __future__ import annotations

import datetime
import decimal

import pyarrow as pa
import pytest
from drift_ml.tables.times import check_times

AT = 1767225600000  # 2026-01-01T00:00:00Z
RIGHT = [
    ("2026-01-01", 0), ("2026-01-01 00:00", 0), ("2026-01-01T00:00:00Z", 0), ("2026-01-01T00:00:00+02:00", -7_200_000),
    ("2026-01-01T00:00:00+0200", -7_200_000), ("2026-01-01 00:00:00 +02:00", -7_200_000),
    ("2026-01-01 00:00:00 UTC", 0), ("2026-01-01T00:00:00.123456789", 123), ("2026-01-01T00:00:00.123999999Z", 123),
    ("20260101T000000Z", 0), ("2026-W01-4", 0), ("1767225600", 0), ("1767225600.5", 500), ("1767225600123", 123),
    ("1767225600123999", 123), ("1767225600123999999", 123), ("1.7672256e9", 0), (" 2026-01-01 ", 0),
    ("2026/01/01", 0), ("2026/1/1 00:30", 1_800_000), ("2026.01.01T00:00:00Z", 0),
    ("2026/01/01 00:00:00 +02:00", -7_200_000),
]  # fmt: skip
REFUSED = [
    ("20260101", "digits of a date"), ("20260101120000", "digits of a date"), ("202601011200", "digits of a date"),
    ("2026010112", "digits of a date"), ("45123.5", "serial days"), ("45123", "serial days"), ("2021", "years alone"),
    ("0", "outside of 1990"), ("-5", "outside of 1990"), ("1e300", "outside of 1990"), ("nan", ""),
    ("639000000000000000", "outside of 1990"), ("01/02/2026", "day or month"), ("31.12.2026 10:00", "day or month"),
    ("2026/02/30", "no calendar"), ("2026/01.02", "hyphens"),
    ("2026-01-01T24:00", "24:00"), ("2026-01-01T23:59:60Z", "leap"), ("12:00", "of a day"),
    ("2026-01", "months alone"), ("Jan 5 2026", "names of months"), ("NaT", "missing"),
    ("2026-01-01 01:00 PM", "13:00"), ("2023-02-29", "no calendar"), ("2026-01-01T25:00:00Z", "no calendar"),
    ("x", ""), ("99999999999999999999", "outside"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "offset"), RIGHT)
@pytest.mark.parametrize("beside", [None, "2026-01-01T00:00:00.5+01:00"])
def test_right_times(text, offset, beside):
    """A time is read alone, and beside one of another spelling."""
    checked = check_times(pa.array([text] if beside is None else [beside, text]), after=None, ordered=False)
    assert checked.problems == []
    assert int(checked.values[-1]) - AT == offset


@pytest.mark.parametrize(("text", "hint"), REFUSED)
@pytest.mark.parametrize("beside", [None, "2026-01-01T00:00:00.5+01:00"])
def test_wrong_times(text, hint, beside):
    """A wrong time is refused by its cause, alone and beside a right one."""
    column = pa.array([text] if beside is None else [text, beside])
    if beside and text == "2026010112":
        return  # among texts it is seconds, which nothing speaks against
    (problem,) = check_times(column, after=None, ordered=False).problems
    assert problem.rule == "type"
    assert problem.broken.tolist()[0]
    assert hint in problem.hint


TYPED = [
    pa.array([AT // 1000]), pa.array([AT], pa.uint64()), pa.array([AT * 1000]), pa.array([AT * 1_000_000 + 999_999]),
    pa.array([AT / 1000]), pa.array([decimal.Decimal(AT // 1000)]), pa.array([float(AT) * 1e6]),
    pa.array([AT], pa.timestamp("ms")), pa.array([AT // 1000], pa.timestamp("s", "Europe/Berlin")),
    pa.array([AT * 1000 + 999], pa.timestamp("us")), pa.array([AT * 1_000_000 + 999_999], pa.timestamp("ns", "UTC")),
    pa.array([datetime.date(2026, 1, 1)]), pa.array([datetime.date(2026, 1, 1)], pa.date64()),
    pa.array(["2026-01-01"]).dictionary_encode(), pa.array(["2026-01-01"], pa.large_string()),
    pa.array(["2026-01-01"], pa.string_view()), pa.array([b"2026-01-01"]), pa.array([b"2026-01-01"], pa.large_binary()),
    pa.array([b"2026-01-01"], pa.binary(10)),
]  # fmt: skip


@pytest.mark.parametrize("column", TYPED, ids=lambda column: str(column.type))
def test_column_types(column):
    """Every type of a time's column is read, and what is finer than a millisecond is cut off."""
    checked = check_times(column, after=None)
    assert (checked.values.tolist(), checked.problems) == ([AT], [])


@pytest.mark.parametrize(
    "column",
    [
        pa.array([True]),
        pa.array([datetime.time(12)]),
        pa.array([datetime.timedelta(1)]),
        pa.array([[1]]),
        pa.array([AT / 1000], pa.float32()),
        pa.array([2021.0], pa.float16()),
    ],
    ids=lambda column: str(column.type),
)
def test_other_column_type(column):
    """A column of another type is refused with a hint that names the type."""
    (problem,) = check_times(column, after=None).problems
    assert str(column.type) in problem.hint


@pytest.mark.parametrize(
    "column", [pa.array([None, None]), pa.array(["", None]), pa.array([None, b" "]), pa.array([None, None], pa.int64())]
)
def test_missing_times(column):
    """Missing times are reported as missing and not as wrong."""
    (problem,) = check_times(column, after=None).problems
    assert (problem.rule, problem.broken.tolist()) == ("missing", [True, True])


def test_descending_times():
    """Times must not fall below the one before, also across batches."""
    (problem,) = check_times(pa.array([AT - 1, AT]), after=AT).problems
    assert (problem.rule, problem.broken.tolist()) == ("order", [True, False])


def test_extension_type():
    """An extension type is read by its storage, here by texts."""
    column = pa.ExtensionArray.from_storage(pa.json_(), pa.array(["2026-01-01"]))
    assert check_times(column, after=None).values.tolist() == [AT]


def test_numbers_among_texts():
    """Numbers among texts are refused with a hint at what they look like, here serial days."""
    (problem,) = check_times(pa.array(["2026-01-01T00:00:00Z", "45123.5", "45124"]), after=None).problems
    assert "serial days" in problem.hint


@pytest.mark.parametrize("count", [2**53, -(2**53)])
def test_beyond_calendar(count):
    """A time outside the calendar is refused, as a wrong unit makes it and no report could print
    it.
    """
    (problem,) = check_times(pa.array([count], pa.timestamp("ms")), after=None).problems
    assert "unit" in problem.hint


def test_no_rows():
    """A column without rows has no times and no fault."""
    checked = check_times(pa.array([], pa.int64()), after=None)
    assert len(checked.values) == 0
    assert checked.problems == []


def test_missing_timestamps():
    """A timestamp that is null is missing, and the others stay what they are."""
    checked = check_times(pa.array([AT, None], pa.timestamp("ms")), after=None)
    assert checked.values[0] == AT
    (problem,) = checked.problems
    assert problem.rule == "missing"
    assert problem.broken.tolist() == [False, True]
