"""How good a fitted model is on the rows held out, and whether that is good enough."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from drift_ml.calibration import calibration_bins
from drift_ml.scores import classification, regression

from .errors import ModelWorseThanMean

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import FeatureSet

    from drift_ml.baseline import CalibrationBin
    from drift_ml.tables import Table

    from .fitting import Fitted
    from .recipes import Recipe

NAN = float("nan")


def judge(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
    recipe: Recipe,
) -> Mapping[str, object]:
    """Return the scores as members of a manifest; of a classifier also by class.

    Args:
        feature_set: What the target is.
        table: The rows, both sides of the split.
        fitted: The estimator's answers to the rows that it has not seen.
        recipe: Its seed is that of the intervals.

    Raises:
        ModelWorseThanMean: predicting the mean, or the classes' shares, would do as well.
    """
    if not feature_set.target.is_class:
        scores = regression.score(fitted.actual, fitted.predicted, seed=recipe.seed)
        r2 = scores["r2"]["value"]
        if r2 is None or r2 <= 0:
            raise ModelWorseThanMean(NAN if r2 is None else r2)
        return {"scores": scores}
    answers = answers_of(feature_set, table, fitted)
    scores = classification.score(answers, seed=recipe.seed)
    skill = scores["brier_skill"]["value"]
    if skill is None or skill <= 0:
        raise ModelWorseThanMean(
            NAN if skill is None else skill, skill="Brier skill", simple="the classes' shares"
        )
    bins = calibration_of(answers)
    return {
        "scores": scores,
        "class_scores": classification.class_scores(answers, feature_set.target.classes),
        "calibration": [entry.to_json() for entry in bins],
    }


def answers_of(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> classification.Answers:
    """Return what a classifier answered to the held-out rows.

    Args:
        feature_set: What the target is.
        table: The rows, both sides of the split.
        fitted: A classifier's answers.
    """
    assert fitted.labels is not None  # noqa: S101 - fitting gives them for classes
    return classification.Answers.of(
        feature_set.target,
        table.target[fitted.sides.learnt].astype(np.intp),
        fitted.actual.astype(np.intp),
        fitted.predicted,
        fitted.labels,
    )


def calibration_of(answers: classification.Answers) -> tuple[CalibrationBin, ...]:
    """Return how often what the predictions give the probability of came true."""
    return calibration_bins(answers.scores, answers.happened)
