"""Channels of several features: products of scores for correlation, the sum of squares for all."""

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
from drift_ml.baseline._parts import Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline._parts import ChannelKind

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.int64]
    Correlation = Sequence[Sequence[float | None]]

#: Pair channels of a baseline: all pairs of ten features; of more, those most correlated in the
#: reference.
MOST_PAIRS = 45

#: Products have heavy tails and there are many of them: half the bins say as much.
MOST_PRODUCT_BINS = 32

#: Marks a missing feature among scores; no score and no product of two reaches it.
MISSING_SCORE = 2**40


def joint_channels(
    channels: Sequence[Channel],
    columns: Mapping[str, Floats],
    correlation: Correlation,
) -> list[Channel]:
    """Return the product and sum-of-squares channels over features that are ordered and vary.

    Args:
        channels: of the features' values.
        columns: of the numeric and boolean features, by name.
        correlation: of the first columns, in their order; others are in no pair.
    """
    varied = [channel for channel in channels if any(channel.scores)]
    scores = {channel.name: _scores(channel, columns[channel.name]) for channel in varied}
    joint: list[Channel] = []
    correlated = list(columns)[: len(correlation)]
    for pair in _strongest(
        list(combinations([name for name in scores if name in correlated], 2)),
        correlated,
        correlation,
    ):
        joint += _product(
            pair,
            scores[pair[0]],
            scores[pair[1]],
        )
    if len(scores) > 1:
        joint.append(_sum_of_squares(scores))
    return joint


def _strongest(
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
    correlation: Correlation,
) -> Sequence[tuple[str, str]]:
    """Return the pairs, or those most correlated where there are too many, in their order."""
    if len(pairs) <= MOST_PAIRS:
        return pairs
    places = {name: place for place, name in enumerate(names)}

    def strength(pair: tuple[str, str]) -> float:
        return abs(correlation[places[pair[0]]][places[pair[1]]] or 0.0)

    chosen = set(
        sorted(
            pairs,
            key=strength,
            reverse=True,
        )[:MOST_PAIRS]
    )
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


def _binned(
    name: str,
    kind: ChannelKind,
    of: tuple[str, ...],
    values: Integers,
) -> Channel:
    distinct, counted = np.unique(values, return_counts=True)
    edges, counts = cut(
        distinct,
        counted,
        bin_limit(len(values), MOST_PRODUCT_BINS),
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
