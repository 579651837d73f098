"""Learn a rhythm from traffic: by channel the structure that foretells other weeks best."""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import Tables, inflation_over_blocks
from drift_ml.rhythm._model import HOUR_S, HOURS, TEN_MINUTES_S, WEEK_HOURS, Rhythm, RhythmError
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
from drift_ml.rhythm._ten_minutes import DAY_TENS, MOST_COUNTS, standing_out, with_slots
from drift_ml.rhythm._traffic import Traffic, read_traffic

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm._traffic import Batch, Floats, Integers

#: Largest variance inflation: evidence on a channel then takes up to 25 times as many events. A
#: channel of rare bursts would be blind for ever with more.
MOST_INFLATION = 25.0
STRUCTURES = (HOURS, WEEK_HOURS)


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
) -> Rhythm:
    """Return the rhythm of traffic.

    Each channel gets the simplest structure (none, hour of the day, hour of the week, ten minutes
    of the day or the week) that foretells the counts of weeks that it was not learned from; a finer
    one must be better by LEAST_GAIN nats.
    A slice's reference is the baseline's, moved as the traffic of that slice differs from all
    traffic: a cycle is no drift, and a difference from training stays one.

    Args:
        baseline: whose bins are counted.
        batches: in the order of time, each of an hour.
        finer: the same of two weeks or more, each of ten minutes; without them no structure is
            finer than an hour.
        left_out: spans that are not learned from.

    Raises:
        RhythmError: the traffic is shorter than two weeks, or thinner than 64 batches.
    """
    channels = baseline.channels
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
        if way.strata > 1:
            cycles[channel.name] = _reference(channel, sums, shares)
        if tens is None:
            continue
        found = standing_out(tens, channel, way, room)
        if found is not None:
            foretold[channel.name] = _Foretold(tens, found.slices, found.shares)
            cycles[channel.name] = with_slots(channel, cycles.get(channel.name), found)
            room -= found.shares.size if found.slices > DAY_TENS else 0
    inflation = _inflation(channels, foretold)
    bounded = [name for name, value in inflation.items() if value > MOST_INFLATION]
    return Rhythm(
        baseline=baseline.digest,
        from_s=float(traffic.times_s[0]),
        to_s=float(traffic.times_s[-1]),
        events=int(traffic.events.sum()),
        cycles=cycles,
        variance_inflation={
            name: min(value, MOST_INFLATION) for name, value in inflation.items() if value > 1
        },
        bounded=tuple(bounded),
        left_out=tuple(left_out),
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


def _chosen(traffic: Traffic, channel: Channel) -> Way:
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


def _score(sums: Integers, way: Way) -> float:
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
    channel: Channel,
    sums: Integers,
    shares: Floats,
) -> tuple[tuple[int, ...], ...]:
    """Return the reference counts of a channel by stratum.

    Args:
        channel: of the baseline.
        sums: counts of the traffic that was learned from, shape (strata, bins).
        shares: of the channel by stratum, the same shape.
    """
    whole = sums.sum(axis=0) + 0.5
    relative = shares / (whole / whole.sum())
    reference = []
    for counted, change in zip(sums, relative, strict=True):
        reference.append(reference_counts(channel, change, float(counted.sum())))
    return tuple(reference)


def _inflation(
    channels: Sequence[Channel],
    foretold: Mapping[str, _Foretold],
) -> dict[str, float]:
    """Return the variance inflation of each channel, the largest over its charts.

    Residuals are taken from what the traffic itself foretells, so that a difference from training
    is none.

    Args:
        channels: of the baseline.
        foretold: what is known of the traffic, by channel.
    """
    tables = Tables.build(channels)
    largest = dict.fromkeys((channel.name for channel in channels), 1.0)
    for name, ratios in zip(tables.names, tables.ratios, strict=True):
        if not ratios.shape[1]:
            continue
        counts, shares = foretold[name].traffic.counts[name], foretold[name].by_batch()
        events = counts.sum(axis=1, keepdims=True)
        mean = shares @ ratios
        gains = counts @ ratios - events * mean
        variances = events * np.maximum(shares @ ratios**2 - mean**2, 0.0)
        largest[name] = float(inflation_over_blocks(gains, variances).max())
    return largest
