"""How far apart two histograms on the same bins are."""

from __future__ import annotations

from itertools import accumulate, pairwise
from math import (
    log,
    log2,
    sqrt,
)
from typing import TYPE_CHECKING

from drift_ml.effects._bins import (
    SMOOTHING,
    same_bins,
    shares,
    smoothed,
)

if TYPE_CHECKING:
    from collections.abc import Sequence


def psi(
    expected: Sequence[int],
    actual: Sequence[int],
    *,
    smoothing: float = SMOOTHING,
) -> float:
    """Return the Population Stability Index: sum over bins of (q - p) ln(q / p).

    A shift of d standard deviations in normal data gives about d^2. Sources: Jeffreys 1946,
    Kullback & Leibler 1951 (the J-divergence); Siddiqi 2006 for its use in scoring.

    Args:
        expected: counts per bin, shape (k,); smoothed they are the shares p.
        actual: counts per bin, shape (k,); smoothed they are the shares q.
        smoothing: what is added to each count.

    Returns:
        Nats in [0, inf); 0 where the smoothed shares agree and only there.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> psi([50, 50], [50, 50])
    0.0
    >>> round(psi([50, 50], [25, 75], smoothing=0), 4)  # 0.25 ln 1.5 - 0.25 ln 0.5
    0.2747
    """
    same_bins(expected, actual)
    pairs = zip(
        smoothed(expected, smoothing),
        smoothed(actual, smoothing),
        strict=True,
    )
    # Without smoothing a bin may be empty on both sides: it differs by nothing.
    return sum(((q - p) * log(q / p) for p, q in pairs if p != q), 0.0)


def psi_expected(
    bins: int,
    expected: int,
    actual: int,
) -> float:
    """Return the PSI that chance alone gives on average: (k - 1) (1/m + 1/n).

    Source: Yurdakul 2018, from the chi-square limit of the J-divergence.

    Args:
        bins: k.
        expected: the sample size m, at least 1.
        actual: the sample size n, at least 1.

    >>> round(psi_expected(10, 10_000, 1_000), 4)
    0.0099
    """
    return (bins - 1) * (1 / expected + 1 / actual)


def ks(
    expected: Sequence[int],
    actual: Sequence[int],
) -> float:
    """Return the Kolmogorov-Smirnov distance: the largest difference of the cumulated shares.

    It is taken at the bins' edges, and so never more than the distance of the values themselves.
    Source: Smirnov 1948.

    Args:
        expected: counts per bin in the order of the values, shape (k,).
        actual: counts on the same bins.

    Returns:
        A share in [0, 1]; 0 if either is empty.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> ks([50, 50], [25, 75])
    0.25
    """
    return max((abs(gap) for gap in _gaps(expected, actual)), default=0.0)


def wasserstein(
    expected: Sequence[int],
    actual: Sequence[int],
    locations: Sequence[float],
) -> float:
    """Return the Wasserstein distance of order 1: the area between the cumulated shares.

    Source: Vallender 1974.

    Args:
        expected: counts per bin, shape (k,).
        actual: counts on the same bins.
        locations: where each bin stands, not decreasing, shape (k,).

    Returns:
        The unit of the locations: with normal scores, standard deviations of a normal with the
        same ranks, which saturates at the outermost bins.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> wasserstein([1, 1, 0], [0, 1, 1], [0.0, 1.0, 2.0])
    1.0
    """
    same_bins(expected, locations)
    widths = (high - low for low, high in pairwise(locations))
    # The last gap is 0, and there is no width beyond it.
    areas = zip(
        _gaps(expected, actual),
        widths,
        strict=False,
    )
    return sum((abs(gap) * width for gap, width in areas), 0.0)


def jensen_shannon(
    expected: Sequence[int],
    actual: Sequence[int],
) -> float:
    """Return the Jensen-Shannon distance: the root of the mean divergence from the middle, in bits.

    Sources: Lin 1991; Endres & Schindelin 2003 (the root is a metric).

    Args:
        expected: counts per bin, shape (k,), not smoothed.
        actual: counts on the same bins.

    Returns:
        A number in [0, 1]; 0 if either is empty.

    Raises:
        BinsDiffer: the bins are not the same.

    >>> jensen_shannon([1, 0], [0, 1])
    1.0
    """
    same_bins(expected, actual)
    if not sum(expected) or not sum(actual):
        return 0.0
    bits = 0.0
    for p, q in zip(
        shares(expected),
        shares(actual),
        strict=True,
    ):
        middle = (p + q) / 2
        bits += sum(part / 2 * log2(part / middle) for part in (p, q) if part)
    # Rounding may leave the sum a little outside of [0, 1].
    return sqrt(min(max(bits, 0.0), 1.0))


def _gaps(
    expected: Sequence[int],
    actual: Sequence[int],
) -> list[float]:
    """Return the differences of the cumulated shares after each bin; all 0 if either is empty."""
    same_bins(expected, actual)
    first, second = sum(expected), sum(actual)
    if not first or not second:
        return [0.0] * len(expected)
    cumulated = zip(
        accumulate(expected),
        accumulate(actual),
        strict=True,
    )
    return [after / second - before / first for before, after in cumulated]
