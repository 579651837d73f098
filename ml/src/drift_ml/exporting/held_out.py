"""What a model is worth on rows that it has not seen: answers, errors, scores, importances."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline.fit import fit_baseline
from drift_ml.calibration import calibration_bins
from drift_ml.importances import (
    importances_of_answers,
    importances_of_classes,
    importances_of_numbers,
    ranked,
    with_importances,
)
from drift_ml.scores import classification, regression
from drift_ml.segments.fit import HeldOutAnswers

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.types import BundleManifestV2Score
    from drift_engine.model import PackedModel
    from drift_engine.onnx._model import OnnxModel

    from drift_ml.baseline import Baseline

    from .rows import Rows

    Floats = npt.NDArray[np.float64]
    AnyModel = PackedModel | OnnxModel

#: Of the mean answer's interval.
RESAMPLES = 1000


@dataclass(frozen=True)
class HeldOut:
    """What the manifest and the baseline say of a model."""

    scores: Mapping[str, BundleManifestV2Score]
    baseline: Baseline
    #: Further members of the manifest.
    members: Mapping[str, object] = field(default_factory=dict)
    #: What is to be said of the model, for the manifest.
    warnings: tuple[Mapping[str, object], ...] = ()


def measure(
    model: AnyModel,
    feature_set: FeatureSet,
    learnt: Rows,
    held_out: Rows,
    *,
    seed: int,
) -> HeldOut:
    """Return what a packed model is worth on held-out rows.

    Args:
        model: As it will be served.
        feature_set: What rows are.
        learnt: The rows that the estimator was fitted on.
        held_out: Rows that it was not fitted on.
        seed: Of resampling and shuffling.
    """
    has_target = held_out.target.shape[1] > 0
    if feature_set.target.is_class and has_target:
        return _of_classes(model, feature_set, learnt, held_out, seed)
    if not has_target:
        return _of_answers(model, feature_set, learnt, held_out, seed)
    return _of_numbers(model, feature_set, learnt, held_out, seed)


def _of_numbers(
    model: AnyModel,
    feature_set: FeatureSet,
    learnt: Rows,
    held_out: Rows,
    seed: int,
) -> HeldOut:
    """Return scores of each target; figures of the baseline are of the first."""
    predicted = np.array(model.scores_many(held_out.matrix.tolist()))
    scores = regression.score(held_out.target[:, 0], predicted[:, 0], seed=seed)
    for place, name in enumerate(feature_set.target.output_names):
        of_output = regression.score(held_out.target[:, place], predicted[:, place], seed=seed)
        # Names of scores are in lower case.
        suffix = name.lower()
        scores.update({f"{score}_{suffix}": value for score, value in of_output.items()})

    importances = importances_of_numbers(
        model, held_out.matrix, held_out.target, feature_set.names, seed=seed
    )
    baseline = fit_baseline(
        feature_set,
        columns_of(feature_set, learnt),
        target=learnt.target[:, 0],
        predictions=predicted[:, 0],
        errors=predicted[:, 0] - held_out.target[:, 0],
        important=ranked(importances),
    )
    worse = []
    for name in feature_set.target.output_names or ("",):
        r2 = scores[f"r2_{name.lower()}" if name else "r2"]["value"]
        if r2 is None or r2 <= 0:
            score = f"R2 of {name}" if name else "R2"
            worse.append(_no_better(score, "predicting the mean"))
    baseline = with_importances(baseline, importances)
    return HeldOut(scores, baseline, {"importances": importances}, tuple(worse))


def _of_answers(
    model: AnyModel,
    feature_set: FeatureSet,
    learnt: Rows,
    held_out: Rows,
    seed: int,
) -> HeldOut:
    """Return the mean answer of a model without target, as of an isolation forest.

    Of a classifier whose rows have no labels the answer is the chosen probability.
    """
    predicted = np.array(model.predict_many(held_out.matrix.tolist()))
    shape = (RESAMPLES, len(predicted))
    draws = np.random.default_rng(seed).integers(0, len(predicted), shape)
    low, high = np.quantile(predicted[draws].mean(axis=1), [0.025, 0.975]).tolist()
    mean: BundleManifestV2Score = {"value": float(predicted.mean()), "low": low, "high": high}

    columns = columns_of(feature_set, learnt)
    if feature_set.target.is_class:
        baseline = _baseline_of_labels(model, feature_set, columns, held_out)
    else:
        baseline = fit_baseline(feature_set, columns, predictions=predicted)
    importances = importances_of_answers(model, held_out.matrix, feature_set.names, seed=seed)
    baseline = with_importances(baseline, importances)
    return HeldOut({"mean_answer": mean}, baseline, {"importances": importances})


def _baseline_of_labels(
    model: AnyModel,
    feature_set: FeatureSet,
    columns: dict[str, Floats],
    rows: Rows,
) -> Baseline:
    """Return a baseline of a classifier's own answers, without what happened."""
    decided = model.decide_many(rows.matrix.tolist())
    probabilities = np.array([scores for scores, _ in decided])
    chosen = np.array([label for _, label in decided], dtype=np.intp)
    labels = classification.labels_of(feature_set.target, chosen, probabilities)
    return fit_baseline(
        feature_set,
        columns,
        labels=labels.astype(np.float64),
        scores=probabilities,
    )


def _of_classes(
    model: AnyModel,
    feature_set: FeatureSet,
    learnt: Rows,
    held_out: Rows,
    seed: int,
) -> HeldOut:
    """Return scores of probabilities and labels, and of each class."""
    target = feature_set.target
    actual = held_out.target[:, 0].astype(np.intp)
    decided = model.decide_many(held_out.matrix.tolist())
    probabilities = np.array([scores for scores, _ in decided])
    chosen = np.array([label for _, label in decided], dtype=np.intp)
    labels = classification.labels_of(target, chosen, probabilities)
    learnt_classes = learnt.target[:, 0].astype(np.intp)
    answers = classification.Answers.of(target, learnt_classes, actual, probabilities, labels)
    scores = classification.score(answers, seed=seed)
    calibration = calibration_bins(answers.scores, answers.happened)

    importances = importances_of_classes(
        model, held_out.matrix, actual, feature_set.names, seed=seed
    )
    baseline = fit_baseline(
        feature_set,
        columns_of(feature_set, learnt),
        target=learnt.target[:, 0],
        labels=labels.astype(np.float64),
        scores=probabilities,
        important=ranked(importances),
    )
    skill = scores["brier_skill"]["value"]
    is_better = skill is not None and skill > 0
    return HeldOut(
        scores,
        with_importances(replace(baseline, calibration=calibration), importances),
        {
            "class_scores": classification.class_scores(answers, target.classes),
            "calibration": [entry.to_json() for entry in calibration],
            "importances": importances,
        },
        () if is_better else (_no_better("Brier skill", "the shares of the classes"),),
    )


def _no_better(
    score: str,
    rival: str,
) -> Mapping[str, object]:
    words = f"The {score} on the held-out rows is at or below zero: {rival} would do as well."
    return {"kind": "no-better", "words": words}


def answers_to(
    model: AnyModel,
    feature_set: FeatureSet,
    held_out: Rows,
) -> HeldOutAnswers:
    """Return a model's answers to rows, as baselines hold them.

    Args:
        model: That answers.
        feature_set: What the rows are.
        held_out: The rows.
    """
    columns, rows = columns_of(feature_set, held_out), held_out.matrix.tolist()
    target = feature_set.target
    if not target.is_class:
        return HeldOutAnswers(columns, predictions=np.array(model.scores_many(rows))[:, 0])
    decided = model.decide_many(rows)
    probabilities = np.array([scores for scores, _ in decided])
    chosen = np.array([label for _, label in decided], dtype=np.intp)
    labels = classification.labels_of(target, chosen, probabilities)
    return HeldOutAnswers(columns, labels=labels.astype(np.float64), scores=probabilities)


def columns_of(
    feature_set: FeatureSet,
    rows: Rows,
) -> dict[str, Floats]:
    """Return encoded rows as columns by feature, categories as their places."""
    return dict(
        zip(
            feature_set.names,
            rows.matrix.T,
            strict=True,
        )
    )
