"""ADWIN: a window that shrinks when its two ends disagree."""

from __future__ import annotations

from math import log, sqrt
from typing import Any

from drift_ml.detectors._base import Named, expect

SIDE = 5


class Adwin(Named):
    """The adaptive window with exponential histograms, as its authors and river have it.

    Buckets of 1, 2, 4... values hold sums and sums of squared deviations, at most `max_buckets` of a size.
    Every `clock` values each cut between buckets is tried: an alarm if the means differ by more than
    sqrt(2 v d / m) + 2 d / (3 m), with d = ln(2 ln(n) / delta), v the variance, 1 / m = 1 / n0 + 1 / n1
    (river's minimum of `SIDE` values on either side, less one). It learns its own reference from the window.
    Source: Bifet & Gavalda 2007.

    >>> detector = Adwin()
    >>> detector.update([0.0, 1.0] * 100), detector.update([5.0, 6.0] * 100)
    (False, True)
    """

    name = "adwin"

    def __init__(self, *, delta: float = 0.002, clock: int = 32, max_buckets: int = 5, grace_period: int = 10) -> None:
        expect(
            0 < delta < 1 and clock > 0 and max_buckets > 0,
            "delta in (0, 1), positive clock and buckets",
        )
        super().__init__(delta=delta, clock=clock, max_buckets=max_buckets, grace_period=grace_period)

    def _fresh(self) -> dict[str, Any]:
        return {"ticks": 0, "width": 0, "total": 0.0, "variance": 0.0, "rows": [[]]}

    def _observe(self, item: float) -> str | None:
        state = self.state
        state["ticks"] += 1
        if state["width"]:
            apart = item - state["total"] / state["width"]
            state["variance"] += state["width"] * apart * apart / (state["width"] + 1)
        state["width"] += 1
        state["total"] += item
        state["rows"][0].append([float(item), 0.0])
        self._compress()
        if state["ticks"] % self.parameters["clock"] or state["width"] <= self.parameters["grace_period"]:
            return None
        return self._cut()

    def _compress(self) -> None:
        """Merge the two oldest buckets of a size that has too many into one of the next size."""
        rows = self.state["rows"]
        level = 0
        while len(rows[level]) > self.parameters["max_buckets"]:
            if level + 1 == len(rows):
                rows.append([])
            (total, variance), (other, spread) = rows[level][:2]
            size = 2**level
            apart = (total - other) / size
            rows[level + 1].append([total + other, variance + spread + size * apart * apart / 2])
            del rows[level][:2]
            level += 1

    def _cut(self) -> str | None:
        """Try every cut, the oldest values on the left."""
        state = self.state
        log_term = log(2 * log(state["width"]) / self.parameters["delta"])
        left, gone = 0.0, 0.0
        for level in range(len(state["rows"]) - 1, -1, -1):
            for total, _ in state["rows"][level]:
                left += 2**level
                gone += total
                right = state["width"] - left
                if left <= SIDE or right <= SIDE:
                    continue
                apart = gone / left - (state["total"] - gone) / right
                if abs(apart) > self._allowed(left, right, log_term):
                    side = "down" if apart > 0 else "up"
                    return f"mean {side} by {abs(apart):.3g} within {state['width']} values"
        return None

    def _allowed(self, left: float, right: float, log_term: float) -> float:
        variance = self.state["variance"] / self.state["width"]
        inverse = 1 / (left - SIDE + 1) + 1 / (right - SIDE + 1)
        return sqrt(2 * inverse * variance * log_term) + 2 / 3 * inverse * log_term
