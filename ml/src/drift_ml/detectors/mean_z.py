"""The older demo's rule: a threshold on the average drift score."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_ml.detectors._base import Named, expect

if TYPE_CHECKING:
    from collections.abc import Sequence


class MeanAbsoluteZ(Named):
    """The average over a window of the mean absolute z-score over features, above a threshold `windows`
    times.

    z = (value - mean) / std per feature; score = mean |z|; the alarm needs `windows` windows of `size` rows
    in a row whose average score is above `threshold`. Under no drift a normal feature's |z| averages
    sqrt(2 / pi) = 0.80, and a shift of every feature by one standard deviation raises it to 1.17: at the
    threshold of 2.0 the rule does not see it.

    >>> detector = MeanAbsoluteZ(means=[0.0], stds=[1.0], size=2, windows=2)
    >>> detector.update([[1.0], [1.0]]), detector.update([[3.0]] * 4)
    (False, True)
    """

    name = "mean-absolute-z"

    def __init__(
        self,
        *,
        means: Sequence[float],
        stds: Sequence[float],
        threshold: float = 2.0,
        size: int = 1000,
        windows: int = 2,
    ) -> None:
        expect(
            len(means) == len(stds) > 0 and min(stds) > 0,
            "as many means as positive stds, at least one",
        )
        expect(size > 0 and windows > 0, "a positive size and number of windows")
        super().__init__(means=list(means), stds=list(stds), threshold=threshold, size=size, windows=windows)

    def _fresh(self) -> dict[str, Any]:
        return {"seen": 0, "total": 0.0, "above": 0}

    def _observe(self, item: Sequence[float]) -> str | None:
        own, state = self.parameters, self.state
        apart = zip(item, own["means"], own["stds"], strict=True)
        state["total"] += sum(abs(value - mean) / std for value, mean, std in apart) / len(own["means"])
        state["seen"] += 1
        if state["seen"] < own["size"]:
            return None
        average = state["total"] / state["seen"]
        state.update(seen=0, total=0.0, above=state["above"] + 1 if average > own["threshold"] else 0)
        if state["above"] < own["windows"]:
            return None
        return f"average score {average:.3g} above {own['threshold']:.3g}"
