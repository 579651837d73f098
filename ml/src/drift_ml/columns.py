"""Columns as callers have them, as vectors of float64 in which NaN is a missing value."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]


def as_numbers(column: npt.ArrayLike) -> Floats:
    """Numbers or booleans, None for missing, as float64 of shape (rows,). Raises TypeError or ValueError.

    >>> as_numbers([True, None, 3]).tolist()
    [1.0, nan, 3.0]
    """
    vector = np.asarray(column)
    if vector.dtype.kind in "USOMm" and any(isinstance(value, str | bytes) for value in vector.ravel().tolist()):
        raise TypeError("expected numbers")
    vector = vector.astype(np.float64, copy=False)
    if vector.ndim != 1:
        raise ValueError("expected one value per row")
    return vector


def as_codes(categories: Sequence[Any], column: npt.ArrayLike) -> Floats:
    """Each category's index, their number for one that is not among them, NaN for missing, shape (rows,).

    A column of numbers is taken to hold indices already.

    >>> as_codes(["red", "blue"], ["blue", None, "green"]).tolist()
    [1.0, nan, 2.0]
    """
    vector = np.asarray(column)
    if vector.dtype.kind in "iuf":
        return np.minimum(as_numbers(vector), float(len(categories)))
    index = {category: float(code) for code, category in enumerate(categories)}
    new = float(len(categories))
    return np.array([_code(index, value, new) for value in vector.tolist()], dtype=np.float64)


def _code(index: dict[Any, float], value: Any, new: float) -> float:
    if value is None or value != value:  # noqa: PLR0124 - NaN is how tables mark a missing category
        return float("nan")
    return index.get(value, new)
