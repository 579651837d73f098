"""Read a user's CSV or Parquet file whole, to train on."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .chunks import Layout, check_names, column_names, read_chunks
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
    layout = Layout(feature_set, feature_set.target.name)
    try:
        _check_header([name for name in column_names(path) if name not in ignore], layout, path)
        chunks = list(read_chunks(path, layout))
    except DataError as error:
        raise DataError(path.name, error.findings) from error.__cause__
    columns = {name: np.concatenate([chunk.columns[name] for chunk in chunks]) for name in layout.names}
    target = columns.pop(feature_set.target.name)
    return Table(source=f"file:{path.name}", columns=columns, target=target)


def _check_header(names: list[str], layout: Layout, path: Path) -> None:
    """Missing, duplicate and unknown columns. A name that the feature set does not know is not repeated."""
    findings = check_names(names, layout.names)
    unknown = [f"#{place}" for place, name in enumerate(names, start=1) if name not in layout.names]
    expected = f"only {', '.join(layout.names)} (or --ignore this column)"
    findings += [Finding(place, "unknown", expected) for place in unknown]
    if findings:
        raise DataError(path.name, tuple(findings))
