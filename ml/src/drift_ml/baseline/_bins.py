"""How values of the reference become bins: where to cut, and what each bin scores."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

MOST_BINS = 64
THOUSANDTHS = 1000
DIGITS = 17


def bin_limit(rows: int, most: int = MOST_BINS) -> int:
    """How many bins a reference of so many rows can fill: 2 n^(2/5), between 2 and `most`.

    Source: Mann & Wald 1942, with the constant for equally filled bins at a 5 % level.

    >>> [bin_limit(rows) for rows in (1, 442, 1000, 10_000)]
    [2, 22, 31, 64]
    """
    return max(2, min(most, int(2 * rows**0.4)))


def cut(distinct: npt.NDArray[Any], counts: npt.NDArray[Any], limit: int) -> tuple[list[Any], list[int]]:
    """At most `limit` bins over sorted distinct values, as equally filled as ties allow.

    distinct, counts: shape (d,), d >= 1. Returns the edges (one fewer than the bins; a value equal to an
    edge is below it) and the counts per bin, none of them zero. Few distinct values keep a bin each.

    >>> cut(np.array([1.0, 2.0, 3.0, 9.0]), np.array([1, 1, 1, 1]), 2)
    ([2.0], [2, 2])
    """
    upto = np.cumsum(counts)
    if len(distinct) <= limit:
        last = np.arange(len(distinct))
    else:
        targets = np.arange(1, limit + 1) * int(upto[-1]) / limit
        last = np.unique(np.searchsorted(upto, targets - 0.5))
    whole = distinct.dtype.kind == "i"
    edges = [int(distinct[i]) if whole else between(distinct[i], distinct[i + 1]) for i in last[:-1]]
    return edges, np.diff(upto[last], prepend=0).tolist()


def between(low: float, high: float) -> float:
    """The number of fewest digits at or above `low` and below `high`.

    >>> between(0.123456789, 0.123987654)
    0.1237
    """
    middle = float(low) / 2 + float(high) / 2
    for digits in range(1, DIGITS):
        candidate = float(f"{middle:.{digits}g}")
        if low <= candidate < high:
            return candidate
    return float(low)


def normal_scores(counts: Sequence[int]) -> tuple[int, ...]:
    """What each bin scores, in thousandths: the mean of a standard normal cut at the same probabilities.

    counts: shape (k,), in the order of the values. The scores are standardised under the counts (mean 0,
    variance 1); a single filled bin scores 0. Source: Blom 1958 (normal scores), for grouped data.

    >>> normal_scores([50, 50])
    (-1000, 1000)
    """
    total = sum(counts)
    normal = NormalDist()
    scores = []
    below = 0
    for count in counts:
        low, high = below / total, (below + count) / total
        if count:
            scores.append((_density(normal, low) - _density(normal, high)) * total / count)
        else:
            scores.append(normal.inv_cdf(min(max(low, 0.5 / total), 1 - 0.5 / total)) if total > 1 else 0.0)
        below += count
    return standardised(scores, counts)


def standardised(scores: Sequence[float], counts: Sequence[int]) -> tuple[int, ...]:
    """Scores shifted and scaled to mean 0 and variance 1 under the counts, in thousandths; 0 if all equal.

    >>> standardised([1.0, 3.0], [1, 1])
    (-1000, 1000)
    """
    total = sum(counts)
    mean = sum(score * count for score, count in zip(scores, counts, strict=True)) / total
    variance = sum((score - mean) ** 2 * count for score, count in zip(scores, counts, strict=True)) / total
    scale = THOUSANDTHS / variance**0.5 if variance > 0 else 0.0
    return tuple(round((score - mean) * scale) for score in scores)


def _density(normal: NormalDist, probability: float) -> float:
    """The normal density at a quantile; none at the ends of the line."""
    return normal.pdf(normal.inv_cdf(probability)) if 0 < probability < 1 else 0.0
