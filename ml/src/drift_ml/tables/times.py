"""Read a column of times, whatever form they have: each spelling is right, or refused by name."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import compute

from .cells import Checked, nulls

if TYPE_CHECKING:
    import numpy.typing as npt

    Times = npt.NDArray[np.int64]
    Mask = npt.NDArray[np.bool_]
    Read = tuple[Times, Mask, str]
    """Milliseconds of Unix time with 0 where there is none, which cells are no time, and why."""

EXPECTED = "a time as 2026-11-23T12:00:00Z, or seconds, ms, us or ns since 1970, from 1990 on"
PER_SECOND = {"s": 1, "ms": 1_000, "us": 1_000_000, "ns": 1_000_000_000}

NUMBERS = (
    (631_152_000, 7_258_118_400, 1000.0),
    (631_152_000_000, 7_258_118_400_000, 1.0),
    (631_152_000_000_000, 7_258_118_400_000_000, 1e-3),
    (663_000_000_000_000_000, 7_258_118_400_000_000_000, 1e-6),
)
"""First number, number after the last, and milliseconds of one: seconds, ms, us and ns from 1990 to
2200. The nanoseconds begin in 1991, as below are the ticks of .NET, which count from the year 1."""

DAY_DIGITS = re.compile(
    r"(19|20|21)\d\d(0[1-9]|1[0-2])(0[1-9]|[12]\d|3[01])([01]\d|2[0-3])?([0-5]\d){0,2}"
)
SERIAL_DAYS = (20_000, 80_000)
"""Days since 1900 from 1954 to 2119, as spreadsheets keep times."""

LOOKED_AT = 1000
"""Cells of a batch at most that are looked at for what they are."""

YEARS = (1900, 2200)
CALENDAR = (-62_135_596_800_000, 253_402_300_800_000)
"""Milliseconds of the first time in the year 1, and of the first after the year 9999."""

BYTES = (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_fixed_size_binary)
YEAR_FIRST = re.compile(r"(\d{4})([/.])(\d{1,2})\2(\d{1,2})(?=$|[T ])")
"""A day as 2026/1/31 or 2026.01.31: with the year first, no other order is in use."""
ZONE_AFTER_SPACE = re.compile(r"(.+[0-9])\s+(UTC|GMT|Z|[+-]\d\d:?\d\d)")
ORDER_HINT = "--sort sorts them; times without a zone repeat an hour when the clocks are set back"


def check_times(
    column: pa.Array,
    *,
    after: int | None,
    ordered: bool = True,
) -> Checked:
    """Return milliseconds of Unix time, shape (rows,), and what is wrong with the column.

    A time without zone is taken as UTC; what is finer than a millisecond is cut off. after: the
    last time before this column; if `ordered`, none may precede the one above.
    """
    if isinstance(column.type, pa.BaseExtensionType):
        column = column.storage
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if pa.types.is_large_string(column.type) or pa.types.is_string_view(column.type):
        column = compute.cast(column, pa.string())
    if any(is_kind(column.type) for is_kind in BYTES):
        column = pa.array(map(_text, column.to_pylist()), pa.string())
    missing = nulls(column)
    times, wrong, hint = _times(column)
    if wrong.any() and pa.types.is_string(column.type):
        # Blanks are rare, so that only a column that has a wrong cell pays for trimming.
        column = compute.utf8_trim_whitespace(column)
        missing = missing | _blank(column)
        times, wrong, hint = _times(column)
    wrong &= ~missing
    checked = Checked(times)
    checked.add("missing", "a time in every row", missing)
    checked.add("type", EXPECTED, wrong, hint)
    if ordered and not missing.any() and not wrong.any():
        first = times[:1] if after is None else np.array([after])
        above = np.concatenate([first, times[:-1]])
        checked.add("order", "a time not before the row above", times < above, ORDER_HINT)
    return checked


def _blank(column: pa.Array) -> Mask:
    blank = compute.equal(column, "").fill_null(False)
    return np.asarray(blank.to_numpy(zero_copy_only=False), dtype=bool)


def _times(column: pa.Array) -> Read:
    kind = column.type
    if pa.types.is_date(kind):
        column = compute.cast(column, pa.timestamp("ms"))
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind):
        return _in_calendar(_timestamps(column))
    if kind in {pa.float16(), pa.float32()}:
        hint = f"the column holds {kind}, which is minutes off: save it as float64 or as text"
        return _no_times(len(column), hint)
    if pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        return _numbers(column)
    if pa.types.is_string(kind):
        return _texts(column)
    hint = "" if pa.types.is_null(kind) else f"the column holds {kind}, not times"
    return _no_times(len(column), hint)


def _no_times(cells: int, hint: str) -> Read:
    """Return a column in which no cell is a time."""
    return np.zeros(cells, dtype=np.int64), np.ones(cells, dtype=bool), hint


def _in_calendar(times: Times) -> Read:
    """Return the times, and which are in no year from 1 to 9999: a wrong unit makes such."""
    wrong = (times < CALENDAR[0]) | (times >= CALENDAR[1])
    hint = ""
    if wrong.any():
        hint = "years outside of 1 to 9999: the unit of the times may be wrong"
    # No report could print such a time, so that it does not go on.
    return np.where(wrong, 0, times), wrong, hint


def _timestamps(column: pa.Array) -> Times:
    """Return the milliseconds of timestamps, cut off; Arrow keeps those with a zone as UTC."""
    whole = compute.cast(column, pa.int64())
    if whole.null_count:
        whole = whole.fill_null(0)
    counts = np.asarray(whole.to_numpy(zero_copy_only=False))
    per_second = PER_SECOND[column.type.unit]
    if per_second <= PER_SECOND["ms"]:
        scaled: Times = counts * (PER_SECOND["ms"] // per_second)
    else:
        scaled = counts // (per_second // PER_SECOND["ms"])
    return scaled


def _numbers(column: pa.Array) -> Read:
    """Return times from numbers since 1970, by their size; whole numbers keep every digit."""
    if pa.types.is_integer(column.type):
        counts = compute.cast(column, pa.int64(), safe=False).fill_null(0)
        values = np.asarray(counts.to_numpy(zero_copy_only=False))
        # Nearly all columns are of one unit, which is much faster than unit by unit.
        alike = _of_one_unit(values)
        everywhere = np.ones(len(values), dtype=bool)
        if alike is not None and not _hours_of_days(values, everywhere).any():
            return alike, ~everywhere, ""
        times = np.zeros(len(values), dtype=np.int64)
        right = np.zeros(len(values), dtype=bool)
        for first, end, factor in NUMBERS:
            inside = (values >= first) & (values < end)
            times[inside] = _milliseconds(values[inside], factor)
            right |= inside
    else:
        numbers = compute.cast(column, pa.float64(), safe=False)
        values = np.asarray(numbers.fill_null(0.0).to_numpy(zero_copy_only=False))
        times, right = _from_floats(values)
    wrong = ~right
    # Such digits are also a number of seconds, of a year that nobody means.
    wrong |= _hours_of_days(values, right)
    bad = values[wrong & ~nulls(column)]
    return np.where(wrong, 0, times), wrong, _number_hint(bad)


def _of_one_unit(values: npt.NDArray[np.int64]) -> Times | None:
    """Return times from whole numbers, None if any is none, or not all are of one unit."""
    if not len(values):
        return None
    low, high = int(values.min()), int(values.max())
    for first, end, factor in NUMBERS:
        if first <= low and high < end:
            return _milliseconds(values, factor)
    return None


def _milliseconds(values: npt.NDArray[np.int64], factor: float) -> Times:
    """Return whole numbers of a unit in milliseconds; what is finer is cut off."""
    if factor > 1:
        seconds: Times = values * 1000
        return seconds
    finer: Times = values // round(1 / factor)
    return finer


def _from_floats(values: npt.NDArray[np.float64]) -> tuple[Times, Mask]:
    times = np.zeros(len(values), dtype=np.int64)
    right = np.zeros(len(values), dtype=bool)
    for first, end, factor in NUMBERS:
        inside = (values >= first) & (values < end)
        scaled = values[inside] * factor
        # Seconds are told to the millisecond, which no float64 holds exactly; what is finer is cut
        # off.
        times[inside] = np.rint(scaled) if factor >= 1 else np.floor(scaled)
        right |= inside
    return times, right


def _hours_of_days(values: npt.NDArray[np.generic], right: Mask) -> Mask:
    """Return the cells of a column that holds days and hours as digits, 2026010112."""
    numbers = values if right.all() else values[right]
    sample = numbers[:LOOKED_AT]
    hours = bool(len(sample)) and all(_is_hour(value) for value in sample)
    return right if hours else np.zeros(len(right), dtype=bool)


def _is_hour(value: np.generic) -> bool:
    digits = str(int(value))
    if len(digits) != len("2026010112"):
        return False
    return DAY_DIGITS.fullmatch(digits) is not None


def _number_hint(values: npt.NDArray[np.generic]) -> str:
    """Return what the numbers that are no times look like."""
    finite = values
    if len(values):
        finite = values[np.isfinite(values)]
    if not len(finite):
        return ""
    low, high = float(finite.min()), float(finite.max())
    if all(DAY_DIGITS.fullmatch(str(int(value))) for value in finite[:1000]):
        return "digits of a date: write 2026-01-01 or 2026-01-01T12:00:00"
    if YEARS[0] <= low and high < YEARS[1]:
        return "years alone: write 2026-01-01"
    if SERIAL_DAYS[0] <= low and high < SERIAL_DAYS[1]:
        return "a spreadsheet's serial days: format the column as a date and save it again"
    return "numbers outside of 1990 to 2200 in every unit: write times as text, or count from 1970"


def _texts(column: pa.Array) -> Read:
    """Return times from texts: all by one cast if they are alike, else cell by cell."""
    first = column.drop_null()[:1]
    # Whole numbers first: a float64 would lose the last digits of nanoseconds.
    if _cast(first, pa.float64()) is not None:
        numbers = _cast(column, pa.int64())
        if numbers is None:
            numbers = _cast(column, pa.float64())
        if numbers is not None:
            return _numbers(numbers)
    for unit in ("us", "ns"):
        for kind in (pa.timestamp(unit, "UTC"), pa.timestamp(unit)):
            if _cast(first, kind) is None:
                continue
            times = _cast(column, kind)
            if times is not None:
                return _in_calendar(_timestamps(times))
    return _one_by_one(column.to_pylist())


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """Return the column as another type, None where it cannot be.

    A cast that fails costs much more than one that does not: it words an error for each cell. So
    one cell is tried first.
    """
    try:
        return compute.cast(column, kind)
    except pa.ArrowInvalid:
        return None


def _one_by_one(texts: list[str | None]) -> Read:
    """Return times of a column in which some cells are none, or are spelled in several ways."""
    numbers = [_integer(text) for text in texts]
    counted, no_number, _ = _numbers(pa.array(numbers, pa.int64()))
    times = counted.copy()
    wrong = no_number.copy()
    for place, text in enumerate(texts):
        if text is not None and numbers[place] is None:
            timestamp_ms = _from_text(text)
            times[place] = timestamp_ms or 0
            wrong[place] = timestamp_ms is None
    wrong_texts = [texts[place] for place in np.flatnonzero(wrong)]
    bad = [text for text in wrong_texts if text]
    return times, wrong, _text_hint(bad)


def _integer(text: str | None) -> int | None:
    if text is None or not re.fullmatch(r"[+-]?\d{1,19}", text):
        return None
    number = int(text)
    # Beyond 64 bits no unit gives a time.
    return number if abs(number) < 2**63 else None


def _from_text(text: str) -> int | None:
    """Return the milliseconds of one text: ISO 8601, or a number of seconds with a fraction."""
    try:
        number = float(text)
    except ValueError:
        pass
    else:
        times, right = _from_floats(np.array([number]))
        return int(times[0]) if right[0] else None
    zoned = ZONE_AFTER_SPACE.fullmatch(text)
    if zoned:
        zone = "Z" if zoned[2] in {"UTC", "GMT"} else zoned[2]
        text = f"{zoned[1]}{zone}"
    day = YEAR_FIRST.match(text)
    if day:
        text = f"{day[1]}-{day[3]:0>2}-{day[4]:0>2}{text[day.end() :]}"
    try:
        when = datetime.fromisoformat(text)
    except ValueError:
        return None
    if when.tzinfo is None:
        # Documented: a text without a zone is UTC.
        when = when.replace(tzinfo=UTC)
    since = when - datetime(1970, 1, 1, tzinfo=UTC)
    seconds = since.days * 86_400 + since.seconds
    # What is finer than a millisecond is cut off.
    return seconds * 1000 + since.microseconds // 1000


def _text_hint(texts: list[str]) -> str:
    """Return what the first texts that are no times look like."""
    sample = texts[:1000]
    if not sample:
        return ""
    numbers = [_number(text) for text in sample]
    if all(number is not None for number in numbers):
        return _number_hint(np.array(numbers, dtype=np.float64))
    shapes = (
        (r"NaT|N/?A|NaN|nan|null|NULL|None|-|\?", "a time is missing there: leave such rows out"),
        (r".*\d ?[AaPp]\.?[Mm]\.?", "hours of a half day: write 13:00 instead of 1 PM"),
        (r"\d{1,2}[/.-]\d{1,2}[/.-]\d{2,4}.*", "day or month may come first: write 2026-01-31"),
        (r"\d{4}([/.])\d{1,2}\1\d{1,2}([T ].*)?", "no calendar has this day or time"),
        (r"\d{4}[/.]\d{1,2}[/.]\d{1,2}.*", "write the date with hyphens: 2026-01-31"),
        (r".*[T ]24:00.*", "24:00 is 00:00 of the next day: write that"),
        (r".*:\d\d:60.*", "a leap second: write 59"),
        (r"\d{1,2}:\d\d.*", "times of a day: write the date too"),
        (r"\d{4}-\d{2}", "months alone: write 2026-01-01"),
        (r"\d{4}-\d{2}-\d{2}([T ][\d:.]+)?(Z|[+-]\d\d:?\d\d)?", "no calendar has this day or time"),
        (r".*[A-Za-z]{3,}.*", "names of months, days or zones: write 2026-01-31T12:00:00+01:00"),
    )
    for shape, hint in shapes:
        if any(re.fullmatch(shape, text) for text in sample):
            return hint
    return ""


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def _text(cell: bytes | None) -> str | None:
    return None if cell is None else cell.decode(errors="replace")
