"""Fit a forest, tree by tree, with progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from .errors import TrainingError
from .recipes import ESTIMATORS, Recipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[int, int], None]
    """(trees done, trees in all)"""

#: Trees between two steps of the progress.
STEP = 5


@dataclass(frozen=True, eq=False)
class Sides:
    """The places of the rows on both sides of the split, each of shape (rows on that side,)."""

    learnt: npt.NDArray[np.intp]
    held_out: npt.NDArray[np.intp]


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator with its predictions of the rows that it had not seen."""

    #: Of scikit-learn, which has no types.
    estimator: Any
    #: Of the held-out rows.
    actual: Floats
    predicted: Floats
    sides: Sides
    #: Whether it was fitted on missing values too.
    missing: bool

    @property
    def training_rows(self) -> int:
        """Return how many rows were learnt."""
        return len(self.sides.learnt)


def split(rows: int, recipe: Recipe) -> Sides:
    """Return the two sides of so many rows; the same recipe gives the same sides."""
    from sklearn import model_selection  # noqa: PLC0415 - seconds that reading a file need not pay

    learnt, held_out = model_selection.train_test_split(
        np.arange(rows), test_size=recipe.held_out, random_state=recipe.seed
    )
    return Sides(learnt, held_out)


def fit(matrix: Floats, target: Floats, recipe: Recipe, progress: Progress | None = None) -> Fitted:
    """Fit a forest on all but the held-out share of the rows.

    The trees are grown a few at a time, so that progress can be shown; scikit-learn's warm start
    draws the same seeds as one call would, so the forest is the same.

    Args:
        matrix: Encoded rows, shape (rows, features), NaN for missing.
        target: Shape (rows,).
        recipe: What decides the model besides its data.
        progress: Called after every few trees.

    Raises:
        TrainingError: held-out rows miss values, and no learnt row does.
    """
    from sklearn import ensemble  # noqa: PLC0415 - as above

    sides = split(len(target), recipe)
    learnt, held_out = matrix[sides.learnt], matrix[sides.held_out]
    missing = bool(np.isnan(learnt).any())
    kind = getattr(ensemble, ESTIMATORS[recipe.estimator])
    estimator = kind(
        n_estimators=0,
        min_samples_leaf=recipe.min_samples_leaf,
        random_state=recipe.seed,
        warm_start=True,
        n_jobs=-1,
    )
    for trees in [*range(STEP, recipe.trees, STEP), recipe.trees]:
        estimator.set_params(n_estimators=trees)
        estimator.fit(learnt, target[sides.learnt])
        if progress is not None:
            progress(trees, recipe.trees)
    # One job sums the trees in order: bit-equal anywhere.
    estimator.set_params(warm_start=False, n_jobs=None)
    if np.isnan(held_out).any() and not missing:
        raise TrainingError(
            "missing values: too few rows have one to learn what it means; give more or fill them"
        )
    predicted = estimator.predict(held_out)
    return Fitted(estimator, target[sides.held_out], predicted, sides, missing)
