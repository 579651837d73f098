"""The rows of one file, batch by batch, as Arrow arrays whose cells nothing has looked at yet."""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

from .errors import CellFinding
from .parts import file_error
from .texts import BLOCK, has_surrogates, wrong_encoding

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence

    import numpy.typing as npt

    from .errors import DataError
    from .parts import Part
    from .texts import TextTable

CHUNK = 2**16
SHOWN_ROWS = 5
MOST_RAGGED = 1000
"""From so many rows of another width on, no further cells are looked at."""


@dataclass(frozen=True)
class Batch:
    """Some rows of a file."""

    #: By place of the column, its cells.
    cells: Mapping[int, pa.Array]
    #: The row's number of each, shape (rows,).
    rows: npt.NDArray[np.int64]


class Ragged:
    """Notes the rows of another width than the header's."""

    def __init__(self, width: int) -> None:
        self.width = width
        self.count = 0
        self.rows: list[int] = []

    def add(self, row: int) -> None:
        """Note a row."""
        self.count += 1
        if len(self.rows) < SHOWN_ROWS:
            self.rows.append(row)

    def finding(self) -> CellFinding:
        """Return what is wrong."""
        expected = f"{self.width} cells in every row, as the header has"
        hint = "quote cells that hold the delimiter, or name another by --delimiter"
        return CellFinding("(file)", "cells", expected, self.count, tuple(self.rows), hint=hint)


def parquet_names(part: Part) -> list[str]:
    """Return the names of the columns. Raises DataError if the file is no Parquet."""
    try:
        with parquet.ParquetFile(part.path) as file:
            return list(file.schema_arrow.names)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(part) from error


def parquet_batches(part: Part, names: Mapping[int, str]) -> Generator[Batch, None, None]:
    """Yield the rows of the columns at some places."""
    row = 1
    try:
        with parquet.ParquetFile(part.path) as file:
            columns = list(dict.fromkeys(names.values()))
            header = file.schema_arrow.names
            ranks = {place: header[:place].count(name) for place, name in names.items()}
            for batch in filter(len, file.iter_batches(CHUNK, columns=columns)):
                # Of two columns of one name both are read, in the order of the file.
                indices = {name: batch.schema.get_all_field_indices(name) for name in columns}
                cells = {
                    place: batch.column(indices[name][ranks[place]])
                    for place, name in names.items()
                }
                yield Batch(cells, np.arange(row, row + batch.num_rows))
                row += batch.num_rows
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(part) from error


def arrow_batches(
    table: TextTable,
    types: Mapping[int, pa.DataType],
    nulls: Sequence[str],
    decimal: str,
) -> Generator[Batch, None, None]:
    """Yield the rows of a text, parsed by Arrow.

    Args:
        table: the text.
        types: by place of the column, float64 or string.
        nulls: texts that are a null in a column of numbers.
        decimal: the decimal point.
    """
    names = [str(place) for place in range(len(table.header))]
    read = csv.ReadOptions(
        block_size=BLOCK, column_names=names, skip_rows=table.skip, skip_rows_after_names=1
    )
    parse = csv.ParseOptions(
        delimiter=table.delimiter,
        newlines_in_values=table.quotes
        > 0,  # only then can a line end be quoted, and to look for one takes time
        ignore_empty_lines=len(names) > 1,
    )
    convert = csv.ConvertOptions(
        column_types={str(place): kind for place, kind in types.items()},
        include_columns=[str(place) for place in types],
        null_values=list(nulls),
        strings_can_be_null=False,
        decimal_point=decimal,
    )
    row = 2
    with ExitStack() as stack:
        # Everything is closed here: a thread of Arrow that is left at exit may end the process by a
        # signal.
        source = stack.enter_context(pa.OSFile(str(table.part.path)))
        if table.part.gzip:
            source = stack.enter_context(pa.CompressedInputStream(source, "gzip"))
        reader = stack.enter_context(csv.open_csv(source, read, parse, convert))
        for batch in filter(len, reader):
            cells = {place: batch.column(str(place)) for place in types}
            yield Batch(cells, np.arange(row, row + batch.num_rows))
            row += batch.num_rows


def python_batches(
    table: TextTable,
    places: Sequence[int],
    ragged: Ragged,
    *,
    after: int,
) -> Generator[Batch, None, None]:
    """Yield the rows of a text below the row `after`, all cells as text.

    Args:
        table: The text.
        places: Of the columns that are wanted.
        ragged: Notes the rows of another width.
        after: The last row that was read by other means.
    """
    rows: list[int] = []
    cells: list[list[str]] = []
    for row, _, record in table.records():
        if row <= after:
            continue
        if len(record) != ragged.width:
            ragged.add(row)
            if ragged.count >= MOST_RAGGED:
                return
            continue
        rows.append(row)
        cells.append([record[place] for place in places])
        if len(rows) == CHUNK:
            yield _batch(places, rows, cells)
            rows, cells = [], []
    if rows:
        yield _batch(places, rows, cells)


def unreadable(part: Part) -> DataError:
    """Return the error of a file that is not what its beginning says."""
    return file_error(part.name, "format", "a Parquet file that is whole")


def _batch(
    places: Sequence[int],
    rows: list[int],
    cells: list[list[str]],
) -> Batch:
    columns = dict(zip(places, zip(*cells, strict=True), strict=True))
    try:
        arrays = {place: pa.array(column, pa.string()) for place, column in columns.items()}
    except UnicodeEncodeError as error:
        broken = [
            row for row, record in zip(rows, cells, strict=True) if any(map(has_surrogates, record))
        ]
        raise BadText(broken) from error
    return Batch(arrays, np.array(rows))


class BadText(Exception):
    """Cells that are no UTF-8. rows: all of a batch."""

    def __init__(self, rows: list[int]) -> None:
        self.rows = rows
        super().__init__("cells that are no UTF-8")


def text_batches(
    table: TextTable,
    types: Mapping[int, pa.DataType],
    nulls: Sequence[str],
    decimal: str,
    ragged: Ragged,
) -> Generator[Batch, None, None]:
    """Yield the rows of a text: by Arrow as long as it can, then by Python, which is slower.

    Args:
        table: The text.
        types: By place of the column, float64 or string.
        nulls: Texts that are a null in a column of numbers.
        decimal: The decimal point.
        ragged: Notes the rows of another width.

    Raises:
        DataError: cells are no UTF-8.
    """
    seen = 1
    try:
        with closing(arrow_batches(table, types, nulls, decimal)) as batches:
            for batch in batches:
                seen = int(batch.rows[-1])
                yield batch
    except (pa.ArrowInvalid, OSError):
        pass
    else:
        return
    try:
        yield from python_batches(table, list(types), ragged, after=seen)
    except BadText as error:
        row = error.rows[0]
        line = table.lines({(row, 0)})[row, 0]
        raise wrong_encoding(table.part, line=line) from error
