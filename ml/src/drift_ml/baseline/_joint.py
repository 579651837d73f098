"""Channels of several features: products of scores for correlation, the sum of squares for all at once."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline._bins import THOUSANDTHS, bin_limit, cut, standardised
from drift_ml.baseline._parts import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]

MOST_PAIRS = 45
"""Pair channels of a baseline: all pairs of ten features; of more, those most correlated in the reference."""

MOST_PRODUCT_BINS = 32
"""Products have heavy tails and there are many of them: half the bins say as much."""

MISSING_SCORE = 2**40
"""Marks a missing feature among scores; no score and no product of two reaches it."""


def joint_channels(
    own: Sequence[Channel],
    columns: Mapping[str, Floats],
    correlation: Sequence[Sequence[float | None]],
) -> list[Channel]:
    """The product and sum-of-squares channels over the features whose values are ordered and vary."""
    varied = [channel for channel in own if any(channel.scores)]
    scores = {channel.name: _scores(channel, columns[channel.name]) for channel in varied}
    places = {name: place for place, name in enumerate(columns)}
    pairs = list(combinations(scores, 2))
    if len(pairs) > MOST_PAIRS:
        strength = {pair: abs(correlation[places[pair[0]]][places[pair[1]]] or 0.0) for pair in pairs}
        strongest = set(sorted(pairs, key=lambda pair: -strength[pair])[:MOST_PAIRS])
        pairs = [pair for pair in pairs if pair in strongest]
    found = [channel for pair in pairs for channel in _product(pair, scores[pair[0]], scores[pair[1]])]
    return found + (_sum_of_squares(scores) if len(scores) > 1 else [])


def _scores(channel: Channel, column: Floats) -> Integers:
    """Each row's score in thousandths; MISSING_SCORE where the value is missing."""
    table = np.array([*channel.scores, MISSING_SCORE])
    if channel.kind == "categories":
        return table[np.where(np.isnan(column), len(channel.scores), column).astype(np.intp)]
    bins = np.searchsorted(channel.cuts, column)
    return table[np.where(np.isnan(column), len(channel.scores), bins)]


def _product(pair: tuple[str, str], first: Integers, second: Integers) -> list[Channel]:
    both = (first != MISSING_SCORE) & (second != MISSING_SCORE)
    products = first[both] * second[both] // THOUSANDTHS
    return [_binned(f"product:{pair[0]}:{pair[1]}", "product", pair, products)] if len(products) else []


def _sum_of_squares(scores: Mapping[str, Integers]) -> list[Channel]:
    squares = [np.where(each == MISSING_SCORE, THOUSANDTHS, each * each // THOUSANDTHS) for each in scores.values()]
    return [_binned("sum_of_squares", "sum_of_squares", tuple(scores), np.sum(squares, axis=0))]


def _binned(name: str, kind: str, of: tuple[str, ...], values: Integers) -> Channel:
    distinct, counted = np.unique(values, return_counts=True)
    edges, counts = cut(distinct, counted, bin_limit(len(values), MOST_PRODUCT_BINS))
    sums = np.bincount(np.searchsorted(edges, distinct), weights=distinct * counted).tolist()
    scores = standardised([total / count for total, count in zip(sums, counts, strict=True)], counts)
    return Channel(name, kind, of, tuple(counts), edges=tuple(map(float, edges)), scores=scores)
