"""Scores are scikit-learn's, with intervals around them."""

from __future__ import annotations

import numpy as np
import pytest
from drift_ml.scores import classification, regression
from drift_ml.scores.classification import Answers, class_scores
from sklearn import metrics

REGRESSION = {
    "r2": metrics.r2_score,
    "mae": metrics.mean_absolute_error,
    "rmse": metrics.root_mean_squared_error,
    "mape": metrics.mean_absolute_percentage_error,
}


@pytest.mark.parametrize("name", regression.SCORES)
def test_regression(name):
    """A score of numbers is scikit-learn's, and lies within its interval."""
    random = np.random.default_rng(5)
    actual = random.normal(100, 10, 300)
    predicted = actual + random.normal(0, 3, 300)
    result = regression.score(actual, predicted, seed=1)[name]
    assert result["value"] == pytest.approx(REGRESSION[name](actual, predicted), rel=1e-12)
    assert result["low"] < result["value"] < result["high"]


def test_mean_error_interval():
    """The bootstrap interval of a mean error has the known width."""
    random = np.random.default_rng(6)
    errors = random.normal(0, 1, 2_000)
    result = regression.score(errors, np.zeros(2_000), seed=1)["mae"]
    half_width = 1.96 * np.abs(errors).std() / np.sqrt(2_000)
    assert (result["high"] - result["low"]) / 2 == pytest.approx(half_width, rel=0.1)


def test_undefined_regression():
    """MAPE of zeros and R2 of a constant are null."""
    result = regression.score(np.zeros(30), np.ones(30), seed=1)
    nothing = {"value": None, "low": None, "high": None}
    assert result["mape"] == nothing
    assert result["r2"] == nothing
    assert result["mae"]["value"] == 1.0


def answers(classes: int, *, rows: int = 400, digits: int = 16, positive: int = 1) -> Answers:
    """Return answers that are right more often than not; few digits make ties."""
    random = np.random.default_rng(classes)
    actual = random.integers(0, classes, rows)
    leaning = np.eye(classes)[actual] * 1.5
    logits = leaning + random.normal(0, 1, (rows, classes))
    shares = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    shares = np.round(shares, digits) + 0.01
    shares /= shares.sum(axis=1, keepdims=True)
    prior = np.bincount(actual, minlength=classes) / rows
    return Answers(actual, shares, shares.argmax(axis=1), prior, positive)


def oracle(given: Answers) -> dict[str, float]:
    """Return the scores that scikit-learn has."""
    places = list(range(given.classes))
    brier = metrics.brier_score_loss(given.actual, given.probabilities, labels=places)
    if given.classes == 2:
        auc = metrics.roc_auc_score(given.happened, given.scores)
    else:
        auc = metrics.roc_auc_score(given.actual, given.probabilities, multi_class="ovr")
    expected = np.tile(given.prior, (len(given.actual), 1))
    return {
        "log_loss": metrics.log_loss(given.actual, given.probabilities),
        "auc": auc,
        "brier": brier,
        "accuracy": metrics.accuracy_score(given.actual, given.labels),
        "macro_f1": metrics.f1_score(given.actual, given.labels, average="macro"),
        "prior_log_loss": metrics.log_loss(given.actual, expected),
        "prior_brier": metrics.brier_score_loss(given.actual, expected, labels=places),
    }


@pytest.mark.no_cover
@pytest.mark.parametrize("digits", [16, 1], ids=["all different", "ties"])
@pytest.mark.parametrize(("classes", "positive"), [(2, 1), (2, 0), (3, 1), (7, 1)])
def test_classification(classes, positive, digits):
    """Scores of classes are scikit-learn's, and lie within their intervals."""
    given = answers(classes, positive=positive, digits=digits)
    scores = classification.score(given, seed=1)
    for name, value in oracle(given).items():
        assert scores[name]["value"] == pytest.approx(value, rel=1e-9), name
        assert scores[name]["low"] < value < scores[name]["high"], name
    skill = 1 - scores["brier"]["value"] / scores["prior_brier"]["value"]
    assert scores["brier_skill"]["value"] == pytest.approx(skill)
    assert scores["prior_accuracy"]["value"] == pytest.approx(given.prior.max())


@pytest.mark.no_cover
def test_seeds():
    """Equal seeds give equal intervals, and another seed gives others."""
    given = answers(2)
    first, again, other = (classification.score(given, seed=seed) for seed in (1, 1, 2))
    assert first == again != other


def test_accuracy_interval():
    """The bootstrap interval of a share has the known width."""
    given = answers(2, rows=2_000)
    result = classification.score(given, seed=1)["accuracy"]
    share = result["value"]
    half_width = 1.96 * (share * (1 - share) / 2_000) ** 0.5
    assert (result["high"] - result["low"]) / 2 == pytest.approx(half_width, rel=0.1)


def test_calibration_error():
    """Ten rows at .8 of which 6 happen and ten at .1 of which none does have an error of .15."""
    scores = np.repeat([0.8, 0.1], 10)
    happened = np.arange(20) < 6
    shares = np.stack([1 - scores, scores], axis=1)
    given = Answers(happened.astype(np.intp), shares, shares.argmax(axis=1), np.array([0.7, 0.3]))
    value = classification.score(given, seed=1)["calibration_error"]["value"]
    assert value == pytest.approx((0.2 * 10 + 0.1 * 10) / 20)


def test_undefined_classification():
    """Scores that a single class or a sure prior leaves undefined are null."""
    shares = np.tile([0.9, 0.1], (30, 1))
    nothing = np.zeros(30, dtype=np.intp)
    given = Answers(nothing, shares, nothing, np.array([1.0, 0.0]))
    scores = classification.score(given, seed=1)
    absent = {"value": None, "low": None, "high": None}
    assert scores["auc"] == scores["brier_skill"] == absent
    assert scores["accuracy"]["value"] == 1.0


def test_class_without_rows():
    """A class without rows has no ROC curve, and the others' areas are averaged."""
    given = answers(3)
    shares = np.pad(given.probabilities, ((0, 0), (0, 1)))
    wider = Answers(given.actual, shares, given.labels, np.append(given.prior, 0.0))
    areas = [classification.score(each, seed=1)["auc"]["value"] for each in (given, wider)]
    assert areas[0] == pytest.approx(areas[1])


def test_resamples(monkeypatch):
    """Many rows are resampled less often, at least 100 times, so that scoring takes seconds."""
    monkeypatch.setattr(classification, "MOST_DRAWN", 400 * 3 * 250)
    assert classification.resamples(400, 3) == 250
    assert classification.resamples(400, 2) == 750
    assert classification.resamples(400, 1000) == 100
    assert classification.resamples(10, 2) == 1000


def test_class_scores():
    """Precision, recall and F1 of a class are scikit-learn's, and null where undefined."""
    given = answers(3)
    names = ["a", "b", "c"]
    wanted = metrics.precision_recall_fscore_support(given.actual, given.labels)
    for name, *values in zip(names, *wanted, strict=True):
        measured = class_scores(given, names)[name]
        assert list(measured.values()) == pytest.approx(values)
    never = Answers(np.array([0, 0]), np.eye(2)[[0, 0]], np.array([0, 0]), np.array([0.5, 0.5]))
    assert class_scores(never, ["a", "b"])["b"] == {
        "precision": None,
        "recall": None,
        "f1": None,
        "support": 0,
    }
