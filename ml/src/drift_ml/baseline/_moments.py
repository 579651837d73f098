"""Moments and correlations that are rounded once, so that they do not depend on the order of the rows."""

from __future__ import annotations

from math import frexp, fsum, ldexp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline._parts import Bins, Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

CORRELATION_DECIMALS = 4


def summarise(kind: str, column: Floats, bins: Bins | None = None) -> Summary:
    """Count, missing and moments of a column of shape (rows,), NaN for missing; a category has no moments.

    >>> summarise("number", np.array([1.0, 2.0, np.nan])).mean
    1.5
    """
    present = column[~np.isnan(column)]
    missing = len(column) - len(present)
    if kind == "category" or not len(present):
        return Summary(kind, len(present), missing, bins=bins)
    mean, std = _mean_and_std(present)
    return Summary(kind, len(present), missing, mean, std, float(present.min()), float(present.max()), bins)


def correlation(columns: Sequence[Floats]) -> tuple[tuple[float | None, ...], ...]:
    """Pearson's correlation of each two columns over the rows that have both, to four decimals.

    columns: c vectors of shape (rows,). Returns c rows of c; None where a column does not vary.

    >>> correlation([np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 5.9])])
    ((1.0, 0.9999), (0.9999, 1.0))
    """
    found: list[list[float | None]] = [[None] * len(columns) for _ in columns]
    for i, first in enumerate(columns):
        for j in range(i, len(columns)):
            found[i][j] = found[j][i] = _pearson(first, columns[j])
    return tuple(tuple(row) for row in found)


def _pearson(first: Floats, second: Floats) -> float | None:
    both = ~(np.isnan(first) | np.isnan(second))
    x, y = _standardised(first[both]), _standardised(second[both])
    if x is None or y is None:
        return None
    value = fsum((x * y).tolist()) / sqrt(fsum((x * x).tolist()) * fsum((y * y).tolist()))
    return round(min(max(value, -1.0), 1.0), CORRELATION_DECIMALS) + 0.0


def _standardised(column: Floats) -> Floats | None:
    if not len(column):
        return None
    mean, std = _mean_and_std(column)
    scale = _power_of_two(column)
    return (column / scale - mean / scale) / (std / scale) if std > 0 else None


def _mean_and_std(column: Floats) -> tuple[float, float]:
    """Both without overflow on the way: the column is first divided by a power of two, which is exact."""
    if column.min() == column.max():
        return float(column[0]), 0.0
    scale = _power_of_two(column)
    small = column / scale
    mean = fsum(small.tolist()) / len(small)
    squares = fsum(((small - mean) ** 2).tolist())
    return mean * scale, sqrt(squares / (len(small) - 1)) * scale


def _power_of_two(column: Floats) -> float:
    """A power of two no smaller than half the largest magnitude."""
    return ldexp(1.0, max(frexp(float(np.abs(column).max()))[1] - 1, -1000))
