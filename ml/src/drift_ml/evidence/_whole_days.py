"""Whole days of channels that vary with the hour: summed, and each taken in as one step."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import DetectorStateV2Day

    from drift_ml.evidence._tables import Counts

DAY_S = 86_400.0
#: Events that a whole day counts as, at most. Days differ by more than sampling does: with these
#: a day's mean is taken to be known to .07 standard deviations, however much traffic it has.
DAY_EVENTS = 200.0


@dataclass
class WholeDay:
    """The day under way, of the channels that are held against whole days."""

    #: Names of the channels.
    channels: tuple[str, ...]
    #: When the first day began, in seconds since the epoch; None before the first event.
    from_s: float | None = None
    #: Events of the day so far.
    events: int = 0
    #: Events per bin of the day so far, by channel.
    counts: dict[str, list[int]] = field(default_factory=dict)
    #: By channel: events of the last whole day over those that it counted as, at least 1.
    inflation: dict[str, float] = field(default_factory=dict)

    def is_over(self, timestamp_s: float) -> bool:
        """Return whether a time, in seconds since the epoch, is behind the day under way."""
        return self.from_s is not None and timestamp_s >= self.from_s + DAY_S

    def close(self) -> tuple[float, int, dict[str, list[int]]]:
        """End the day; return its begin in seconds since the epoch, its events and its counts."""
        begin, events, counts = self.from_s or 0.0, self.events, self.counts
        self.inflation = {name: inflation_of_day(bins) for name, bins in counts.items()}
        self.events, self.counts = 0, {}
        return begin, events, counts

    def add(
        self,
        counts: Counts,
        events: int,
        timestamp_s: float,
    ) -> Counts:
        """Add a batch to the day, and return the counts of all other channels.

        Args:
            counts: events per bin, by channel.
            events: the size of the batch.
            timestamp_s: of its beginning, in seconds since the epoch.
        """
        begin = timestamp_s if self.from_s is None else self.from_s
        # Days without traffic are passed over, at the same hour.
        self.from_s = begin + max(0.0, timestamp_s - begin) // DAY_S * DAY_S
        self.events += events
        held = {name: counts[name] for name in self.channels if name in counts}
        add_counts(self.counts, held)
        return {name: bins for name, bins in counts.items() if name not in held}

    def to_json(self) -> DetectorStateV2Day:
        """Return the day as detector.state.v2 holds it."""
        return {
            "channels": list(self.channels),
            "from_s": self.from_s,
            "events": self.events,
            "counts": {name: list(bins) for name, bins in self.counts.items()},
            "inflation": dict(self.inflation),
        }

    @classmethod
    def from_json(
        cls,
        document: DetectorStateV2Day | None,
        channels: tuple[str, ...],
    ) -> WholeDay:
        """Return the day of a state; one of other channels begins anew.

        Args:
            document: of a state, None where it has no day.
            channels: that are held against whole days.
        """
        if document is None or tuple(document["channels"]) != channels:
            return cls(channels)
        return cls(
            channels,
            document["from_s"],
            document["events"],
            {name: list(bins) for name, bins in document["counts"].items()},
            dict(document["inflation"]),
        )


def add_counts(
    total: dict[str, list[int]],
    counts: Counts,
) -> None:
    """Add events per bin to those of other batches, channel by channel.

    Args:
        total: is changed; a channel that it has not is taken as it is.
        counts: of as many bins.
    """
    for name, bins in counts.items():
        before = total.get(name, [0] * len(bins))
        total[name] = [left + right for left, right in zip(before, bins, strict=True)]


def inflation_of_day(bins: Sequence[int]) -> float:
    """Return the events of a day over those that it counts as, at least 1.

    >>> inflation_of_day([300, 100]), inflation_of_day([3, 1])
    (2.0, 1.0)
    """
    return max(1.0, sum(bins) / DAY_EVENTS)


def scaled_days(counts: Mapping[str, Sequence[int]]) -> dict[str, list[float]]:
    """Return the counts of a whole day as they count, by channel."""
    scaled = {}
    for name, bins in counts.items():
        inflation = inflation_of_day(bins)
        scaled[name] = [count / inflation for count in bins]
    return scaled
