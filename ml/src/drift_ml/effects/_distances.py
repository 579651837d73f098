"""How far apart two histograms on the same bins are."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import log, log2, sqrt
from typing import TYPE_CHECKING

from drift_ml.effects._bins import SMOOTHING, same_bins, shares, smoothed

if TYPE_CHECKING:
    from collections.abc import Sequence


def psi(expected: Sequence[int], actual: Sequence[int], *, smoothing: float = SMOOTHING) -> float:
    """Population Stability Index: sum over bins of (q - p) ln(q / p), p and q smoothed.

    expected, actual: counts per bin, shape (k,). Returns nats in [0, inf); 0 iff the smoothed shares agree.
    A shift of d standard deviations in normal data gives about d^2. Raises BinsDiffer. Source: Jeffreys
    1946, Kullback & Leibler 1951 (the J-divergence); Siddiqi 2006 for its use in scoring.

    >>> psi([50, 50], [50, 50])
    0.0
    >>> round(psi([50, 50], [25, 75], smoothing=0), 4)  # 0.25 ln 1.5 - 0.25 ln 0.5
    0.2747
    """
    same_bins(expected, actual)
    pairs = zip(smoothed(expected, smoothing), smoothed(actual, smoothing), strict=True)
    return sum(((q - p) * log(q / p) for p, q in pairs if p != q), 0.0)


def psi_expected(bins: int, expected: int, actual: int) -> float:
    """The PSI that chance alone gives on average: (k - 1) (1/m + 1/n).

    bins: k. expected, actual: the two sample sizes m and n, at least 1. Source: Yurdakul 2018, from the
    chi-square limit of the J-divergence.

    >>> round(psi_expected(10, 10_000, 1_000), 4)
    0.0099
    """
    return (bins - 1) * (1 / expected + 1 / actual)


def ks(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Kolmogorov-Smirnov distance: the largest difference of the cumulated shares, at the bins' edges.

    expected, actual: counts per bin in the order of the values, shape (k,). Returns a share in [0, 1]; never
    more than the distance of the values themselves. 0 if either is empty. Raises BinsDiffer. Source:
    Smirnov 1948.

    >>> ks([50, 50], [25, 75])
    0.25
    """
    return max((abs(gap) for gap in _gaps(expected, actual)), default=0.0)


def wasserstein(expected: Sequence[int], actual: Sequence[int], locations: Sequence[float]) -> float:
    """Wasserstein distance of order 1: the area between the cumulated shares over the bins' locations.

    expected, actual: counts per bin, shape (k,); locations: where each bin stands, not decreasing, shape
    (k,). Returns the unit of the locations: with normal scores, standard deviations of a normal with the
    same ranks, which saturates at the outermost bins. Raises BinsDiffer. Source: Vallender 1974.

    >>> wasserstein([1, 1, 0], [0, 1, 1], [0.0, 1.0, 2.0])
    1.0
    """
    same_bins(expected, locations)
    steps = (high - low for low, high in pairwise(locations))
    return sum((abs(gap) * step for gap, step in zip(_gaps(expected, actual), steps, strict=False)), 0.0)


def jensen_shannon(expected: Sequence[int], actual: Sequence[int]) -> float:
    """Jensen-Shannon distance: the root of the mean divergence from the middle, in bits.

    expected, actual: counts per bin, shape (k,), not smoothed. Returns a number in [0, 1]; 0 if either is
    empty. Raises BinsDiffer. Source: Lin 1991; Endres & Schindelin 2003 (the root is a metric).

    >>> jensen_shannon([1, 0], [0, 1])
    1.0
    """
    same_bins(expected, actual)
    if not sum(expected) or not sum(actual):
        return 0.0
    bits = 0.0
    for p, q in zip(shares(expected), shares(actual), strict=True):
        middle = (p + q) / 2
        bits += sum(part / 2 * log2(part / middle) for part in (p, q) if part)
    return sqrt(min(max(bits, 0.0), 1.0))


def _gaps(expected: Sequence[int], actual: Sequence[int]) -> list[float]:
    """The differences of the cumulated shares after each bin; all 0 if either is empty."""
    same_bins(expected, actual)
    first, second = sum(expected), sum(actual)
    if not first or not second:
        return [0.0] * len(expected)
    upto = zip(accumulate(expected), accumulate(actual), strict=True)
    return [b / second - a / first for a, b in upto]
