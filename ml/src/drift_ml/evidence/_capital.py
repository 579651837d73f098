"""The recursion: what every chart has gained, started at every moment, the reference's error allowed for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from drift_ml.evidence._distributions import Floats


@dataclass
class Capital:
    """Per chart, on the last axis: log capital, and of its average start the age, the log ratio, the timestamp.

    Any leading axes are independent copies (a simulation's replicates). Shapes all equal, (..., charts).
    log: ln of the Shiryaev-Roberts sum. age: effective events since the start. ratio: the log-likelihood
    ratio since then, unshrunk. born: the timestamp of the start, in the clock that `advance` is given.
    """

    log: Floats
    age: Floats
    ratio: Floats
    born: Floats

    @classmethod
    def empty(cls, *shape: int) -> Capital:
        """Nothing gained yet."""
        return cls(np.full(shape, -np.inf), np.zeros(shape), np.zeros(shape), np.zeros(shape))

    def advance(self, ratio: Floats, events: float, rows: Floats, spread: Floats, timestamp_s: float = 0.0) -> None:
        """Take in a batch.

        ratio: its joint log-likelihood ratio per chart, (..., charts). events: its size, at least 1. rows:
        the reference rows behind each chart divided by its noise, (..., charts) or broadcast to it; infinity
        if the reference is exact. spread: the variance inflation of dependent events, 1 if independent.

        Every event of the batch starts a run at the batch's beginning: log <- ln(exp(log) + events) + gain.
        The log ratio of a run of age m counts shrunk by rows / (rows + m): the Bayes factor of a shift whose
        zero is itself known from so many rows. Sources: Roberts 1966; Shin, Ramdas & Rinaldo 2022.
        """
        grown = np.logaddexp(self.log, np.log(events))
        kept = np.exp(self.log - grown)
        self.age *= kept
        self.ratio *= kept
        self.born += (timestamp_s - self.born) * (1 - kept)
        before = self.ratio / (1 + self.age / rows)
        self.ratio += ratio / spread
        self.age += events / spread
        self.log = grown + self.ratio / (1 + self.age / rows) - before

    def clear(self, *copies: int) -> None:
        """Forget all, or the copies of the leading axis with these indices."""
        where = list(copies) if copies else ...
        self.log[where] = -np.inf
        for values in (self.age, self.ratio, self.born):
            values[where] = 0.0


def log_mixture(capital: Floats, log_weights: Floats) -> Floats:
    """ln of the weighted sum of capitals over the last axis; minus infinity when nothing has been gained.

    >>> float(log_mixture(np.zeros(2), np.log([0.5, 0.5])))
    0.0
    """
    shares = capital + log_weights
    top = shares.max(axis=-1, keepdims=True)
    scale = np.maximum(top, np.finfo(np.float64).min)  # nothing gained: stay at minus infinity
    with np.errstate(divide="ignore"):
        return np.asarray(np.log(np.exp(shares - scale).sum(axis=-1)) + scale[..., 0])
