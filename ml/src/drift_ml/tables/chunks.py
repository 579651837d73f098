"""Read a user's CSV or Parquet file, of any size, in chunks; every cell is checked against the feature set."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, parquet

from .cells import SHOWN_ROWS, check_column
from .errors import DataError, Finding
from .times import read_moments

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import numpy as np
    import numpy.typing as npt
    from drift_contracts import FeatureSet

CHUNK = 2**16
BLOCK = 2**22
"""Bytes of a CSV that are read at a time: some 65,000 rows of ten numbers."""

OUTCOME = "nothing was compared"


@dataclass(frozen=True)
class Chunk:
    """Some rows in the order of the file.

    columns: per name a vector of shape (rows,): float64 with NaN for missing, or for a category an object
    vector of strings with None for missing. times_ms: milliseconds of Unix time, shape (rows,), or None.
    """

    columns: dict[str, npt.NDArray[Any]]
    times_ms: npt.NDArray[np.int64] | None
    rows: int


@dataclass(frozen=True)
class Layout:
    """Which columns are read: the features, one more of numbers (the prediction), and one of times."""

    feature_set: FeatureSet
    number: str | None = None
    time: str | None = None

    @property
    def names(self) -> list[str]:
        """The columns that the file must have."""
        return list(dict.fromkeys([*self.numbers_and_categories, *([self.time] if self.time else [])]))

    @property
    def numbers_and_categories(self) -> list[str]:
        """The same without the time."""
        return list(dict.fromkeys([*self.feature_set.names, *([self.number] if self.number else [])]))


def column_names(path: Path) -> list[str]:
    """The names in the header, in order. Raises DataError if the file is none of the two kinds, or empty."""
    if not path.is_file():
        raise _file_error(path, "exists", "a readable CSV or Parquet file")
    try:
        if path.suffix == ".parquet":
            return list(parquet.read_schema(path).names)
        if path.stat().st_size == 0:
            raise _file_error(path, "rows", "a header line and at least one row")
        return list(csv.open_csv(path, parse_options=_parse(_skip)).schema.names)
    except pa.ArrowInvalid as error:
        raise _unreadable(path) from error


def count_rows(path: Path) -> int:
    """How many rows a file has: exact for Parquet; of a CSV the line ends, which quoted ones inflate."""
    if path.suffix == ".parquet":
        return int(parquet.read_metadata(path).num_rows)
    with path.open("rb") as file:
        lines = sum(block.count(b"\n") for block in iter(lambda: file.read(BLOCK), b""))
    return max(lines - 1, 1)


def read_chunks(path: Path, layout: Layout) -> Iterator[Chunk]:
    """The file's rows chunk by chunk; other columns are left out.

    Memory is bounded by the chunk. Raises DataError with every finding of the whole file, after which what
    was yielded before must not be used. Times must not fall from one row to the next.
    """
    found = _Findings(path)
    found.add(check_names(column_names(path), layout.names))
    found.raise_any()
    rows = 0
    try:
        for chunk in _checked(_batches(path, layout), layout, found):
            rows += chunk.rows
            yield chunk
    except pa.ArrowInvalid as error:
        if path.suffix == ".parquet":
            raise _unreadable(path) from error
        for chunk in _as_text(path, layout, after=rows):
            rows += chunk.rows
            yield chunk
    if not rows and not found.merged:
        raise _file_error(path, "rows", "at least one row under the header")
    found.raise_any()


def _checked(batches: Iterator[pa.RecordBatch], layout: Layout, found: _Findings) -> Iterator[Chunk]:
    """Chunks until something is wrong, from then on findings only."""
    first = 1 if found.path.suffix == ".parquet" else 2
    last: int | None = None
    for batch in batches:
        columns = {}
        for name in layout.numbers_and_categories:
            cells = pa.chunked_array([batch.column(name)])
            columns[name], problems = check_column(layout.feature_set, name, cells, first_row=first)
            found.add(problems)
        times = None
        if layout.time:
            times, problems = read_moments(layout.time, batch.column(layout.time), first_row=first, after=last)
            found.add(problems)
            last = int(times[-1]) if len(times) else last
        first += batch.num_rows
        if not found.merged:
            yield Chunk(columns, times, batch.num_rows)


def _batches(path: Path, layout: Layout) -> Iterator[pa.RecordBatch]:
    if path.suffix == ".parquet":
        return (part for part in parquet.ParquetFile(path).iter_batches(CHUNK, columns=layout.names) if part.num_rows)
    categories = {feature.name for feature in layout.feature_set.features if not feature.numeric}
    types = {name: pa.string() if name in categories or name == layout.time else pa.float64() for name in layout.names}
    return _csv_batches(path, layout, types)


def _csv_batches(path: Path, layout: Layout, types: dict[str, Any], handler: Any = None) -> Iterator[pa.RecordBatch]:
    convert = csv.ConvertOptions(
        column_types=types, include_columns=layout.names, strings_can_be_null=True, null_values=[""]
    )
    read = csv.ReadOptions(block_size=BLOCK, use_threads=handler is None)
    reader = csv.open_csv(path, read_options=read, parse_options=_parse(handler), convert_options=convert)
    return (part for part in reader if part.num_rows)


def _as_text(path: Path, layout: Layout, *, after: int) -> Iterator[Chunk]:
    """The chunks of a CSV behind so many rows, each cell read as text: a bad one can be named.

    Slower than to have the cells parsed, and it takes more: what Python reads as a number is one.
    """
    ragged: list[int] = []

    def note(row: csv.InvalidRow) -> str:
        ragged.append(row.number)
        return "skip"

    found = _Findings(path)
    as_text = dict.fromkeys(layout.names, pa.string())
    rows = 0
    try:
        for chunk in _checked(_csv_batches(path, layout, as_text, note), layout, found):
            rows += chunk.rows
            if rows > after and not ragged:  # the blocks of a file end where they ended before
                yield chunk
    except pa.ArrowInvalid as error:
        raise _unreadable(path) from error
    if ragged:
        cells = f"{len(column_names(path))} cells in every row"
        finding = Finding("(file)", "cells", cells, len(ragged), tuple(ragged[:SHOWN_ROWS]))
        raise DataError(path.name, (finding,), OUTCOME)
    found.raise_any()


class _Findings:
    """Findings of several chunks, those of one rule put together."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.merged: dict[tuple[str, str, str], Finding] = {}

    def add(self, findings: list[Finding]) -> None:
        for each in findings:
            place = (each.column, each.rule, each.expected)
            known = self.merged.get(place, replace(each, count=0, rows=()))
            rows = (known.rows + each.rows)[:SHOWN_ROWS]
            self.merged[place] = replace(each, count=known.count + each.count, rows=rows)

    def raise_any(self) -> None:
        if self.merged:
            raise DataError(self.path.name, tuple(self.merged.values()), OUTCOME)


def check_names(names: list[str], wanted: list[str]) -> list[Finding]:
    """Missing and duplicate columns."""
    counts = Counter(names)
    absent = [Finding(name, "required", "this column in the header") for name in wanted if not counts[name]]
    twice = [Finding(name, "duplicate", "one column of this name", counts[name]) for name in wanted if counts[name] > 1]
    return absent + twice


def _parse(handler: Any) -> csv.ParseOptions:
    return csv.ParseOptions(invalid_row_handler=handler, ignore_empty_lines=False)


def _skip(_row: csv.InvalidRow) -> str:
    return "skip"


def _file_error(path: Path, rule: str, expected: str) -> DataError:
    return DataError(path.name, (Finding("(file)", rule, expected),), OUTCOME)


def _unreadable(path: Path) -> DataError:
    expected = "a Parquet file" if path.suffix == ".parquet" else "a header line and rows of text in UTF-8"
    return _file_error(path, "format", expected)
