"""scikit-learn's gradient boosting, without importing scikit-learn."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model.writer import Model

from .converted import Converted, Reference, with_start
from .errors import CannotServe
from .estimators import is_lifeless, library_version, method_of, version_numbers
from .inputs import TWO_CLASSES, inputs_of
from .scikit_trees import (
    LIBRARY,
    classes_of,
    labeller,
    quiet,
    scorer,
    single_columns,
    to_tree,
)

if TYPE_CHECKING:
    from typing import Any

    from drift_contracts import FeatureSet

#: From here on a softmax, and a label by the raw score; before, logsumexp and the probability.
SOFTMAX_SINCE = (1, 4)
REGRESSION_LOSSES = ("squared_error", "absolute_error", "huber", "quantile")
#: Classes of the initial estimators whose answer is the same for every row.
CONSTANT = ("DummyClassifier", "DummyRegressor")


def convert_gradient_boosting(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a GradientBoostingClassifier or GradientBoostingRegressor.

    Raises:
        CannotServe: it starts from an estimator of the user's, or its loss is not known.
        DoesNotFit: the features are not the estimator's columns.
    """
    kind = type(estimator).__name__
    init = estimator.init_
    if init != "zero" and type(init).__name__ not in CONSTANT:
        raise CannotServe(
            f"{kind}(init={type(init).__name__})",
            "it starts from another estimator",
            "fit with init=None or init='zero'",
        )
    inputs = inputs_of(estimator, feature_set, estimator.n_features_in_)
    classes = classes_of(estimator, kind)
    trees = []
    for stage in estimator.estimators_:
        for output, member in enumerate(stage):
            # The product is rounded before it is added, as the library does it.
            values = estimator.learning_rate * member.tree_.value[:, 0, 0]
            trees.append(to_tree(member.tree_, values, output=output))
    start, *other_starts = _starts(estimator, len(classes))
    model = Model(
        features=len(feature_set.features),
        columns=single_columns(inputs),
        trees=trees,
        start=start,
        outputs=max(len(classes), 1),
        task="classification" if classes else "regression",
        **_link(estimator, kind, len(classes)),
    )
    method = "predict_proba" if classes else "predict"
    reference = Reference(
        LIBRARY,
        library_version(estimator),
        f"{kind}.{method}",
        scorer(inputs, method_of(estimator, method)),
        raw=scorer(inputs, quiet(method_of(estimator, "decision_function", "predict"))),
        labels=labeller(inputs, estimator) if classes else None,
    )
    others = tuple(with_start(model, other) for other in other_starts)
    return Converted(model, inputs, reference, kind, classes, others)


def _starts(estimator: Any, classes: int) -> list[tuple[float, ...]]:
    """Return the scores before the first tree; of a file as each version's logarithm has them."""
    if not is_lifeless(estimator):
        # scikit-learn's own logarithms; any row has them.
        row = np.zeros((1, estimator.n_features_in_), np.float32)
        return [tuple(estimator._raw_predict_init(row)[0].tolist())]
    if isinstance(estimator.init_, str):
        return [(0.0,) * (classes if classes > TWO_CLASSES else 1)]
    if not classes:
        return [tuple(np.ravel(estimator.init_.constant_).astype(np.float64).tolist())]
    smallest = float(np.finfo(np.float32).eps)
    priors = np.clip(estimator.init_.class_prior_, smallest, 1.0 - smallest)
    if classes > TWO_CLASSES:
        mean = np.exp(np.mean(np.log(priors)))
        return [tuple(np.log(priors / mean).tolist())]
    factor = 0.5 if estimator.loss == "exponential" else 1.0
    return [(factor * score,) for score in _logits(float(priors[1]))]


def _logits(share: float) -> list[float]:
    """Return the log odds as today's scipy has them, then as it had them, where that differs."""
    plain = math.log(share / (1.0 - share))
    low, high = 0.3, 0.65
    if not low <= share <= high:
        return [plain]
    twice = 2.0 * (share - 0.5)
    return [math.log1p(twice) - math.log1p(-twice), plain]


def _link(
    estimator: Any,
    kind: str,
    classes: int,
) -> dict[str, Any]:
    """Return link and decision of a loss. Raises CannotServe for one that is not known."""
    loss = estimator.loss
    modern = version_numbers(estimator) >= SOFTMAX_SINCE
    if not classes and loss in REGRESSION_LOSSES:
        return {}
    if loss == "exponential":
        return {"link": "sigmoid", "parameters": (2.0,), "decision": "raw-at-least"}
    if loss not in ("log_loss", "deviance"):
        raise CannotServe(
            f"{kind}(loss={loss!r})", "this loss is not known", "fit with the default loss"
        )
    if classes == TWO_CLASSES:
        return {"link": "sigmoid", "decision": "raw-at-least" if modern else "above"}
    if not modern:
        # By a logarithm of the sum, which a softmax is a dozen ulps beside.
        reason = "more than two classes of scikit-learn before 1.4 are not served"
        raise CannotServe(kind, reason, "fit with scikit-learn 1.4 or later")
    return {"link": "softmax-pairwise", "decision": "raw-argmax"}
