"""Columns as callers have them, as vectors of float64 in which NaN is a missing value."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Category = str | bool


def as_numbers(column: npt.ArrayLike) -> Floats:
    """Return numbers or booleans as float64 of shape (rows,), NaN where there was None.

    Raises TypeError for texts and ValueError for what is no vector.

    >>> as_numbers([True, None, 3]).tolist()
    [1.0, nan, 3.0]
    """
    vector = np.asarray(column)
    # numpy would read the text "1" as the number 1.
    if vector.dtype.kind in "USOMm":
        values = vector.ravel().tolist()
        if any(isinstance(value, str | bytes) for value in values):
            raise TypeError("expected numbers")
    vector = vector.astype(np.float64, copy=False)
    if vector.ndim != 1:
        raise ValueError("expected one value per row")
    return vector


def as_codes(
    categories: Sequence[Category],
    column: npt.ArrayLike,
) -> Floats:
    """Return each category's index, shape (rows,): NaN for missing, one past the last for others.

    Args:
        categories: in the order of their indices.
        column: their names, shape (rows,), with None or NaN for missing; or numbers, which are
            taken to be indices already.

    >>> as_codes(["red", "blue"], ["blue", None, "green"]).tolist()
    [1.0, nan, 2.0]
    """
    vector = np.asarray(column)
    new = float(len(categories))
    if vector.dtype.kind in "iuf":
        return np.minimum(as_numbers(vector), new)
    index = {category: float(code) for code, category in enumerate(categories)}
    codes = [
        _code(
            index,
            value,
            new,
        )
        for value in vector.tolist()
    ]
    return np.array(codes, dtype=np.float64)


def _code(
    index: Mapping[Category, float],
    value: Category | float | None,
    new: float,
) -> float:
    if value is None or value != value:  # noqa: PLR0124 - NaN is how tables mark a missing category
        return float("nan")
    # A number is no category, and so has no index.
    return index.get(value, new)  # type: ignore[arg-type]
