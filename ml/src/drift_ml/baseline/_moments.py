"""Moments and correlations, rounded once, so that they do not depend on the order of the rows."""

from __future__ import annotations

from dataclasses import dataclass
from math import (
    frexp,
    fsum,
    ldexp,
    sqrt,
)
from sys import float_info
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.scale import usable_std

from drift_ml.baseline._parts import Bins, Summary

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from drift_ml.baseline._parts import ColumnType

    Floats = npt.NDArray[np.float64]

CORRELATION_DECIMALS = 4
LARGEST = float_info.max


@dataclass(frozen=True)
class _Direction:
    """A column that varies, as a vector from its mean."""

    centred: Floats
    length: float


def summarise(
    kind: ColumnType,
    column: Floats,
    bins: Bins | None = None,
) -> Summary:
    """Return count, missing and moments of a column; a category has no moments.

    Args:
        kind: of the column.
        column: shape (rows,), NaN for missing.
        bins: its histogram, where it has no channel.

    >>> summarise("number", np.array([1.0, 2.0, np.nan])).mean
    1.5
    """
    present = column[~np.isnan(column)]
    missing = len(column) - len(present)
    if kind == "category" or not len(present):
        return Summary(
            kind,
            len(present),
            missing,
            bins=bins,
        )
    mean, std = _mean_and_std(present)
    return Summary(
        type=kind,
        count=len(present),
        missing=missing,
        mean=mean,
        std=std,
        min=float(present.min()),
        max=float(present.max()),
        bins=bins,
    )


def correlation(columns: Sequence[Floats]) -> tuple[tuple[float | None, ...], ...]:
    """Return Pearson's correlation of each two columns over the rows that have both.

    Args:
        columns: c vectors of shape (rows,), NaN for missing.

    Returns:
        c rows of c, to four decimals; None where a column does not vary.

    >>> correlation([np.array([1.0, 2.0, 3.0]), np.array([2.0, 4.0, 5.9])])
    ((1.0, 0.9999), (0.9999, 1.0))
    """
    missing = [np.isnan(column) for column in columns]
    is_complete = [not mask.any() for mask in missing]
    # Of complete columns the direction is the same in every pair, and computed once.
    directions = [
        _direction(column) if complete else None
        for column, complete in zip(
            columns,
            is_complete,
            strict=True,
        )
    ]
    matrix: list[list[float | None]] = [[None] * len(columns) for _ in columns]
    for i, first in enumerate(columns):
        for j in range(i, len(columns)):
            x, y = directions[i], directions[j]
            if not (is_complete[i] and is_complete[j]):
                present = ~(missing[i] | missing[j])
                x, y = _direction(first[present]), _direction(columns[j][present])
            matrix[i][j] = matrix[j][i] = _pearson(x, y)
    return tuple(tuple(row) for row in matrix)


def _direction(column: Floats) -> _Direction | None:
    """Return a column minus its mean, as a vector; None if it counts as constant."""
    centred = _centred(column)
    if centred is None:
        return None
    length = sqrt(fsum((centred * centred).tolist()))
    std = length / sqrt(len(column) - 1)
    largest = float(np.abs(column).max()) / _power_of_two(column)
    return (
        _Direction(centred, length)
        if usable_std(
            std,
            None,
            largest,
        )
        else None
    )


def _pearson(
    first: _Direction | None,
    second: _Direction | None,
) -> float | None:
    if first is None or second is None:
        return None
    product = fsum((first.centred * second.centred).tolist())
    value = product / first.length / second.length
    # Minus zero becomes zero, so that equal values give equal text.
    return round(min(max(value, -1.0), 1.0), CORRELATION_DECIMALS) + 0.0


def _centred(column: Floats) -> Floats | None:
    """Return a column minus its mean, in units of a power of two near its largest magnitude.

    None is returned for a constant column.
    """
    if not len(column) or column.min() == column.max():
        return None
    small = column / _power_of_two(column)
    return small - fsum(small.tolist()) / len(small)


def _mean_and_std(column: Floats) -> tuple[float, float]:
    """Return both without overflow on the way: dividing by a power of two first is exact."""
    centred = _centred(column)
    if centred is None:
        return float(column[0]), 0.0
    scale = _power_of_two(column)
    mean = fsum((column / scale).tolist()) / len(column)
    std = sqrt(fsum((centred**2).tolist()) / (len(column) - 1))
    largest = float(np.abs(column).max()) / scale
    if not usable_std(std, None, largest):
        return mean * scale, 0.0
    return mean * scale, min(std * scale, LARGEST)


def _power_of_two(column: Floats) -> float:
    """Return a power of two no smaller than half the largest magnitude."""
    _, exponent = frexp(float(np.abs(column).max()))
    # Below -1000 the quotient itself could overflow.
    return ldexp(1.0, max(exponent - 1, -1000))
