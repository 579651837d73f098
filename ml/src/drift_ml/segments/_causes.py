"""Which of two drifts says nothing new beside the other: of the whole traffic, or of segments."""

from __future__ import annotations

from dataclasses import dataclass

from drift_ml.baseline import PREDICTION

#: Up to this part of another drift's effect a drift is that one seen from afar: a drift in one
#: segment also moves the whole, and the segments of other features that overlap with it.
DILUTED = 0.6
#: A drift in one segment moves the whole by the segment's share of it; an alarm that is young
#: estimates an effect too large, at most so many times as a rule.
OVERESTIMATE = 3.0
#: Times the effect in the whole, from which on a later drift in a segment is another one.
SEPARATE = 3.0
#: Features of a channel of two; a channel of more is of all of them.
PAIR = 2
LEAST_EFFECT = 1e-9


@dataclass(frozen=True)
class Told:
    """A drift that an alarm was raised for."""

    #: The features of its channel.
    of: tuple[str, ...]
    #: In equivalent standard deviations.
    effect: float
    #: The estimated onset, in any clock.
    since: float
    #: When the alarm was raised, in the same clock.
    raised: float
    #: The segment's part of all events, 0 to 1; None where the drift is of all traffic.
    share: float | None = None

    def explains(self, other: Told) -> bool:
        """Return whether another drift says nothing new beside this one.

        Args:
            other: That was found later, or that is not told yet.

        >>> north = Told(("area",), 1.0, 0.0, 9.0, share=0.1)
        >>> north.explains(Told(("area",), 0.1, 0.0, 30.0))
        True
        >>> north.explains(Told(("area",), 0.9, 0.0, 30.0))
        False
        """
        if self.share is None and other.share is None:
            return False  # the detector of the whole has told them apart
        is_in_time = other.since <= self.raised
        if not self.is_same(other):
            return False
        if not (is_in_time or self._shares(other) or other._follows_all):
            return False  # answers that drifted before say nothing of a feature that drifts now
        ratio = other.effect / max(self.effect, LEAST_EFFECT)
        if self.share is None:
            return ratio <= SEPARATE or is_in_time
        if other.share is None:
            return ratio <= min(DILUTED, OVERESTIMATE * self.share)
        return ratio <= DILUTED

    def is_same(self, other: Told) -> bool:
        """Return whether two drifts may be of one cause: by a feature, or by what follows all."""
        return self._follows_all or other._follows_all or self._shares(other)

    def _shares(self, other: Told) -> bool:
        return not set(self.of).isdisjoint(other.of)

    @property
    def _follows_all(self) -> bool:
        """Return whether the drift is of the answers, or of all features together."""
        return self.of == (PREDICTION,) or len(self.of) > PAIR
