"""Hold channels against other traffic than a rhythm was learned with."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.rhythm._model import Rhythm
from drift_ml.rhythm._shares import whole_counts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.rhythm._bases import Base

#: Half a row a bin: what was not seen may be rare.
HALF = 0.5


def rebased(
    rhythm: Rhythm | None,
    bases: Mapping[str, Base],
    baseline: Baseline,
) -> Rhythm:
    """Return a rhythm with some channels held against other traffic.

    A channel that cycles keeps by how much each slice differs from all of it.

    Args:
        rhythm: learned over the same baseline; None for one of which nothing is known.
        bases: by channel, the other traffic.
        baseline: whose bins are counted.
    """
    if rhythm is None:
        return _unlearned(bases, baseline)
    former = {channel.name: channel.counts for channel in baseline.channels}
    former.update({name: base.counts for name, base in rhythm.bases.items()})
    cycles = dict(rhythm.cycles)
    for name in bases.keys() & cycles.keys():
        cycles[name] = tuple(
            moved(counts, former[name], bases[name].counts) for counts in cycles[name]
        )
    return replace(rhythm, cycles=cycles, bases={**rhythm.bases, **bases})


def moved(
    counts: Sequence[int],
    before: Sequence[int],
    after: Sequence[int],
) -> tuple[int, ...]:
    """Return the reference counts of a slice over another base.

    Args:
        counts: of the slice.
        before: all counts that the slice is a part of, shape (bins,).
        after: those in place of them, the same shape.
    """
    whole = np.asarray(before, dtype=np.float64) + HALF
    part = np.asarray(counts, dtype=np.float64) + HALF
    relative = (part / part.sum()) / (whole / whole.sum())
    other = np.asarray(after, dtype=np.float64)
    shares = other * relative
    # Both the slice and the base are estimates: their variances add.
    rows = 1 / (1 / max(sum(counts), 1) + 1 / max(other.sum(), 1.0))
    return whole_counts(shares, rows, other)


def _unlearned(
    bases: Mapping[str, Base],
    baseline: Baseline,
) -> Rhythm:
    """Return a rhythm of bases alone: no cycles, independent events.

    Args:
        bases: at least one.
        baseline: whose bins are counted.
    """
    return Rhythm(
        baseline.digest,
        min(base.from_s for base in bases.values()),
        max(base.to_s for base in bases.values()),
        max(sum(base.counts) for base in bases.values()),
        {},
        {},
        bases=bases,
    )
