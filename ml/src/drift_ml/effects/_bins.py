"""Counts per bin: shares, smoothing, and merging neighbours."""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING

from drift_contracts import DriftError

if TYPE_CHECKING:
    from collections.abc import Sequence

SMOOTHING = 0.5
"""What is added to each count before a logarithm: Jeffreys' prior (Krichevsky & Trofimov 1981)."""


class BinsDiffer(DriftError):
    """Two histograms that do not have the same bins."""


def same_bins(expected: Sequence[float], actual: Sequence[float]) -> None:
    """Raise BinsDiffer unless both have as many bins, at least one."""
    if len(expected) != len(actual) or not expected:
        raise BinsDiffer(f"expected two histograms on the same bins; they have {len(expected)} and {len(actual)}")


def shares(counts: Sequence[float]) -> list[float]:
    """Counts divided by their sum, shape (k,); all 0 if nothing was counted.

    >>> shares([1, 3]), shares([0, 0])
    ([0.25, 0.75], [0.0, 0.0])
    """
    total = sum(counts)
    return [count / total if total else 0.0 for count in counts]


def smoothed(counts: Sequence[float], smoothing: float = SMOOTHING) -> list[float]:
    """Shares after adding `smoothing` to each of the k counts, so that none is 0: (c + a) / (n + k a).

    >>> smoothed([0, 1])
    [0.25, 0.75]
    """
    return shares([count + smoothing for count in counts])


def merge(expected: Sequence[int], actual: Sequence[int], most: int) -> tuple[list[int], list[int]]:
    """Neighbouring bins joined to at most `most` groups that hold about equal shares of `expected`.

    expected, actual: counts, shape (k,). Bin by bin, a group ends when the next equal part of the expected
    counts is full. Raises BinsDiffer.

    >>> merge([1, 1, 1, 1], [4, 3, 2, 1], 2)
    ([2, 2], [7, 3])
    """
    same_bins(expected, actual)
    if len(expected) <= most:
        return list(expected), list(actual)
    total = sum(expected)
    groups = [
        min(most - 1, int((upto - count / 2) * most / total)) if total else 0
        for upto, count in zip(accumulate(expected), expected, strict=True)
    ]
    found = sorted(set(groups))
    return (_sums(groups, expected, found), _sums(groups, actual, found))


def _sums(groups: Sequence[int], counts: Sequence[int], wanted: Sequence[int]) -> list[int]:
    return [sum(count for group, count in zip(groups, counts, strict=True) if group == one) for one in wanted]
