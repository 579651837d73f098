"""Page-Hinkley: a cumulative sum around the running mean."""

from __future__ import annotations

from dataclasses import dataclass

from drift_ml.detectors._base import NamedDetector, expect


@dataclass(frozen=True)
class PageHinkleyParameters:
    """See `PageHinkley`."""

    #: Of the sum's rise, in the unit of the values.
    threshold: float = 50.0
    #: Changes of the mean that are smaller do not count, in the unit of the values.
    delta: float = 0.005
    #: What is left of a sum after one value, in (0, 1].
    alpha: float = 0.9999
    #: Values before the first alarm.
    fewest: int = 30


@dataclass
class PageHinkleyState:
    """The running mean, and the two sums with their extremes."""

    #: Values.
    seen: int = 0
    mean: float = 0.0
    up: float = 0.0
    down: float = 0.0
    #: Least of `up`, None before the first value.
    least: float | None = None
    #: Greatest of `down`; it starts at -1, as in river.
    most: float = -1.0


class PageHinkley(NamedDetector[PageHinkleyParameters, PageHinkleyState, float]):
    """The Page-Hinkley test on both sides, as river has it.

    With the running mean m: S+ <- alpha S+ + (x - m - delta), S- <- alpha S- + (x - m + delta); an
    alarm when S+ - min S+ or max S- - S- exceeds `threshold`, once `fewest` values were seen. It
    learns its own reference, so it forgets what it started from, and its false-alarm rate depends
    on the units of the values. Sources: Page 1954; Hinkley 1971; Mouss et al. 2004.

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
        is_usable = threshold > 0 and 0 < alpha <= 1
        expect(is_usable, "a positive threshold and alpha in (0, 1]")
        super().__init__(
            PageHinkleyParameters(
                threshold,
                delta,
                alpha,
                fewest,
            )
        )

    def _initial_state(self) -> PageHinkleyState:
        return PageHinkleyState()

    def _observe(self, item: float) -> str | None:
        parameters, state = self.parameters, self.state
        state.seen += 1
        state.mean += (item - state.mean) / state.seen
        deviation = item - state.mean
        state.up = parameters.alpha * state.up + deviation - parameters.delta
        state.down = parameters.alpha * state.down + deviation + parameters.delta
        state.least = state.up if state.least is None else min(state.least, state.up)
        state.most = max(state.most, state.down)
        rise, fall = state.up - state.least, state.most - state.down
        side, height = ("up", rise) if rise >= fall else ("down", fall)
        if state.seen < parameters.fewest or height <= parameters.threshold:
            return None
        return f"mean {side}: {height:.3g} of {parameters.threshold:.3g}"
