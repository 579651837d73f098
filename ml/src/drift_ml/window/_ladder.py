"""How many frozen edges are below each of many numbers: `searchsorted` in a few vector passes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

#: Of the grid.
CELLS = 4096
#: Edges in one cell up to which comparing each is faster than a binary search.
MOST_STEPS = 3


class Ladder:
    """Frozen edges behind a lookup grid.

    The grid's cells are equally wide, and finding a value's cell never decreases with the value;
    so the edges in lower cells are below it, those in higher cells are not, and only the edges in
    the value's cell are compared. Where some cell holds more than three edges (or the range
    overflows) `searchsorted` is used.
    """

    def __init__(self, edges: Sequence[float]) -> None:
        self._edges = np.array(edges, dtype=np.float64)
        self._padded = np.append(self._edges, np.inf)
        self._low = self._high = self._factor = 0.0
        #: edges to compare in a cell; above MOST_STEPS a binary search is faster
        self.steps = MOST_STEPS + 1 if len(edges) else 0
        if len(edges):
            self._build_grid()

    def _build_grid(self) -> None:
        """Lay the grid, one cell wider than the edges on either side."""
        with np.errstate(over="ignore"):
            width = (self._edges[-1] - self._edges[0]) / CELLS
            self._low = float(self._edges[0] - width)
            self._high = float(self._edges[-1] + width)
            reach = self._high - self._low
        # Equal edges have no reach, far ones an infinite reach, and near ones an infinite factor.
        if 0 < reach < np.inf and np.isfinite(CELLS / reach):
            self._factor = CELLS / reach
            edges_in = np.bincount(self._cells(self._edges), minlength=CELLS + 1)
            self.steps = int(edges_in.max())
            self._below = np.cumsum(edges_in) - edges_in

    def __call__(self, values: Floats) -> Integers:
        """Return for each value the number of edges below it.

        Args:
            values: shape (rows,); none may be NaN.
        """
        if self.steps == 0:
            return np.zeros(len(values), dtype=np.intp)
        if self.steps > MOST_STEPS:
            return np.searchsorted(self._edges, values)
        places = self._below.take(self._cells(values))
        for _ in range(self.steps):
            places += values > self._padded.take(places)
        return places

    def _cells(self, values: Floats) -> Integers:
        inside = np.clip(
            values,
            self._low,
            self._high,
        )
        inside -= self._low
        inside *= self._factor
        return inside.astype(np.intp)
