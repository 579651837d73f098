"""Carry a rhythm over to another baseline: the hours of features are no matter of the model."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.rhythm._shares import whole_counts

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.rhythm._model import Rhythm

    Places = npt.NDArray[np.intp]

#: Half a row, for shares of bins that a baseline never saw.
HALF = 0.5
#: Kinds of a number's channel: which one it is depends on how many values the rows have.
NUMBERS = {"values", "quantiles"}


def carried(
    rhythm: Rhythm,
    channels: Sequence[Channel],
    baseline: Baseline,
) -> Rhythm:
    """Return a rhythm over the bins of another baseline, as far as features go.

    Each bin takes by how much the bin of the former baseline that holds its middle is more or less
    frequent in a slice than in all of it. Answers, and channels whose bins have no counterpart,
    are left out: they begin anew.

    Args:
        rhythm: learned over the former baseline.
        channels: of the former baseline, at least those of the rhythm.
        baseline: the other one.
    """
    former = {channel.name: channel for channel in channels}
    cycles = {}
    inflation = {}
    days = {}
    for channel in baseline.channels:
        before = former.get(channel.name)
        if channel.answer is not None or before is None:
            continue
        if channel.name in rhythm.bases:
            # What a slice differs from is the traffic, and the training rows of the new version are
            # what it is held against.
            before = replace(before, counts=rhythm.bases[channel.name].counts)
        if before.kind != channel.kind and not {before.kind, channel.kind} <= NUMBERS:
            continue
        if channel.name in rhythm.variance_inflation:
            inflation[channel.name] = rhythm.variance_inflation[channel.name]
        if channel.name in rhythm.days:
            days[channel.name] = rhythm.days[channel.name]
        places = _places(before, channel)
        if channel.name in rhythm.cycles and places is not None:
            slices = rhythm.cycles[channel.name]
            cycles[channel.name] = tuple(_moved(part, before, channel, places) for part in slices)
    bounded = tuple(name for name in rhythm.bounded if name in inflation)
    return replace(
        rhythm,
        baseline=baseline.digest,
        cycles=cycles,
        variance_inflation=inflation,
        bounded=bounded,
        bases={},
        days=days,
    )


def _places(
    before: Channel,
    after: Channel,
) -> Places | None:
    """Return which former bin each bin is in, shape (bins,); None where that is not known."""
    if before.kind == "categories":
        known = {category: place for place, category in enumerate(before.categories)}
        if any(category not in known for category in after.categories):
            return None
        return np.array([known[category] for category in after.categories])
    if not before.ordered:
        # Of missing values both bins mean the same; what is new or out of range is the baseline's.
        return np.arange(2) if before.kind == "missing" else None
    cuts = np.array(after.cuts, dtype=np.float64)
    if not len(cuts) or not before.cuts:
        return None
    former = np.array(before.cuts, dtype=np.float64)
    if after.kind == "values":
        places: Places = np.searchsorted(former, np.array(after.values, dtype=np.float64))
        return places
    # The first and the last bin have no end; their middle is anywhere beyond the cut.
    ends = np.concatenate([[cuts[0] - 1], cuts, [cuts[-1] + 1]])
    middles = (ends[1:] + ends[:-1]) / 2
    held: Places = np.searchsorted(former, middles)
    return held


def _moved(
    counts: Sequence[int],
    before: Channel,
    after: Channel,
    places: Places,
) -> tuple[int, ...]:
    """Return the reference counts of a slice over the bins of another baseline.

    Args:
        counts: of the slice, over the former bins.
        before: with the former baseline's counts.
        after: with the other baseline's counts.
        places: which former bin each bin is in.
    """
    whole = np.asarray(before.counts, dtype=np.float64) + HALF
    slice_ = np.asarray(counts, dtype=np.float64) + HALF
    relative = (slice_ / slice_.sum()) / (whole / whole.sum())
    known = np.asarray(after.counts, dtype=np.float64)
    return whole_counts(known * relative[places], sum(counts), known)
