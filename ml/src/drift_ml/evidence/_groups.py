"""Channels of one shape as one array, so that a window costs few calls however many there are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.evidence._charts import ChannelCharts
    from drift_ml.evidence._distributions import Floats

    #: Indices of channels or of charts.
    Places = npt.NDArray[np.intp]
    #: Events per bin, by channel.
    Counts = Mapping[str, Sequence[int]]

#: Of channels with more, only the bins that a batch shows are multiplied.
MANY_BINS = 64


@dataclass(frozen=True, eq=False)
class Group:
    """Channels with as many bins and charts as each other."""

    names: tuple[str, ...]
    #: Of each channel.
    bins: int
    #: The place of each channel among all, shape (channels,).
    channels: Places
    #: The place of each channel's charts among all, shape (channels, charts).
    charts: Places
    #: Log-likelihood ratios of the charts that look at every bin, (channels, bins, charts), nats.
    spread: Floats
    #: Of the charts that look at one bin each: that bin, shape (channels, charts).
    single: Places
    #: What an event in that bin gains more than any other, nats, the same shape.
    lift: Floats
    #: What any other gains, nats.
    outside: float

    def take(self, counts: Counts) -> tuple[Floats, Floats]:
        """Return the log-likelihood ratios of a batch, and the events that each channel saw.

        Args:
            counts: events per bin, by channel; a channel that is left out was not seen.

        Returns:
            Shapes (channels, charts) in nats, and (channels,).

        Raises:
            EvidenceError: the counts are of other bins.
        """
        events = self._events(counts)
        seen = events.sum(axis=1)
        ratio = self._spread_ratio(events)
        if self.single.size:
            within = np.take_along_axis(events, self.single, axis=1)
            alone = self.outside * seen[:, None] + within * self.lift
            ratio = np.concatenate([ratio, alone], axis=1)
        return ratio, seen

    def _spread_ratio(self, events: Floats) -> Floats:
        if self.bins > MANY_BINS:
            # Of a thousand levels a window shows some.
            shown = np.flatnonzero(events.any(axis=0))
            shown_events = events[:, None, shown]
            return np.asarray(np.matmul(shown_events, self.spread[:, shown])[:, 0])
        return np.asarray(np.matmul(events[:, None, :], self.spread)[:, 0])

    def _events(self, counts: Counts) -> Floats:
        """Return the events per bin, shape (channels, bins). Raises EvidenceError."""
        zeros = (0,) * self.bins
        rows = [counts.get(name, zeros) for name in self.names]
        for name, row in zip(self.names, rows, strict=True):
            if len(row) != self.bins:
                raise EvidenceError(f"channel {name!r}: expected {self.bins} bins")
        size = len(rows) * self.bins
        flat = np.fromiter(chain.from_iterable(rows), dtype=np.float64, count=size)
        return flat.reshape(len(rows), self.bins)


def grouped(
    names: Sequence[str],
    made: Sequence[ChannelCharts],
) -> Iterator[Group]:
    """Yield the channels that have charts, those of one shape together.

    Args:
        names: of all channels.
        made: their charts.
    """
    starts = np.cumsum([0, *(len(each.charts) for each in made)])
    shapes: dict[tuple[int, int, int], list[int]] = {}
    for place, each in enumerate(made):
        if each.charts:
            bins, spread = each.spread.shape
            shapes.setdefault((bins, spread, len(each.charts)), []).append(place)
    for (bins, _, charts), places in shapes.items():
        channels = np.array(places, dtype=np.intp)
        listed = [made[place].single for place in places]
        singles = [single for single in listed if single is not None]
        lifts = [single.inside - single.outside for single in singles]
        yield Group(
            names=tuple(names[place] for place in places),
            bins=bins,
            channels=channels,
            charts=starts[channels][:, None] + np.arange(charts),
            spread=np.stack([made[place].spread for place in places]),
            single=np.array([single.bins for single in singles], dtype=np.intp),
            lift=np.array(lifts),
            outside=singles[0].outside if singles else 0.0,
        )
