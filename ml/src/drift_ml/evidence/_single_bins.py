"""Charts that each watch one bin: what an event gains there, and what any other event gains."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from drift_ml.evidence._distributions import Floats

    #: Bins, as indices.
    Places = npt.NDArray[np.intp]


@dataclass(frozen=True, eq=False)
class SingleBins:
    """The alternatives that a share of all events moves into one bin, one for each of some bins.

    As a table of bins and charts they would take memory and time with the square of the bins, for
    two numbers a chart.
    """

    #: The bin of each chart, shape (charts,).
    bins: Places
    #: The probability of that bin in what the chart is held against, shape (charts,).
    before: Floats
    #: The share of all events that moves.
    share: float

    @cached_property
    def after(self) -> Floats:
        """Return the probability of each chart's bin under its alternative, shape (charts,)."""
        return self.before * (1 - self.share) + self.share

    @cached_property
    def outside(self) -> float:
        """Return the log-likelihood ratio of an event in any other bin, nats."""
        return float(np.log1p(-self.share))

    @cached_property
    def inside(self) -> Floats:
        """Return the log-likelihood ratio of an event in each chart's bin, nats, (charts,)."""
        return np.asarray(np.log(self.after / self.before))

    @cached_property
    def information(self) -> Floats:
        """Return the divergence of each alternative, nats per event, shape (charts,)."""
        others = (1 - self.share) * (1 - self.before)
        return np.asarray(self.after * self.inside + others * self.outside)

    @cached_property
    def mean_under_null(self) -> Floats:
        """Return the mean of each log-likelihood ratio while nothing has changed, (charts,)."""
        return np.asarray(self.before * self.inside + (1 - self.before) * self.outside)

    @cached_property
    def variance(self) -> Floats:
        """Return the variance of each likelihood ratio while nothing has changed, (charts,)."""
        others = (1 - self.share) ** 2 * (1 - self.before)
        return np.asarray(self.after**2 / self.before + others - 1)

    def table(self, bins: int) -> Floats:
        """Return the log-likelihood ratios as a table of shape (bins, charts), nats."""
        ratios = np.full((bins, len(self.bins)), self.outside)
        ratios[self.bins, np.arange(len(self.bins))] = self.inside
        return ratios
