"""The Population Stability Index over windows, with its customary threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.detectors._windowed import Windowed
from drift_ml.effects import psi

if TYPE_CHECKING:
    from collections.abc import Sequence


class WindowedPsi(Windowed):
    """The PSI of a window's counts against the reference's (`drift_ml.effects.psi`), above a threshold.

    The customary 0.2 is an effect, not a test: under no drift the expectation is about
    (bins - 1) (1 / rows + 1 / size), see `drift_ml.effects.psi_expected`.

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
        value = psi(self.parameters["reference"], counts)
        threshold = self.parameters["threshold"]
        return f"PSI {value:.3g} above {threshold:.3g}" if value > threshold else None
