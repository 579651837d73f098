"""By how much the days of a channel differ, from the residuals of what was foretold."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence import DayVariation
from drift_ml.rhythm._model import DAY_S

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Blocks of days over which a variance is estimated, at least: two weeks are seven blocks of two.
FEWEST_DAYS = 7
#: Batches of less than a day in one block, and how many such blocks there must be.
LENGTHS = (2, 4, 8)
FEWEST_BLOCKS = 64
#: Standard deviations of a chi-square by which blocks of less than a day must vary more than is
#: expected: of few events a small excess would count for much.
CERTAIN_Z = 4.0
#: Largest inflation, within hours and by days. A channel that wanders more would be blind for ever;
#: it is watched, and may alarm more often than stated.
MOST_INFLATION = 25.0
#: Largest variance of a day's mean, in variances of an event. With it a shift of half a standard
#: deviation still gains some 25 nats within a day, where an alarm takes about 17.
MOST_VARIANCE = 1 / 200


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


def _sums(
    values: Floats,
    places: npt.NDArray[np.int64],
) -> Floats:
    total = np.zeros((int(places[-1]) + 1, values.shape[1]))
    np.add.at(total, places, values)
    return total


@dataclass(frozen=True)
class Dependence:
    """How the events of a channel depend, before bounds are put on it."""

    #: Variance of a batch's counts over that of independent events, at least 1.
    within: float
    #: How longer spans vary beyond that; None for no more.
    days: DayVariation | None

    @property
    def is_bounded(self) -> bool:
        """Return whether it is more than is allowed for."""
        if self.days is None:
            return self.within > MOST_INFLATION
        is_more_by_days = self.days.inflation > MOST_INFLATION or self.days.variance > MOST_VARIANCE
        return is_more_by_days or self.within > MOST_INFLATION

    @property
    def bounded(self) -> Dependence:
        """Return as much of it as is allowed for."""
        days = None
        if self.days is not None:
            variance = min(self.days.variance, MOST_VARIANCE)
            days = DayVariation(
                variance, min(self.days.inflation, MOST_INFLATION), self.days.events
            )
        return Dependence(min(self.within, MOST_INFLATION), days)


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
        return Dependence(1.0, None)
    within = max(1.0, batches.ratio)
    days = batches.by_day(times_s)
    # Days of more events say more of how days differ.
    a_day = float((days.events**2).sum() / days.events.sum()) / within
    inflation, variance = 1.0, 0.0
    for ratio, events in _longer(batches, days, within):
        inflation = max(inflation, ratio)
        variance = max(variance, (ratio - 1) / events)
    if inflation <= 1.0:
        return Dependence(within, None)
    return Dependence(within, DayVariation(variance, inflation, a_day))


def _longer(
    batches: Residuals,
    days: Residuals,
    within: float,
) -> Iterator[tuple[float, float]]:
    """Yield how longer blocks vary over what is expected, and their effective events.

    Args:
        batches: of an hour or less.
        days: the same by day.
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
    length = 1
    while len(days.gains) // length >= FEWEST_DAYS:
        blocks = days.in_blocks(length)
        yield blocks.ratio / within, float(blocks.events.mean()) / within
        length *= 2
