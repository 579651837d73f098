"""Check the cells of one column against its feature: every broken rule with its rows."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from pyarrow import compute

from .errors import Finding

if TYPE_CHECKING:
    from drift_contracts import Feature, FeatureSet

    Vector = np.ndarray[tuple[int], np.dtype[Any]]

SHOWN_ROWS = 5
BOOLEANS = {"true": 1.0, "false": 0.0, "1": 1.0, "0": 0.0}


def check_column(
    feature_set: FeatureSet, name: str, column: pa.ChunkedArray, *, first_row: int
) -> tuple[Vector, list[Finding]]:
    """The column as a vector, and what is wrong with it.

    Numbers and booleans become float64 with NaN for missing, categories objects with None. first_row is
    the row number of the first cell, so that a CSV's rows count as an editor shows them.
    """
    feature = next((feature for feature in feature_set.features if feature.name == name), None)
    if feature is not None and feature.type == "category":
        return _check_category(feature, column, first_row)
    values, text = _numbers(column, feature is not None and feature.type == "boolean")
    missing = _is_missing(column)
    problem = _Problems(name, first_row)
    if feature is None or not feature.nullable:
        problem.add("missing", "a value in every row", missing)
    problem.add("type", "a boolean" if feature and feature.type == "boolean" else "a number", text)
    present = ~missing & ~text
    problem.add("finite", "a finite number", present & ~np.isfinite(values))
    if feature is not None:
        _check_bounds(feature, values, present & np.isfinite(values), problem)
    return values, problem.findings


class _Problems:
    """Collects findings of one column from masks of rows."""

    def __init__(self, name: str, first_row: int) -> None:
        self.name = name
        self.first_row = first_row
        self.findings: list[Finding] = []

    def add(self, rule: str, expected: str, broken: Vector) -> None:
        places = np.flatnonzero(broken)
        if len(places):
            rows = tuple(int(place) + self.first_row for place in places[:SHOWN_ROWS])
            self.findings.append(Finding(self.name, rule, expected, len(places), rows))


def _check_bounds(feature: Feature, values: Vector, present: Vector, problem: _Problems) -> None:
    if feature.type == "integer":
        problem.add("type", "a whole number", present & (values != np.floor(values)))
    if feature.minimum is not None:
        problem.add("minimum", f"at least {feature.minimum:g}", present & (values < feature.minimum))
    if feature.exclusive_minimum is not None:
        problem.add(
            "minimum",
            f"more than {feature.exclusive_minimum:g}",
            present & (values <= feature.exclusive_minimum),
        )
    if feature.maximum is not None:
        problem.add("maximum", f"at most {feature.maximum:g}", present & (values > feature.maximum))
    if feature.exclusive_maximum is not None:
        problem.add(
            "maximum",
            f"less than {feature.exclusive_maximum:g}",
            present & (values >= feature.exclusive_maximum),
        )


def _check_category(feature: Feature, column: pa.ChunkedArray, first_row: int) -> tuple[Vector, list[Finding]]:
    missing = _is_missing(column)
    values = np.array([None if cell is None else str(cell) for cell in column.to_pylist()], dtype=object)
    problem = _Problems(feature.name, first_row)
    if not feature.nullable:
        problem.add("missing", "a value in every row", missing)
    if not feature.other:
        listed = pa.array(feature.categories, pa.string())
        known = compute.is_in(compute.cast(column, pa.string()), value_set=listed)
        unknown = ~np.asarray(known.to_numpy(), dtype=bool)
        problem.add("enum", f"one of {', '.join(feature.categories)}", unknown & ~missing)
    return values, problem.findings


def _is_missing(column: pa.ChunkedArray) -> Vector:
    return np.asarray(column.is_null().to_numpy(zero_copy_only=False), dtype=bool)


def _numbers(column: pa.ChunkedArray, boolean: bool) -> tuple[Vector, Vector]:
    """The cells as float64 (NaN where there is none) and a mask of those that are no number."""
    if boolean == pa.types.is_boolean(column.type):
        try:
            values = np.asarray(compute.cast(column, pa.float64()).to_numpy(), dtype=np.float64)
            return values, np.zeros(len(values), dtype=bool)
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass  # some cell is no number: look at each to say which
    read = _boolean if boolean else _number
    cells = [read(cell) for cell in column.to_pylist()]
    text = np.array([cell is None for cell in cells], dtype=bool)
    return np.array([math.nan if cell is None else cell for cell in cells], dtype=np.float64), text


def _number(cell: object) -> float | None:
    """NaN for missing, None for what is no number."""
    if cell is None:
        return math.nan
    if isinstance(cell, bool):
        return None
    try:
        return float(str(cell))
    except ValueError:
        return None


def _boolean(cell: object) -> float | None:
    if cell is None:
        return math.nan
    if isinstance(cell, bool):
        return float(cell)
    return BOOLEANS.get(str(cell).strip().lower())
