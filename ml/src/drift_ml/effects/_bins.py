"""Counts per bin: shares, smoothing, and merging neighbours."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import DriftError

if TYPE_CHECKING:
    from collections.abc import Sequence

#: What is added to each count before a logarithm: Jeffreys' prior (Krichevsky & Trofimov 1981).
SMOOTHING = 0.5


class BinsDiffer(DriftError):
    """Two histograms do not have the same bins."""


def same_bins(
    expected: Sequence[float],
    actual: Sequence[float],
) -> None:
    """Raise BinsDiffer unless both histograms have as many bins, at least one."""
    if len(expected) != len(actual) or not expected:
        raise BinsDiffer(
            f"expected two histograms on the same bins; they have {len(expected)} and {len(actual)}"
        )


def shares(counts: Sequence[float]) -> list[float]:
    """Return counts divided by their sum, shape (k,); all 0 if nothing was counted.

    >>> shares([1, 3]), shares([0, 0])
    ([0.25, 0.75], [0.0, 0.0])
    """
    total = sum(counts)
    if not total:
        return [0.0] * len(counts)
    return [count / total for count in counts]


def smoothed(
    counts: Sequence[float],
    smoothing: float = SMOOTHING,
) -> list[float]:
    """Return shares of which none is 0: (c + a) / (n + k a).

    Args:
        counts: shape (k,), n in all.
        smoothing: a, which is added to each.

    >>> smoothed([0, 1])
    [0.25, 0.75]
    """
    return shares([count + smoothing for count in counts])


def merge(
    expected: Sequence[int],
    actual: Sequence[int],
    most: int,
) -> tuple[list[int], list[int]]:
    """Return neighbouring bins joined to groups that hold about equal shares of `expected`.

    Bin by bin, a group ends when the next equal part of the expected counts is full.

    Args:
        expected: counts, shape (k,).
        actual: counts on the same bins, shape (k,).
        most: groups at most.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> merge([1, 1, 1, 1], [4, 3, 2, 1], 2)
    ([2, 2], [7, 3])
    """
    same_bins(expected, actual)
    if len(expected) <= most:
        return list(expected), list(actual)
    total = sum(expected)
    merged: dict[int, tuple[int, int]] = {}
    below = 0
    for first, second in zip(
        expected,
        actual,
        strict=True,
    ):
        # The middle of a bin decides in which equal part it lies.
        middle = below + first / 2
        group = min(most - 1, int(middle * most / total)) if total else 0
        before = merged.get(group, (0, 0))
        merged[group] = (before[0] + first, before[1] + second)
        below += first
    pairs = list(merged.values())
    return [pair[0] for pair in pairs], [pair[1] for pair in pairs]
