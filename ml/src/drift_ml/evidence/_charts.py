"""The charts: one likelihood ratio per channel, kind of drift, size and direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.evidence._distributions import STEEPEST, coupled, favoured, mixed, reference_distribution, shifted

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from drift_ml.baseline import Channel
    from drift_ml.evidence._distributions import Floats

LOCATIONS = {0.25: 0.36, 0.5: 0.26, 1.0: 0.22, 2.0: 0.16}
"""Shifts in standard deviations, each with its part of the weight: the smallest take longest."""
SCALES = (0.6, 0.8, 1.25, 1.6)
CORRELATIONS = (0.3, -0.3, 0.6, -0.6)
TOGETHER = (0.5, 1.0, 2.0, 3.0, -0.5, -1.0)
ODDS = (1 / 3, 2 / 3, 1.5, 3.0)
SHARES = (0.01, 0.03, 0.1, 0.3)
NEWCOMERS = 0.2
MOST_CATEGORIES = 24
LEAST_INFORMATION = 1e-12
FARTHEST = 9.0
"""A product says no more than that of two scores at three standard deviations; few rows lie beyond."""

WEIGHTS = {"columns": 0.74, "pairs": 0.17, "together": 0.06, "indicators": 0.03}
"""How the evidence is spread over the groups of channels; those that a baseline lacks are shared out."""
LOCATION_SHARE = 0.8
GROUPS = {
    "values": "columns",
    "quantiles": "columns",
    "categories": "columns",
    "product": "pairs",
    "sum_of_squares": "together",
    "missing": "indicators",
    "out_of_range": "indicators",
    "new": "indicators",
}


@dataclass(frozen=True)
class Chart:
    """One alternative: what drifts (`channel`), how (`kind`), by how much (`size`), and its share of the
    weight.

    kind: `location` (size in standard deviations of the normal score), `scale` (a factor), `correlation` (a
    change), `share` (a factor of the odds, or an added share for indicators), `together` (of all features).
    information: the Kullback-Leibler divergence of the alternative from the reference, nats per event.
    against: the mean of the log-likelihood ratio under the reference, negative. noise: how much faster the
    reference's own error grows here than the information does (1 for a small normal shift).
    """

    channel: str
    kind: str
    size: float
    direction: str
    weight: float
    information: float
    against: float
    noise: float


def charts(channel: Channel, counts: Sequence[int] | None = None) -> tuple[list[Chart], Floats]:
    """The charts of one channel of a baseline, weights summing to 1, and their log-likelihood ratios.

    counts: the reference counts, those of the channel by default. Returns the charts and a table of shape
    (bins, charts); each column has expectation exactly one under the reference law, once exponentiated. A
    channel with one bin has no chart.

    >>> from drift_ml.baseline import Channel
    >>> found, table = charts(Channel("rooms", "values", ("rooms",), (50, 50)))
    >>> found[0].kind, found[0].size, found[0].direction, table.shape
    ('location', 0.25, 'up', (2, 8))
    """
    law = reference_distribution(channel.counts if counts is None else counts)
    found: list[Chart] = []
    columns: list[Floats] = []
    for kind, size, direction, weight, after in _alternatives(channel, law):
        ratio = np.log(after / law)
        information = max(float(after @ ratio), LEAST_INFORMATION)
        noise = max(1.0, (float(law @ np.exp(2 * ratio)) - 1) / (2 * information))
        facts = (kind, size, direction, weight, information, float(law @ ratio), noise)
        found.append(Chart(channel.name, *facts))
        columns.append(ratio)
    return found, np.stack(columns, axis=1) if columns else np.zeros((len(law), 0))


def _alternatives(channel: Channel, law: Floats) -> Iterator[tuple[str, float, str, float, Floats]]:
    """Kind, size, direction, weight and law of every alternative of a channel."""
    kind = channel.kind
    if len(law) < 2:  # noqa: PLR2004 - one bin cannot change
        return
    if kind in ("values", "quantiles"):
        yield from _ordered(law)
    elif kind == "product":
        yield from _correlations(channel, law)
    elif kind == "sum_of_squares":
        for size in TOGETHER:
            yield "together", size, _sign(size), 1 / len(TOGETHER), shifted(law, size)
    elif kind == "categories":
        yield from _categories(channel, law)
    else:
        for share in SHARES:
            yield "share", share, "up", 1 / (len(SHARES) + 1), mixed(law, 1, share)
        yield "share", ODDS[0], "down", 1 / (len(SHARES) + 1), favoured(law, 1, ODDS[0])


def _ordered(law: Floats) -> Iterator[tuple[str, float, str, float, Floats]]:
    stretchable = len(law) > 2  # noqa: PLR2004 - two bins know no variance
    for size, part in LOCATIONS.items():
        weight = (LOCATION_SHARE if stretchable else 1.0) * part / 2
        yield "location", size, "up", weight, shifted(law, size)
        yield "location", -size, "down", weight, shifted(law, -size)
    for scale in SCALES if stretchable else ():
        weight = (1 - LOCATION_SHARE) / len(SCALES)
        yield "scale", scale, _sign(scale - 1), weight, shifted(law, 0.0, scale)


def _correlations(channel: Channel, law: Floats) -> Iterator[tuple[str, float, str, float, Floats]]:
    products, before = _products(channel, law)
    for change in CORRELATIONS:
        rho = float(np.tanh(np.arctanh(before) + np.arctanh(change)))
        yield "correlation", change, _sign(change), 1 / len(CORRELATIONS), coupled(law, products, rho, before)


def _products(channel: Channel, law: Floats) -> tuple[Floats, float]:
    """The product that stands for each bin, and the reference's own correlation.

    The baseline keeps standardised scores; the edges, in thousandths, give back location and scale.
    """
    scores = np.asarray(channel.scores, dtype=np.float64) / 1000
    edges = np.asarray(channel.edges, dtype=np.float64) / 1000
    if len(edges) > 2:  # noqa: PLR2004 - a line needs two bins with both ends
        slope, before = np.polyfit(scores[1:-1], (edges[1:] + edges[:-1]) / 2, 1, w=np.sqrt(law[1:-1]))
    else:
        slope, before = 1.0, 0.0
    before = float(np.clip(before, -STEEPEST, STEEPEST))
    return np.clip(before + slope * scores, -FARTHEST, FARTHEST), before


def _categories(channel: Channel, law: Floats) -> Iterator[tuple[str, float, str, float, Floats]]:
    names = channel.categories
    chosen = np.argsort(-np.asarray(channel.counts), kind="stable")[:MOST_CATEGORIES]
    weight = 1 / (len(chosen) * (len(ODDS) + 1))
    for bin_ in chosen:
        label = str(names[bin_])
        for odds in ODDS:
            yield "share", odds, f"{label} {_sign(odds - 1)}", weight, favoured(law, int(bin_), odds)
        yield "share", NEWCOMERS, f"{label} up", weight, mixed(law, int(bin_), NEWCOMERS)


def _sign(size: float) -> str:
    return "up" if size > 0 else "down"
