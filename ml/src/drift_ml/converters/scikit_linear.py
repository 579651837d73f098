"""scikit-learn's linear and logistic models as steps.

Of a dense matrix the library's sum has no order that it promises: the packed model has the nearest
float64 then. Of a sparse one it adds one after the other, and so does the packed model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from .errors import CannotServe
from .estimators import library_and_class, version_numbers
from .inputs import TWO_CLASSES
from .scikit_trees import classes_of
from .steps import numbers_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_engine.model.steps import Dot, Program
    from drift_engine.model.trees import Decision, Model

    from .steps import Matrix

    Floats = npt.NDArray[np.float64]

REGRESSORS = (
    *("ARDRegression", "BayesianRidge", "ElasticNet", "ElasticNetCV", "HuberRegressor", "Lars"),
    *("LarsCV", "Lasso", "LassoCV", "LassoLars", "LassoLarsCV", "LassoLarsIC", "LinearRegression"),
    *("LinearSVR", "OrthogonalMatchingPursuit", "PassiveAggressiveRegressor", "QuantileRegressor"),
    *("Ridge", "RidgeCV", "SGDRegressor", "TheilSenRegressor"),
)
GENERALIZED = ("GammaRegressor", "PoissonRegressor", "TweedieRegressor")
LOGISTIC = ("LogisticRegression", "LogisticRegressionCV")
#: Classifiers that give labels and no probabilities, but for a loss of SGDClassifier.
LABELS_ONLY = (
    *("LinearSVC", "PassiveAggressiveClassifier", "Perceptron", "RidgeClassifier"),
    *("RidgeClassifierCV", "SGDClassifier"),
)
LINEAR = (*REGRESSORS, *GENERALIZED, *LOGISTIC, *LABELS_ONLY)
#: From here on two classes of a multinomial model are as any other two.
BINARY_SINCE = (1, 8)


@dataclass(frozen=True)
class Ending:
    """What the last estimator makes of a matrix."""

    #: Registers, before any link.
    raws: Sequence[int]
    #: Registers of the answer; none of a classifier without probabilities.
    scores: Sequence[int]
    classes: tuple[str, ...] = ()
    decision: Decision = "argmax"
    threshold: float = 0.5
    #: Class of the estimator.
    kind: str = ""
    #: Whether final values are float32.
    single: bool = False
    #: Whether a dense sum has no order that the library promises.
    nearest: bool = False
    #: Whether `raws` are what the library's decision_function gives.
    decides: bool = False
    #: By place of a member, the same trees as other versions of the library begin them.
    others: Mapping[int, Sequence[Model]] = field(default_factory=dict)


def coefficients(estimator: Any) -> tuple[Floats, Floats]:
    """Return coefficients by sum and column, and what is added to each sum."""
    rows = np.atleast_2d(np.asarray(estimator.coef_, dtype=np.float64))
    last = np.broadcast_to(np.ravel(np.asarray(estimator.intercept_, np.float64)), (len(rows),))
    return rows, last


def end_linear(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    """Return what a linear model makes of a matrix.

    Args:
        program: To which its steps are added.
        estimator: One of LINEAR.
        matrix: Of numbers.

    Raises:
        CannotServe: a column holds texts, or a setting of it is not served.
    """
    kind = library_and_class(estimator)[1]
    registers = numbers_of(matrix, kind)
    program.refuse(registers, missing=True)
    rows, last = coefficients(estimator)
    order: Dot = "in-order" if matrix.sparse else "nearest"
    raws = program.dot(registers, rows.tolist(), last.tolist(), order)
    nearest = not matrix.sparse
    if kind in REGRESSORS:
        return Ending(raws, raws, kind=kind, nearest=nearest)
    if kind in GENERALIZED:
        answer = program.link("exp", raws, 1) if _has_log_link(estimator, kind) else raws
        return Ending(raws, answer, kind=kind, nearest=nearest)
    classes = classes_of(estimator, kind)
    scores = _probabilities(program, estimator, kind, raws)
    decision: Decision = "raw-above" if len(classes) == TWO_CLASSES else "raw-argmax"
    return Ending(raws, scores, classes, decision, kind=kind, nearest=nearest, decides=True)


def _has_log_link(estimator: Any, kind: str) -> bool:
    """Return whether a generalized linear model's answer is an exponential."""
    if kind != "TweedieRegressor":
        return True
    if estimator.link == "auto":
        return bool(estimator.power > 0)
    return bool(estimator.link == "log")


def _probabilities(
    program: Program,
    estimator: Any,
    kind: str,
    raws: Sequence[int],
) -> Sequence[int]:
    """Return the registers of all classes' probabilities; none where the library has none."""
    if kind in LABELS_ONLY:
        if getattr(estimator, "loss", None) != "log_loss":
            return ()
        return _one_against_rest(program, raws)
    multi = getattr(estimator, "multi_class", "auto")
    is_binary = len(raws) == 1
    if is_binary:
        if multi == "multinomial" and version_numbers(estimator) < BINARY_SINCE:
            (negative,) = program.function("negative", raws)
            return program.link("softmax", [negative, *raws], TWO_CLASSES)
        return program.link("sigmoid", raws, TWO_CLASSES)
    if multi == "ovr" or (multi in ("auto", "deprecated") and estimator.solver == "liblinear"):
        return _one_against_rest(program, raws)
    return program.link("softmax-pairwise", raws, len(raws))


def _one_against_rest(program: Program, raws: Sequence[int]) -> Sequence[int]:
    if len(raws) == 1:
        return program.link("sigmoid", raws, TWO_CLASSES)
    shares = program.link("sigmoid", raws, len(raws))
    total = program.sum(shares, pairwise=True)
    divided = program.of_two("divide", shares, [total] * len(shares))
    # Where no class has any, the library has them all even.
    (is_zero,) = program.is_number([total], [0.0])
    even = program.constant(1.0 / len(shares))
    return [program.where(is_zero, even, share) for share in divided]


def without_probabilities(kind: str) -> CannotServe:
    """Return the refusal of a classifier that gives labels alone."""
    return CannotServe(
        kind,
        "it has no probabilities, which an answer must have",
        "fit it within CalibratedClassifierCV, or fit LogisticRegression",
    )
