"""How good the model is on rows it has not seen, with bootstrap intervals."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

RESAMPLES = 1000
LEVEL = 0.95


def r2(actual: Floats, predicted: Floats) -> Floats:
    """Coefficient of determination along the last axis, (-inf, 1]; NaN if the actual values are constant."""
    residual = ((actual - predicted) ** 2).sum(axis=-1)
    total = ((actual - actual.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        result: Floats = np.where(total > 0, 1 - residual / total, np.nan)
    return result


def mae(actual: Floats, predicted: Floats) -> Floats:
    """Mean absolute error along the last axis, in units of the target."""
    result: Floats = np.abs(actual - predicted).mean(axis=-1)
    return result


def rmse(actual: Floats, predicted: Floats) -> Floats:
    """Root mean squared error along the last axis, in units of the target."""
    result: Floats = np.sqrt(((actual - predicted) ** 2).mean(axis=-1))
    return result


def mape(actual: Floats, predicted: Floats) -> Floats:
    """Mean absolute error as a share of the actual value, along the last axis; no actual value may be 0."""
    result: Floats = np.abs((actual - predicted) / actual).mean(axis=-1)
    return result


SCORES: dict[str, Callable[[Floats, Floats], Floats]] = {"r2": r2, "mae": mae, "rmse": rmse, "mape": mape}


def score(actual: Floats, predicted: Floats, *, seed: int) -> dict[str, dict[str, float | None]]:
    """Each score with a 95 % percentile bootstrap interval over rows (Efron and Tibshirani 1993, 13.3).

    actual, predicted: shape (rows,). Returns {name: {value, low, high}}; a score that does not exist for
    these rows (mape where an actual value is 0, r2 where all are equal) is null.
    """
    draws = np.random.default_rng(seed).integers(0, len(actual), (RESAMPLES, len(actual)))
    result: dict[str, dict[str, float | None]] = {}
    for name, function in SCORES.items():
        if name == "mape" and (actual == 0).any():
            result[name] = {"value": None, "low": None, "high": None}
            continue
        resampled = function(actual[draws], predicted[draws])
        low, high = (
            np.nanquantile(resampled, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
            if np.isfinite(resampled).any()
            else (np.nan, np.nan)
        )
        values = {"value": float(function(actual, predicted)), "low": float(low), "high": float(high)}
        result[name] = {key: value if np.isfinite(value) else None for key, value in values.items()}
    return result
