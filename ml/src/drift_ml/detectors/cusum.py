"""CUSUM: the fastest detector of one known shift."""

from __future__ import annotations

from typing import Any

from drift_ml.detectors._base import Named, expect


class Cusum(Named):
    """Page's cumulative sums of a standardised value, one on either side.

    G+ <- max(0, G+ + shift (z - shift / 2)), and likewise with -z; an alarm when either reaches `threshold`.
    With z = (value - mean) / std normal, this is the log-likelihood ratio of a shift by `shift` standard
    deviations, and the mean number of events to a false alarm of one side is about
    2 (e^h - h - 1) / shift^2 with h = threshold + 1.166 shift (Siegmund 1985). Minimax optimal for a known
    shift. Sources: Page 1954; Lorden 1971; Moustakides 1986.

    >>> detector = Cusum(mean=0.0, std=1.0, shift=1.0, threshold=2.0)
    >>> detector.update([0.0, 0.1]), detector.update([2.0, 2.0]), detector.reason
    (False, True, 'mean up: 3 of 2')
    """

    name = "cusum"

    def __init__(self, *, mean: float, std: float, shift: float = 0.5, threshold: float = 10.0) -> None:
        expect(std > 0 and shift > 0 and threshold > 0, "positive std, shift and threshold")
        super().__init__(mean=mean, std=std, shift=shift, threshold=threshold)

    def _fresh(self) -> dict[str, Any]:
        return {"up": 0.0, "down": 0.0}

    def _observe(self, item: float) -> str | None:
        own = self.parameters
        shift, z = own["shift"], (item - own["mean"]) / own["std"]
        for side, value in (("up", z), ("down", -z)):
            self.state[side] = max(0.0, self.state[side] + shift * (value - shift / 2))
        side = max(("up", "down"), key=self.state.__getitem__)
        if self.state[side] < own["threshold"]:
            return None
        return f"mean {side}: {self.state[side]:.3g} of {own['threshold']:.3g}"
