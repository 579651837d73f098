"""How values of the reference become bins: where to cut, and what each bin scores."""

from __future__ import annotations

from statistics import NormalDist
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt

    # Numbers of any type: floats of a column, integers of a score.
    Numbers = npt.NDArray[Any]

MOST_BINS = 64
THOUSANDTHS = 1000
#: With so many a float is written exactly.
DIGITS = 17
_NORMAL = NormalDist()


def bin_limit(
    rows: int,
    most: int = MOST_BINS,
) -> int:
    """Return how many bins a reference can fill: 2 n^(2/5), between 2 and `most`.

    Source: Mann & Wald 1942, with the constant for equally filled bins at a 5 % level.

    Args:
        rows: n.
        most: bins at most.

    >>> [bin_limit(rows) for rows in (1, 442, 1000, 10_000)]
    [2, 22, 31, 64]
    """
    return max(2, min(most, int(2 * rows**0.4)))


def cut(
    distinct: Numbers,
    counts: Numbers,
    limit: int,
) -> tuple[list[float], list[int]]:
    """Return bins over sorted distinct values, as equally filled as ties allow.

    Few distinct values keep a bin each.

    Args:
        distinct: the values, ascending, shape (d,), d >= 1.
        counts: how often each occurs, shape (d,).
        limit: bins at most.

    Returns:
        The edges (one fewer than the bins; a value equal to an edge is below it) and the counts
        per bin, none of them zero.

    >>> cut(np.array([1.0, 2.0, 3.0, 9.0]), np.array([1, 1, 1, 1]), 2)
    ([2.0], [2, 2])
    """
    cumulated = np.cumsum(counts)
    if len(distinct) <= limit:
        last = np.arange(len(distinct))
    else:
        targets = np.arange(1, limit + 1) * int(cumulated[-1]) / limit
        # Half a row less: a bin that holds its part exactly ends there, whatever rounding does.
        last = np.unique(np.searchsorted(cumulated, targets - 0.5))
    is_whole = distinct.dtype.kind == "i"
    edges: list[float] = []
    for place in last[:-1].tolist():
        low, high = distinct[place], distinct[place + 1]
        edges.append(int(low) if is_whole else between(low, high))
    return edges, np.diff(cumulated[last], prepend=0).tolist()


def between(low: float, high: float) -> float:
    """Return the number of fewest digits at or above `low` and below `high`.

    >>> between(0.123456789, 0.123987654)
    0.1237
    """
    # Halves first: the sum of two large numbers may overflow.
    middle = float(low) / 2 + float(high) / 2
    for digits in range(1, DIGITS):
        candidate = float(f"{middle:.{digits}g}")
        if low <= candidate < high:
            return candidate
    return float(low)


def normal_scores(counts: Sequence[int]) -> tuple[int, ...]:
    """Return what each bin scores, in thousandths.

    It is the mean of a standard normal cut at the same probabilities, standardised under the
    counts (mean 0, variance 1); a single filled bin scores 0. Source: Blom 1958 (normal scores),
    for grouped data.

    Args:
        counts: shape (k,), in the order of the values.

    >>> normal_scores([50, 50])
    (-1000, 1000)
    """
    total = sum(counts)
    scores = []
    below = 0
    for count in counts:
        low, high = below / total, (below + count) / total
        if count:
            # The mean of a normal between two quantiles is the difference of its densities there.
            scores.append((_density(low) - _density(high)) * total / count)
        else:
            scores.append(_score_of_empty(low, total))
        below += count
    return standardised(scores, counts)


def _score_of_empty(probability: float, total: int) -> float:
    """Return the quantile at a probability, kept half a row away from the ends."""
    if total <= 1:
        return 0.0
    margin = 0.5 / total
    return _NORMAL.inv_cdf(min(max(probability, margin), 1 - margin))


def standardised(
    scores: Sequence[float],
    counts: Sequence[int],
) -> tuple[int, ...]:
    """Return scores shifted and scaled to mean 0 and variance 1, in thousandths; 0 if all equal.

    Args:
        scores: shape (k,).
        counts: under which mean and variance are taken, shape (k,).

    >>> standardised([1.0, 3.0], [1, 1])
    (-1000, 1000)
    """
    total = sum(counts)
    pairs = list(
        zip(
            scores,
            counts,
            strict=True,
        )
    )
    mean = sum(score * count for score, count in pairs) / total
    variance = sum((score - mean) ** 2 * count for score, count in pairs) / total
    scale = THOUSANDTHS / variance**0.5 if variance > 0 else 0.0
    return tuple(round((score - mean) * scale) for score in scores)


def _density(probability: float) -> float:
    """Return the normal density at a quantile; 0 at the ends of the line."""
    if not 0 < probability < 1:
        return 0.0
    return _NORMAL.pdf(_NORMAL.inv_cdf(probability))
