"""How many frozen edges are below each of many numbers: `searchsorted` in a few vector passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

CELLS = 4096
MOST_STEPS = 3


class Ladder:
    """Frozen edges behind a lookup grid.

    The grid's cells are equally wide, and finding a value's cell never decreases with the value; so the
    edges in lower cells are below it, those in higher cells are not, and only the edges in its own cell are
    compared. Where some cell holds more than three edges (or the range overflows) `searchsorted` is used.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = np.array(edges, dtype=np.float64)
        self._steps = MOST_STEPS + 1
        if not len(edges):
            self._steps = 0
            self._low = self._high = self._factor = 0.0
        else:
            with np.errstate(over="ignore"):
                width = (self._edges[-1] - self._edges[0]) / CELLS
                self._low, self._high = (
                    float(self._edges[0] - width),
                    float(self._edges[-1] + width),
                )
                reach = self._high - self._low
            if 0 < reach < np.inf and np.isfinite(CELLS / reach):
                self._factor = CELLS / reach
                held = np.bincount(self._cells(self._edges), minlength=CELLS + 1)
                self._steps = int(held.max())
                self._below = np.cumsum(held) - held
        self._padded = np.append(self._edges, np.inf)

    def __call__(self, values: Floats) -> Integers:
        """For each value of shape (rows,) the number of edges below it; no value may be NaN."""
        if self._steps == 0:
            return np.zeros(len(values), dtype=np.intp)
        if self._steps > MOST_STEPS:
            return np.searchsorted(self._edges, values)
        places = self._below.take(self._cells(values))
        for _ in range(self._steps):
            places += values > self._padded.take(places)
        return places

    def _cells(self, values: Floats) -> Integers:
        inside = np.clip(values, self._low, self._high)
        inside -= self._low
        inside *= self._factor
        return inside.astype(np.intp)
