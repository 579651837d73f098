"""What a channel's bin probabilities become under a drift: the alternatives of the charts.

A distribution is a vector of bin probabilities, shape (k,), sum 1, none of them zero.
"""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Rows that are added to each bin of a reference, so that no probability is zero.
JEFFREYS = 0.5
#: Of more bins, or where most are empty, one row is added in all: half a row each would be more
#: rows than were seen, and traffic as concentrated as the reference would look like a change.
MOST_BINS_WITH_HALF_A_ROW = 64
#: The largest correlation that is taken for true: at 1 the density of a product has no width.
STEEPEST = 0.95
#: Probabilities nearer to 0 or 1 are cut off: a quantile of the normal must be finite.
TAIL = 1e-12
#: A bin that a large shift empties keeps so much, for the logarithm.
LEAST_PROBABILITY = 1e-300
_NORMAL = NormalDist()


def reference_distribution(counts: npt.ArrayLike) -> Floats:
    """Return bin probabilities estimated from reference counts of shape (k,), none of them zero.

    Half a row is added to each bin; of more than 64 bins, or where most are empty, one row in all.
    Sources: Krichevsky & Trofimov 1981 (Jeffreys' prior); Perks 1947.

    >>> reference_distribution([9, 0]).tolist()
    [0.95, 0.05]
    """
    bins = np.asarray(counts, dtype=np.float64)
    few = len(bins) <= MOST_BINS_WITH_HALF_A_ROW
    is_spread = 2 * np.count_nonzero(bins) >= len(bins)
    raised = bins + (JEFFREYS if few and is_spread else 1 / len(bins))
    return np.asarray(raised / raised.sum())


def shifted(
    distribution: Floats,
    size: float,
    scale: float = 1.0,
) -> Floats:
    """Return the distribution after a move and a stretch on the normal-score axis.

    The bins are read as cuts of a standard normal, so that nothing is assumed of the values
    themselves: equal ranks give equal distributions. Source: van der Waerden 1952 (normal scores).

    Args:
        distribution: bins in the order of their values, shape (k,).
        size: of the move, in standard deviations; positive is up.
        scale: by which the standard deviation is multiplied.

    >>> shifted(np.array([0.5, 0.5]), 1.0).round(3).tolist()
    [0.159, 0.841]
    """
    cumulated = np.cumsum(distribution)[:-1]
    cuts = [_NORMAL.inv_cdf(min(max(share, TAIL), 1 - TAIL)) for share in cumulated]
    below = [erfc((size - cut) / scale / sqrt(2)) / 2 for cut in cuts]
    moved = np.maximum(np.diff([0.0, *below, 1.0]), LEAST_PROBABILITY)
    return np.asarray(moved / moved.sum())


def coupled(
    distribution: Floats,
    products: Floats,
    rho: float,
    before: float = 0.0,
) -> Floats:
    """Return the distribution of the product of two normal scores under another correlation.

    The density of a product of normals is exp(rho z / (1 - rho^2)) K0(|z| / (1 - rho^2)) up to a
    constant, and K0 decays like exp: what is left is a tilt with one slope on either side of zero,
    renormalised on the reference. Source: Craig 1936.

    Args:
        distribution: of the product now, shape (k,).
        products: the product that stands for each bin, shape (k,).
        rho: the correlation then, within +-0.95.
        before: the correlation now.

    >>> coupled(np.array([0.5, 0.5]), np.array([-1.0, 1.0]), 0.5).round(3).tolist()
    [0.209, 0.791]
    """
    tilt = _slopes(products, rho) - _slopes(products, before)
    # Less the largest exponent, so that exp cannot overflow; the sum is divided out again.
    raised = distribution * np.exp(tilt - tilt.max())
    return np.asarray(raised / raised.sum())


def _slopes(
    products: Floats,
    rho: float,
) -> Floats:
    # Above zero the exponent is (rho - 1) z / (1 - rho^2) = -z / (1 + rho), where independence has
    # -z: the difference is a slope of rho / (1 + rho). Below zero it is rho / (1 - rho) likewise.
    slope = np.where(products > 0, rho / (1 + rho), rho / (1 - rho))
    return np.asarray(products * slope)


def favoured(
    distribution: Floats,
    bin_: int,
    odds: float,
) -> Floats:
    """Return the distribution when the odds of one bin are multiplied.

    Args:
        distribution: shape (k,).
        bin_: the index of the bin.
        odds: the factor.

    >>> favoured(np.array([0.5, 0.5]), 1, 3.0).tolist()
    [0.25, 0.75]
    """
    raised = distribution.copy()
    raised[bin_] *= odds
    return np.asarray(raised / raised.sum())


def mixed(
    distribution: Floats,
    bin_: int,
    share: float,
) -> Floats:
    """Return the distribution when a share of all events moves into one bin.

    Args:
        distribution: shape (k,).
        bin_: the index of the bin.
        share: of all events, between 0 and 1.

    >>> mixed(np.array([0.5, 0.5]), 1, 0.5).tolist()
    [0.25, 0.75]
    """
    moved = distribution * (1 - share)
    moved[bin_] += share
    return np.asarray(moved)
