"""A baseline's charts as arrays: what a batch of counts is multiplied with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._charts import (
    GROUPS,
    SHARED,
    WEIGHTS,
    ChannelCharts,
    Chart,
    charts_of,
)
from drift_ml.evidence._errors import EvidenceError
from drift_ml.evidence._groups import Group, grouped

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats

    #: Indices of channels.
    Places = npt.NDArray[np.intp]
    #: Events per bin, by channel.
    Counts = Mapping[str, Sequence[int]]
    FrozenCounts = tuple[tuple[str, tuple[int, ...]], ...]

#: Siegmund's constant: the mean excess of a normal random walk over a far threshold.
SIEGMUND = 0.583
#: The part of the overshoot that is counted on: it holds in the limit of small shifts and high
#: thresholds only.
TRUSTED = 0.5
LARGEST_SHIFT = 2.0


@dataclass(frozen=True)
class Tables:
    """All charts of a baseline, in the order of its channels."""

    #: Of the channels.
    names: tuple[str, ...]
    #: Of all channels, in their order.
    charts: tuple[Chart, ...]
    #: Of each channel.
    made: tuple[ChannelCharts, ...]
    #: Per chart, the reference rows behind it divided by its noise.
    rows: Floats
    #: Per chart; the weights sum to 1 but for the overshoot.
    log_weights: Floats
    #: Per chart, the place of its channel.
    places: Places

    @classmethod
    def build(
        cls,
        channels: Sequence[Channel],
        counts: Counts | None = None,
    ) -> Tables:
        """Return the charts over the channels of a baseline.

        Args:
            channels: of the baseline.
            counts: other reference counts of their bins, by channel; their own by default.

        Raises:
            EvidenceError: no channel has two bins, or a channel's kind is not known.
        """
        references = [_reference_counts(channel, counts) for channel in channels]
        pairs = zip(channels, references, strict=True)
        made = [charts_of(channel, reference) for channel, reference in pairs]
        weights_of = _channel_weights(channels, [bool(each.charts) for each in made])
        all_charts: list[Chart] = []
        weights: list[float] = []
        rows: list[float] = []
        for channel, reference, each in zip(
            channels,
            references,
            made,
            strict=True,
        ):
            total = max(sum(reference), 1)
            for chart in each.charts:
                all_charts.append(chart)
                weight = chart.weight * weights_of[channel.name]
                weights.append(weight * overshoot(chart.information))
                rows.append(total / chart.noise)
        if not all_charts:
            raise EvidenceError("a baseline: expected at least one channel with two bins or more")
        return cls(
            names=tuple(channel.name for channel in channels),
            charts=tuple(all_charts),
            made=tuple(made),
            rows=np.array(rows),
            log_weights=np.log(weights),
            places=np.repeat(np.arange(len(made)), [len(each.charts) for each in made]),
        )

    @property
    def ratios(self) -> Iterator[Floats]:
        """Yield per channel the log-likelihood ratios, shape (bins, charts of it), nats."""
        return (each.table for each in self.made)

    def ratio_and_seen(self, counts: Counts) -> tuple[Floats, Floats]:
        """Return what a batch says to each chart.

        Args:
            counts: events per bin, by channel; a channel that is left out counts as unseen.

        Returns:
            The joint log-likelihood ratios in nats, and how many events have a bin in each
            chart's channel, both of shape (charts,).

        Raises:
            EvidenceError: the counts are of other bins.
        """
        ratio = np.zeros(len(self.charts))
        seen = np.zeros(len(self.names))
        for group in self._groups:
            ratio[group.charts], seen[group.channels] = group.take(counts)
        return ratio, seen[self.places]

    def ratio(self, counts: Counts) -> Floats:
        """Return the joint log-likelihood ratio of a batch per chart, nats, shape (charts,).

        A channel that `counts` leaves out counts as unseen. Raises EvidenceError for counts of
        other bins.
        """
        return self.ratio_and_seen(counts)[0]

    def ratio_of_event(self, bins: Mapping[str, int]) -> Floats:
        """Return the log-likelihood ratio of one event per chart, nats, shape (charts,).

        `bins` is the bin that it falls into, by channel; -1 or left out where it is in none.
        """
        parts = []
        for name, table in zip(self.names, self._by_event, strict=True):
            bin_ = bins.get(name, -1)
            parts.append(table[bin_] if bin_ >= 0 else self._nothing[name])
        return np.concatenate(parts)

    def seen_in_event(self, bins: Mapping[str, int]) -> Floats | None:
        """Return 1 per chart in whose channel one event has a bin, else 0, shape (charts,).

        None stands for ones alone. `bins` is as for `ratio_of_event`.
        """
        absent = [bins.get(name, -1) < 0 for name in self.names]
        if True not in absent:
            return None
        return np.where(np.array(absent)[self.places], 0.0, 1.0)

    @cached_property
    def _groups(self) -> tuple[Group, ...]:
        return tuple(grouped(self.names, self.made))

    @cached_property
    def _by_event(self) -> tuple[Floats, ...]:
        """Return the tables of all channels; windows need none, and they take memory."""
        return tuple(self.ratios)

    @cached_property
    def _nothing(self) -> Mapping[str, Floats]:
        pairs = zip(self.names, self.made, strict=True)
        return {name: np.zeros(len(each.charts)) for name, each in pairs}


def tables_of(
    channels: Sequence[Channel],
    strata: Sequence[Counts | None],
) -> Strata:
    """Return one table per stratum; those of the last sixteen baselines are kept.

    A monitor makes a detector over the same baseline every minute, and the tables take most of
    that time.

    Args:
        channels: of a baseline.
        strata: the reference counts by channel of each stratum; None for the channels' own.
    """
    return _cached_tables(tuple(channels), tuple(map(_hashable, strata)))


def _hashable(counts: Counts | None) -> FrozenCounts | None:
    if counts is None:
        return None
    return tuple((name, tuple(bins)) for name, bins in counts.items())


class Strata:
    """The tables of each stratum, built when they are first asked for: a week has 168."""

    def __init__(
        self,
        channels: Sequence[Channel],
        strata: Sequence[FrozenCounts | None],
    ) -> None:
        """Build nothing yet.

        Args:
            channels: of a baseline.
            strata: the reference counts by channel of each stratum; None for the channels' own.
        """
        self._channels = channels
        self._strata = strata
        self._built: dict[int, Tables] = {}

    def __getitem__(self, place: int) -> Tables:
        """Return the tables of one stratum. Raises IndexError behind the last one."""
        tables = self._built.get(place)
        if tables is None:
            counts = self._strata[place]
            tables = Tables.build(self._channels, None if counts is None else dict(counts))
            self._built[place] = tables
        return tables

    def __iter__(self) -> Iterator[Tables]:
        """Yield the tables of every stratum, in their order."""
        return map(self.__getitem__, range(len(self._strata)))


@lru_cache(maxsize=16)
def _cached_tables(
    channels: tuple[Channel, ...], strata: tuple[FrozenCounts | None, ...]
) -> Strata:
    return Strata(channels, strata)


def _reference_counts(
    channel: Channel,
    counts: Counts | None,
) -> Sequence[int]:
    return channel.counts if counts is None else counts[channel.name]


def _channel_weights(
    channels: Sequence[Channel],
    has_charts: Sequence[bool],
) -> dict[str, float]:
    """Return the weight of each channel: its group's, split equally, over groups with a chart.

    Margin and entropy of an answer have one channel's weight between them.
    """
    sizes = dict.fromkeys(WEIGHTS, 0.0)
    for channel, charted in zip(channels, has_charts, strict=True):
        if channel.kind not in GROUPS:
            raise EvidenceError(f"a channel's kind: expected one of {', '.join(GROUPS)}")
        sizes[GROUPS[channel.kind]] += _part(channel) * charted
    present = sum(weight for group, weight in WEIGHTS.items() if sizes[group]) or 1.0
    weights = {}
    for channel in channels:
        group = GROUPS[channel.kind]
        # A channel without a chart has a weight too, which nothing is multiplied with.
        weights[channel.name] = WEIGHTS[group] / present / max(1, sizes[group]) * _part(channel)
    return weights


def _part(channel: Channel) -> float:
    """Return the part of a channel's weight that is this channel's: less where two say the same."""
    return 1.0 if channel.answer is None else SHARED.get(channel.answer, 1.0)


def overshoot(information: float) -> float:
    """Return by how much a chart's Shiryaev-Roberts sum passes the threshold on average.

    The sum jumps over the threshold, so that its mean run length is the threshold times
    exp(0.583 shift) with shift = sqrt(2 information); a chart's weight may be as much larger: half
    of that is counted on, and shifts up to 2. Source: Siegmund 1985 (0.583); Pollak 1987.

    Args:
        information: nats per event of the chart's alternative.

    >>> round(overshoot(0.5), 2)
    1.34
    """
    shift = min(sqrt(2 * information), LARGEST_SHIFT)
    return exp(TRUSTED * SIEGMUND * shift)
