"""Read a table whole, to train on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.columns import as_codes

from .chunks import read_chunks
from .errors import DataError
from .layout import Layout
from .options import ReadOptions
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drift_contracts import FeatureSet

    from .chunks import Unlabelled


def read_table(
    path: Path,
    feature_set: FeatureSet,
    *,
    ignore: Sequence[str] = (),
    options: ReadOptions | None = None,
    time_column: str | None = None,
    unlabelled: Unlabelled | None = None,
) -> Table:
    """Return the rows of a file or folder. No row is ever dropped, unless it has no target.

    The file must have a column per feature and one for the target, in any order. With a column of
    times the rows are returned in the order of time, equal times in the order of the file.

    Args:
        path: a CSV, TSV or Parquet file, text also packed by gzip, or a folder of such files.
        feature_set: the features and the target.
        ignore: further columns to leave out, beside those of the options.
        options: how to read the file.
        time_column: when each row was; None where that does not matter.
        unlabelled: counts the rows without target, which are left out then; None where they are
            refused.

    Raises:
        DataError: with every finding.
    """
    options = options or ReadOptions()
    left_out = (*options.ignore, *ignore)
    options = replace(options, ignore=left_out, sort=options.sort or time_column is not None)
    target = feature_set.target
    layout = Layout(feature_set, target.name, time_column)
    try:
        chunks = list(read_chunks(path, layout, options, strict=True, unlabelled=unlabelled))
    except DataError as error:
        raise DataError(path.name, error.findings) from error.__cause__
    columns = {}
    for name in (*feature_set.names, target.name):
        columns[name] = np.concatenate([chunk.columns[name] for chunk in chunks])
    values = columns.pop(target.name)
    if target.is_class:
        values = as_codes(target.classes, values)
    source = f"file:{path.name}"
    if time_column is None:
        return Table(source, columns, values)
    times = [chunk.times_ms for chunk in chunks if chunk.times_ms is not None]
    return Table(source, columns, values, np.concatenate(times), time_column)
