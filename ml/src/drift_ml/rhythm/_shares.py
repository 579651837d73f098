"""Shares of a channel's bins by stratum, as its traffic shows them."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.rhythm._traffic import Floats, Integers, Traffic

#: Events by which a slice is pulled to the whole; a slice of a few events says little.
PULL_EVENTS = 50.0
#: The same for each bin of a channel that has many.
PULL_A_BIN = 10.0
#: Fewer bins have no location and spread of their own.
FEWEST_ORDERED = 4
#: The tilts are small; three steps would do.
NEWTON_STEPS = 8
NORMAL = NormalDist()
#: Nats by which a finer structure must foretell the other week better. As odds this is 22,000 to 1,
#: so that among hundreds of channels none is given a cycle by chance.
LEAST_GAIN = 10.0


@dataclass(frozen=True)
class Way:
    """How the shares of a channel's bins are told from its traffic."""

    #: 1, 24 of a day or 168 of a week.
    strata: int
    #: Whether the bins have an order, so that a stratum may be told by its location and spread.
    ordered: bool
    #: Events by which a stratum's counts are pulled to its location and spread, or to the whole;
    #: infinite where only these count.
    pull: float


def dispersion(
    traffic: Traffic,
    name: str,
    folds: Integers,
    strata: int,
) -> float:
    """Return Pearson's chi-square of the batches over its degrees of freedom, at least 1.

    Batches are held against the shares of their stratum, so that a cycle is no part of it.

    Args:
        traffic: that is learned from.
        name: of the channel.
        folds: its counts by fold and slice of the week, shape (2, slices, bins).
        strata: hours of the week or ten minutes of the day.
    """
    sums = traffic.sliced(folds.sum(axis=0), strata)
    shares = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    counts = traffic.counts[name]
    expected = counts.sum(axis=1, keepdims=True) * shares[traffic.slices(strata)]
    # A bin of less than an event a batch is no measure of how events depend.
    usual = expected >= 1
    freedom = usual.sum() - (sums > 0).sum()
    if freedom <= 0:
        return 1.0
    squares = (counts - expected)[usual] ** 2 / expected[usual]
    return max(1.0, float(squares.sum() / freedom))


def shares_of(
    sums: Integers,
    way: Way,
) -> Floats:
    """Return the share of each bin by stratum, shape (strata, bins)."""
    # Half an event a bin: what was not seen may be rare.
    seen = sums.sum(axis=0) + 0.5
    whole: Floats = seen / seen.sum()
    if way.strata == 1:
        return whole[None, :]
    prior: Floats = np.broadcast_to(whole, sums.shape)
    if way.ordered:
        prior = tilted(sums, prior)
    if way.pull == inf:
        return prior
    shares: Floats = sums + way.pull * prior
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def tilted(
    sums: Integers,
    base: Floats,
) -> Floats:
    """Return shares, tilted to the location and spread of each stratum.

    With normal scores z of the bins the shares are base x exp(a z + b z^2): the distribution
    nearest to the base that has the stratum's moments, which are pulled to the base's.

    Args:
        sums: counts, shape (strata, bins).
        base: share of each bin, of the same shape.

    Returns:
        Shape (strata, bins).
    """
    whole = base.mean(axis=0)
    middle = np.cumsum(whole) - whole / 2
    scores = np.array([NORMAL.inv_cdf(place) for place in middle])
    moments = np.stack([scores, scores**2])
    events = sums.sum(axis=1, keepdims=True)
    target = (sums @ moments.T + PULL_EVENTS * (base @ moments.T)) / (events + PULL_EVENTS)
    tilt = np.zeros_like(target)
    shares = base
    for _ in range(NEWTON_STEPS):
        centred = moments[None, :, :] - (shares @ moments.T)[:, :, None]
        spread = (centred * shares[:, None, :]) @ centred.transpose(0, 2, 1)
        # A little on the diagonal: bins may lie so that both moments say the same.
        spread += 1e-9 * np.eye(2)
        error = target - shares @ moments.T
        step = np.linalg.solve(spread, error[:, :, None])[:, :, 0]
        tilt += np.clip(step, -1.0, 1.0)
        exponent = tilt @ moments
        moved: Floats = base * np.exp(exponent - exponent.max(axis=1, keepdims=True))
        shares = moved / moved.sum(axis=1, keepdims=True)
    return shares


def reference_counts(
    base: Sequence[int],
    change: Floats,
    events: float,
) -> tuple[int, ...]:
    """Return the reference counts of a channel in a slice.

    The base's share of a bin is multiplied by what the slice has of it beside all traffic.

    Args:
        base: counts that the channel is held against, shape (bins,).
        change: share of each bin in the slice over that in all traffic, shape (bins,).
        events: of the slice.
    """
    known = np.asarray(base, dtype=np.float64)
    rows = max(known.sum(), 1.0)
    moved = known * change
    # Both the base and the stratum are estimates: their variances add.
    size = 1 / (1 / rows + 1 / (events + PULL_EVENTS))
    return whole_counts(moved, size, known)


def whole_counts(
    shares: Floats,
    size: float,
    known: Floats,
) -> tuple[int, ...]:
    """Return reference counts of some size; a bin that was seen stays one that is known.

    Args:
        shares: of the bins, in any unit, shape (bins,).
        size: events that the counts sum up to, but for rounding.
        known: counts that were seen, the same shape.
    """
    counts = np.maximum(np.rint(shares / shares.sum() * size), known > 0)
    return tuple(counts.astype(np.int64).tolist())
