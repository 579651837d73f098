"""The rows that a model is handed over with, and the answers that its library gave for them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from drift_contracts import FeatureSet

from drift_ml.exporting.rows import Rows
from drift_ml.tables import Layout, Table, column_names, read_chunks, read_table

if TYPE_CHECKING:
    from pathlib import Path

    import numpy.typing as npt

    from drift_ml.tables import ReadOptions

    Floats = npt.NDArray[np.float64]

#: All columns that are not read.
OTHERS = ("*",)


def has_target(
    path: Path,
    features: FeatureSet,
    options: ReadOptions,
) -> bool:
    """Return whether a table has the column of the target, or all columns of several outputs."""
    names = column_names(path, options)
    target = features.target
    wanted = target.outputs or (target,)
    return all({part.column, part.name} & set(names) for part in wanted)


def read_rows(
    path: Path,
    features: FeatureSet,
    options: ReadOptions,
    *,
    labelled: bool,
) -> Rows:
    """Return the rows of a table, checked against their feature set.

    Args:
        path: Of the table.
        features: What rows are; further columns are left out.
        options: How to read it.
        labelled: Whether the column of the target is read.

    Raises:
        DataError: a row breaks the feature set, or a column is absent.
    """
    if labelled:
        table = read_table(path, features, ignore=OTHERS, options=options)
        target = table.target.reshape(len(table.target), -1)
        return Rows([*table.json_rows(features)], table.matrix(features), target)
    left_out = replace(options, ignore=(*options.ignore, *OTHERS))
    chunks = list(read_chunks(path, Layout(features), left_out, strict=True))
    columns = {}
    for name in features.names:
        columns[name] = np.concatenate([chunk.columns[name] for chunk in chunks])
    rows = sum(chunk.rows for chunk in chunks)
    table = Table(path.name, columns, np.zeros(rows))
    return Rows([*table.json_rows(features)], table.matrix(features), np.zeros((rows, 0)))


def read_answers(
    path: Path,
    features: FeatureSet,
    columns: tuple[str, ...],
    options: ReadOptions,
) -> Floats:
    """Return what the library answered for each row, shape (rows, columns).

    Args:
        path: Of the table that has them beside the features.
        features: What rows are.
        columns: Of the answers, in the order of the model's values.
        options: How to read it.

    Raises:
        DataError: a column is absent, or holds what is no number.
    """
    answers = []
    for column in columns:
        # An answer is read as a target is: one number for each row.
        document = cast("dict[str, Any]", features.to_json())
        document["contract"] = "feature-set.v2"
        document["target"] = {
            "name": "answer",
            "column": column,
            "unit": "unknown",
            "description": "What the library answered.",
        }
        table = read_table(path, FeatureSet.from_json(document), ignore=OTHERS, options=options)
        answers.append(table.target)
    return np.column_stack(answers)
