"""ADWIN over vectors: until its first alarm, the buckets depend on the number of values alone.

Each size of bucket holds its newest few, in a number that follows from the count; so all cuts of
all checks in a chunk are places in one vector of running sums.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from drift_ml.detectors.adwin import SIDE, AdwinParameters
from drift_ml.detectors.vectorised import Hit

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

_ADWIN = AdwinParameters()
#: Values from one check to the next.
CLOCK = _ADWIN.clock
#: Buckets of one size.
MOST = _ADWIN.max_buckets
#: Running sums are kept for so many values; of older ones each CLOCK-th, where all larger buckets
#: end.
RECENT = 2 * CLOCK * (MOST + 2)


@dataclass(frozen=True)
class _RunningSums:
    """The sums of all values up to a place, of a chunk and some values before it."""

    #: Shape (places,).
    sums: Floats
    #: The number of values that sums[0] is the sum of.
    first: int

    def at(self, counts: Integers) -> Floats:
        """Return the sums of so many values, none of them older than `first`."""
        return self.sums[counts - self.first]


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
        """Return the parameters in words."""
        return f"delta {_ADWIN.delta:g}, its own reference"

    def take(self, values: Floats) -> Hit | None:
        """Take a chunk in; see `drift_ml.detectors.vectorised.Scan`."""
        begin, end = self._seen, self._seen + len(values)
        totals = np.cumsum(values) + self._recent[-1]
        sums = np.concatenate([self._recent, totals])
        running = _RunningSums(sums, begin + 1 - len(self._recent))
        checks = np.arange(begin // CLOCK + 1, end // CLOCK + 1) * CLOCK
        self._marks = np.concatenate([self._marks, running.at(checks)])
        squares = np.cumsum(np.square(values)) + self._squares
        checks = checks[checks > _ADWIN.grace_period]
        hit = self._check(
            checks,
            running,
            squares[checks - begin - 1],
        )
        self._seen, self._recent = end, sums[-RECENT:]
        if len(squares):
            self._squares = float(squares[-1])
        if hit is None:
            return None
        return Hit(
            hit.place - begin,
            hit.since - begin,
            hit.direction,
        )

    def _check(
        self,
        checks: Integers,
        running: _RunningSums,
        squares: Floats,
    ) -> Hit | None:
        """Return the first check that finds a cut, its places counted from the first value of all.

        Args:
            checks: numbers of values after which cuts are tried, shape (c,).
            running: the sums of the chunk.
            squares: sums of squares at the checks, shape (c,).
        """
        if not len(checks):
            return None
        totals = running.at(checks)
        variances = np.maximum(squares - totals**2 / checks, 0.0) / checks
        log_terms = np.log(2 * np.log(checks) / _ADWIN.delta)
        cuts = _cuts(checks)
        left_totals = self._sums_at(cuts, running)
        right = checks[:, None] - cuts
        usable = (cuts > SIDE) & (right > SIDE)
        # Sizes that cannot be cut are replaced by one that can, so that nothing is divided by 0.
        left, right = (
            np.where(
                usable,
                cuts,
                SIDE + 1,
            ),
            np.where(
                usable,
                right,
                SIDE + 1,
            ),
        )
        differences = left_totals / left - (totals[:, None] - left_totals) / right
        inverse = 1 / (left - SIDE + 1) + 1 / (right - SIDE + 1)
        noise = np.sqrt(2 * inverse * (variances * log_terms)[:, None])
        allowed = noise + 2 / 3 * inverse * log_terms[:, None]
        is_cut = usable & (np.abs(differences) > allowed)
        rows = is_cut.any(axis=1)
        if not rows.any():
            return None
        row = int(rows.argmax())
        column = int(is_cut[row].argmax())
        direction = "down" if differences[row, column] > 0 else "up"
        return Hit(
            int(checks[row]) - 1,
            int(cuts[row, column]),
            direction,
        )

    def _sums_at(
        self,
        counts: Integers,
        running: _RunningSums,
    ) -> Floats:
        """Return the sums of so many values from the beginning on."""
        is_recent = counts >= running.first
        recent = running.at(
            np.where(
                is_recent,
                counts,
                running.first,
            )
        )
        older = self._marks[
            np.where(
                is_recent,
                0,
                counts // CLOCK,
            )
        ]
        return np.where(is_recent, recent, older)


def _cuts(checks: Integers) -> Integers:
    """Return the ends of the buckets after so many values, the oldest first.

    Shape (checks, cuts); 0 where there is none.
    """
    columns = []
    buckets, size = checks.astype(np.int64), 1
    while buckets.max() > 0:
        # Of one size as many stay as the limit allows; two at a time become one of the next size.
        surplus = buckets - MOST - 1
        staying = np.where(
            buckets <= MOST,
            buckets,
            MOST - 1 + surplus % 2,
        )
        merged = (buckets - staying) // 2
        ends = []
        for place in range(1, MOST + 1):
            end = merged * 2 * size + place * size
            ends.append(
                np.where(
                    place <= staying,
                    end,
                    0,
                )
            )
        columns.append(np.stack(ends, axis=1))
        buckets, size = merged, size * 2
    return np.concatenate(columns[::-1], axis=1)
