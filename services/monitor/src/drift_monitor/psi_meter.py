"""Measure the largest PSI of each thousand events, where a stack has chosen an alarm of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import DriftError
from drift_ml.psi_blocks import BLOCK_EVENTS, largest_psi
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Collection

    from drift_ml.baseline import Baseline
    from drift_ml.psi_blocks import LargestPsi

    from drift_monitor.stores import Document


class PsiMeter:
    """Sums windows until a block is full; what is left over is kept for the next run."""

    def __init__(
        self,
        baseline: Baseline,
        version: str,
        kept: Document,
    ) -> None:
        """Go on from what the last run kept.

        Args:
            baseline: that the windows are counted against.
            version: of the model.
            kept: a `window.state.v1` document, empty for nothing.
        """
        self._baseline = baseline
        self._version = version
        #: The largest of the blocks that were full in this run; None where none was.
        self.largest: LargestPsi | None = None
        self._block = Window.empty(baseline, version)
        if kept:
            try:
                self._block = Window.from_json(kept, baseline)
            except DriftError:
                # Of another release, whose bins are others: the block begins anew.
                self._block = Window.empty(baseline, version)

    def take(
        self,
        window: Window,
        muted: Collection[str],
    ) -> LargestPsi | None:
        """Add a window; return the largest PSI of the block that it filled, None for none.

        Args:
            window: whole minutes, in order.
            muted: features that are left out.
        """
        self._block += window
        if self._block.events < BLOCK_EVENTS:
            return None
        measured = largest_psi(self._baseline, self._block, muted)
        self._block = Window.empty(self._baseline, self._version)
        if measured is not None and (self.largest is None or measured.value > self.largest.value):
            self.largest = measured
        return measured

    def to_json(self) -> Document:
        """Return what the next run goes on from."""
        return self._block.to_json() if self._block.events else {}
