"""The Kolmogorov-Smirnov test over windows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.detectors._base import expect
from drift_ml.detectors._windowed import (
    Windowed,
    WindowedParameters,
    check_windowed,
)
from drift_ml.effects import ks, ks_p

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class KsParameters(WindowedParameters):
    """See `WindowedKs`."""

    #: The p-value below which there is an alarm.
    level: float


class WindowedKs(Windowed[KsParameters]):
    """The two-sample KS test of each window against the reference, p below `level`.

    Distance and p-value are those of the report: `drift_ml.effects.ks` and `ks_p`. The edges can
    only lessen the distance: the test is conservative. Divide `level` by the number of columns
    watched (Bonferroni), or the alarms add up.

    >>> detector = WindowedKs(edges=[0.0], reference=[50, 50], size=20, level=0.05)
    >>> detector.update([-1.0, 1.0] * 10), detector.update([1.0] * 20)
    (False, True)
    """

    name = "ks"

    def __init__(
        self,
        *,
        edges: Sequence[float],
        reference: Sequence[int],
        size: int = 1000,
        level: float = 0.05,
    ) -> None:
        expect(0 < level < 1, "a level between 0 and 1")
        check_windowed(edges, reference, size)
        super().__init__(
            KsParameters(
                tuple(edges),
                tuple(reference),
                size,
                level,
            )
        )

    def _compare(self, counts: list[int]) -> str | None:
        reference, level = self.parameters.reference, self.parameters.level
        distance = ks(reference, counts)
        p = ks_p(
            distance,
            sum(reference),
            sum(counts),
        )
        return f"KS distance {distance:.3g}, p below {level:.3g}" if p < level else None
