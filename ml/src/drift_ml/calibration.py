"""Whether probabilities are what they say: predicted against observed shares on held-out rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline import CalibrationBin
from drift_ml.effects import wilson

if TYPE_CHECKING:
    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

BINS = 10
#: Digits after the point: a curve of at most a hundred bins says no more.
DECIMALS = 6


def calibration_bins(
    scores: npt.ArrayLike,
    happened: npt.ArrayLike,
    bins: int = BINS,
) -> tuple[CalibrationBin, ...]:
    """Return the calibration curve over equally wide bins; one without a row is left out.

    Source: DeGroot & Fienberg 1983 (reliability diagrams).

    Args:
        scores: of held-out rows, shape (rows,), in 0..1: the probability of the positive class of
            two, or that of the label of more.
        happened: whether the row is of that class, shape (rows,).
        bins: into which 0..1 is divided, at least 1.

    Raises:
        ValueError: the lengths differ, or a score is no probability.

    >>> first, last = calibration_bins([0.1, 0.2, 0.9], [False, True, True], bins=2)
    >>> first.count, round(first.predicted, 2), first.observed, last.observed
    (2, 0.15, 0.5, 1.0)
    """
    probabilities = np.asarray(scores, dtype=np.float64)
    truths = np.asarray(happened, dtype=np.bool_)
    if probabilities.shape != truths.shape:
        raise ValueError("calibration: expected as many outcomes as scores")
    if not ((probabilities >= 0) & (probabilities <= 1)).all():
        raise ValueError("calibration: expected scores between 0 and 1")
    edges = np.linspace(0, 1, bins + 1)
    places = np.searchsorted(edges[1:-1], probabilities)
    filled = []
    for place in np.unique(places).tolist():
        inside = places == place
        count = int(inside.sum())
        share = wilson(int(truths[inside].sum()), count)
        filled.append(
            CalibrationBin(
                low=round(float(edges[place]), DECIMALS),
                high=round(float(edges[place + 1]), DECIMALS),
                count=count,
                predicted=round(float(probabilities[inside].mean()), DECIMALS),
                observed=round(share.value, DECIMALS),
                observed_low=round(share.low, DECIMALS),
                observed_high=round(share.high, DECIMALS),
            )
        )
    return tuple(filled)
