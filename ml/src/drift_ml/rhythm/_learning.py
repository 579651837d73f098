"""Learn a rhythm from traffic: by channel the structure that foretells other weeks best."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import Tables
from drift_ml.left_out import is_left_out
from drift_ml.rhythm._days import Residuals, dependence
from drift_ml.rhythm._model import (
    DAY_S,
    HOURS,
    WEEK_HOURS,
    WEEK_S,
    Rhythm,
    RhythmError,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm._bases import Base
    from drift_ml.rhythm._days import Dependence

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    #: Seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Mapping[str, Sequence[int]]]

#: Days of traffic from which a rhythm is learned, at least: two whole weeks, one to learn from
#: and one to check on.
FEWEST_DAYS = 14
#: Seconds that a batch spans at most: the finest stratum is an hour.
LONGEST_STEP = 3_600
#: Batches in which traffic must have come.
FEWEST_BATCHES = 64
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
STRUCTURES = (HOURS, WEEK_HOURS)


@dataclass(frozen=True)
class _Traffic:
    """Batches as arrays."""

    #: When each batch began, seconds since the epoch, shape (batches,).
    times_s: Floats
    #: By channel, shape (batches, bins).
    counts: Mapping[str, Integers]
    #: Events of each batch, shape (batches,).
    events: Integers

    def sums(
        self,
        name: str,
        strata: int,
        picked: npt.NDArray[np.bool_],
    ) -> Integers:
        """Return a channel's counts by stratum, shape (strata, bins).

        Args:
            name: of the channel.
            strata: 1, 24 of a day or 168 of a week.
            picked: which batches count, shape (batches,).
        """
        counts = self.counts[name]
        total = np.zeros((strata, counts.shape[1]), dtype=np.int64)
        np.add.at(total, self.strata(strata)[picked], counts[picked])
        return total

    def strata(self, strata: int) -> Integers:
        """Return the stratum of each batch, shape (batches,)."""
        hours: Integers = (self.times_s // LONGEST_STEP).astype(np.int64)
        return hours % strata


def enough(first_s: float, last_s: float) -> bool:
    """Return whether a rhythm can be learned from traffic between two times, in seconds.

    >>> enough(0, 13 * 86_400), enough(0, 14 * 86_400)
    (False, True)
    """
    return last_s - first_s >= FEWEST_DAYS * DAY_S


def learn_rhythm(
    baseline: Baseline,
    batches: Iterable[Batch],
    *,
    left_out: Sequence[LeftOut] = (),
    bases: Mapping[str, Base] | None = None,
) -> Rhythm:
    """Return the rhythm of traffic.

    Each channel gets the simplest structure (none, hour of the day, hour of the week) that
    foretells the counts of weeks that it was not learned from; a finer one must be better by
    LEAST_GAIN nats.
    A slice's reference is that of its channel, moved as the traffic of that slice differs from all
    traffic: a cycle is no drift, and a difference from the reference stays one.

    Args:
        baseline: whose bins are counted.
        batches: in the order of time, each of an hour or less.
        left_out: spans that are not learned from.
        bases: by channel, the traffic that it is held against; all others against training.

    Raises:
        RhythmError: the traffic is shorter than two weeks, or thinner than 64 batches.
    """
    channels, bases = baseline.channels, bases or {}
    traffic = _read(channels, batches, left_out)
    everything = np.ones(len(traffic.events), bool)
    cycles: dict[str, tuple[tuple[int, ...], ...]] = {}
    foretold: dict[str, Floats] = {}
    for channel in channels:
        way = _chosen(traffic, channel)
        sums = traffic.sums(channel.name, way.strata, everything)
        shares = _shares(sums, way)
        foretold[channel.name] = shares[traffic.strata(way.strata)]
        if way.strata > 1:
            base = bases[channel.name].counts if channel.name in bases else channel.counts
            cycles[channel.name] = _reference(base, sums, shares)
    depends = _dependence(channels, traffic, foretold)
    bounded = [name for name, how in depends.items() if how.is_bounded]
    allowed = {name: how.bounded for name, how in depends.items()}
    return Rhythm(
        baseline=baseline.digest,
        from_s=float(traffic.times_s[0]),
        to_s=float(traffic.times_s[-1]),
        events=int(traffic.events.sum()),
        cycles=cycles,
        variance_inflation={name: how.within for name, how in allowed.items() if how.within > 1},
        bounded=tuple(bounded),
        left_out=tuple(left_out),
        bases=bases,
        days={name: how.days for name, how in allowed.items() if how.days is not None},
    )


def _read(
    channels: Sequence[Channel],
    batches: Iterable[Batch],
    left_out: Sequence[LeftOut],
) -> _Traffic:
    """Return the batches outside of what is left out as arrays."""
    kept = []
    for timestamp_s, counts in batches:
        if not is_left_out(timestamp_s, left_out):
            kept.append((timestamp_s, counts))
    if len(kept) < FEWEST_BATCHES or not enough(kept[0][0], kept[-1][0] + LONGEST_STEP):
        raise RhythmError(
            f"a rhythm: expected traffic of {FEWEST_DAYS} days or more in {FEWEST_BATCHES} batches"
            " or more; go on without one until then"
        )
    arrays: dict[str, Integers] = {}
    for channel in channels:
        zeros = (0,) * len(channel.counts)
        rows = [counts.get(channel.name, zeros) for _, counts in kept]
        arrays[channel.name] = np.array(rows, dtype=np.int64)
    totals = [counts.sum(axis=1) for counts in arrays.values()]
    times_s = np.array([timestamp_s for timestamp_s, _ in kept])
    return _Traffic(times_s, arrays, np.max(totals, axis=0))


@dataclass(frozen=True)
class _Way:
    """How the shares of a channel's bins are told from its traffic."""

    #: 1, 24 of a day or 168 of a week.
    strata: int
    #: Whether the bins have an order, so that a stratum may be told by its location and spread.
    ordered: bool
    #: Events by which a stratum's counts are pulled to its location and spread, or to the whole;
    #: infinite where only these count.
    pull: float


def _chosen(traffic: _Traffic, channel: Channel) -> _Way:
    """Return the way by which a channel's other weeks are foretold best."""
    # Weeks from the first batch on, so that two weeks are two folds whatever day they begin on.
    weeks = ((traffic.times_s - traffic.times_s[0]) // WEEK_S).astype(np.int64)
    folds = [weeks % 2 == 0, weeks % 2 == 1]
    # Counts that come in sessions are worth less than as many independent ones.
    least_gain = LEAST_GAIN * _dispersion(traffic, channel.name)
    ordered = channel.kind != "categories" and len(channel.counts) > FEWEST_ORDERED
    pull = max(PULL_EVENTS, PULL_A_BIN * len(channel.counts))
    best = _Way(1, ordered, pull)
    best_score = _score(traffic, channel.name, best, folds)
    for strata in STRUCTURES:
        for size in (inf, pull) if ordered else (pull,):
            way = _Way(strata, ordered, size)
            score = _score(traffic, channel.name, way, folds)
            if score >= best_score + least_gain:
                best, best_score = way, score
    return best


def _dispersion(traffic: _Traffic, name: str) -> float:
    """Return Pearson's chi-square of the batches over its degrees of freedom, at least 1.

    Batches are held against the shares of their hour of the week, so that a cycle is no part of it.
    """
    everything = np.ones(len(traffic.events), bool)
    strata = traffic.strata(WEEK_HOURS)
    sums = traffic.sums(name, WEEK_HOURS, everything)
    shares = sums / np.maximum(sums.sum(axis=1, keepdims=True), 1)
    counts = traffic.counts[name]
    expected = counts.sum(axis=1, keepdims=True) * shares[strata]
    # A bin of less than an event a batch is no measure of how events depend.
    usual = expected >= 1
    freedom = usual.sum() - (sums > 0).sum()
    if freedom <= 0:
        return 1.0
    squares = (counts - expected)[usual] ** 2 / expected[usual]
    return max(1.0, float(squares.sum() / freedom))


def _score(
    traffic: _Traffic,
    name: str,
    way: _Way,
    folds: Sequence[npt.NDArray[np.bool_]],
) -> float:
    """Return the log-likelihood of each fold by the shares that the other one shows, nats."""
    score = 0.0
    learned, checked = folds
    for left, right in ((learned, checked), (checked, learned)):
        shares = _shares(traffic.sums(name, way.strata, left), way)
        counts = traffic.sums(name, way.strata, right)
        score += float((counts * np.log(shares)).sum())
    return score


def _shares(sums: Integers, way: _Way) -> Floats:
    """Return the share of each bin by stratum, shape (strata, bins)."""
    # Half an event a bin: what was not seen may be rare.
    seen = sums.sum(axis=0) + 0.5
    whole: Floats = seen / seen.sum()
    if way.strata == 1:
        return whole[None, :]
    prior = _tilted(sums, whole) if way.ordered else np.broadcast_to(whole, sums.shape)
    if way.pull == inf:
        return prior
    shares: Floats = sums + way.pull * prior
    shares /= shares.sum(axis=1, keepdims=True)
    return shares


def _tilted(sums: Integers, whole: Floats) -> Floats:
    """Return the whole, tilted to the location and spread of each stratum.

    With normal scores z of the bins the shares are whole x exp(a z + b z^2): the distribution
    nearest to the whole that has the stratum's moments, which are pulled to the whole's.

    Args:
        sums: counts, shape (strata, bins).
        whole: share of each bin, shape (bins,).

    Returns:
        Shape (strata, bins).
    """
    middle = np.cumsum(whole) - whole / 2
    scores = np.array([NORMAL.inv_cdf(place) for place in middle])
    moments = np.stack([scores, scores**2])
    usual = moments @ whole
    events = sums.sum(axis=1, keepdims=True)
    target = (sums @ moments.T + PULL_EVENTS * usual) / (events + PULL_EVENTS)
    tilt = np.zeros_like(target)
    shares: Floats = np.broadcast_to(whole, sums.shape)
    for _ in range(NEWTON_STEPS):
        centred = moments[None, :, :] - (shares @ moments.T)[:, :, None]
        spread = (centred * shares[:, None, :]) @ centred.transpose(0, 2, 1)
        # A little on the diagonal: bins may lie so that both moments say the same.
        spread += 1e-9 * np.eye(2)
        error = target - shares @ moments.T
        step = np.linalg.solve(spread, error[:, :, None])[:, :, 0]
        tilt += np.clip(step, -1.0, 1.0)
        exponent = tilt @ moments
        moved: Floats = whole * np.exp(exponent - exponent.max(axis=1, keepdims=True))
        shares = moved / moved.sum(axis=1, keepdims=True)
    return shares


def _reference(
    base: Sequence[int],
    sums: Integers,
    shares: Floats,
) -> tuple[tuple[int, ...], ...]:
    """Return the reference counts of a channel by stratum.

    The base's share of a bin is multiplied by what the stratum has of it beside all traffic.

    Args:
        base: counts that the channel is held against, shape (bins,).
        sums: counts of the traffic that was learned from, shape (strata, bins).
        shares: of the channel by stratum, the same shape.
    """
    whole = sums.sum(axis=0) + 0.5
    relative = shares / (whole / whole.sum())
    known = np.asarray(base, dtype=np.float64)
    rows = max(known.sum(), 1.0)
    reference = []
    for counted, change in zip(sums, relative, strict=True):
        moved = known * change
        events = counted.sum() + PULL_EVENTS
        # Both the baseline and the stratum are estimates: their variances add.
        size = 1 / (1 / rows + 1 / events)
        counts = np.rint(moved / moved.sum() * size)
        # A bin that training knows stays one that is known.
        counts = np.maximum(counts, known > 0)
        reference.append(tuple(counts.astype(np.int64).tolist()))
    return tuple(reference)


def _dependence(
    channels: Sequence[Channel],
    traffic: _Traffic,
    foretold: Mapping[str, Floats],
) -> dict[str, Dependence]:
    """Return how the events of each channel depend, by the chart that shows it most.

    Residuals are taken from what the traffic itself foretells, so that a difference from training
    is none.

    Args:
        channels: of the baseline.
        traffic: that was learned from.
        foretold: by channel the share of each bin at each batch, shape (batches, bins).
    """
    tables = Tables.build(channels)
    depends = {}
    for name, ratios in zip(tables.names, tables.ratios, strict=True):
        if ratios.shape[1]:
            residuals = _residuals(traffic.counts[name], foretold[name], ratios)
            depends[name] = dependence(residuals, traffic.times_s)
    return depends


def _residuals(counts: Integers, shares: Floats, ratios: Floats) -> Residuals:
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
