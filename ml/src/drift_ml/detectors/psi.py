"""The Population Stability Index over windows, with its customary threshold."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.detectors._windowed import (
    Windowed,
    WindowedParameters,
    check_windowed,
)
from drift_ml.effects import psi

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class PsiParameters(WindowedParameters):
    """See `WindowedPsi`."""

    #: Nats.
    threshold: float


class WindowedPsi(Windowed[PsiParameters]):
    """The PSI of a window's counts against the reference's, above a threshold.

    It is `drift_ml.effects.psi`. The customary 0.2 is an effect, not a test: under no drift the
    expectation is about (bins - 1) (1 / rows + 1 / size), see `drift_ml.effects.psi_expected`.

    >>> detector = WindowedPsi(edges=[0.0], reference=[50, 50], size=10)
    >>> detector.update([-1.0, 1.0] * 5), detector.update([1.0] * 10)
    (False, True)
    """

    name = "psi"

    def __init__(
        self,
        *,
        edges: Sequence[float],
        reference: Sequence[int],
        size: int = 1000,
        threshold: float = 0.2,
    ) -> None:
        check_windowed(edges, reference, size)
        super().__init__(
            PsiParameters(
                tuple(edges),
                tuple(reference),
                size,
                threshold,
            )
        )

    def _compare(self, counts: list[int]) -> str | None:
        threshold = self.parameters.threshold
        value = psi(self.parameters.reference, counts)
        return f"PSI {value:.3g} above {threshold:.3g}" if value > threshold else None
