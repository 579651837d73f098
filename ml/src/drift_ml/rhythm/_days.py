"""By how much the days of a channel differ, from the residuals of what was foretold."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from math import log2, sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import DayVariation
from drift_ml.rhythm._model import DAY_S, MOST_INFLATION

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Blocks of days over which a variance is estimated, at least: two weeks are seven blocks of two.
FEWEST_DAYS = 7
#: Batches of less than a day in one block, and how many such blocks there must be.
LENGTHS = (2, 4, 8)
FEWEST_BLOCKS = 64
#: Standard errors by which a variance must be above the one expected where a small excess would
#: count for much: by chance one in 30,000 is.
CERTAIN_Z = 4.0
#: Quantile of the normal distribution, 90 %: an inflation that is certain counts with its upper
#: limit. An eighth too little of it doubles the false alarms.
UPPER_Z = 1.28
#: Largest variance of a day's mean that a few days account for, in variances of an event. With it a
#: shift of half a standard deviation still gains some 25 nats within a day, where an alarm takes
#: about 17. Where most days differ by more, a shift of that size is no change.
MOST_VARIANCE = 1 / 200
#: Upper quartile of a chi-square of one degree of freedom.
UPPER_SQUARE = 1.3233
#: Inflation that a dozen blocks tell from chance: of less it is not judged what most differ by, nor
#: whether it grows with their length.
CERTAIN = 4.0
#: What the inflation of shorter blocks exceeds 1 by, at least, where its growth is judged.
LEAST_EXCESS = 1e-9


@dataclass(frozen=True)
class Residuals:
    """What the charts of a channel have gained beside what was foretold."""

    #: Nats, shape (batches or days, charts).
    gains: Floats
    #: Their variances if events were independent, the same shape.
    variances: Floats
    #: Events, shape (batches or days, 1).
    events: Floats

    def by_day(self, times_s: Floats) -> Residuals:
        """Return the sums over each day, counted from the first batch on.

        Args:
            times_s: when each batch began, seconds since the epoch, shape (batches,).
        """
        days = ((times_s - times_s[0]) // DAY_S).astype(np.int64)
        parts = (self.gains, self.variances, self.events)
        return Residuals(*(_sums(part, days) for part in parts))

    def in_blocks(self, length: int) -> Residuals:
        """Return the sums over blocks of so many; a last one that is not full is left out."""
        places = np.arange(len(self.gains)) // length
        full = places < len(self.gains) // length
        parts = (self.gains[full], self.variances[full], self.events[full])
        return Residuals(*(_sums(part, places[full]) for part in parts))

    @property
    def ratio(self) -> float:
        """Return the variance of the gains over the one expected, the largest over the charts."""
        blocks = len(self.gains)
        expected = self.variances.sum(axis=0)
        squares = (self.gains**2).sum(axis=0)
        # What is foretold is the mean of these very blocks, which takes one degree of freedom.
        corrected = squares * blocks / (blocks - 1)
        ones = np.ones_like(expected)
        ratios = np.divide(corrected, expected, out=ones, where=expected > 0)
        return float(ratios.max())

    @property
    def usual_ratio(self) -> float:
        """Return the same by what adjacent blocks mostly differ by, the largest over the charts.

        The upper quartile of squared differences in place of a mean: neither some odd blocks nor a
        change that stays decide it. Source: von Neumann 1941 (successive differences).
        """
        events = np.maximum(self.events, 1.0)
        means, errors = self.gains / events, self.variances / events**2
        expected = errors[1:] + errors[:-1]
        squares = np.diff(means, axis=0) ** 2
        zeros = np.zeros_like(squares)
        ratios = np.divide(squares, expected, out=zeros, where=expected > 0)
        return float(np.quantile(ratios, 0.75, axis=0).max()) / UPPER_SQUARE


def _sums(
    values: Floats,
    places: npt.NDArray[np.int64],
) -> Floats:
    total = np.zeros((int(places[-1]) + 1, values.shape[1]))
    np.add.at(total, places, values)
    return total


@dataclass(frozen=True)
class Spread:
    """By how much longer spans of a channel vary than is expected."""

    #: Variance of a span's mean, in variances of an event.
    variance: float = 0.0
    #: Variance of the sum of a long span over the one expected, at least 1.
    inflation: float = 1.0

    def least(self, other: Spread) -> Spread:
        """Return the lesser of each."""
        return Spread(
            min(self.variance, other.variance),
            min(self.inflation, other.inflation),
        )

    def most(self, other: Spread) -> Spread:
        """Return the greater of each."""
        return Spread(
            max(self.variance, other.variance),
            max(self.inflation, other.inflation),
        )


#: As much as is allowed for where a few days account for it.
MOST = Spread(MOST_VARIANCE, MOST_INFLATION)


@dataclass(frozen=True)
class Dependence:
    """How the events of a channel depend, before bounds are put on it."""

    #: Variance of a batch's counts over that of independent events, at least 1.
    within: float
    #: How longer spans vary beyond that.
    spans: Spread = field(default_factory=Spread)
    #: The same by most spans, without the few that differ most.
    usual: Spread = field(default_factory=Spread)
    #: Effective events of an average day.
    events: float = 0.0
    #: Batches by which `within` is known.
    batches: int = 0

    @property
    def is_bounded(self) -> bool:
        """Return whether it is more than is allowed for."""
        return self.within > MOST_INFLATION or self._allowed != self.spans

    @property
    def inflation(self) -> float:
        """Return the variance of a batch over that of independent events, as it is allowed for."""
        if self.batches:
            error = sqrt(2 / self.batches)
            if self.within > 1 + CERTAIN_Z * error:
                return min(self.within * (1 + UPPER_Z * error), MOST_INFLATION)
        return min(self.within, MOST_INFLATION)

    def at_least(self, other: Dependence) -> Dependence:
        """Return it with batches that vary as those of another channel, where these do so more.

        Args:
            other: that is known better.
        """
        if other.within <= self.within:
            return self
        return replace(self, within=other.within, batches=other.batches)

    @property
    def days(self) -> DayVariation | None:
        """Return as much of how days differ as is allowed for; None where they do not."""
        allowed = self._allowed
        if allowed.inflation <= 1.0:
            return None
        return DayVariation(allowed.variance, allowed.inflation, self.events)

    @property
    def _allowed(self) -> Spread:
        return self.spans.least(self.usual.most(MOST))


def dependence(
    batches: Residuals,
    times_s: Floats,
) -> Dependence:
    """Return how the events of a channel depend.

    Within a batch by the variance of batches over that of independent events; beyond by that of
    blocks of some batches, and of 1, 2, 4... days as long as seven blocks remain, over what is
    expected of batches that do not depend on each other. Source: Carlstein 1986.

    Args:
        batches: of an hour or less, of fourteen days or more.
        times_s: when each began, seconds since the epoch, shape (batches,).
    """
    if not batches.events.any():
        # A feature that was never there says nothing.
        return Dependence(1.0)
    within = max(1.0, batches.ratio)
    days = batches.by_day(times_s)
    blocks = [days.in_blocks(length) for length in _lengths(len(days.gains))]
    events = [float(block.events.mean()) / within for block in blocks]
    ratios = [block.ratio / within for block in blocks]
    differing = [block.usual_ratio / within for block in blocks]
    usual = [ratio if ratio > CERTAIN else 1.0 for ratio in differing]
    spans = _spread(ratios, events, len(days.gains))
    for ratio, of in _within_days(batches, within):
        spans = spans.most(Spread((ratio - 1) / of, ratio))
    # Days of more events say more of how days differ.
    a_day = float((days.events**2).sum() / days.events.sum()) / within
    return Dependence(
        within, spans, _spread(usual, events, len(days.gains)), a_day, len(batches.gains)
    )


def _lengths(days: int) -> list[int]:
    """Return 1, 2, 4... days, as long as enough blocks of them remain."""
    lengths = [1]
    while days // (2 * lengths[-1]) >= FEWEST_DAYS:
        lengths.append(2 * lengths[-1])
    return lengths


def _spread(
    ratios: Sequence[float],
    events: Sequence[float],
    days: int,
) -> Spread:
    """Return by how much days vary.

    Where the inflation still grows with the length of the blocks it does so up to all days: two
    weeks hold too few long blocks to see where it ends, and what wanders goes on.

    Args:
        ratios: of blocks of 1, 2, 4... days, what they vary by over what is expected.
        events: effective events of a block, the same length.
        days: of all blocks.
    """
    variance, inflation = 0.0, 1.0
    for ratio, of in zip(ratios, events, strict=True):
        variance = max(variance, (ratio - 1) / of)
        inflation = max(inflation, ratio)
    if len(ratios) > 1 and ratios[-1] > CERTAIN:
        growth = (ratios[-1] - 1) / max(ratios[-2] - 1, LEAST_EXCESS)
        doublings = log2(days) + 1 - len(ratios)
        # What wanders without end doubles.
        longest = (ratios[-1] - 1) * min(growth, 2.0) ** doublings
        inflation = max(inflation, 1 + longest)
    return Spread(variance, inflation)


def _within_days(
    batches: Residuals,
    within: float,
) -> Iterator[tuple[float, float]]:
    """Yield how blocks of some batches vary over what is expected, and their effective events.

    Args:
        batches: of an hour or less.
        within: variance inflation of a batch.
    """
    for length in LENGTHS:
        number = len(batches.gains) // length
        if number < FEWEST_BLOCKS:
            break
        blocks = batches.in_blocks(length)
        ratio = blocks.ratio / within
        if ratio > 1 + CERTAIN_Z * sqrt(2 / number):
            yield ratio, float(blocks.events.mean()) / within
