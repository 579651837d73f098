"""Scores of numbers: R2 and the usual errors, with bootstrap intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ._intervals import RESAMPLES, with_interval

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt
    from drift_contracts.types import BundleManifestV2Score

    Floats = npt.NDArray[np.float64]


def r2(actual: Floats, predicted: Floats) -> Floats:
    """Return the coefficient of determination along the last axis, (-inf, 1].

    NaN if the actual values are constant.
    """
    residual = ((actual - predicted) ** 2).sum(axis=-1)
    total = ((actual - actual.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        share: Floats = np.where(total > 0, 1 - residual / total, np.nan)
    return share


def mae(actual: Floats, predicted: Floats) -> Floats:
    """Return the mean absolute error along the last axis, in units of the target."""
    error: Floats = np.abs(actual - predicted).mean(axis=-1)
    return error


def rmse(actual: Floats, predicted: Floats) -> Floats:
    """Return the root mean squared error along the last axis, in units of the target."""
    error: Floats = np.sqrt(((actual - predicted) ** 2).mean(axis=-1))
    return error


def mape(actual: Floats, predicted: Floats) -> Floats:
    """Return the mean absolute error along the last axis, as a share of the actual value.

    No actual value may be 0.
    """
    share: Floats = np.abs((actual - predicted) / actual).mean(axis=-1)
    return share


SCORES: dict[str, Callable[[Floats, Floats], Floats]] = {
    "r2": r2,
    "mae": mae,
    "rmse": rmse,
    "mape": mape,
}


def score(
    actual: Floats,
    predicted: Floats,
    *,
    seed: int,
) -> dict[str, BundleManifestV2Score]:
    """Return each score with a 95 % percentile bootstrap interval over rows.

    Source: Efron and Tibshirani 1993, 13.3.

    Args:
        actual: Shape (rows,).
        predicted: Shape (rows,).
        seed: Of the resampling.

    Returns:
        By name; a score that does not exist for these rows (mape where an actual value is 0, r2
        where all are equal) is null.
    """
    shape = (RESAMPLES, len(actual))
    draws = np.random.default_rng(seed).integers(0, len(actual), shape)
    scores: dict[str, BundleManifestV2Score] = {}
    for name, function in SCORES.items():
        if name == "mape" and (actual == 0).any():
            scores[name] = {"value": None, "low": None, "high": None}
            continue
        resampled = function(actual[draws], predicted[draws])
        scores[name] = with_interval(float(function(actual, predicted)), resampled)
    return scores
