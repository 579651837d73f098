"""Moments and correlations that are rounded once, so that they do not depend on the order of the rows."""

from __future__ import annotations

from math import frexp, fsum, ldexp, sqrt
from sys import float_info
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.scale import usable_std

from drift_ml.baseline._parts import Bins, Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

CORRELATION_DECIMALS = 4
LARGEST = float_info.max


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
    complete = [None if np.isnan(column).any() else _direction(column) for column in columns]
    found: list[list[float | None]] = [[None] * len(columns) for _ in columns]
    for i, first in enumerate(columns):
        for j in range(i, len(columns)):
            x, y = complete[i], complete[j]
            if x is None or y is None:
                both = ~(np.isnan(first) | np.isnan(columns[j]))
                x, y = _direction(first[both]), _direction(columns[j][both])
            found[i][j] = found[j][i] = _pearson(x, y)
    return tuple(tuple(row) for row in found)


def _direction(column: Floats) -> tuple[Floats | None, float]:
    """Return a column minus its mean, None if it counts as constant, and its length as a vector."""
    centred = _centred(column)
    if centred is None:
        return None, 0.0
    length = sqrt(fsum((centred * centred).tolist()))
    largest = float(np.abs(column).max()) / _power_of_two(column)
    if not usable_std(length / sqrt(len(column) - 1), None, largest):
        return None, 0.0
    return centred, length


def _pearson(first: tuple[Floats | None, float], second: tuple[Floats | None, float]) -> float | None:
    (x, x_length), (y, y_length) = first, second
    if x is None or y is None:
        return None
    value = fsum((x * y).tolist()) / x_length / y_length
    return round(min(max(value, -1.0), 1.0), CORRELATION_DECIMALS) + 0.0


def _centred(column: Floats) -> Floats | None:
    """A column minus its mean, in units of a power of two near its largest magnitude; None if it is constant."""
    if not len(column) or column.min() == column.max():
        return None
    small = column / _power_of_two(column)
    return small - fsum(small.tolist()) / len(small)


def _mean_and_std(column: Floats) -> tuple[float, float]:
    """Both without overflow on the way: the column is first divided by a power of two, which is exact."""
    centred = _centred(column)
    if centred is None:
        return float(column[0]), 0.0
    scale = _power_of_two(column)
    mean = fsum((column / scale).tolist()) / len(column)
    std = sqrt(fsum((centred**2).tolist()) / (len(column) - 1))
    if not usable_std(std, None, float(np.abs(column).max()) / scale):
        return mean * scale, 0.0
    return mean * scale, min(std * scale, LARGEST)


def _power_of_two(column: Floats) -> float:
    """A power of two no smaller than half the largest magnitude."""
    return ldexp(1.0, max(frexp(float(np.abs(column).max()))[1] - 1, -1000))
