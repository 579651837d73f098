"""Fit a forest, tree by tree, with progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import TrainingError

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[int, int], None]
    """(trees done, trees in all)"""

ESTIMATORS = {"random-forest": "RandomForestRegressor", "extra-trees": "ExtraTreesRegressor"}
"""Classes of sklearn.ensemble."""
STEP = 5


@dataclass(frozen=True)
class Recipe:
    """What decides a model besides its data."""

    estimator: str = "random-forest"
    trees: int = 100
    min_samples_leaf: int = 5
    held_out: float = 0.2
    seed: int = 7


@dataclass(frozen=True)
class Fitted:
    """A fitted estimator with what it said of the rows it had not seen; missing: it was fitted on NaN too."""

    estimator: Any
    actual: Floats
    predicted: Floats
    sides: Sides
    missing: bool

    @property
    def training_rows(self) -> int:
        """Return how many rows were learnt."""
        return len(self.sides.learnt)


@dataclass(frozen=True, eq=False)
class Sides:
    """The places of the rows on both sides of the split, each of shape (rows on that side,)."""

    learnt: npt.NDArray[np.intp]
    held_out: npt.NDArray[np.intp]


def split(rows: int, recipe: Recipe) -> Sides:
    """Return the two sides of so many rows; the same recipe gives the same sides."""
    from sklearn import model_selection  # noqa: PLC0415 - seconds that reading a file need not pay

    learnt, held_out = model_selection.train_test_split(
        np.arange(rows), test_size=recipe.held_out, random_state=recipe.seed
    )
    return Sides(learnt, held_out)


def fit(matrix: Floats, target: Floats, recipe: Recipe, progress: Progress | None = None) -> Fitted:
    """Fit on all but the held-out share of the rows.

    The trees are grown a few at a time, so that progress can be shown; scikit-learn's warm start draws the
    same seeds as one call would, so the forest is the same.
    """
    from sklearn import ensemble  # noqa: PLC0415 - as above

    sides = split(len(target), recipe)
    seen, unseen = sides.learnt, sides.held_out
    estimator = getattr(ensemble, ESTIMATORS[recipe.estimator])(
        n_estimators=0,
        min_samples_leaf=recipe.min_samples_leaf,
        random_state=recipe.seed,
        warm_start=True,
        n_jobs=-1,
    )
    for trees in [*range(STEP, recipe.trees, STEP), recipe.trees]:
        estimator.set_params(n_estimators=trees)
        estimator.fit(matrix[seen], target[seen])
        if progress is not None:
            progress(trees, recipe.trees)
    estimator.set_params(warm_start=False, n_jobs=None)  # one job sums the trees in order: bit-equal anywhere
    missing = bool(np.isnan(matrix[seen]).any())
    if np.isnan(matrix[unseen]).any() and not missing:
        raise TrainingError("missing values: too few rows have one to learn what it means; give more or fill them")
    return Fitted(estimator, target[unseen], estimator.predict(matrix[unseen]), sides, missing)
