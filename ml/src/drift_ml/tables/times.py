"""Read a column of times, whatever form they have."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from .cells import SHOWN_ROWS
from .errors import Finding

if TYPE_CHECKING:
    import numpy.typing as npt

MILLISECONDS_FROM = 1e11
"""Numbers from here on are milliseconds (since 1973), those below are seconds (until the year 5138)."""

EXPECTED = "a time as 2026-11-23T12:00:00Z, or seconds or milliseconds since 1970"


def read_moments(
    name: str, column: pa.Array, *, first_row: int, after: int | None
) -> tuple[npt.NDArray[np.int64], list[Finding]]:
    """Milliseconds of Unix time, shape (rows,), and what is wrong with the column.

    A time without zone is taken as UTC. after: the last moment before this column, which none may precede.
    """
    missing = np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)
    times, wrong = _times(column)
    before = np.concatenate([times[:1] if after is None else np.array([after]), times[:-1]])
    findings: list[Finding] = []
    good = ~missing & ~wrong
    unordered = (times < before) & bool(good.all())
    rules = (("missing", "a time in every row", missing), ("type", EXPECTED, wrong & ~missing))
    for rule, expected, broken in (*rules, ("order", "a time not before the row above", unordered)):
        places = np.flatnonzero(broken)
        if len(places):
            rows = tuple(int(place) + first_row for place in places[:SHOWN_ROWS])
            findings.append(Finding(name, rule, expected, len(places), rows))
    return times, findings


def _times(column: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    """Times, 0 where there is none, and a mask of the cells that are no time."""
    first = column.drop_null()[:1]
    if not pa.types.is_temporal(column.type) and _cast(first, pa.float64()) is not None:
        numbers = _cast(column, pa.float64())
        if numbers is not None:
            return _from_numbers(numbers)
    for kind in (pa.timestamp("us", "UTC"), pa.timestamp("us")):
        times = _cast(column, kind) if _cast(first, kind) is not None else None
        if times is not None:
            return _filled(compute.cast(times, pa.int64())) // 1000, np.zeros(len(column), dtype=bool)
    read = [_moment(cell) for cell in column.to_pylist()]
    return np.array([each or 0 for each in read], dtype=np.int64), np.array([each is None for each in read], dtype=bool)


def _cast(column: pa.Array, kind: pa.DataType) -> pa.Array | None:
    """The column as another type, None where it cannot be. A cast that fails costs much more than one that does not:
    it words an error for each cell, so one cell is tried first."""
    try:
        return compute.cast(column, kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return None


def _from_numbers(numbers: pa.Array) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.bool_]]:
    values = np.nan_to_num(np.asarray(numbers.fill_null(0.0).to_numpy(zero_copy_only=False)), nan=np.inf)
    wrong = np.abs(values) > 1e15  # noqa: PLR2004 - past the year 33,000 no time is meant
    values = np.where(wrong, 0.0, values)
    scale = np.where(np.abs(values) >= MILLISECONDS_FROM, 1.0, 1000.0)
    return np.rint(values * scale).astype(np.int64), wrong


def _filled(column: pa.Array) -> npt.NDArray[np.int64]:
    return np.asarray(column.fill_null(0).to_numpy(zero_copy_only=False), dtype=np.int64)


def _moment(cell: Any) -> int | None:
    """One cell of a column in which some are no time: numbers and texts alike."""
    text = str(cell)
    try:
        number = pa.array([float(text)])
    except ValueError:
        return _from_text(text)
    times, wrong = _from_numbers(number)
    return None if wrong[0] else int(times[0])


def _from_text(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)
