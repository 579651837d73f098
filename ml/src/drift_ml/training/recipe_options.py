"""The options of `driftctl train` that decide a model besides its data."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import FiniteRange

from .recipes import ESTIMATORS, Recipe, recipe_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

OPTIONS = (
    click.option(
        "--seed",
        default=Recipe.seed,
        show_default=True,
        type=click.IntRange(0, 2**32 - 1),
        help="Seed of data, split and estimator.",
    ),
    click.option(
        "--estimator",
        type=click.Choice(list(ESTIMATORS)),
        help="Kind of model, for numbers and classes. xgboost and lightgbm need the extra of their"
        f" name. Default: {Recipe.estimator}, for flight-delay hist-boosting.",
    ),
    click.option(
        "--trees",
        type=click.IntRange(1),
        help="Trees of a forest, or rounds of boosting, of which each grows a tree, or one for each"
        f" of more than two classes. Default: {Recipe.trees}.",
    ),
    click.option(
        "--min-samples-leaf",
        type=click.IntRange(1),
        help="Rows a leaf must hold; 5 gives a forest's file six times smaller than 1 at equal R2."
        " To xgboost their weight in the loss: a row of two classes weighs at most a quarter."
        f" Default: {Recipe.min_samples_leaf}, for flight-delay 20.",
    ),
    click.option(
        "--learning-rate",
        type=FiniteRange(1e-6, 1),
        help="Of boosting: how much of its tree each round adds."
        f" Default: {Recipe.learning_rate}, for flight-delay 0.03.",
    ),
    click.option(
        "--held-out",
        default=Recipe.held_out,
        show_default=True,
        type=FiniteRange(0.05, 0.9),
        help="Share of rows kept for the scores: the last where there are times, else at random.",
    ),
)


def recipe_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options to a command.

    Args:
        command: Takes them as `seed`, `estimator`, `trees`, `min_samples_leaf`, `learning_rate` and
            `held_out`; None for what nobody asked for.
    """
    # Decorators apply from the inside, and help lists options in the order of `OPTIONS`.
    for option in reversed(OPTIONS):
        command = option(command)
    return command


def read_recipe(model: str, asked: Mapping[str, Any]) -> Recipe:  # click has checked the values
    """Return the recipe of a model, with what was asked for.

    Another estimator than the model's starts from that estimator's defaults.

    Args:
        model: Its name.
        asked: Values by the names of a recipe's fields, None for what nobody asked for.

    Raises:
        UsageError: there is a learning rate, and no boosting.
    """
    wanted = {name: value for name, value in asked.items() if value is not None}
    recipe = recipe_of(model)
    if wanted.get("estimator", recipe.estimator) != recipe.estimator:
        recipe = Recipe()
    recipe = replace(recipe, **wanted)
    if "learning_rate" in wanted and not recipe.family.boosting:
        raise click.UsageError(f"--learning-rate is for boosting, and {recipe.estimator} is none")
    return recipe
