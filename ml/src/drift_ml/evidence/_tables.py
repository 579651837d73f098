"""A baseline's charts as arrays: what a batch of counts is multiplied with."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property, lru_cache
from math import exp, sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._charts import GROUPS, WEIGHTS, Chart, charts
from drift_ml.evidence._errors import EvidenceError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats

    Counts = Mapping[str, Sequence[int]]
    FrozenCounts = tuple[tuple[str, tuple[int, ...]], ...]

SIEGMUND = 0.583
TRUSTED = 0.5
"""The part of the overshoot that is counted on: it holds in the limit of small shifts and high bars only."""
LARGEST_SHIFT = 2.0


@dataclass(frozen=True)
class Tables:
    """All charts of a baseline, in the order of its channels.

    ratios: per channel the log-likelihood ratios, shape (bins, charts of the channel). rows: per chart, the
    reference rows behind it divided by its noise. log_weights: per chart; the
    weights sum to 1 but for the overshoot.
    """

    names: tuple[str, ...]
    charts: tuple[Chart, ...]
    ratios: tuple[Floats, ...]
    rows: Floats
    log_weights: Floats

    @classmethod
    def build(cls, channels: Sequence[Channel], counts: Mapping[str, Sequence[int]] | None = None) -> Tables:
        """The charts over the channels of a baseline document, or over other reference counts of its bins."""
        found = [charts(channel, None if counts is None else counts[channel.name]) for channel in channels]
        share = _shares(channels, [bool(listed) for listed, _ in found])
        listed: list[Chart] = []
        weights: list[float] = []
        rows: list[float] = []
        for channel, (own, _) in zip(channels, found, strict=True):
            name = channel.name
            total = sum(channel.counts if counts is None else counts[name])
            listed += own
            weights += [chart.weight * share[name] * overshoot(chart.information) for chart in own]
            rows += [max(total, 1) / chart.noise for chart in own]
        if not listed:
            raise EvidenceError("a baseline: expected at least one channel with two bins or more")
        names = tuple(channel.name for channel in channels)
        return cls(names, tuple(listed), tuple(t for _, t in found), np.array(rows), np.log(weights))

    def ratio(self, counts: Mapping[str, Sequence[int]]) -> Floats:
        """The joint log-likelihood ratio of a batch per chart, shape (charts,).

        counts: events per bin by channel; a channel that is left out counts as unseen.
        """
        parts = []
        for name, table in zip(self.names, self.ratios, strict=True):
            own = counts.get(name)
            if own is not None and len(own) != len(table):
                raise EvidenceError(f"channel {name!r}: expected {len(table)} bins")
            parts.append(np.zeros(table.shape[1]) if own is None else np.asarray(own, dtype=np.float64) @ table)
        return np.concatenate(parts)

    def ratio_of_event(self, bins: Mapping[str, int]) -> Floats:
        """The same for one event, given the bin it falls into by channel; -1 or left out: in no bin."""
        parts = []
        for name, table in zip(self.names, self.ratios, strict=True):
            bin_ = bins.get(name, -1)
            parts.append(table[bin_] if bin_ >= 0 else self._nothing[name])
        return np.concatenate(parts)

    @cached_property
    def _nothing(self) -> Mapping[str, Floats]:
        return {name: np.zeros(table.shape[1]) for name, table in zip(self.names, self.ratios, strict=True)}


def tables_of(channels: Sequence[Channel], strata: Sequence[Counts | None]) -> tuple[Tables, ...]:
    """Return one table per stratum; those of the last sixteen baselines are kept.

    A monitor makes a detector over the same baseline every minute, and the tables take most of that time.

    Args:
        channels: of a baseline.
        strata: the reference counts by channel of each stratum; None for the channels' own.
    """
    return _cached_tables(tuple(channels), tuple(map(_hashable, strata)))


def _hashable(counts: Counts | None) -> FrozenCounts | None:
    return None if counts is None else tuple((name, tuple(bins)) for name, bins in counts.items())


@lru_cache(maxsize=16)
def _cached_tables(channels: tuple[Channel, ...], strata: tuple[FrozenCounts | None, ...]) -> tuple[Tables, ...]:
    return tuple(Tables.build(channels, None if counts is None else dict(counts)) for counts in strata)


def _shares(channels: Sequence[Channel], alive: Sequence[bool]) -> dict[str, float]:
    """The weight of each channel: its group's, split equally, over the groups that have a chart."""
    sizes = dict.fromkeys(WEIGHTS, 0)
    for channel, has_charts in zip(channels, alive, strict=True):
        if channel.kind not in GROUPS:
            raise EvidenceError(f"a channel's kind: expected one of {', '.join(GROUPS)}")
        sizes[GROUPS[channel.kind]] += has_charts
    present = sum(weight for group, weight in WEIGHTS.items() if sizes[group]) or 1.0
    return {
        channel.name: WEIGHTS[GROUPS[channel.kind]] / present / max(1, sizes[GROUPS[channel.kind]])
        for channel in channels
    }


def overshoot(information: float) -> float:
    """By how much a chart's Shiryaev-Roberts sum passes the bar on average when it passes it.

    information: nats per event of the chart's alternative. The sum jumps over the bar, so that its mean run
    length is the bar times exp(0.583 shift) with shift = sqrt(2 information); a chart's weight may be as much
    larger: half of that is counted on, and shifts up to 2. Source: Siegmund 1985 (0.583); Pollak 1987.

    >>> round(overshoot(0.5), 2)
    1.34
    """
    return exp(TRUSTED * SIEGMUND * min(sqrt(2 * information), LARGEST_SHIFT))
