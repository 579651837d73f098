"""Pipelines over the rows of `model_workloads`: steps, linear models, calibration, and what is left of the families."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from drift_contracts import RequestValidator
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import convert
from model_workloads import NUMBERS, workload

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy.typing as npt
    from drift_ml.converters.rounding import Rounding


def columns(numbers: Any, texts: Any, **options: Any) -> Any:
    """Return what transforms numbers by one step and categories by another."""
    from sklearn.compose import ColumnTransformer  # noqa: PLC0415 - processes that answer once need none

    names = workload().feature_set.names
    parts = [("numbers", numbers, list(names[:NUMBERS])), ("texts", texts, list(names[NUMBERS:]))]
    return ColumnTransformer(parts, **options)


def prepared(*, sparse: bool) -> Any:
    """Return what fills gaps, says where they were, scales numbers and makes categories one-hot."""
    from sklearn.impute import SimpleImputer  # noqa: PLC0415 - as above
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above
    from sklearn.preprocessing import OneHotEncoder, StandardScaler  # noqa: PLC0415 - as above

    numbers = make_pipeline(SimpleImputer(add_indicator=True), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="ignore", sparse_output=sparse)
    return columns(numbers, encoder, sparse_threshold=float(sparse))


def codes() -> Any:
    """Return what gives categories numbers and passes numbers through."""
    from sklearn.preprocessing import OrdinalEncoder  # noqa: PLC0415 - as above

    return columns("passthrough", OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1))


def logistic() -> Any:
    """Return a logistic regression that converges."""
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415 - as above

    return LogisticRegression(max_iter=1000)


def forest(kind: str, **options: Any) -> Any:
    """Return a seeded model of scikit-learn's ensembles by its class."""
    from sklearn import ensemble  # noqa: PLC0415 - as above

    return getattr(ensemble, kind)(random_state=7, **options)


def calibrated(method: str, estimator: Any) -> Any:
    """Return a classifier with calibrated probabilities."""
    from sklearn.calibration import CalibratedClassifierCV  # noqa: PLC0415 - as above

    return CalibratedClassifierCV(estimator, method=method, cv=3)


def chain(*steps: Any) -> Any:
    """Return a pipeline."""
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415 - as above

    return make_pipeline(*steps)


PIPELINES: dict[str, Callable[[], Any]] = {
    "steps and RandomForestClassifier 100": lambda: chain(
        prepared(sparse=False), forest("RandomForestClassifier", n_estimators=100)
    ),
    "codes and HistGradientBoosting 100": lambda: chain(
        codes(), forest("HistGradientBoostingClassifier", max_iter=100, early_stopping=False)
    ),
    "sparse LogisticRegression": lambda: chain(prepared(sparse=True), logistic()),
    "dense LogisticRegression": lambda: chain(prepared(sparse=False), logistic()),
    "isotonic calibration of boosting": lambda: chain(
        prepared(sparse=False), calibrated("isotonic", forest("GradientBoostingClassifier", n_estimators=100))
    ),
    "sigmoid calibration of a forest": lambda: chain(
        prepared(sparse=False), calibrated("sigmoid", forest("RandomForestClassifier", n_estimators=50))
    ),
    "steps and ExtraTreesClassifier 100": lambda: chain(
        prepared(sparse=False), forest("ExtraTreesClassifier", n_estimators=100, min_samples_leaf=5)
    ),
}


class Fitted(NamedTuple):
    """A fitted pipeline and its packed model."""

    estimator: Any
    packed: PackedModel
    #: Rows as the engine takes them.
    rows: list[tuple[float, ...]]
    #: Of a dense linear model, whose sum has no order that its library promises.
    rounding: Rounding | None

    def room(self, count: int, answers: Sequence[float]) -> npt.NDArray[np.float64]:
        """Return how far each of the first answers may be apart, shape (count,)."""
        if self.rounding is None:
            return np.zeros(count)
        slack = self.rounding.slack(self.rows[:count])
        return self.rounding.room(slack, np.reshape(answers, (count, 1)))[:, 0]


@cache
def fitted_pipeline(name: str) -> Fitted:
    """Return a pipeline of `PIPELINES`, fitted once for all tests."""
    data = workload()
    estimator = PIPELINES[name]().fit(data.frame(), data.late)
    converted = convert(estimator, data.feature_set)
    packed = PackedModel.from_bytes(encode(converted.model))
    validator = RequestValidator(data.feature_set)
    rows = [tuple(validator.row({"features": row})) for row in data.rows]
    return Fitted(estimator, packed, rows, converted.reference.rounding)


def isolation_model() -> Any:
    """Return a fitted IsolationForest, which has neither classes nor a pipeline."""
    return forest("IsolationForest", n_estimators=100).fit(workload().whole)
