"""What a channel's bin probabilities become under a drift of a given size: the alternatives of the charts."""

from __future__ import annotations

from math import erfc, sqrt
from statistics import NormalDist
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

JEFFREYS = 0.5
STEEPEST = 0.95
_NORMAL = NormalDist()


def reference_distribution(counts: npt.ArrayLike) -> Floats:
    """Bin probabilities estimated from reference counts, none of them zero.

    counts: shape (k,). Half a row is added to each bin. Source: Krichevsky & Trofimov 1981 (Jeffreys prior).

    >>> reference_distribution([9, 0]).tolist()
    [0.95, 0.05]
    """
    raised = np.asarray(counts, dtype=np.float64) + JEFFREYS
    return np.asarray(raised / raised.sum())


def shifted(law: Floats, size: float, scale: float = 1.0) -> Floats:
    """The law after a move by `size` and a stretch by `scale` on the normal-score axis.

    law: shape (k,), bins in the order of their values. The bins are read as cuts of a standard normal, so no
    assumption is made on the values themselves: equal ranks give equal laws. Returns shape (k,), sum 1.
    Source: van der Waerden 1952 (normal scores).

    >>> shifted(np.array([0.5, 0.5]), 1.0).round(3).tolist()
    [0.159, 0.841]
    """
    cuts = [_NORMAL.inv_cdf(min(max(p, 1e-12), 1 - 1e-12)) for p in np.cumsum(law)[:-1]]
    upto = [0.0, *(erfc((size - cut) / scale / sqrt(2)) / 2 for cut in cuts), 1.0]
    moved = np.maximum(np.diff(upto), 1e-300)
    return np.asarray(moved / moved.sum())


def coupled(law: Floats, products: Floats, rho: float, before: float = 0.0) -> Floats:
    """The law of the product of two normal scores when their correlation goes from `before` to `rho`.

    law, products: shape (k,), the product that stands for each bin. The density of a product of normals is
    exp(rho z / (1 - rho^2)) K0(|z| / (1 - rho^2)) up to a constant, and K0 decays like exp: what is left is a
    tilt with one slope on either side of zero, renormalised on the reference. Source: Craig 1936.

    >>> coupled(np.array([0.5, 0.5]), np.array([-1.0, 1.0]), 0.5).round(3).tolist()
    [0.209, 0.791]
    """
    tilt = _slopes(products, rho) - _slopes(products, before)
    raised = law * np.exp(tilt - tilt.max())
    return np.asarray(raised / raised.sum())


def _slopes(products: Floats, rho: float) -> Floats:
    return np.asarray(products * np.where(products > 0, rho / (1 + rho), rho / (1 - rho)))


def favoured(law: Floats, bin_: int, odds: float) -> Floats:
    """The law when the odds of one bin are multiplied.

    >>> favoured(np.array([0.5, 0.5]), 1, 3.0).tolist()
    [0.25, 0.75]
    """
    raised = law.copy()
    raised[bin_] *= odds
    return np.asarray(raised / raised.sum())


def mixed(law: Floats, bin_: int, share: float) -> Floats:
    """The law when a share of all events moves into one bin.

    >>> mixed(np.array([0.5, 0.5]), 1, 0.5).tolist()
    [0.25, 0.75]
    """
    moved = law * (1 - share)
    moved[bin_] += share
    return np.asarray(moved)
