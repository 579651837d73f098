"""The Kolmogorov-Smirnov test over windows."""

from __future__ import annotations

from itertools import accumulate
from math import exp, sqrt
from typing import TYPE_CHECKING

from drift_ml.detectors._base import expect
from drift_ml.detectors._windowed import Windowed

if TYPE_CHECKING:
    from collections.abc import Sequence

TERMS = 100


class WindowedKs(Windowed):
    """The two-sample KS test of each window against the reference, p below `level`.

    D = max |F - G| over the bins' edges; p = 2 sum (-1)^(j-1) exp(-2 j^2 t^2) with
    t = (sqrt(m) + 0.12 + 0.11 / sqrt(m)) D and m = n k / (n + k). The edges can only lessen D: the test is
    conservative. Divide `level` by the number of columns watched (Bonferroni), or the alarms add up.
    Sources: Smirnov 1939; Stephens 1970.

    >>> detector = WindowedKs(edges=[0.0], reference=[50, 50], size=20, level=0.05)
    >>> detector.update([-1.0, 1.0] * 10), detector.update([1.0] * 20)
    (False, True)
    """

    name = "ks"

    def __init__(
        self, *, edges: Sequence[float], reference: Sequence[int], size: int = 1000, level: float = 0.05
    ) -> None:
        expect(0 < level < 1, "a level between 0 and 1")
        super().__init__(edges=edges, reference=reference, size=size, level=level)

    def _judge(self, counts: list[int]) -> str | None:
        reference = self.parameters["reference"]
        rows, events = sum(reference), sum(counts)
        pairs = zip(accumulate(reference), accumulate(counts), strict=True)
        distance = max(abs(p / rows - q / events) for p, q in pairs)
        value = ks_p_value(distance, rows * events / (rows + events))
        level = self.parameters["level"]
        return f"KS distance {distance:.3g}, p below {level:.3g}" if value < level else None


def ks_p_value(distance: float, effective: float) -> float:
    """The asymptotic p-value of a KS distance, with Stephens' correction.

    distance: in [0, 1]. effective: n k / (n + k) of the two sample sizes.

    >>> round(ks_p_value(0.1, 100.0), 3)
    0.256
    """
    root = sqrt(effective)
    t = (root + 0.12 + 0.11 / root) * distance
    if t < 0.2:  # noqa: PLR2004 - the series is slow here, and 1 to ten digits
        return 1.0
    total = sum((1 if j % 2 else -1) * exp(-2 * (j * t) ** 2) for j in range(1, TERMS))
    return min(1.0, max(0.0, 2 * total))
