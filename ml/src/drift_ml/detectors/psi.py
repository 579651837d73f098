"""The Population Stability Index over windows, with its customary threshold."""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from drift_ml.detectors._windowed import Windowed

if TYPE_CHECKING:
    from collections.abc import Sequence

SMOOTHING = 0.5


class WindowedPsi(Windowed):
    """PSI = sum (q - p) ln(q / p) of a window's shares against the reference's, above a threshold.

    Half an event is added to each bin of both. The customary 0.2 is an effect, not a test: under no drift the
    expectation is about (bins - 1) (1 / rows + 1 / size). Source: Kullback & Leibler 1951 (J-divergence).

    >>> detector = WindowedPsi(edges=[0.0], reference=[50, 50], size=10)
    >>> detector.update([-1.0, 1.0] * 5), detector.update([1.0] * 10)
    (False, True)
    """

    name = "psi"

    def __init__(
        self, *, edges: Sequence[float], reference: Sequence[int], size: int = 1000, threshold: float = 0.2
    ) -> None:
        super().__init__(edges=edges, reference=reference, size=size, threshold=threshold)

    def _judge(self, counts: list[int]) -> str | None:
        expected, seen = _shares(self.parameters["reference"]), _shares(counts)
        value = sum((q - p) * log(q / p) for p, q in zip(expected, seen, strict=True))
        threshold = self.parameters["threshold"]
        return f"PSI {value:.3g} above {threshold:.3g}" if value > threshold else None


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) + SMOOTHING * len(counts)
    return [(count + SMOOTHING) / total for count in counts]
