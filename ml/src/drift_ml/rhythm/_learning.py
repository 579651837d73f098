"""Learn a rhythm from traffic: by channel the structure that foretells other weeks best."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline import INDICATORS
from drift_ml.evidence import Tables
from drift_ml.rhythm._days import Residuals, dependence
from drift_ml.rhythm._model import (
    DAY_TENS,
    HOUR_S,
    HOURS,
    TEN_MINUTES_S,
    WEEK_HOURS,
    Rhythm,
    RhythmError,
)
from drift_ml.rhythm._shares import (
    FEWEST_ORDERED,
    LEAST_GAIN,
    PULL_A_BIN,
    PULL_EVENTS,
    Way,
    dispersion,
    reference_counts,
    shares_of,
)
from drift_ml.rhythm._ten_minutes import MOST_COUNTS, standing_out, with_slots
from drift_ml.rhythm._traffic import Traffic, read_traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm._bases import Base
    from drift_ml.rhythm._days import Dependence
    from drift_ml.rhythm._traffic import Batch, Floats, Integers, Integers32

STRUCTURES = (HOURS, WEEK_HOURS)
#: Batches in which something rare must have been seen, for its own counts to say whether it comes
#: alone or in sessions.
FEWEST_SEEN = 64


@dataclass(frozen=True)
class _Foretold:
    """What a channel's structure says of each batch of the traffic."""

    traffic: Traffic
    #: Slices of a day or a week.
    slices: int
    #: Share of each bin by slice, shape (slices, bins).
    shares: Floats

    def by_batch(self) -> Floats:
        """Return the share of each bin at each batch, shape (batches, bins)."""
        return self.shares[self.traffic.slices(self.slices)]


def learn_rhythm(
    baseline: Baseline,
    batches: Iterable[Batch],
    *,
    finer: Iterable[Batch] = (),
    left_out: Sequence[LeftOut] = (),
    bases: Mapping[str, Base] | None = None,
) -> Rhythm:
    """Return the rhythm of traffic.

    Each channel gets the simplest structure (none, hour of the day, hour of the week, ten minutes
    of the day or the week) that foretells the counts of weeks that it was not learned from; a finer
    one must be better by LEAST_GAIN nats.
    A slice's reference is that of its channel, moved as the traffic of that slice differs from all
    traffic: a cycle is no drift, and a difference from the reference stays one.

    Args:
        baseline: whose bins are counted.
        batches: in the order of time, each of an hour.
        finer: the same of two weeks or more, each of ten minutes; without them no structure is
            finer than an hour.
        left_out: spans that are not learned from.
        bases: by channel, the traffic that it is held against; all others against training.

    Raises:
        RhythmError: the traffic is shorter than two weeks, or thinner than 64 batches.
    """
    channels, bases = baseline.channels, bases or {}
    traffic = read_traffic(channels, batches, left_out, HOUR_S)
    tens = _tens(channels, finer, left_out)
    cycles: dict[str, tuple[tuple[int, ...], ...]] = {}
    foretold: dict[str, _Foretold] = {}
    room = MOST_COUNTS
    for channel in channels:
        way = _chosen(traffic, channel)
        sums = traffic.sliced(traffic.by_fold(channel.name).sum(axis=0), way.strata)
        shares = shares_of(sums, way)
        foretold[channel.name] = _Foretold(traffic, way.strata, shares)
        base = bases[channel.name].counts if channel.name in bases else channel.counts
        if way.strata > 1:
            cycles[channel.name] = _reference(base, sums, shares)
        if tens is None:
            continue
        found = standing_out(tens, channel, way, room)
        if found is not None:
            foretold[channel.name] = _Foretold(tens, found.slices, found.shares)
            cycles[channel.name] = with_slots(base, cycles.get(channel.name), found)
            room -= found.shares.size if found.slices > DAY_TENS else 0
    depends = _dependence(channels, foretold)
    bounded = [name for name, how in depends.items() if how.is_bounded]
    return Rhythm(
        baseline=baseline.digest,
        from_s=float(traffic.times_s[0]),
        to_s=float(traffic.times_s[-1]),
        events=int(traffic.events.sum()),
        cycles=cycles,
        variance_inflation={
            name: how.inflation for name, how in depends.items() if how.inflation > 1
        },
        bounded=tuple(bounded),
        left_out=tuple(left_out),
        bases=bases,
        days={name: how.days for name, how in depends.items() if how.days is not None},
    )


def _tens(
    channels: Sequence[Channel],
    finer: Iterable[Batch],
    left_out: Sequence[LeftOut],
) -> Traffic | None:
    """Return batches of ten minutes as arrays; None where there are too few to learn from."""
    with contextlib.suppress(RhythmError):
        return read_traffic(channels, finer, left_out, TEN_MINUTES_S)
    return None


def _chosen(
    traffic: Traffic,
    channel: Channel,
) -> Way:
    """Return the way by which a channel's other weeks are foretold best."""
    folds = traffic.by_fold(channel.name)
    # Counts that come in sessions are worth less than as many independent ones.
    least_gain = LEAST_GAIN * dispersion(traffic, channel.name, folds, WEEK_HOURS)
    ordered = channel.kind != "categories" and len(channel.counts) > FEWEST_ORDERED
    pull = max(PULL_EVENTS, PULL_A_BIN * len(channel.counts))
    best = Way(1, ordered, pull)
    best_score = _score(traffic.sliced(folds, 1), best)
    for strata in STRUCTURES:
        sums = traffic.sliced(folds, strata)
        for size in (inf, pull) if ordered else (pull,):
            way = Way(strata, ordered, size)
            score = _score(sums, way)
            if score >= best_score + least_gain:
                best, best_score = way, score
    return best


def _score(
    sums: Integers,
    way: Way,
) -> float:
    """Return the log-likelihood of each fold by the shares that the other one shows, nats.

    Args:
        sums: by fold, shape (2, strata, bins).
        way: how shares are told.
    """
    score = 0.0
    for learned, checked in ((0, 1), (1, 0)):
        score += float((sums[checked] * np.log(shares_of(sums[learned], way))).sum())
    return score


def _reference(
    base: Sequence[int],
    sums: Integers,
    shares: Floats,
) -> tuple[tuple[int, ...], ...]:
    """Return the reference counts of a channel by stratum.

    Args:
        base: counts that the channel is held against, shape (bins,).
        sums: counts of the traffic that was learned from, shape (strata, bins).
        shares: of the channel by stratum, the same shape.
    """
    whole = sums.sum(axis=0) + 0.5
    relative = shares / (whole / whole.sum())
    reference = []
    for counted, change in zip(sums, relative, strict=True):
        reference.append(reference_counts(base, change, float(counted.sum())))
    return tuple(reference)


def _dependence(
    channels: Sequence[Channel],
    foretold: Mapping[str, _Foretold],
) -> dict[str, Dependence]:
    """Return how the events of each channel depend, by the chart that shows it most.

    Residuals are taken from what the traffic itself foretells, so that a difference from training
    is none.

    Args:
        channels: of the baseline.
        foretold: what is known of the traffic, by channel.
    """
    tables = Tables.build(channels)
    depends = {}
    for name, ratios in zip(tables.names, tables.ratios, strict=True):
        if ratios.shape[1]:
            of = foretold[name]
            residuals = _residuals(of.traffic.counts[name], of.by_batch(), ratios)
            depends[name] = dependence(residuals, of.traffic.times_s)
    for channel in channels:
        if channel.kind in INDICATORS and channel.name in depends:
            counts = foretold[channel.name].traffic.counts[channel.name]
            if np.count_nonzero(counts[:, 1]) < FEWEST_SEEN and channel.of[0] in depends:
                depends[channel.name] = depends[channel.name].at_least(depends[channel.of[0]])
    return depends


def _residuals(
    counts: Integers32,
    shares: Floats,
    ratios: Floats,
) -> Residuals:
    """Return what the charts of a channel have gained beside what was foretold.

    Args:
        counts: of the channel, shape (batches, bins).
        shares: of each bin at each batch, the same shape.
        ratios: log-likelihood ratios of its charts, nats, shape (bins, charts).
    """
    events = counts.sum(axis=1, keepdims=True)
    mean = shares @ ratios
    gains = counts @ ratios - events * mean
    variances = events * np.maximum(shares @ ratios**2 - mean**2, 0.0)
    return Residuals(gains, variances, events)
