"""Scores of classes: of probabilities, of labels, and of what the shares of the classes would get.

A score named `prior_...` is that of a model which knows the shares of the classes among the learnt
rows and nothing else. `brier_skill` compares: it is to probabilities what R2 is to numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ._intervals import RESAMPLES, with_interval

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from drift_contracts import Target
    from drift_contracts.types import BundleManifestV2Score

    Floats = npt.NDArray[np.float64]
    Places = npt.NDArray[np.intp]

TWO = 2
#: Bins of equal width over the probabilities, by which the calibration error is counted.
BINS = 10
#: Rows times classes times resamples that are drawn at most: some seconds of work.
MOST_DRAWN = 250_000_000
FEWEST_RESAMPLES = 100


@dataclass(frozen=True, eq=False)
class Answers:
    """What a classifier answers to rows that it has not seen, and what would have been right."""

    #: The place of each row's class, shape (rows,).
    actual: Places
    #: Of every class, shape (rows, classes).
    probabilities: Floats
    #: The place of the class that the model chooses, shape (rows,).
    labels: Places
    #: Share of each class among the learnt rows, shape (classes,).
    prior: Floats
    #: The place of the class whose probability is the prediction, where there are two.
    positive: int = 1

    @classmethod
    def of(
        cls,
        target: Target,
        learnt: Places,
        actual: Places,
        probabilities: Floats,
        labels: Places,
    ) -> Answers:
        """Return the answers to rows of a feature set.

        Args:
            target: Whose classes the places are of.
            learnt: The place of each learnt row's class, shape (learnt rows,).
            actual: Of each held-out row's, shape (rows,).
            probabilities: Of every class, shape (rows, classes).
            labels: The place of the class that the model chooses, shape (rows,).
        """
        prior = np.bincount(learnt, minlength=len(target.classes)) / len(learnt)
        return cls(actual, probabilities, labels, prior, positive_place(target))

    @property
    def classes(self) -> int:
        """Return how many classes there are."""
        return len(self.prior)

    @property
    def scores(self) -> Floats:
        """Return what the prediction is: of two classes P(positive), of more P(label)."""
        if self.classes == TWO:
            return self.probabilities[:, self.positive]
        return self.probabilities[np.arange(len(self.labels)), self.labels]

    @property
    def happened(self) -> npt.NDArray[np.bool_]:
        """Return whether what `scores` gives the probability of came true, shape (rows,)."""
        foretold = self.labels
        if self.classes == TWO:
            foretold = np.full_like(self.actual, self.positive)
        return np.equal(self.actual, foretold)


def positive_place(target: Target) -> int:
    """Return the place of the positive one of two classes; 1 where there are more."""
    positive = target.positive_class
    return 1 if positive is None else target.classes.index(positive)


def labels_of(
    target: Target,
    chosen: Places,
    probabilities: Floats,
) -> Places:
    """Return the places of the labels: by the target's threshold, else as the library chooses.

    Args:
        target: Has the threshold, if there is one.
        chosen: By the library's own rule, shape (rows,).
        probabilities: Of every class, shape (rows, classes).
    """
    if target.threshold is None:
        return chosen
    positive = positive_place(target)
    is_positive = probabilities[:, positive] >= target.threshold
    return np.where(is_positive, positive, 1 - positive)


def score(answers: Answers, *, seed: int) -> dict[str, BundleManifestV2Score]:
    """Return each score with a 95 % percentile bootstrap interval over rows.

    All scores see the same resamples: 1,000 of them, and down to 100 where rows and classes are so
    many that these would take minutes.

    Args:
        answers: To held-out rows.
        seed: Of the resampling.

    Returns:
        By name:

        - log_loss, in nats; probabilities are clipped as scikit-learn does it.
        - auc, the area under the ROC curve; of more classes the mean of each against the others,
          without those that no row has.
        - brier, the mean squared error of the probabilities, summed over the classes where there
          are more than two (Brier 1950).
        - brier_skill, 1 - brier / prior_brier; above 0 the model is better than the prior.
        - accuracy, the share of right labels.
        - macro_f1, the mean over classes of the harmonic mean of precision and recall.
        - calibration_error, the mean distance of the prediction and what happened, in ten bins of
          equal width (Naeini, Cooper and Hauskrecht 2015). Resampled bins are further apart, so
          its interval is moved by their mean excess (Efron and Tibshirani 1993, 10.2).
        - prior_log_loss, prior_brier, prior_accuracy.

        One that does not exist for these rows is null.
    """
    measured = _Measured(answers)
    rows = len(answers.actual)
    random = np.random.default_rng(seed)
    drawn = []
    for _ in range(resamples(rows, answers.classes)):
        draw = random.integers(0, rows, rows)
        weights = np.bincount(draw, minlength=rows).astype(np.float64)
        drawn.append(measured.of(weights))
    everything = measured.of(np.ones(rows))
    scores: dict[str, BundleManifestV2Score] = {}
    for name, value in everything.items():
        resampled = np.array([values[name] for values in drawn])
        if name == "calibration_error":
            excess = resampled.mean() - value
            resampled = np.maximum(0.0, resampled - excess)
        scores[name] = with_interval(value, resampled)
    return scores


def class_scores(answers: Answers, classes: Sequence[str]) -> dict[str, Mapping[str, float | None]]:
    """Return precision, recall, f1 and support of each class, by its name.

    Args:
        answers: To held-out rows.
        classes: Names, in the order of the model.

    Returns:
        Precision is null where the model never chooses the class, recall where no row has it, f1
        where neither happens; support counts rows.
    """
    counts = _Counts.of(answers, np.ones(len(answers.actual)))
    by_class: dict[str, Mapping[str, float | None]] = {}
    for place, name in enumerate(classes):
        right = counts.right[place]
        chosen = counts.chosen[place]
        support = counts.support[place]
        by_class[name] = {
            "precision": _share(right, chosen),
            "recall": _share(right, support),
            "f1": _share(2 * right, chosen + support),
            "support": int(support),
        }
    return by_class


def _share(part: float, whole: float) -> float | None:
    return float(part / whole) if whole else None


def resamples(rows: int, classes: int) -> int:
    """Return how many resamples are drawn.

    Args:
        rows: That are scored.
        classes: Of the model.
    """
    # Of two classes one ROC curve is enough.
    curves = 1 if classes == TWO else classes
    affordable = MOST_DRAWN // (rows * curves)
    return max(FEWEST_RESAMPLES, min(RESAMPLES, affordable))


@dataclass(frozen=True, eq=False)
class _Counts:
    """Weighted numbers of rows by class, each of shape (classes,)."""

    #: The class is the label, and is right.
    right: Floats
    #: The class is the label.
    chosen: Floats
    #: The row has the class.
    support: Floats

    @classmethod
    def of(cls, answers: Answers, weights: Floats) -> _Counts:
        """Count rows, each as often as its weight says."""
        hits = weights * (answers.actual == answers.labels)
        return cls(
            _by_class(answers.actual, hits, answers.classes),
            _by_class(answers.labels, weights, answers.classes),
            _by_class(answers.actual, weights, answers.classes),
        )


def _by_class(
    places: Places,
    weights: Floats,
    classes: int,
) -> Floats:
    """Return the sum of the weights by place, shape (classes,)."""
    return np.bincount(places, weights, classes).astype(np.float64, copy=False)


class _Measured:
    """All that the scores need of each row, so that a resample is a vector of weights."""

    def __init__(self, answers: Answers) -> None:
        self.answers = answers
        self.curves = _Curves(answers)
        rows = len(answers.actual)
        expected = np.broadcast_to(answers.prior, (rows, answers.classes))
        losses = {
            "log_loss": _log_losses(answers.probabilities, answers.actual),
            "brier": _brier_losses(answers.probabilities, answers.actual),
            "accuracy": answers.labels == answers.actual,
            "prior_log_loss": _log_losses(expected, answers.actual),
            "prior_brier": _brier_losses(expected, answers.actual),
            "prior_accuracy": answers.actual == int(answers.prior.argmax()),
        }
        self.names = list(losses)
        self.losses = np.stack([*losses.values()], axis=1).astype(np.float64)
        scores = answers.scores
        # The bins of `drift_ml.calibration`, whose curve lies beside these scores.
        borders = np.linspace(0, 1, BINS + 1)[1:-1]
        self.bins = np.searchsorted(borders, scores)
        self.off = scores - answers.happened

    def of(self, weights: Floats) -> dict[str, float]:
        """Return every score of rows that count as often as their weights say, shape (rows,)."""
        rows = weights.sum()
        losses = weights @ self.losses / rows
        means = dict(zip(self.names, losses.tolist(), strict=True))
        worst = means["prior_brier"]
        off = np.bincount(self.bins, weights * self.off, BINS)
        return {
            "log_loss": means["log_loss"],
            "auc": self.curves.area(weights),
            "brier": means["brier"],
            "brier_skill": 1 - means["brier"] / worst if worst else float("nan"),
            "accuracy": means["accuracy"],
            "macro_f1": _macro_f1(_Counts.of(self.answers, weights)),
            "calibration_error": float(np.abs(off).sum() / rows),
            "prior_log_loss": means["prior_log_loss"],
            "prior_brier": worst,
            "prior_accuracy": means["prior_accuracy"],
        }


def _log_losses(probabilities: Floats, actual: Places) -> Floats:
    """Return minus the logarithm of what the right class was given, shape (rows,), in nats."""
    smallest = np.finfo(np.float64).eps
    right = probabilities[np.arange(len(actual)), actual]
    losses: Floats = -np.log(np.clip(right, smallest, 1 - smallest))
    return losses


def _brier_losses(probabilities: Floats, actual: Places) -> Floats:
    """Return squared errors, shape (rows,): summed over classes, of two classes those of one."""
    wrong = probabilities.copy()
    wrong[np.arange(len(actual)), actual] -= 1
    losses: Floats = (wrong**2).sum(axis=1)
    return losses / TWO if probabilities.shape[1] == TWO else losses


def _macro_f1(counts: _Counts) -> float:
    """Return the mean of F1 over the classes that a row has, or that the model chooses."""
    either = counts.chosen + counts.support
    present = either > 0
    f1 = 2 * counts.right[present] / either[present]
    return float(f1.mean())


class _Curves:
    """The ROC curves: of two classes that of the positive one, of more each against the others.

    The area is the share of pairs, one of either side, that are in the right order; ties count
    half (Mann and Whitney 1947).
    """

    def __init__(self, answers: Answers) -> None:
        places = [answers.positive] if answers.classes == TWO else range(answers.classes)
        columns = answers.probabilities[:, list(places)].T
        self.order = np.argsort(columns, axis=1, kind="stable")
        ranked = np.take_along_axis(columns, self.order, axis=1)
        self.first, self.last = _ties(ranked)
        members = answers.actual == np.array(list(places))[:, None]
        #: Which rows have the class, in the order of the curve, shape (curves, rows).
        self.members = np.take_along_axis(members, self.order, axis=1)

    def area(self, weights: Floats) -> float:
        """Return the mean area of rows that count as often as their weights say, NaN if none."""
        ranked = weights[self.order]
        ups = ranked * self.members
        downs = np.cumsum(ranked - ups, axis=1)
        # How many of the others lie below each row's value, and below or at it.
        below = np.pad(downs, ((0, 0), (1, 0)))
        beaten = np.take_along_axis(below, self.first, axis=1)
        beaten += np.take_along_axis(below, self.last, axis=1)
        pairs = ups.sum(axis=1) * downs[:, -1]
        exists = pairs > 0
        if not exists.any():
            return float("nan")
        won = (ups * beaten).sum(axis=1) / 2
        areas = won[exists] / pairs[exists]
        return float(areas.mean())


def _ties(ranked: Floats) -> tuple[Places, Places]:
    """Return where the values equal to each begin, and the place after their end.

    Args:
        ranked: Ascending along the last axis, shape (curves, rows).
    """
    rows = ranked.shape[1]
    places = np.arange(rows)
    differs = np.diff(ranked, axis=1) > 0
    edge = np.ones((len(ranked), 1), dtype=bool)
    begins = np.concatenate([edge, differs], axis=1)
    ends = np.concatenate([differs, edge], axis=1)
    first = np.maximum.accumulate(np.where(begins, places, 0), axis=1)
    reversed_ends = np.where(ends, places + 1, rows)[:, ::-1]
    last = np.minimum.accumulate(reversed_ends, axis=1)[:, ::-1]
    return first, last
