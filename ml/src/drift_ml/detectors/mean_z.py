"""A threshold on the average drift score: the rule that most drift monitors begin with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.detectors._base import NamedDetector, expect

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class MeanAbsoluteZParameters:
    """See `MeanAbsoluteZ`."""

    #: Of the baseline, one per feature.
    means: tuple[float, ...]
    #: Of the baseline, one per feature, above 0.
    stds: tuple[float, ...]
    #: Of a window's average score.
    threshold: float = 2.0
    #: Rows in a window.
    size: int = 1000
    #: Windows in a row that must be above the threshold.
    windows: int = 2


@dataclass
class MeanAbsoluteZState:
    """The window that is being filled, and how many before it were above the threshold."""

    #: Rows.
    seen: int = 0
    #: Of their scores.
    total: float = 0.0
    #: Windows.
    above: int = 0


class MeanAbsoluteZ(NamedDetector[MeanAbsoluteZParameters, MeanAbsoluteZState, "Sequence[float]"]):
    """The average over a window of the mean absolute z-score, above a threshold `windows` times.

    z = (value - mean) / std per feature; score = mean |z|; the alarm needs `windows` windows of
    `size` rows in a row whose average score is above `threshold`. Under no drift a normal
    feature's |z| averages sqrt(2 / pi) = 0.80, and a shift of every feature by one standard
    deviation raises it to 1.17: at the threshold of 2.0 the rule does not see it.

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
        is_scale = len(means) == len(stds) > 0 and min(stds) > 0
        expect(is_scale, "as many means as positive stds, at least one")
        expect(size > 0 and windows > 0, "a positive size and number of windows")
        parameters = MeanAbsoluteZParameters(
            tuple(means),
            tuple(stds),
            threshold,
            size,
            windows,
        )
        super().__init__(parameters)

    def _initial_state(self) -> MeanAbsoluteZState:
        return MeanAbsoluteZState()

    def _observe(self, item: Sequence[float]) -> str | None:
        parameters, state = self.parameters, self.state
        state.total += self._score(item)
        state.seen += 1
        if state.seen < parameters.size:
            return None
        average = state.total / state.seen
        above = state.above + 1 if average > parameters.threshold else 0
        self.state = MeanAbsoluteZState(above=above)
        if above < parameters.windows:
            return None
        return f"average score {average:.3g} above {parameters.threshold:.3g}"

    def _score(self, row: Sequence[float]) -> float:
        means, stds = self.parameters.means, self.parameters.stds
        columns = zip(row, means, stds, strict=True)
        return sum(abs(value - mean) / std for value, mean, std in columns) / len(means)
