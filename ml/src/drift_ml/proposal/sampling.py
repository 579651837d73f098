"""Take a sample of a table's rows: all of them where they are few, else from its whole length."""

from __future__ import annotations

import tempfile
from collections import Counter
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa
from pyarrow import parquet

from drift_ml.tables.batches import Ragged, parquet_names, text_batches, unreadable
from drift_ml.tables.parts import file_error, opened, parts_of
from drift_ml.tables.texts import text_table, unclosed

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift_ml.tables import ReadOptions
    from drift_ml.tables.parts import Part
    from drift_ml.tables.texts import TextTable

T = TypeVar("T")

#: Cells that are looked at: 50,000 rows of 500 columns.
MOST_CELLS = 25_000_000
#: Rows that are looked at, however few the columns are: more would change no proposal.
MOST_ROWS = 500_000
#: Bytes of rows that are looked at; profiles of texts take some five times as much memory.
MOST_BYTES = 2**26
#: Places of a long file from which rows are taken.
SLICES = 64
#: Bytes of a text from which the length of its rows is estimated.
MEASURED = 2**20
#: Other delimiters, which a header without the right one holds.
DELIMITERS = {";": "semicolon", "\t": "tab", "|": "pipe"}


@dataclass(frozen=True)
class Sample:
    """Rows of a table, column by column."""

    #: Names in the header, without spaces around them.
    names: tuple[str, ...]
    #: Per column its cells, whatever type the file gives them; of text files strings.
    columns: tuple[pa.ChunkedArray, ...]
    #: How many rows were looked at.
    rows: int
    #: How the rows were chosen, in words; "" where they are all.
    chosen: str
    #: Rows that were left out because they have another number of cells than the header.
    ragged: int


def sample_rows(
    path: Path,
    options: ReadOptions,
) -> Sample:
    """Return a sample of a table's rows, from its whole length.

    Args:
        path: a CSV, TSV or Parquet file, text also packed by gzip, or a folder of such files.
        options: how to read the file; what they ignore is not looked at.

    Raises:
        DataError: it is no table, has no rows, or names a column twice.
    """
    parts = parts_of(path)
    # A folder of very many files is sampled as well: each that is opened takes its time.
    chosen = _spread(parts, SLICES)
    taken = [_sample_part(part, options, len(chosen)) for part in chosen]
    first = taken[0].names
    for part, sample in zip(chosen, taken, strict=True):
        if sample.names != first:
            expected = f"the columns of {chosen[0].name}, in the same order"
            raise file_error(part.name, "header", expected)
    rows = sum(sample.rows for sample in taken)
    ragged = sum(sample.ragged for sample in taken)
    if not rows and ragged:
        way_out = f"{ragged:,} rows have another number: the first line may be no header"
        raise file_error(path.name, "cells", "as many cells in each row as in the header", way_out)
    if not rows:
        raise file_error(path.name, "rows", "at least one row under the header")
    columns = []
    for place in range(len(first)):
        chunks = [chunk for sample in taken for chunk in sample.columns[place].chunks]
        columns.append(_united(chunks))
    words = [sample.chosen for sample in taken if sample.chosen]
    if len(chosen) < len(parts):
        words.insert(0, f"{len(chosen)} of {len(parts)} files")
    return Sample(
        names=first,
        columns=tuple(columns),
        rows=rows,
        chosen=words[0] if words else "",
        ragged=ragged,
    )


def _united(chunks: Sequence[pa.Array]) -> pa.ChunkedArray:
    """Return chunks as one column; as texts where files disagree about the type."""
    kinds = {chunk.type for chunk in chunks}
    if len(kinds) > 1:
        chunks = [chunk.cast(pa.string()) for chunk in chunks]
    return pa.chunked_array(chunks)


def _names(
    part: Part,
    header: Sequence[str],
) -> tuple[str, ...]:
    """Return the names in a header. Raises DataError where one stands there twice."""
    names = tuple(name.strip() for name in header)
    repeated = [name for name, count in Counter(names).items() if count > 1 and name]
    if repeated:
        expected = "each column name once"
        raise file_error(part.name, "duplicate", expected, "rename all but one of them")
    return names


def _most_rows(
    columns: int,
    row_bytes: float,
    files: int,
) -> int:
    """Return how many rows are taken of each of some files.

    Args:
        columns: of each row.
        row_bytes: how long a row is on average; 0 where there is none.
        files: that give a share each.
    """
    # Rows of an empty file have no length.
    most = min(MOST_ROWS, MOST_CELLS // columns, int(MOST_BYTES / max(row_bytes, 1)))
    return -(-max(most, 1) // files)


def _check_delimiter(
    part: Part,
    header: Sequence[str],
) -> None:
    """Raise DataError where the only column of a header is several in truth."""
    if len(header) > 1:
        return
    for delimiter, name in DELIMITERS.items():
        if delimiter in header[0]:
            expected = "a comma between the cells"
            raise file_error(part.name, "delimiter", expected, f"try --delimiter {name}")


def _sample_part(
    part: Part,
    options: ReadOptions,
    files: int,
) -> Sample:
    """Return rows of one file.

    Args:
        part: the file.
        options: how it is read.
        files: how many are read; each gives its share of the rows.
    """
    if part.parquet:
        names = _names(part, parquet_names(part))
        return _sample_parquet(part, names, files)
    # Opened once: a file in another encoding is copied each time.
    with text_table(part, options) as table:
        _check_delimiter(part, table.header)
        names = _names(part, table.header)
        row_bytes = _row_bytes(table.part)
        most = _most_rows(len(names), row_bytes, files)
        with _sliced(table, most, row_bytes) as (sliced, chosen):
            return _sample_text(sliced, names, options, most, chosen)


def _sample_parquet(
    part: Part,
    names: tuple[str, ...],
    files: int,
) -> Sample:
    """Return rows of groups that are spread over one of some Parquet files."""
    taken: list[pa.RecordBatch] = []
    try:
        with parquet.ParquetFile(part.path) as file:
            total = file.metadata.num_rows
            sizes = (file.metadata.row_group(n).total_byte_size for n in range(file.num_row_groups))
            most = _most_rows(len(names), sum(sizes) / max(total, 1), files)
            groups = _spread(range(file.num_row_groups), SLICES)
            if total <= most:
                groups = list(range(file.num_row_groups))
            most_of_group = -(-most // max(len(groups), 1)) if total > most else total
            for group in groups:
                taken += _first_rows(file, group, most_of_group)
            schema = file.schema_arrow
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(part) from error
    columns = []
    for place in range(len(names)):
        chunks = [batch.column(place) for batch in taken]
        columns.append(pa.chunked_array(chunks, type=schema.field(place).type))
    rows = sum(batch.num_rows for batch in taken)
    chosen = "" if rows == total else f"{rows:,} of {total:,} rows, from {len(groups)} row groups"
    return Sample(names, tuple(columns), rows, chosen, ragged=0)


def _first_rows(
    file: parquet.ParquetFile,
    group: int,
    most: int,
) -> list[pa.RecordBatch]:
    """Return the first rows of a row group."""
    taken: list[pa.RecordBatch] = []
    missing = most
    with closing(file.iter_batches(min(most, 2**16) or 1, row_groups=[group])) as batches:
        for batch in batches:
            taken.append(batch.slice(0, missing))
            missing -= taken[-1].num_rows
            if missing <= 0:
                break
    return taken


def _sample_text(
    table: TextTable,
    names: tuple[str, ...],
    options: ReadOptions,
    most: int,
    chosen: str,
) -> Sample:
    """Return rows of a text, all cells as texts.

    Args:
        table: the text, or slices of it.
        names: of the columns.
        options: how the file is read.
        most: rows to take.
        chosen: how slices were taken, in words; "" for a whole text.
    """
    ragged = Ragged(len(names))
    types = dict.fromkeys(range(len(names)), pa.string())
    taken: list[list[pa.Array]] = [[] for _ in names]
    rows = 0
    with closing(text_batches(table, types, (), options.decimal, ragged)) as batches:
        for batch in batches:
            for place, cells in batch.cells.items():
                taken[place].append(cells)
            rows += len(batch.rows)
            if rows >= most:
                break
        else:
            line = None if chosen else table.unclosed_line()
            if line is not None:
                raise unclosed(table.part.name, line)
    if rows >= most and not chosen:
        chosen = f"the first {rows:,} rows"
    columns = [pa.chunked_array(chunks, type=pa.string()) for chunks in taken]
    return Sample(names, tuple(columns), rows, chosen, ragged.count)


@contextmanager
def _sliced(
    table: TextTable,
    most: int,
    row_bytes: float,
) -> Iterator[tuple[TextTable, str]]:
    """Yield a text that has about so many rows, and how they were chosen.

    A longer file is copied in slices, each from the end of one line to the end of another, so that
    the sample is of the file's whole length and reading it takes as long as its rows do. A packed
    file has no places to go to: it is read from its beginning.
    """
    size = table.part.path.stat().st_size
    if table.part.gzip or size <= most * row_bytes:
        yield table, ""
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "sample.csv")
        with table.part.path.open("rb") as source, copy.open("wb") as target:
            for _ in range(table.skip + 1):
                target.write(source.readline())
            begin = source.tell()
            length = int(most * row_bytes / SLICES)
            for number in range(SLICES):
                source.seek(begin + (size - begin - length) * number // (SLICES - 1))
                if number:
                    source.readline()
                target.write(source.read(length))
                target.write(source.readline())
        part = replace(table.part, path=copy)
        yield replace(table, part=part), f"rows from {SLICES} places of the file"


def _row_bytes(part: Part) -> float:
    """Return how long a row is on average, estimated from the first rows."""
    with opened(part) as file:
        head = file.read(MEASURED)
    return len(head) / max(head.count(b"\n"), 1)


def _spread(
    items: Sequence[T],
    most: int,
) -> list[T]:
    """Return at most so many items, evenly spread over all.

    >>> _spread("abcdefg", 3)
    ['a', 'c', 'e']
    """
    if len(items) <= most:
        return list(items)
    return [items[len(items) * number // most] for number in range(most)]
