"""A baseline's charts as arrays: what a batch of counts is multiplied with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, sqrt
from typing import TYPE_CHECKING, overload

import numpy as np

from drift_ml.evidence._charts import (
    GROUPS,
    SHARED,
    WEIGHTS,
    Chart,
    charts,
)
from drift_ml.evidence._errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping

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
#: Of channels with more, only the bins that a batch shows are multiplied.
MANY_BINS = 64


@dataclass(frozen=True)
class Tables:
    """All charts of a baseline, in the order of its channels."""

    #: Of the channels.
    names: tuple[str, ...]
    #: Of all channels, in their order.
    charts: tuple[Chart, ...]
    #: Per channel the log-likelihood ratios, shape (bins, charts of the channel), nats.
    ratios: tuple[Floats, ...]
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
        charted = [charts(channel, reference) for channel, reference in pairs]
        weights_of = _channel_weights(channels, [bool(listed) for listed, _ in charted])
        all_charts: list[Chart] = []
        weights: list[float] = []
        rows: list[float] = []
        for channel, reference, (listed, _) in zip(
            channels,
            references,
            charted,
            strict=True,
        ):
            total = max(sum(reference), 1)
            for chart in listed:
                all_charts.append(chart)
                weight = chart.weight * weights_of[channel.name]
                weights.append(weight * overshoot(chart.information))
                rows.append(total / chart.noise)
        if not all_charts:
            raise EvidenceError("a baseline: expected at least one channel with two bins or more")
        return cls(
            names=tuple(channel.name for channel in channels),
            charts=tuple(all_charts),
            ratios=tuple(table for _, table in charted),
            rows=np.array(rows),
            log_weights=np.log(weights),
            places=np.repeat(np.arange(len(charted)), [len(listed) for listed, _ in charted]),
        )

    def ratio(self, counts: Counts) -> Floats:
        """Return the joint log-likelihood ratio of a batch per chart, nats, shape (charts,).

        A channel that `counts` leaves out counts as unseen. Raises EvidenceError for counts of
        other bins.
        """
        parts = []
        for name, table in zip(self.names, self.ratios, strict=True):
            bins = counts.get(name)
            if bins is None:
                parts.append(self._nothing[name])
                continue
            if len(bins) != len(table):
                raise EvidenceError(f"channel {name!r}: expected {len(table)} bins")
            events = np.asarray(bins, dtype=np.float64)
            if len(table) > MANY_BINS:
                # Of a thousand levels a window shows some, and a table of them has a million cells.
                shown = np.flatnonzero(events)
                events, table = events[shown], table[shown]  # noqa: PLW2901 - the rows in use
            parts.append(events @ table)
        return np.concatenate(parts)

    def ratio_of_event(self, bins: Mapping[str, int]) -> Floats:
        """Return the log-likelihood ratio of one event per chart, nats, shape (charts,).

        `bins` is the bin that it falls into, by channel; -1 or left out where it is in none.
        """
        parts = []
        for name, table in zip(self.names, self.ratios, strict=True):
            bin_ = bins.get(name, -1)
            parts.append(table[bin_] if bin_ >= 0 else self._nothing[name])
        return np.concatenate(parts)

    def seen(self, counts: Counts) -> Floats:
        """Return how many events of a batch have a bin in each chart's channel, shape (charts,)."""
        totals = [sum(counts.get(name, ())) for name in self.names]
        return np.array(totals, dtype=np.float64)[self.places]

    def seen_in_event(self, bins: Mapping[str, int]) -> Floats | None:
        """Return 1 per chart in whose channel one event has a bin, else 0, shape (charts,).

        None stands for ones alone. `bins` is as for `ratio_of_event`.
        """
        absent = [bins.get(name, -1) < 0 for name in self.names]
        if True not in absent:
            return None
        return np.where(np.array(absent)[self.places], 0.0, 1.0)

    @cached_property
    def _nothing(self) -> Mapping[str, Floats]:
        pairs = zip(self.names, self.ratios, strict=True)
        return {name: np.zeros(table.shape[1]) for name, table in pairs}


def tables_of(
    channels: Sequence[Channel],
    strata: Sequence[Counts | None],
) -> Sequence[Tables]:
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


class _Strata(Sequence[Tables]):
    """The tables of each stratum, built when they are first asked for: a week has 168."""

    def __init__(self, channels: Sequence[Channel], strata: Sequence[FrozenCounts | None]) -> None:
        self._channels = channels
        self._strata = strata
        self._built: dict[int, Tables] = {}

    def __len__(self) -> int:
        return len(self._strata)

    @overload
    def __getitem__(self, place: int) -> Tables: ...

    @overload
    def __getitem__(self, place: slice) -> Sequence[Tables]: ...

    def __getitem__(self, place: int | slice) -> Tables | Sequence[Tables]:
        if isinstance(place, slice):
            return [self[index] for index in range(*place.indices(len(self)))]
        tables = self._built.get(place)
        if tables is None:
            counts = self._strata[place]
            tables = Tables.build(self._channels, None if counts is None else dict(counts))
            self._built[place] = tables
        return tables


@lru_cache(maxsize=16)
def _cached_tables(
    channels: tuple[Channel, ...], strata: tuple[FrozenCounts | None, ...]
) -> Sequence[Tables]:
    return _Strata(channels, strata)


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
