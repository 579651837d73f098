"""Fit an estimator, a forest tree by tree with progress."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.wording import listed

from drift_ml.scores.classification import labels_of

from .errors import TrainingError
from .estimators import check_missing, fit_settings, make_estimator
from .holding_out import Sides, split

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .recipes import Recipe

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.intp]
    Progress = Callable[[int, int], None]
    """(trees done, trees in all)"""

__all__ = ["Fitted", "Sides", "fit", "split"]

#: Trees between two steps of the progress.
STEP = 5


@dataclass(frozen=True, eq=False)
class Fitted:
    """A fitted estimator with its predictions of the rows that it had not seen."""

    #: Of its library, none of which has types.
    estimator: Any
    #: Of the held-out rows: numbers, or the places of their classes, shape (rows,).
    actual: Floats
    #: What the estimator says of them: numbers, shape (rows,), or the probability of every class,
    #: shape (rows, classes).
    predicted: Floats
    sides: Sides
    #: Whether it was fitted on missing values too.
    missing: bool
    #: The place of the class that the estimator chooses, shape (rows,); None for numbers.
    labels: Places | None = None

    @property
    def training_rows(self) -> int:
        """Return how many rows were learnt."""
        return len(self.sides.learnt)


def fit(
    feature_set: FeatureSet,
    matrix: Floats,
    target: Floats,
    recipe: Recipe,
    progress: Progress | None = None,
    sides: Sides | None = None,
) -> Fitted:
    """Fit an estimator on all rows but those held out.

    The trees of a forest are grown a few at a time, so that progress can be shown; scikit-learn's
    warm start draws the same seeds as one call would, so the forest is the same.

    Args:
        feature_set: Which features are categories, and whether classes are learnt.
        matrix: Encoded rows, shape (rows, features), NaN for missing.
        target: Numbers, or places in the list of classes, shape (rows,).
        recipe: What decides the model besides its data.
        progress: Called after every few trees.
        sides: Of the split; drawn at random by the recipe, if absent.

    Raises:
        TrainingError: rows miss values that the estimator cannot take, or has not learnt; no learnt
            row has one of the classes; or the estimator's library is not installed.
    """
    sides = sides or split(len(target), recipe)
    check_missing(feature_set, recipe, matrix)
    learnt, held_out = matrix[sides.learnt], matrix[sides.held_out]
    missing = bool(np.isnan(learnt).any())
    wanted: Floats | Places = target[sides.learnt]
    if feature_set.target.is_class:
        places = wanted.astype(np.intp)
        _check_classes(feature_set, places)
        wanted = places
    estimator = make_estimator(feature_set, recipe)
    progress = progress or _ignore
    if not recipe.family.boosting:
        _grow(estimator, learnt, wanted, recipe, progress)
        if np.isnan(held_out).any() and not missing:
            raise TrainingError(
                "missing values: too few rows have one to learn what it means; give more or fill"
                " them"
            )
    else:
        estimator.fit(learnt, wanted, **fit_settings(feature_set, recipe))
        progress(recipe.trees, recipe.trees)
    actual = target[sides.held_out]
    if not feature_set.target.is_class:
        predicted = np.asarray(estimator.predict(held_out), dtype=np.float64)
        return Fitted(estimator, actual, predicted, sides, missing)
    predicted = np.asarray(estimator.predict_proba(held_out), dtype=np.float64)
    chosen = np.asarray(estimator.predict(held_out)).astype(np.intp)
    labels = labels_of(feature_set.target, chosen, predicted)
    return Fitted(estimator, actual, predicted, sides, missing, labels)


def _ignore(done: int, trees: int) -> None:
    """Watch nothing."""


def _grow(
    estimator: Any,
    learnt: Floats,
    wanted: Any,
    recipe: Recipe,
    progress: Progress,
) -> None:
    """Grow a forest a few trees at a time."""
    estimator.set_params(warm_start=True, n_jobs=-1)
    for trees in [*range(STEP, recipe.trees, STEP), recipe.trees]:
        estimator.set_params(n_estimators=trees)
        estimator.fit(learnt, wanted)
        progress(trees, recipe.trees)
    # One job sums the trees in order: bit-equal anywhere.
    estimator.set_params(warm_start=False, n_jobs=None)


def _check_classes(feature_set: FeatureSet, places: Places) -> None:
    """Raise TrainingError where no learnt row has one of the classes."""
    counts = np.bincount(places, minlength=len(feature_set.target.classes))
    absent = [feature_set.target.classes[place] for place in np.flatnonzero(counts == 0)]
    if absent:
        raise TrainingError(
            f"classes: expected learnt rows of each class, and there are none of {listed(absent)}:"
            " give more rows, hold out fewer, or take the class out of the feature set"
        )
