"""Read tables of any size in chunks; every cell is checked against the feature set."""

from __future__ import annotations

from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from .batches import (
    SHOWN_ROWS,
    Batch,
    Ragged,
    parquet_batches,
    parquet_names,
    text_batches,
    unreadable,
)
from .causes import cause_of
from .cells import NAN_WORDS, Checked, Reading, check_column, nulls
from .errors import CellFinding, DataError, OptionError
from .layout import Column, Layout, Places, find_columns, kept_names, optional_target
from .options import ReadOptions
from .order import in_order
from .parts import OUTCOME, file_error, parts_of
from .row_chunk import Chunk
from .texts import count_lines, text_table, unclosed
from .times import check_times

if TYPE_CHECKING:
    from collections.abc import Generator, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from .parts import Part
    from .texts import TextTable

    Key = tuple[str, str, str]
    """Column, rule and what was expected."""

    Cell = tuple[int, int]
    """Row, and place of the column."""

__all__ = ["Chunk", "Layout", "Unlabelled", "column_names", "count_rows", "read_chunks"]


@dataclass
class Unlabelled:
    """Counts the rows that were left out, as they have no target."""

    rows: int = 0


def column_names(path: Path, options: ReadOptions | None = None) -> list[str]:
    """Return the names in the header of the first file, in order, without those that are ignored.

    Raises DataError if the file is no table, or empty.
    """
    options = options or ReadOptions()
    part = parts_of(path)[0]
    if part.parquet:
        return kept_names(parquet_names(part), options.ignore)
    with text_table(part, options) as table:
        return kept_names(table.header, options.ignore)


def count_rows(path: Path) -> int:
    """Return how many rows a table has.

    It is exact for Parquet; of text the line ends are counted, which quoted ones inflate.
    """
    return max(sum(map(_rows_of, parts_of(path))), 1)


def read_chunks(
    path: Path,
    layout: Layout,
    options: ReadOptions | None = None,
    *,
    strict: bool = False,
    unlabelled: Unlabelled | None = None,
) -> Generator[Chunk, None, None]:
    """Yield the rows of a table chunk by chunk.

    Memory is bounded by the chunk. What was yielded before an error must not be used. Times must
    not fall from one row to the next, unless they are to be sorted.

    Args:
        path: a CSV, TSV or Parquet file, text also packed by gzip, or a folder of such files.
        layout: the columns to read.
        options: how to read the file.
        strict: whether columns beside those of the layout are refused.
        unlabelled: counts the rows without the layout's target, which are left out then; None
            where each row must have one.

    Raises:
        DataError: with every finding of all files.
        OptionError: for sorting without a column of times.
    """
    if options is None:
        options = ReadOptions()
    if options.sort and layout.time is None:
        raise OptionError("sort", "a column of times (--time-column)")
    chunks = _Reader(path.name, layout, options, strict, unlabelled).read(path)
    # Whoever stops reading early leaves no file open.
    with closing(chunks):
        yield from in_order(chunks) if options.sort else chunks


class _Reader:
    """Reads the files of one table, and gathers what is wrong with them."""

    def __init__(
        self,
        name: str,
        layout: Layout,
        options: ReadOptions,
        strict: bool,
        unlabelled: Unlabelled | None,
    ) -> None:
        self.layout = layout
        self.unlabelled = unlabelled
        self.options = options
        self.strict = strict
        self.reading = Reading(options.missing_words, options.decimal)
        self.report = _Report(name)
        #: of the row above, in milliseconds; across files too
        self.last_time: int | None = None
        #: read so far, of all files
        self.rows = 0

    def read(self, path: Path) -> Generator[Chunk, None, None]:
        """Yield chunks until something is wrong, from then on look for more that is."""
        parts = parts_of(path)
        for part in parts:
            self.report.begin(part.name if len(parts) > 1 else "")
            try:
                yield from self._parquet(part) if part.parquet else self._text(part)
            except DataError as error:
                # The next file is read all the same, so that nobody mends one fault at a time.
                self.report.add_file(error)
        if not self.rows and not self.report:
            is_unlabelled = self.unlabelled is not None and self.unlabelled.rows > 0
            wanted = f"row with {self.layout.number}" if is_unlabelled else "row under the header"
            raise file_error(path.name, "rows", f"at least one {wanted}")
        self.report.raise_any()

    def _parquet(self, part: Part) -> Iterator[Chunk]:
        names = parquet_names(part)
        places = find_columns(names, self.layout, self.options.ignore, strict=self.strict)
        self.report.add_header(places.findings)
        wanted = {place: names[place] for place in _wanted(places)}
        yield from self._checked(parquet_batches(part, wanted), places)

    def _text(self, part: Part) -> Iterator[Chunk]:
        with text_table(part, self.options) as table:
            ignored = self.options.ignore
            places = find_columns(table.header, self.layout, ignored, strict=self.strict)
            cause = None
            if _lacks(places):
                cause = cause_of(table, self.layout, self.options)
            # Of a wrong delimiter, say, every column is missing: the cause alone is reported.
            self.report.add_header(places.findings if cause is None else (cause,))
            if cause is not None or not places.columns:
                return
            ragged = Ragged(len(table.header))
            types = _types(places)
            words = [word for word in self.reading.missing if word not in NAN_WORDS]
            batches = text_batches(table, types, words, self.options.decimal, ragged)
            yield from self._checked(batches, places)
            if ragged.count:
                self.report.add_rows(ragged.finding())
            self.report.find_lines(table)
            line = table.unclosed_line()
            if line is not None:
                raise unclosed(part.name, line)

    def _checked(self, batches: Generator[Batch, None, None], places: Places) -> Iterator[Chunk]:
        with closing(batches):
            for batch in map(partial(self._labelled, places=places), batches):
                if not len(batch.rows):
                    continue
                chunk = self._check(batch, places)
                self.rows += chunk.rows
                # After the first finding rows are read for further ones only.
                if not self.report:
                    yield chunk

    def _labelled(self, batch: Batch, places: Places) -> Batch:
        """Return the rows of a batch that have the target, or all where each must have it."""
        if self.unlabelled is None:
            return batch
        target = self.layout.feature_set.target
        targets = [place for column, place in places.columns if column.name == target.name]
        if not targets:
            # The header's finding says that the file lacks the column.
            return batch
        checked = check_column(optional_target(target), batch.cells[targets[0]], self.reading)
        values = checked.values.tolist()
        # Labels are None where they are missing, numbers NaN.
        absent = np.array([value is None or value != value for value in values])  # noqa: PLR0124
        for problem in checked.problems:
            absent &= ~problem.broken
        if not absent.any():
            return batch
        self.unlabelled.rows += int(absent.sum())
        mask = pa.array(~absent)
        cells = {place: column.filter(mask) for place, column in batch.cells.items()}
        return Batch(cells, batch.rows[~absent])

    def _check(self, batch: Batch, places: Places) -> Chunk:
        columns: dict[str, npt.NDArray[Any]] = {}
        times = None
        for column, place in places.columns:
            if column.is_time:
                ordered = not self.options.sort
                checked = check_times(batch.cells[place], after=self.last_time, ordered=ordered)
                times = checked.values
                self.last_time = int(times[-1])
            else:
                checked = check_column(column.feature, batch.cells[place], self.reading)
                columns[column.name] = checked.values
                is_feature = column.name in self.layout.feature_set.names
                if self.layout.complete and is_feature:
                    _check_complete(checked)
            self.report.add(column, place, checked, batch)
        for place in places.blank:
            unnamed = Column("", f"#{place + 1}")
            checked = _check_blank(batch.cells[place], place)
            self.report.add(unnamed, place, checked, batch)
        return Chunk(columns, times, len(batch.rows))


class _Report:
    """Findings of several batches and files, those of one rule put together."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.file = ""
        self.findings: dict[Key, CellFinding] = {}
        #: (row, place of the column) of what the file at hand has added.
        self.places: dict[Key, list[Cell]] = {}

    def __bool__(self) -> bool:
        return bool(self.findings)

    def begin(self, file: str) -> None:
        """Begin with the next file; "" where it is the only one."""
        self.file = file
        self.places = {}

    def add_file(self, error: DataError) -> None:
        """Note what is wrong with a file as a whole."""
        for finding in error.findings:
            if self.file:
                finding = replace(finding, files=(self.file,))  # noqa: PLW2901 - the same one
            self._merge(finding, [])

    def add_header(self, findings: Sequence[CellFinding]) -> None:
        """Note what is wrong with a header."""
        for finding in findings:
            self._merge(finding, [])

    def add_rows(self, finding: CellFinding) -> None:
        """Note what is wrong with whole rows."""
        self._merge(finding, [(row, 0) for row in finding.rows])

    def add(
        self,
        column: Column,
        place: int,
        checked: Checked,
        batch: Batch,
    ) -> None:
        """Note what is wrong with a column of a batch."""
        for problem in checked.problems:
            rows = batch.rows[problem.broken]
            first_rows = tuple(int(row) for row in rows[:SHOWN_ROWS])
            finding = CellFinding(
                column.header,
                problem.rule,
                problem.expected,
                len(rows),
                first_rows,
                hint=problem.hint,
            )
            self._merge(finding, [(row, place) for row in first_rows])

    def _merge(self, finding: CellFinding, places: list[Cell]) -> None:
        """Put a finding to those of the same rule; `places` are the cells of its rows."""
        key = (finding.column, finding.rule, finding.expected)
        before = self.findings.get(key)
        if before is None:
            before = replace(finding, count=0, rows=(), files=())
        rows = (before.rows + finding.rows)[:SHOWN_ROWS]
        files = before.files
        if self.file:
            # A finding without rows names its file once.
            files += (self.file,) * max(len(finding.rows), 1)
            files = files[: max(len(rows), 1)]
        self.findings[key] = replace(
            before,
            count=before.count + finding.count,
            rows=rows,
            files=files,
            hint=before.hint or finding.hint,
        )
        added = len(rows) - len(before.rows)
        self.places.setdefault(key, []).extend(places[:added])

    def find_lines(self, table: TextTable) -> None:
        """Find the lines of the rows that a text file has added."""
        wanted = {place for places in self.places.values() for place in places}
        # Finding them reads the file again.
        if not wanted:
            return
        line_of = table.lines(wanted)
        for key, places in self.places.items():
            finding = self.findings[key]
            lines = tuple(line_of[place] for place in places)
            # Those of the files before are there already.
            self.findings[key] = replace(finding, lines=finding.lines + lines)

    def raise_any(self) -> None:
        """Raise DataError if anything is wrong."""
        if self.findings:
            raise DataError(self.name, tuple(self.findings.values()), OUTCOME)


def _rows_of(part: Part) -> int:
    if not part.parquet:
        return count_lines(part) - 1
    try:
        with parquet.ParquetFile(part.path) as file:
            return int(file.metadata.num_rows)
    except (pa.ArrowInvalid, OSError) as error:
        raise unreadable(part) from error


def _wanted(places: Places) -> list[int]:
    wanted = [place for _, place in places.columns]
    # A column may be read twice: as a feature, and as the target.
    return list(dict.fromkeys([*wanted, *places.blank]))


def _lacks(places: Places) -> bool:
    return any(finding.rule == "required" for finding in places.findings)


def _types(places: Places) -> Mapping[int, pa.DataType]:
    """Return as what Arrow reads each column of a text: numbers as such, all else as text."""
    types: dict[int, pa.DataType] = dict.fromkeys(_wanted(places), pa.string())
    for column, place in places.columns:
        if not column.is_time and (column.feature is None or column.feature.numeric):
            types[place] = pa.float64()
    # Last, since a feature's column may also be the time, of which Arrow would lose digits.
    for column, place in places.columns:
        if column.is_time:
            types[place] = pa.string()
    return types


def _check_complete(checked: Checked) -> None:
    """Check that no cell is missing which the feature set allows to be."""
    values = checked.values
    absent = np.array([value is None or value != value for value in values])  # noqa: PLR0124 - NaN
    # A cell that is wrong for another reason is reported there.
    for problem in checked.problems:
        absent = absent & ~problem.broken
    expected = "a value in every row, as the model has learnt no missing one"
    hint = "train it on rows in which some are missing, or give predictions by --prediction-column"
    checked.add("missing", expected, absent, hint)


def _check_blank(cells: pa.Array, place: int) -> Checked:
    """Check that a column without a name is empty, as delimiters at line ends make one."""
    texts = [str(cell or "").strip() for cell in cells.to_pylist()]
    present = np.array([text != "" for text in texts], dtype=bool)
    checked = Checked(np.empty(len(cells)))
    hint = f"--ignore '#{place + 1}' leaves the column out"
    checked.add("unknown", "nothing in a column without a name", present & ~nulls(cells), hint)
    return checked
