"""Read a table whole, to train on."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from .chunks import read_chunks
from .errors import DataError
from .layout import Layout
from .options import ReadOptions
from .table import Table

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from drift_contracts import FeatureSet


def read_table(
    path: Path,
    feature_set: FeatureSet,
    *,
    ignore: Sequence[str] = (),
    options: ReadOptions | None = None,
) -> Table:
    """Return the rows of a file or folder. No row is ever dropped.

    The file must have a column per feature and one for the target, in any order.

    Args:
        path: a CSV, TSV or Parquet file, text also packed by gzip, or a folder of such files.
        feature_set: the features and the target.
        ignore: further columns to leave out, beside those of the options.
        options: how to read the file.

    Raises:
        DataError: with every finding.
    """
    options = options or ReadOptions()
    options = replace(options, ignore=(*options.ignore, *ignore))
    target = feature_set.target.name
    try:
        chunks = list(read_chunks(path, Layout(feature_set, target), options, strict=True))
    except DataError as error:
        raise DataError(path.name, error.findings) from error.__cause__
    names = [*feature_set.names, target]
    columns = {}
    for name in names:
        columns[name] = np.concatenate([chunk.columns[name] for chunk in chunks])
    values = columns.pop(target)
    return Table(source=f"file:{path.name}", columns=columns, target=values)
