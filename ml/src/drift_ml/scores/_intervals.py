"""Percentile bootstrap intervals. Source: Efron and Tibshirani 1993, 13.3."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt
    from drift_contracts.types import BundleManifestV2Score

    Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95


def with_interval(value: float, resampled: Floats) -> BundleManifestV2Score:
    """Return a score with the limits between which most of its resampled values lie.

    Args:
        value: The score of all rows; NaN where it does not exist.
        resampled: Its values for rows drawn again, shape (resamples,); NaN where it does not exist.

    Returns:
        What does not exist is null.
    """
    low, high = _limits(resampled)
    return {"value": _or_none(value), "low": _or_none(low), "high": _or_none(high)}


def _limits(resampled: Floats) -> tuple[float, float]:
    """Return the limits between which most resampled scores lie, NaN where there is none."""
    if not np.isfinite(resampled).any():
        return float("nan"), float("nan")
    low, high = np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    return float(low), float(high)


def _or_none(value: float) -> float | None:
    return value if np.isfinite(value) else None
