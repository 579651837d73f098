"""Channels of several features: products and signs for correlation, sums for all at once."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline._bins import (
    THOUSANDTHS,
    bin_limit,
    cut,
    standardised,
)
from drift_ml.baseline._concordance import concordance_channels
from drift_ml.baseline._parts import Channel
from drift_ml.concordance import concordance

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline._parts import ChannelKind

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Signs = npt.NDArray[np.int8]
    Pair = tuple[str, str]
    Correlation = Sequence[Sequence[float | None]]

#: Pair channels of a baseline: all pairs of ten features; of more, those most correlated in the
#: reference.
MOST_PAIRS = 45

#: Features of which all pairs are watched by their signs, where not all have a product: more would
#: not fit into what is stored of a window and of a detector.
MOST_PAIRED = 60

#: Products have heavy tails and there are many of them: half the bins say as much.
MOST_PRODUCT_BINS = 32

#: There is one sum, whose tails tell most when all features move.
MOST_SUM_BINS = 64

#: The sum of two moves with each of them nearly as much as itself, and would be named in its place.
FEWEST_SUMMED = 3

#: The channel of the sum of all scores; no feature has a name with a colon.
SUM = "sum:all"

#: Marks a missing feature among scores; no score and no product of two reaches it.
MISSING_SCORE = 2**40


def joint_channels(
    channels: Sequence[Channel],
    columns: Mapping[str, Floats],
    correlation: Correlation,
    important: Sequence[str] = (),
) -> list[Channel]:
    """Return the channels of several features at once, over those that are ordered and vary.

    Args:
        channels: of the features' values.
        columns: of the numeric and boolean features, by name: those of `correlation` come first.
        correlation: of the first columns, in their order; others are in no pair.
        important: names of features, the most important to the model first; empty where nobody
            knows.
    """
    varied = [channel for channel in channels if any(channel.scores)]
    scores = {channel.name: _scores(channel, columns[channel.name]) for channel in varied}
    joint: list[Channel] = []
    correlated = list(columns)[: len(correlation)]
    pairs = list(combinations([name for name in scores if name in correlated], 2))
    strengths = _strengths(correlated, correlation)
    for pair in _strongest(pairs, strengths):
        joint += _product(
            pair,
            scores[pair[0]],
            scores[pair[1]],
        )
    if len(scores) > 1:
        joint.append(_sum_of_squares(scores))
    if len(scores) >= FEWEST_SUMMED:
        joint.append(_sum(scores))
    if len(pairs) > MOST_PAIRS:
        paired = _paired([name for name in scores if name in correlated], strengths, important)
        signs = np.array([_signs(scores[name]) for name in paired])
        joint += concordance_channels(paired, concordance(signs).tolist())
    return joint


def _strengths(names: Sequence[str], correlation: Correlation) -> Mapping[Pair, float]:
    """Return the absolute correlation of each pair, 0 where one of them is constant."""
    places = list(combinations(range(len(names)), 2))
    return {
        (names[first], names[second]): abs(correlation[first][second] or 0.0)
        for first, second in places
    }


def _paired(
    names: Sequence[str],
    strengths: Mapping[Pair, float],
    important: Sequence[str],
) -> list[str]:
    """Return the features of which all pairs are watched, in their order.

    Of too many those are chosen that are most important to the model and, where nobody knows how
    important they are, those that are most correlated with another.
    """
    strongest = dict.fromkeys(names, 0.0)
    for pair, strength in strengths.items():
        for name in pair:
            if name in strongest:
                strongest[name] = max(strongest[name], strength)
    ranks = {name: -place for place, name in enumerate(important)}
    last = -len(ranks)

    def rank(name: str) -> tuple[int, float]:
        return ranks.get(name, last), strongest[name]

    chosen = set(sorted(names, key=rank, reverse=True)[:MOST_PAIRED])
    return [name for name in names if name in chosen]


def _signs(scores: Integers) -> Signs:
    """Return 1 for scores above 0, -1 for others, 0 for missing ones, shape (rows,)."""
    signs = np.where(scores > 0, 1, -1)
    return np.where(scores == MISSING_SCORE, 0, signs).astype(np.int8)


def _strongest(
    pairs: Sequence[Pair],
    strengths: Mapping[Pair, float],
) -> Sequence[Pair]:
    """Return the pairs, or those most correlated where there are too many, in their order."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    chosen = set(sorted(pairs, key=strengths.__getitem__, reverse=True)[:MOST_PAIRS])
    return [pair for pair in pairs if pair in chosen]


def _scores(channel: Channel, column: Floats) -> Integers:
    """Return each row's score in thousandths; MISSING_SCORE where the value is missing."""
    table = np.array([*channel.scores, MISSING_SCORE])
    missing = np.isnan(column)
    if channel.kind == "categories":
        return table[
            np.where(
                missing,
                len(channel.scores),
                column,
            ).astype(np.intp)
        ]
    bins = np.searchsorted(channel.cuts, column)
    return table[
        np.where(
            missing,
            len(channel.scores),
            bins,
        )
    ]


def _product(
    pair: tuple[str, str],
    first: Integers,
    second: Integers,
) -> list[Channel]:
    """Return the channel of two features' products; none where no row has both."""
    present = (first != MISSING_SCORE) & (second != MISSING_SCORE)
    products = first[present] * second[present] // THOUSANDTHS
    if not len(products):
        return []
    return [_binned(f"product:{pair[0]}:{pair[1]}", "product", pair, products)]


def _sum_of_squares(scores: Mapping[str, Integers]) -> Channel:
    squares = []
    for values in scores.values():
        # A missing one counts as its expectation, so that the sum has the same scale in each row.
        missing = values == MISSING_SCORE
        squares.append(
            np.where(
                missing,
                THOUSANDTHS,
                values * values // THOUSANDTHS,
            )
        )
    total = np.sum(squares, axis=0)
    return _binned("sum_of_squares", "sum_of_squares", tuple(scores), total)


def _sum(scores: Mapping[str, Integers]) -> Channel:
    total = np.zeros(len(next(iter(scores.values()))), dtype=np.int64)
    for values in scores.values():
        # A missing one counts as its expectation, 0.
        total += np.where(values == MISSING_SCORE, 0, values)
    return _binned(SUM, "sum", tuple(scores), total, MOST_SUM_BINS)


def _binned(
    name: str,
    kind: ChannelKind,
    of: tuple[str, ...],
    values: Integers,
    most: int = MOST_PRODUCT_BINS,
) -> Channel:
    distinct, counted = np.unique(values, return_counts=True)
    edges, counts = cut(
        distinct,
        counted,
        bin_limit(len(values), most),
    )
    bins = np.searchsorted(edges, distinct)
    sums = np.bincount(bins, weights=distinct * counted).tolist()
    means = [
        total / count
        for total, count in zip(
            sums,
            counts,
            strict=True,
        )
    ]
    return Channel(
        name=name,
        kind=kind,
        of=of,
        counts=tuple(counts),
        edges=tuple(map(float, edges)),
        scores=standardised(means, counts),
    )
