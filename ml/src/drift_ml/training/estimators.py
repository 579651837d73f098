"""Unfitted estimators of every family, so set that equal rows give equal models anywhere."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from drift_contracts.wording import listed

from .errors import LibraryMissing, TrainingError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    import numpy as np
    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .recipes import Recipe

    Floats = npt.NDArray[np.float64]
    #: As the manifest has them.
    Parameters = Mapping[str, float]

#: What each library calls trees, rows of a leaf and the seed.
NAMES = {
    "hist-boosting": ("max_iter", "min_samples_leaf", "random_state"),
    "xgboost": ("n_estimators", "min_child_weight", "random_state"),
    "lightgbm": ("n_estimators", "min_child_samples", "random_state"),
}
SCIKIT_LEARN = ("n_estimators", "min_samples_leaf", "random_state")


def parameters(recipe: Recipe) -> Parameters:
    """Return what a recipe sets, by the names of its library."""
    trees, leaf, seed = NAMES.get(recipe.estimator, SCIKIT_LEARN)
    settings: dict[str, float] = {
        trees: recipe.trees,
        leaf: recipe.min_samples_leaf,
        seed: recipe.seed,
    }
    if recipe.family.boosting:
        settings["learning_rate"] = recipe.learning_rate
    return settings


def make_estimator(feature_set: FeatureSet, recipe: Recipe) -> Any:  # no library has types
    """Return an unfitted estimator for a target.

    Args:
        feature_set: Its target says whether classes are learnt, its features which are categories.
        recipe: What decides the model besides its data.

    Raises:
        LibraryMissing: the library of the estimator is not installed.
    """
    family = recipe.family
    name = family.classifier if feature_set.target.is_class else family.regressor
    try:
        kind = getattr(import_module(family.module), name)
    except ModuleNotFoundError as error:
        if error.name != family.module or family.extra is None:
            raise
        raise LibraryMissing(recipe.estimator, family.library, family.extra) from error
    return kind(**parameters(recipe), **_settings(feature_set, recipe))


def categories_of(feature_set: FeatureSet, recipe: Recipe) -> list[int]:
    """Return the places of the features whose categories the estimator tells apart by name.

    To other estimators a category is its place in the list, a number like any other, which trees
    split again and again.
    """
    places = []
    for place, feature in enumerate(feature_set.features):
        # One more stands for all newcomers.
        codes = len(feature.categories) + feature.other
        if feature.type == "category" and codes <= recipe.family.most_categories:
            places.append(place)
    return places


def _settings(feature_set: FeatureSet, recipe: Recipe) -> Mapping[str, Any]:
    """Return what the recipe does not decide: categories, and what makes runs repeatable."""
    places = categories_of(feature_set, recipe)
    if recipe.estimator == "hist-boosting":
        # Else rows beyond 10,000 would change how long it learns.
        return {"categorical_features": places or None, "early_stopping": False}
    if recipe.estimator == "xgboost":
        kinds = ["c" if place in places else "q" for place in range(len(feature_set.features))]
        # Sums of several threads differ in their last bits from run to run.
        return {
            "feature_types": kinds,
            "enable_categorical": True,
            "tree_method": "hist",
            "n_jobs": 1,
        }
    if recipe.estimator == "lightgbm":
        return {"deterministic": True, "force_row_wise": True, "n_jobs": 1, "verbose": -1}
    return {}


def fit_settings(feature_set: FeatureSet, recipe: Recipe) -> Mapping[str, Any]:
    """Return what the estimator's `fit` takes beside rows and target."""
    if recipe.estimator != "lightgbm":
        return {}
    return {"categorical_feature": categories_of(feature_set, recipe) or "auto"}


def check_missing(
    feature_set: FeatureSet,
    recipe: Recipe,
    matrix: Floats,
) -> None:
    """Raise TrainingError where rows lack values and the estimator takes none that are missing.

    Args:
        feature_set: Names the columns.
        recipe: Names the estimator.
        matrix: Encoded rows, shape (rows, features), NaN for missing.
    """
    if recipe.family.takes_missing:
        return
    absent = (matrix != matrix).any(axis=0)  # noqa: PLR0124 - NaN
    names = [name for name, some in zip(feature_set.names, absent, strict=True) if some]
    if names:
        raise TrainingError(
            f"--estimator {recipe.estimator} takes no missing values, and {listed(names)} lack"
            " some: choose --estimator hist-boosting or random-forest, which learn what a missing"
            " value means, or fill them"
        )
