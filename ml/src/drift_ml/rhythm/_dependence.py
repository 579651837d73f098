"""How much the events of each channel depend, before there is enough traffic for a rhythm."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice
from math import sqrt
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline import INDICATORS
from drift_ml.evidence import Tables
from drift_ml.rhythm._days import CERTAIN_Z, UPPER_Z
from drift_ml.rhythm._model import MOST_INFLATION, Rhythm

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Baseline

    Floats = npt.NDArray[np.float64]
    #: Seconds since the epoch, and events per bin by channel.
    Batch = tuple[float, Mapping[str, Sequence[int]]]

#: Batches with traffic, at least: of fewer no inflation is certain.
FEWEST_BATCHES = 12
#: Events of a batch, at least: the means of fewer say little of their variance.
FEWEST_EVENTS = 5
#: Batches that are held in memory at a time.
TOGETHER = 144
#: Variance of a squared difference of adjacent normal means over its squared expectation, with what
#: adjacent differences share. Source: von Neumann 1941.
PAIR_VARIANCE = 3.0
#: Smaller variances are of charts that saw nothing.
LEAST_VARIANCE = 1e-12
#: Factor by which an inflation must have changed to count as another one.
ALIKE = 1.25


def dependence_so_far(
    baseline: Baseline,
    batches: Iterable[Batch],
    before: Rhythm | None = None,
) -> Rhythm | None:
    """Return a rhythm of dependent events alone; None where none are certain to depend.

    The means of adjacent batches are compared: a cycle or a drift moves two neighbours by little,
    and what comes in sessions or hangs on the event before makes each differ from the next.
    What was hardly ever seen depends as the values of its feature do.

    Args:
        baseline: whose bins are counted.
        batches: in the order of time, each of ten minutes.
        before: what was returned of fewer of them; it is returned again where events depend about
            as much.
    """
    tables = Tables.build(baseline.channels)
    sums = []
    for name, made in zip(tables.names, tables.made, strict=True):
        sums.append(_Differences(name, made.first_table))
    from_s, to_s, events = None, 0.0, 0
    remaining = iter(batches)
    while together := list(islice(remaining, TOGETHER)):
        from_s, to_s = together[0][0] if from_s is None else from_s, together[-1][0]
        for _, counts in together:
            events += max((sum(bins) for bins in counts.values()), default=0)
        for each in sums:
            listed = [counts[each.channel] for _, counts in together if each.channel in counts]
            each.take(np.array(listed, dtype=np.float64).reshape(-1, len(each.ratios)))
    inflation = {each.channel: each.inflation for each in sums}
    for channel in baseline.channels:
        if channel.kind in INDICATORS and channel.of[0] in inflation:
            own = inflation.get(channel.name, 1.0)
            inflation[channel.name] = max(own, inflation[channel.of[0]])
    certain = {name: value for name, value in inflation.items() if value > 1}
    found = None
    if from_s is not None and certain:
        bounded = tuple(name for name, value in certain.items() if value >= MOST_INFLATION)
        found = Rhythm(baseline.digest, from_s, to_s, events, {}, certain, bounded)
    return before if is_like(before, found) else found


def is_like(
    rhythm: Rhythm | None,
    other: Rhythm | None,
) -> bool:
    """Return whether events depend about as much by two rhythms, channel by channel."""
    of, by = [{} if each is None else each.variance_inflation for each in (rhythm, other)]
    pairs = [(of.get(name, 1.0), by.get(name, 1.0)) for name in {*of, *by}]
    return all(max(pair) <= ALIKE * min(pair) for pair in pairs)


@dataclass
class _Differences:
    """Squared differences of a channel's adjacent batches, over what sampling would make them."""

    channel: str
    #: Log-likelihood ratios of its charts, nats, shape (bins, charts).
    ratios: Floats

    def __post_init__(self) -> None:
        """Begin without a batch."""
        bins, charts = self.ratios.shape
        self._counts: Floats = np.zeros(bins)
        #: Squares so far, each of shape (pairs, charts).
        self._squares: list[Floats] = []
        #: Mean and events of the last batch, shapes (1, charts) and (1, 1); none before the first.
        self._means: Floats = np.empty((0, charts))
        self._events: Floats = np.empty((0, 1))

    def take(self, counts: Floats) -> None:
        """Add batches in the order of time: events per bin, shape (batches, bins)."""
        events = counts.sum(axis=1)
        full = events >= FEWEST_EVENTS
        if not full.any():
            return
        counts, events = counts[full], events[full, None]
        self._counts += counts.sum(axis=0)
        means = np.concatenate([self._means, counts @ self.ratios / events])
        events = np.concatenate([self._events, events])
        self._squares.append(np.diff(means, axis=0) ** 2 / (1 / events[1:] + 1 / events[:-1]))
        self._means, self._events = means[-1:], events[-1:]

    @property
    def inflation(self) -> float:
        """Return the variance of batches over that of independent events, 1 where none is certain.

        The largest over the charts, by its upper limit, bounded.
        """
        pairs = sum(map(len, self._squares))
        if pairs < FEWEST_BATCHES:
            return 1.0
        shares = self._counts / self._counts.sum()
        variance = shares @ self.ratios**2 - (shares @ self.ratios) ** 2
        usual = variance > LEAST_VARIANCE
        if not usual.any():
            return 1.0
        squares = np.concatenate(self._squares)[:, usual] / variance[usual]
        ratio = squares.mean(axis=0)
        # What leans on rare bins varies more than a normal mean does.
        relative = squares.std(axis=0) / np.maximum(ratio, LEAST_VARIANCE)
        error = np.maximum(sqrt(PAIR_VARIANCE), relative) / sqrt(pairs)
        certain = ratio > 1 + CERTAIN_Z * error
        if not certain.any():
            return 1.0
        upper = ratio[certain] * (1 + UPPER_Z * sqrt(PAIR_VARIANCE / pairs))
        return min(float(upper.max()), MOST_INFLATION)
