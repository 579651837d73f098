"""The recursion: what every chart has gained, with a run started at each event."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drift_ml.evidence._distributions import Floats

    Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Wandering:
    """How the mean of the traffic wanders from day to day, by chart; each of shape (charts,)."""

    #: Variance of a day's mean log-likelihood ratio over that of one event.
    variance: Floats
    #: By how much days sum to more than independent events would, less 1: the most that is added.
    most: Floats

    def discount(self, age: Floats) -> Floats:
        """Return by how much the variance of a run is inflated, less 1.

        The mean of a run within a day is off by that day's; over many days they average out.

        Args:
            age: effective events of the run.
        """
        inflation: Floats = np.minimum(self.variance * age, self.most)
        return inflation

    def of(self, charts: Flags) -> Wandering:
        """Return that of some charts alone."""
        return Wandering(self.variance[charts], self.most[charts])


@dataclass
class Capital:
    """What each chart has gained, and of its average run the age, the log ratio and the start.

    Charts lie on the last axis; leading axes are independent copies (a simulation's replicates).
    All shapes are equal, (..., charts).
    """

    #: ln of the Shiryaev-Roberts sum; minus infinity before the first event.
    log: Floats
    #: Effective events that the chart's channel saw since the start of the average run.
    age: Floats
    #: Log-likelihood ratio since that start, nats, not shrunk.
    ratio: Floats
    #: That start, in the clock that `advance` is given.
    start: Floats
    #: How days differ, for which a run counts less; None where they do not. It is no state.
    wandering: Wandering | None = field(default=None, init=False, compare=False)

    @classmethod
    def empty(cls, *shape: int) -> Capital:
        """Return a capital of a shape that has gained nothing."""
        return cls(
            np.full(shape, -np.inf),
            np.zeros(shape),
            np.zeros(shape),
            np.zeros(shape),
        )

    def advance(
        self,
        ratio: Floats,
        events: float,
        rows: Floats,
        variance_inflation: Floats,
        timestamp_s: float = 0.0,
        seen: Floats | None = None,
        charts: Flags | None = None,
    ) -> None:
        """Take a batch in.

        Every event of the batch starts a run at the batch's beginning:
        log <- ln(exp(log) + events) + gain. The log ratio of a run of age m counts shrunk by
        rows / (rows + m): the Bayes factor of a shift whose zero is itself known from so many rows.
        Sources: Roberts 1966; Shin, Ramdas & Rinaldo 2022.

        Args:
            ratio: the batch's joint log-likelihood ratio per chart, nats, shape (..., charts).
            events: the size of the batch, at least 1.
            rows: the reference rows behind each chart divided by its noise, (..., charts) or
                broadcast to it; infinity where the reference is exact.
            variance_inflation: of dependent events, 1 where they are independent; as `rows`.
            timestamp_s: of the batch's beginning.
            seen: events of the batch that have a bin in each chart's channel, as `ratio`; all of
                them by default. An event without a bin tells a run nothing, and ages none.
            charts: those that take it in, shape (charts,); all of them by default. In the others
                no run begins either.
        """
        if charts is not None:
            self._advance_part(charts, ratio, events, rows, variance_inflation, timestamp_s, seen)
            return
        grown = np.logaddexp(self.log, np.log(events))
        # The runs so far are this share of the new sum; the others begin with this batch and
        # have gained nothing, so that age, ratio and start of the average run move towards them.
        older = np.exp(self.log - grown)
        self.age *= older
        self.ratio *= older
        self.start += (timestamp_s - self.start) * (1 - older)
        # The gain is the difference of two shrunk ratios: the shrinking of what was gained
        # before changes too, because the run has become older.
        before = self._shrunk(rows)
        self.ratio += ratio / variance_inflation
        self.age += (events if seen is None else seen) / variance_inflation
        after = self._shrunk(rows)
        self.log = grown + after - before

    def _shrunk(self, rows: Floats) -> Floats:
        """Return the log ratios of the average runs as they count, nats."""
        inflation = 1 + self.age / rows
        if self.wandering is not None:
            inflation += self.wandering.discount(self.age)
        shrunk: Floats = self.ratio / inflation
        return shrunk

    def _advance_part(
        self,
        charts: Flags,
        ratio: Floats,
        events: float,
        rows: Floats,
        variance_inflation: Floats,
        timestamp_s: float,
        seen: Floats | None,
    ) -> None:
        """Take a batch in for some charts alone; the arguments are those of `advance`."""
        whole = (self.log, self.age, self.ratio, self.start)
        part = Capital(*(values[..., charts] for values in whole))
        part.wandering = None if self.wandering is None else self.wandering.of(charts)
        part.advance(
            ratio[..., charts],
            events,
            rows[charts],
            variance_inflation[charts],
            timestamp_s,
            None if seen is None else seen[charts],
        )
        changed = (part.log, part.age, part.ratio, part.start)
        for values, new in zip(whole, changed, strict=True):
            values[..., charts] = new

    def clear_charts(self, charts: Flags) -> None:
        """Forget what some charts have gained.

        Args:
            charts: which ones, shape (charts,).
        """
        self.log[..., charts] = -np.inf
        for values in (self.age, self.ratio, self.start):
            values[..., charts] = 0.0

    def clear(self, *copies: int) -> None:
        """Forget everything, or the copies of the leading axis with these indices."""
        where = list(copies) if copies else ...
        self.log[where] = -np.inf
        for values in (self.age, self.ratio, self.start):
            values[where] = 0.0


def log_mixture(
    capital: Floats,
    log_weights: Floats,
) -> Floats:
    """Return ln of the weighted sum of capitals over the last axis.

    Args:
        capital: ln of each chart's capital, shape (..., charts).
        log_weights: ln of each chart's weight, shape (charts,).

    Returns:
        Shape (...), nats; minus infinity where nothing has been gained.

    >>> float(log_mixture(np.zeros(2), np.log([0.5, 0.5])))
    0.0
    """
    shares = capital + log_weights
    top = shares.max(axis=-1, keepdims=True)
    # Where nothing has been gained the maximum is minus infinity, and shares - top would be NaN.
    scale = np.maximum(top, np.finfo(np.float64).min)
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(shares - scale).sum(axis=-1)) + scale[..., 0])
