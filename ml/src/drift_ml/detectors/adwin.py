"""ADWIN: a window that shrinks when its two ends disagree."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log, sqrt

from drift_ml.detectors._base import NamedDetector, expect

#: Values on either side of a cut, at least one more than this: river's minimum.
SIDE = 5


@dataclass(frozen=True)
class AdwinParameters:
    """See `Adwin`."""

    #: Of a false alarm at one check, in (0, 1).
    delta: float = 0.002
    #: Values from one check to the next.
    clock: int = 32
    #: Of one size.
    max_buckets: int = 5
    #: Values before the first check.
    grace_period: int = 10


@dataclass
class AdwinState:
    """The window as an exponential histogram."""

    #: Values that were ever taken in.
    ticks: int = 0
    #: Values in the window.
    width: int = 0
    #: Of the values in the window.
    total: float = 0.0
    #: Sum of the squared deviations of the values in the window.
    variance: float = 0.0
    #: Per size 2^k of bucket, the oldest first: sum and sum of squared deviations of each.
    rows: list[list[list[float]]] = field(default_factory=lambda: [[]])


class Adwin(NamedDetector[AdwinParameters, AdwinState, float]):
    """The adaptive window with exponential histograms, as its authors and river have it.

    Buckets of 1, 2, 4... values hold sums and sums of squared deviations, at most `max_buckets` of
    a size. Every `clock` values each cut between buckets is tried: an alarm if the means differ by
    more than sqrt(2 v d / m) + 2 d / (3 m), with d = ln(2 ln(n) / delta), v the variance,
    1 / m = 1 / n0 + 1 / n1 (river's minimum of `SIDE` values on either side, less one). It learns
    its own reference from the window. Source: Bifet & Gavalda 2007.

    >>> detector = Adwin()
    >>> detector.update([0.0, 1.0] * 100), detector.update([5.0, 6.0] * 100)
    (False, True)
    """

    name = "adwin"

    def __init__(
        self,
        *,
        delta: float = 0.002,
        clock: int = 32,
        max_buckets: int = 5,
        grace_period: int = 10,
    ) -> None:
        is_usable = 0 < delta < 1 and clock > 0 and max_buckets > 0
        expect(is_usable, "delta in (0, 1), positive clock and buckets")
        super().__init__(
            AdwinParameters(
                delta,
                clock,
                max_buckets,
                grace_period,
            )
        )

    def _initial_state(self) -> AdwinState:
        return AdwinState()

    def _observe(self, item: float) -> str | None:
        parameters, state = self.parameters, self.state
        state.ticks += 1
        if state.width:
            # The sum of squared deviations grows by w d^2 / (w + 1) when a value at a distance d
            # from the mean joins w others (Welford 1962).
            distance = item - state.total / state.width
            state.variance += state.width * distance * distance / (state.width + 1)
        state.width += 1
        state.total += item
        state.rows[0].append([float(item), 0.0])
        self._compress()
        if state.ticks % parameters.clock or state.width <= parameters.grace_period:
            return None
        return self._cut()

    def _compress(self) -> None:
        """Merge the two oldest buckets of a size that has too many into one of the next size."""
        rows = self.state.rows
        level = 0
        while len(rows[level]) > self.parameters.max_buckets:
            if level + 1 == len(rows):
                rows.append([])
            (first_total, first_squares), (second_total, second_squares) = rows[level][:2]
            size = 2**level
            distance = (first_total - second_total) / size
            squares = first_squares + second_squares + size * distance * distance / 2
            rows[level + 1].append([first_total + second_total, squares])
            del rows[level][:2]
            level += 1

    def _cut(self) -> str | None:
        """Try every cut, the oldest values on the left; return the reason of an alarm."""
        state = self.state
        log_term = log(2 * log(state.width) / self.parameters.delta)
        left, left_total = 0.0, 0.0
        # The largest buckets hold the oldest values.
        for level in range(
            len(state.rows) - 1,
            -1,
            -1,
        ):
            for total, _ in state.rows[level]:
                left += 2**level
                left_total += total
                right = state.width - left
                if left <= SIDE or right <= SIDE:
                    continue
                difference = left_total / left - (state.total - left_total) / right
                if abs(difference) > self._allowed(
                    left,
                    right,
                    log_term,
                ):
                    side = "down" if difference > 0 else "up"
                    return f"mean {side} by {abs(difference):.3g} within {state.width} values"
        return None

    def _allowed(
        self,
        left: float,
        right: float,
        log_term: float,
    ) -> float:
        """Return by how much the means of so many values on either side may differ."""
        variance = self.state.variance / self.state.width
        inverse = 1 / (left - SIDE + 1) + 1 / (right - SIDE + 1)
        return sqrt(2 * inverse * variance * log_term) + 2 / 3 * inverse * log_term
