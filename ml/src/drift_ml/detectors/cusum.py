"""CUSUM: the fastest detector of one known shift."""

from __future__ import annotations

from dataclasses import dataclass

from drift_ml.detectors._base import NamedDetector, expect


@dataclass(frozen=True)
class CusumParameters:
    """See `Cusum`."""

    #: Of the values while nothing has changed.
    mean: float
    #: Of the values while nothing has changed, above 0.
    std: float
    #: The shift that is looked for, in standard deviations.
    shift: float = 0.5
    #: Of the log-likelihood ratio, nats.
    threshold: float = 10.0


@dataclass
class CusumState:
    """The sums on either side, nats, at least 0."""

    up: float = 0.0
    down: float = 0.0


class Cusum(NamedDetector[CusumParameters, CusumState, float]):
    """Page's cumulative sums of a standardised value, one on either side.

    G+ <- max(0, G+ + shift (z - shift / 2)), and likewise with -z; an alarm when either reaches
    `threshold`. With z = (value - mean) / std normal, this is the log-likelihood ratio of a shift
    by `shift` standard deviations, and the mean number of events to a false alarm of one side is
    about 2 (e^h - h - 1) / shift^2 with h = threshold + 1.166 shift (Siegmund 1985). Minimax
    optimal for a known shift. Sources: Page 1954; Lorden 1971; Moustakides 1986.

    >>> detector = Cusum(mean=0.0, std=1.0, shift=1.0, threshold=2.0)
    >>> detector.update([0.0, 0.1]), detector.update([2.0, 2.0]), detector.reason
    (False, True, 'mean up: 3 of 2')
    """

    name = "cusum"

    def __init__(
        self,
        *,
        mean: float,
        std: float,
        shift: float = 0.5,
        threshold: float = 10.0,
    ) -> None:
        is_positive = std > 0 and shift > 0 and threshold > 0
        expect(is_positive, "positive std, shift and threshold")
        super().__init__(
            CusumParameters(
                mean,
                std,
                shift,
                threshold,
            )
        )

    def _initial_state(self) -> CusumState:
        return CusumState()

    def _observe(self, item: float) -> str | None:
        parameters, state = self.parameters, self.state
        shift = parameters.shift
        z = (item - parameters.mean) / parameters.std
        state.up = max(0.0, state.up + shift * (z - shift / 2))
        state.down = max(0.0, state.down + shift * (-z - shift / 2))
        side, height = ("up", state.up) if state.up >= state.down else ("down", state.down)
        if height < parameters.threshold:
            return None
        return f"mean {side}: {height:.3g} of {parameters.threshold:.3g}"
