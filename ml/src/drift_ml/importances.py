"""Permutation importances: how much worse a model gets when one input is shuffled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts.types import BundleManifestV2Score

    Floats = npt.NDArray[np.float64]
    #: Encoded rows, shape (rows, features), to a loss for each, shape (rows,).
    Loss = Callable[[Floats], Floats]

REPEATS = 5
#: Of a normal distribution: both sides of 95 %.
_Z = 1.959963984540054


def permutation_importances(
    loss: Loss,
    matrix: Floats,
    names: Sequence[str],
    *,
    seed: int,
    repeats: int = REPEATS,
) -> dict[str, BundleManifestV2Score]:
    """Return the mean increase of the loss when a column is shuffled, by feature.

    Source: Breiman 2001, section 10; Fisher, Rudin and Dominici 2019.

    Args:
        loss: Of each row, in any unit: the absolute error of a number, or the squared error of
            probabilities.
        matrix: Held-out rows, encoded, shape (rows, features), NaN for missing.
        names: Of the features, in the order of the columns.
        seed: Of the shuffling.
        repeats: Shuffles of each column, of which a row's mean is taken.

    Returns:
        By name, with a 95 % interval over rows; 0 for a feature that the model does not use.
    """
    random = np.random.default_rng(seed)
    before = loss(matrix)
    importances: dict[str, BundleManifestV2Score] = {}
    for column, name in enumerate(names):
        total = np.zeros(len(matrix))
        shuffled = matrix.copy()
        for _ in range(repeats):
            shuffled[:, column] = matrix[random.permutation(len(matrix)), column]
            total += loss(shuffled) - before
        increase = total / repeats
        value = float(increase.mean())
        error = _Z * float(increase.std()) / len(matrix) ** 0.5
        importances[name] = {"value": value, "low": value - error, "high": value + error}
    return importances


def ranked(importances: Mapping[str, BundleManifestV2Score]) -> list[str]:
    """Return the names of the features that the model uses, the most important first.

    >>> ranked({"age": {"value": 0.1}, "sqft": {"value": 0.4}, "garden": {"value": 0.0}})
    ['sqft', 'age']
    """
    used = {name: score["value"] or 0.0 for name, score in importances.items()}
    return sorted((name for name in used if used[name] > 0), key=used.__getitem__, reverse=True)
