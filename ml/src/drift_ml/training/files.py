"""Read a user's CSV or Parquet file and check every cell against the feature set."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

import pyarrow as pa
from pyarrow import csv, parquet

from .cells import SHOWN_ROWS, check_column
from .errors import DataError, Finding
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drift_contracts import FeatureSet


def read_table(path: Path, feature_set: FeatureSet, *, ignore: Sequence[str] = ()) -> Table:
    """The file's rows, or DataError with every finding: no row is ever dropped.

    The file must have a column per feature and one for the target, in any order; `ignore` names further
    columns to leave out.
    """
    raw = _read_raw(path, ignore)
    wanted = [*feature_set.names, feature_set.target.name]
    findings = _check_names(raw.column_names, wanted)
    columns: dict[str, Any] = {}
    first_row = 1 if path.suffix == ".parquet" else 2
    for name in wanted:
        if raw.column_names.count(name) == 1:
            columns[name], found = check_column(feature_set, name, raw.column(name), first_row=first_row)
            findings += found
    if findings:
        raise DataError(path.name, tuple(findings))
    target = columns.pop(feature_set.target.name)
    return Table(source=f"file:{path.name}", columns=columns, target=target)


def _read_raw(path: Path, ignore: Sequence[str]) -> pa.Table:
    """Parquet as it is; CSV with every cell as text, so that a bad one can be named by its row."""
    if not path.is_file():
        raise DataError(path.name, (Finding("(file)", "exists", "a readable CSV or Parquet file"),))
    try:
        raw = parquet.read_table(path) if path.suffix == ".parquet" else _read_csv(path)
    except pa.ArrowInvalid as error:
        expected = "a Parquet file" if path.suffix == ".parquet" else "a header line and rows of text in UTF-8"
        raise DataError(path.name, (Finding("(file)", "format", expected),)) from error
    if raw.num_rows == 0:
        raise DataError(path.name, (Finding("(file)", "rows", "at least one row under the header"),))
    return raw.select([i for i, name in enumerate(raw.column_names) if name not in ignore])


def _read_csv(path: Path) -> pa.Table:
    ragged: list[int] = []

    def note(row: csv.InvalidRow) -> str:
        ragged.append(row.number)
        return "skip"

    if path.stat().st_size == 0:
        raise DataError(path.name, (Finding("(file)", "rows", "a header line and at least one row"),))
    parse = csv.ParseOptions(invalid_row_handler=note, ignore_empty_lines=False)
    one_by_one = csv.ReadOptions(use_threads=False)
    names = csv.open_csv(path, read_options=one_by_one, parse_options=parse).schema.names
    ragged.clear()
    as_text = csv.ConvertOptions(
        column_types=dict.fromkeys(names, pa.string()), strings_can_be_null=True, null_values=[""]
    )
    table = csv.read_csv(path, read_options=one_by_one, parse_options=parse, convert_options=as_text)
    if ragged:
        rows = tuple(ragged[:SHOWN_ROWS])
        raise DataError(path.name, (Finding("(file)", "cells", f"{len(names)} cells in every row", len(ragged), rows),))
    return table


def _check_names(names: Sequence[str], wanted: Sequence[str]) -> list[Finding]:
    """Missing, unknown and duplicate columns. A name that the feature set does not know is not repeated."""
    counts = Counter(names)
    findings = [Finding(name, "required", "this column in the header") for name in wanted if not counts[name]]
    findings += [
        Finding(name, "duplicate", "one column of this name", counts[name]) for name in wanted if counts[name] > 1
    ]
    unknown = [f"#{place}" for place, name in enumerate(names, start=1) if name not in wanted]
    expected = f"only {', '.join(wanted)} (or --ignore this column)"
    return findings + [Finding(place, "unknown", expected) for place in unknown]
