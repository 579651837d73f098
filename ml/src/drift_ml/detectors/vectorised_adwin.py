"""ADWIN over vectors: until its first alarm, the buckets depend on the number of values alone.

Each size of bucket holds its newest few, in a number that follows from the count; so all cuts of all checks in a
chunk are places in one vector of running sums.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drift_ml.detectors import Adwin
from drift_ml.detectors.adwin import SIDE
from drift_ml.detectors.vectorised import Hit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

_OWN = Adwin().parameters
CLOCK: int = _OWN["clock"]
MOST: int = _OWN["max_buckets"]
RECENT = 2 * CLOCK * (MOST + 2)
"""Running sums are kept for so many values; of older ones each CLOCK-th, where all larger buckets end."""


class AdwinScan:
    """`drift_ml.detectors.Adwin` on standardised values."""

    binned: ClassVar[bool] = False

    def __init__(self) -> None:
        self._seen = 0
        self._marks: Floats = np.zeros(1)
        self._recent: Floats = np.zeros(1)
        self._squares = 0.0

    @staticmethod
    def settings() -> str:
        """The parameters in words."""
        return f"delta {_OWN['delta']:g}, its own reference"

    def take(self, values: Floats) -> Hit | None:
        """See `drift_ml.detectors.vectorised.Scan`."""
        begin, end = self._seen, self._seen + len(values)
        sums = np.concatenate([self._recent, np.cumsum(values) + self._recent[-1]])
        first = begin + 1 - len(self._recent)
        checks = np.arange(begin // CLOCK + 1, end // CLOCK + 1) * CLOCK
        self._marks = np.concatenate([self._marks, sums[checks - first]])
        squares = np.cumsum(np.square(values)) + self._squares
        checks = checks[checks > _OWN["grace_period"]]
        hit = self._check(checks, sums, first, squares[checks - begin - 1])
        self._seen, self._recent = end, sums[-RECENT:]
        self._squares = float(squares[-1]) if len(squares) else self._squares
        return None if hit is None else Hit(hit[0] - 1 - begin, hit[1] - begin, hit[2])

    def _check(self, checks: Integers, sums: Floats, first: int, squares: Floats) -> tuple[int, int, str] | None:
        """The first check that finds a cut: values seen by then, values before the cut, direction."""
        if not len(checks):
            return None
        totals = sums[checks - first]
        variances = np.maximum(squares - totals**2 / checks, 0.0) / checks
        log_terms = np.log(2 * np.log(checks) / _OWN["delta"])
        cuts = _cuts(checks)
        gone = self._sums_at(cuts, sums, first)
        right = checks[:, None] - cuts
        usable = (cuts > SIDE) & (right > SIDE)
        left, right = np.where(usable, cuts, SIDE + 1), np.where(usable, right, SIDE + 1)
        apart = gone / left - (totals[:, None] - gone) / right
        inverse = 1 / (left - SIDE + 1) + 1 / (right - SIDE + 1)
        allowed = np.sqrt(2 * inverse * (variances * log_terms)[:, None]) + 2 / 3 * inverse * log_terms[:, None]
        found = usable & (np.abs(apart) > allowed)
        rows = found.any(axis=1)
        if not rows.any():
            return None
        row = int(rows.argmax())
        column = int(found[row].argmax())
        return int(checks[row]), int(cuts[row, column]), "down" if apart[row, column] > 0 else "up"

    def _sums_at(self, places: Integers, sums: Floats, first: int) -> Floats:
        """The sum of so many values from the beginning on."""
        near = places >= first
        recent = sums[np.where(near, places - first, 0)]
        return np.where(near, recent, self._marks[np.where(near, 0, places // CLOCK)])


def _cuts(checks: Integers) -> Integers:
    """Ends of the buckets after so many values, oldest first; shape (checks, cuts), 0 where there is none."""
    columns = []
    held, size = checks.astype(np.int64), 1
    while held.max() > 0:
        kept = np.where(held <= MOST, held, MOST - 1 + (held - MOST - 1) % 2)
        older = (held - kept) // 2
        ends = [np.where(k <= kept, older * 2 * size + k * size, 0) for k in range(1, MOST + 1)]
        columns.append(np.stack(ends, axis=1))
        held, size = older, size * 2
    return np.concatenate(columns[::-1], axis=1)
