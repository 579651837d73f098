"""Ten minutes of a day or a week in which a channel is another one than in their hour.

A nightly job of ten minutes is one of 144 such slices. Most slices are as their hour says, so that
only those that stand out have shares of their own: the others cost nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.rhythm._model import DAY_TENS, HOURS, TENS_AN_HOUR, WEEK_TENS
from drift_ml.rhythm._shares import (
    LEAST_GAIN,
    PULL_EVENTS,
    Way,
    dispersion,
    reference_counts,
    shares_of,
    tilted,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.baseline import Channel
    from drift_ml.rhythm._traffic import Floats, Integers, Traffic

#: Counts of the channels of a rhythm that have ten minutes of a week, at most: 4 MB as JSON.
MOST_COUNTS = 1_000_000


@dataclass(frozen=True)
class StandingOut:
    """The slices of a channel that stand out, and all others as they were."""

    #: 144 of a day or 1,008 of a week.
    slices: int
    #: Share of each bin by slice, shape (slices, bins).
    shares: Floats
    #: By slice that stands out: its shares over those of all traffic, shape (bins,), and events.
    changed: dict[int, tuple[Floats, float]]


def standing_out(
    tens: Traffic,
    channel: Channel,
    way: Way,
    room: int,
) -> StandingOut | None:
    """Return the slices of ten minutes that foretell the other week better than the hours do.

    Args:
        tens: batches of ten minutes.
        channel: of the baseline.
        way: by which its hours are told.
        room: counts that may be added to the rhythm for slices of a week.

    Returns:
        None where they gain less than LEAST_GAIN nats.
    """
    folds = tens.by_fold(channel.name)
    least_gain = LEAST_GAIN * dispersion(tens, channel.name, folds, DAY_TENS)
    by_week = WEEK_TENS * len(channel.counts) <= room
    if way.strata > HOURS and not by_week:
        return None
    sums = tens.sliced(folds, WEEK_TENS)
    # What each fold shows, and both together.
    three = np.concatenate([sums, sums.sum(axis=0, keepdims=True)])
    hours = np.stack([_expanded(shares_of(tens.sliced(part, way.strata), way)) for part in three])
    shares = hours
    chosen = 0
    forms = (True, False) if way.ordered else (False,)
    for slices, tilts in product((DAY_TENS, WEEK_TENS) if by_week else (DAY_TENS,), forms):
        tried = np.stack(
            [
                _with_outliers(counted, former, slices, least_gain, tilts=tilts)
                for counted, former in zip(three, shares, strict=True)
            ]
        )
        if _gain(sums, shares, tried) >= least_gain:
            chosen, shares = slices, tried
    if not chosen:
        return None
    is_daily = chosen == DAY_TENS and way.strata <= HOURS
    slices = DAY_TENS if is_daily else WEEK_TENS
    return _result(tens.sliced(three[-1], slices), hours[-1][:slices], shares[-1][:slices])


def _expanded(shares: Floats) -> Floats:
    """Return shares by hour of the day or week, or of all, by ten minutes of the week."""
    each = np.repeat(shares, 1 if len(shares) == 1 else TENS_AN_HOUR, axis=0)
    expanded: Floats = np.tile(each, (WEEK_TENS // len(each), 1))
    return expanded


def _with_outliers(
    sums: Integers, parent: Floats, slices: int, least: float, *, tilts: bool
) -> Floats:
    """Return shares of which slices that stand out have their own.

    Args:
        sums: counts by ten minutes of the week, shape (1008, bins).
        parent: shares before, of the same shape.
        slices: 144 of a day or 1,008 of a week.
        least: nats by which a slice must be better told by its own shares.
        tilts: whether these are the former ones, tilted to the slice's location and spread.
    """
    bins = sums.shape[1]
    counted, former = sums.reshape(-1, slices, bins), parent.reshape(-1, slices, bins)
    total, base = counted.sum(axis=0), former.mean(axis=0)
    if tilts:
        own = tilted(total, base)
    else:
        # What follows from noise alone is half a nat a bin on average, and rarely a whole one.
        least += bins
        own = total + PULL_EVENTS * base
        own /= own.sum(axis=1, keepdims=True)
    gains = (counted * np.log(own / former)).sum(axis=(0, 2))
    is_out = (gains >= least)[None, :, None]
    shares: Floats = np.where(is_out, own, former).reshape(parent.shape)
    return shares


def _gain(
    sums: Integers,
    before: Floats,
    after: Floats,
) -> float:
    """Return by how much each fold is foretold better by what the other one shows, nats.

    Args:
        sums: by fold, shape (2, 1008, bins).
        before: shares that each fold shows, of the same shape or longer.
        after: the same with slices that stand out.
    """
    gain = 0.0
    for learned, checked in ((0, 1), (1, 0)):
        gain += float((sums[checked] * np.log(after[learned] / before[learned])).sum())
    return gain


def _result(
    sums: Integers,
    hours: Floats,
    shares: Floats,
) -> StandingOut:
    """Return what stands out, by slice.

    Args:
        sums: counts by slice, shape (slices, bins).
        hours: shares of each slice as its hour has them, of the same shape.
        shares: the same with those that stand out.
    """
    whole = sums.sum(axis=0) + 0.5
    whole /= whole.sum()
    changed = {}
    for place in np.flatnonzero((shares != hours).any(axis=1)).tolist():
        changed[place] = (shares[place] / whole, float(sums[place].sum()))
    return StandingOut(len(shares), shares, changed)


def with_slots(
    base: Sequence[int],
    cycle: Sequence[tuple[int, ...]] | None,
    found: StandingOut,
) -> tuple[tuple[int, ...], ...]:
    """Return the reference counts of a channel by ten minutes.

    Args:
        base: counts that the channel is held against, shape (bins,).
        cycle: its reference counts by hour of the day or week; None where it has no such cycle.
        found: the slices that stand out.
    """
    slots = []
    for place in range(found.slices):
        if place in found.changed:
            slots.append(reference_counts(base, *found.changed[place]))
        elif cycle is None:
            slots.append(tuple(base))
        else:
            slots.append(cycle[place // TENS_AN_HOUR % len(cycle)])
    return tuple(slots)
