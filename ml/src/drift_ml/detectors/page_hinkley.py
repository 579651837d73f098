"""Page-Hinkley: a cumulative sum around the running mean."""

from __future__ import annotations

from typing import Any

from drift_ml.detectors._base import Named, expect


class PageHinkley(Named):
    """The Page-Hinkley test on both sides, as river has it.

    With the running mean m: S+ <- alpha S+ + (x - m - delta), S- <- alpha S- + (x - m + delta); an alarm when
    S+ - min S+ or max S- - S- exceeds `threshold`, once `fewest` values were seen (max S- starts at -1, as
    in river). It learns its own reference, so it forgets what it started from, and its false-alarm rate
    depends on the units of the values. Sources: Page 1954; Hinkley 1971; Mouss et al. 2004.

    >>> detector = PageHinkley(threshold=5.0, fewest=2)
    >>> detector.update([0.0] * 20), detector.update([1.0] * 20)
    (False, True)
    """

    name = "page-hinkley"

    def __init__(
        self,
        *,
        threshold: float = 50.0,
        delta: float = 0.005,
        alpha: float = 0.9999,
        fewest: int = 30,
    ) -> None:
        expect(threshold > 0 and 0 < alpha <= 1, "a positive threshold and alpha in (0, 1]")
        super().__init__(threshold=threshold, delta=delta, alpha=alpha, fewest=fewest)

    def _fresh(self) -> dict[str, Any]:
        return {"seen": 0, "mean": 0.0, "up": 0.0, "down": 0.0, "least": None, "most": -1.0}

    def _observe(self, item: float) -> str | None:
        own, state = self.parameters, self.state
        state["seen"] += 1
        state["mean"] += (item - state["mean"]) / state["seen"]
        apart = item - state["mean"]
        state["up"] = own["alpha"] * state["up"] + apart - own["delta"]
        state["down"] = own["alpha"] * state["down"] + apart + own["delta"]
        state["least"] = state["up"] if state["least"] is None else min(state["least"], state["up"])
        state["most"] = max(state["most"], state["down"])
        rises = {"up": state["up"] - state["least"], "down": state["most"] - state["down"]}
        side = max(rises, key=rises.__getitem__)
        if state["seen"] < own["fewest"] or rises[side] <= own["threshold"]:
            return None
        return f"mean {side}: {rises[side]:.3g} of {own['threshold']:.3g}"
