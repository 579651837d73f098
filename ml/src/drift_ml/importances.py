"""Permutation importances: how much worse a model gets when one input is shuffled."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.spec import METRIC_FEATURES

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    import numpy.typing as npt
    from drift_contracts.types import BundleManifestV2Score

    from drift_ml.baseline import Baseline

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.intp]
    Importances = dict[str, BundleManifestV2Score]
    #: Encoded rows, shape (rows, features), to a loss for each, shape (rows,).
    Loss = Callable[[Floats], Floats]

    class Model(Protocol):
        """What answers rows: a packed model, or a forest."""

        def scores_many(self, rows: Sequence[Sequence[float]]) -> Sequence[Sequence[float]]:
            """Return every output, or the probability of every class, of each row."""


REPEATS = 5
#: Answers of all shuffles together. Where features are many, they are shuffled in a sample of the
#: rows, of at least so many.
MOST_ANSWERS, FEWEST_ROWS = 500_000, 100
#: Of a normal distribution: both sides of 95 %.
_Z = 1.959963984540054


def importances_of_numbers(
    model: Model,
    matrix: Floats,
    target: Floats,
    names: Sequence[str],
    *,
    seed: int,
) -> Importances:
    """Return by how much the mean absolute error grows when a feature is shuffled.

    Args:
        model: As it will be served.
        matrix: Held-out rows, encoded, shape (rows, features), NaN for missing.
        target: Of these rows, shape (rows, outputs); errors are means over the outputs.
        names: Of the features, in the order of the columns.
        seed: Of the sample and the shuffling.
    """
    chosen = sampled_rows(len(matrix), len(names), seed=seed)
    actual = target[chosen]

    def loss(rows: Floats) -> Floats:
        answers = np.array(model.scores_many(rows.tolist()))
        errors: Floats = np.abs(answers - actual).mean(axis=1)
        return errors

    return permutation_importances(loss, matrix[chosen], names, seed=seed)


def importances_of_classes(
    model: Model,
    matrix: Floats,
    actual: Places,
    names: Sequence[str],
    *,
    seed: int,
) -> Importances:
    """Return by how much the Brier score grows when a feature is shuffled.

    Args:
        model: As it will be served.
        matrix: Held-out rows, encoded, shape (rows, features), NaN for missing.
        actual: The place of each row's class, shape (rows,).
        names: Of the features, in the order of the columns.
        seed: Of the sample and the shuffling.
    """
    chosen = sampled_rows(len(matrix), len(names), seed=seed)
    places = actual[chosen]

    def loss(rows: Floats) -> Floats:
        wrong = np.array(model.scores_many(rows.tolist()))
        wrong[np.arange(len(places)), places] -= 1
        squares: Floats = (wrong**2).sum(axis=1)
        return squares

    return permutation_importances(loss, matrix[chosen], names, seed=seed)


def importances_of_answers(
    model: Model,
    matrix: Floats,
    names: Sequence[str],
    *,
    seed: int,
) -> Importances:
    """Return how far answers move, on average, when a feature is shuffled; no target is needed.

    Args:
        model: As it will be served.
        matrix: Rows, encoded, shape (rows, features), NaN for missing.
        names: Of the features, in the order of the columns.
        seed: Of the sample and the shuffling.
    """
    chosen = sampled_rows(len(matrix), len(names), seed=seed)
    before = np.array(model.scores_many(matrix[chosen].tolist()))

    def loss(rows: Floats) -> Floats:
        moved = np.abs(np.array(model.scores_many(rows.tolist())) - before)
        largest: Floats = moved.max(axis=1)
        return largest

    return permutation_importances(loss, matrix[chosen], names, seed=seed)


def sampled_rows(rows: int, features: int, *, seed: int) -> Places:
    """Return the places of the rows that are shuffled, ascending: all where that is quick enough.

    Args:
        rows: How many there are.
        features: Of each row.
        seed: Of the sample.
    """
    most = max(MOST_ANSWERS // (REPEATS * features), FEWEST_ROWS)
    if rows <= most:
        return np.arange(rows)
    random = np.random.default_rng(seed)
    return np.sort(random.choice(rows, most, replace=False))


def permutation_importances(
    loss: Loss,
    matrix: Floats,
    names: Sequence[str],
    *,
    seed: int,
    repeats: int = REPEATS,
) -> Importances:
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
    importances: Importances = {}
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


def with_importances(baseline: Baseline, importances: Importances) -> Baseline:
    """Return a baseline that says which features get metrics, where there is a choice to make.

    Without one a regressor's baseline keeps its first version, which has no importances.
    """
    if baseline.classes or len(baseline.features) > METRIC_FEATURES:
        return replace(baseline, importances=importances)
    return baseline


def ranked(importances: Importances) -> list[str]:
    """Return the names of the features that the model uses, the most important first.

    >>> ranked({"age": {"value": 0.1}, "sqft": {"value": 0.4}, "garden": {"value": 0.0}})
    ['sqft', 'age']
    """
    used = {name: score["value"] or 0.0 for name, score in importances.items()}
    return sorted((name for name in used if used[name] > 0), key=used.__getitem__, reverse=True)
