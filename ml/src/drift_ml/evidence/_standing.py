"""Alarms that stand: what each explains, and which further drift is of the same cause."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._charts import reference_correlation
from drift_ml.evidence._state import capital_to_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts.types import DetectorStateV2Alarm, DetectorStateV2Drift

    from drift_ml.baseline import Channel
    from drift_ml.evidence._finding import DriftFinding
    from drift_ml.evidence._recovery import Recovery

    Flags = npt.NDArray[np.bool_]
    #: Indices of channels.
    Places = npt.NDArray[np.intp]

#: Kinds of channels of two features, and of all of them.
PAIRS = ("product", "concordance")
ALL_TOGETHER = ("sum_of_squares", "sum")
#: Absolute correlation in the reference from which two features are taken to move together.
LINKED = 0.2


@dataclass
class StandingDrift:
    """One drift that has not ended."""

    finding: DriftFinding
    #: The test of its end.
    recovery: Recovery
    #: Per chart, whether this drift explains what it shows, shape (charts,).
    explained: Flags

    def to_json(self) -> DetectorStateV2Drift:
        """Return the drift as detector.state.v2 holds it."""
        recovery = capital_to_json(self.recovery.capital)
        return {"finding": self.finding.to_json(), "recovery": recovery}


@dataclass
class StandingAlarm:
    """One cause, reported once: the drift that raised it, and those that turned out to be its."""

    #: What raised it, as it was reported.
    finding: DriftFinding
    #: When, in the clock that the detector is given.
    raised_s: float
    #: The drifts that have not ended, in the order in which they were found.
    drifts: list[StandingDrift]

    @property
    def channels(self) -> tuple[str, ...]:
        """Return the channels that drift, in the order in which they were found."""
        return tuple(drift.finding.channel for drift in self.drifts)

    def to_json(self) -> DetectorStateV2Alarm:
        """Return the alarm as detector.state.v2 holds it."""
        return {
            "finding": self.finding.to_json(),
            "raised": self.raised_s,
            "drifts": [drift.to_json() for drift in self.drifts],
        }


class Causes:
    """Which channels show one cause, by what they are made of and by the reference."""

    def __init__(
        self,
        channels: Sequence[Channel],
        places: Places,
    ) -> None:
        """Take what is watched.

        Args:
            channels: of the baseline.
            places: per chart, the place of its channel, shape (charts,).
        """
        self._by_name = {channel.name: channel for channel in channels}
        self._places = places

    @cached_property
    def _pairs(self) -> Mapping[frozenset[str], float]:
        """Return the absolute correlation of each pair in the reference.

        There are many pairs, and only a second drift asks for them.
        """
        listed = [channel for channel in self._by_name.values() if len(channel.counts) > 1]
        pairs: dict[frozenset[str], float] = {}
        # A product says more of a correlation than signs do, and replaces theirs.
        for kind in ("concordance", "product"):
            for channel in listed:
                if channel.kind == kind:
                    pairs[frozenset(channel.of)] = abs(reference_correlation(channel))
        return pairs

    def explained_by(self, name: str) -> Flags:
        """Return per chart whether a drift of one channel explains what it shows.

        A feature explains every channel that it is part of. A pair explains itself and the channel
        of all features together, which explains itself alone: neither says that a feature of its
        own has changed.

        Args:
            name: of the drifting channel.
        """
        explained = [self._explains(name, channel) for channel in self._by_name.values()]
        return np.array(explained, dtype=bool)[self._places]

    def _explains(
        self,
        name: str,
        other: Channel,
    ) -> bool:
        drifting = self._by_name[name]
        if drifting.kind in ALL_TOGETHER:
            return other.kind in ALL_TOGETHER
        if drifting.kind in PAIRS:
            return other.of == drifting.of or other.kind in ALL_TOGETHER
        return not set(drifting.of).isdisjoint(other.of)

    def follows(self, name: str) -> bool:
        """Return whether a channel moves because of others, whenever they do.

        The model's answers are a function of the features, and so is the distance of all of them.
        """
        return _is_of_all(self._by_name[name])

    def same(
        self,
        name: str,
        others: Iterable[str],
    ) -> bool:
        """Return whether a channel may move with one of some others.

        Answers move with every feature, and so does the channel of all features together. Two
        features, or the pairs that they are part of, move together where the reference says that
        they are correlated.

        Args:
            name: of a channel.
            others: names of channels that drift.
        """
        return any(
            self._move_together(self._by_name[name], self._by_name[other]) for other in others
        )

    def _move_together(
        self,
        first: Channel,
        second: Channel,
    ) -> bool:
        if any(_is_of_all(channel) for channel in (first, second)):
            return True
        if not set(first.of).isdisjoint(second.of):
            return True
        pairs = [frozenset((one, other)) for one in first.of for other in second.of]
        return any(self._pairs.get(pair, 0.0) >= LINKED for pair in pairs)


def _is_of_all(channel: Channel) -> bool:
    return channel.kind in ALL_TOGETHER or channel.answer is not None
