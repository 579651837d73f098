"""Estimators of CatBoost: numbers, categories, statistics of these, and every policy of growing."""

from __future__ import annotations

import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .cases import Case, make_target
from .data import FLAG, KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from .data import Data

    Floats = npt.NDArray[np.float64]

LIBRARY = "catboost"
SETTINGS: dict[str, Any] = {
    "random_seed": 0,
    "thread_count": 1,
    "verbose": False,
    "allow_writing_files": False,
}
#: Columns of categories, of which a truth value may be one.
CATEGORIES = (FLAG, KIND)
KINDS = ["Borders", "Buckets", "BinarizedTargetMeanValue", "Counter"]
#: What makes combinations of one category, a truth value, and conditions on numbers.
COMBINED: dict[str, Any] = {
    "max_ctr_complexity": 4,
    "one_hot_max_size": 2,
    "combinations_ctr": KINDS,
    "model_size_reg": 0,
    "random_strength": 0,
}


def catboost(
    kind: str,
    target: str,
    *,
    categories: bool = False,
    scaled: bool = False,
    **options: Any,
) -> Callable[[Data, int], Any]:
    """Return what fits an estimator of CatBoost; see `cases.scikit`.

    Args:
        kind: Its class.
        target: What is predicted.
        categories: Whether texts are categories, and not their places numbers.
        scaled: Whether its raw scores are scaled, and a bias is added.
        options: Parameters.
    """

    def fit(data: Data, trees: int) -> Any:
        module = __import__("catboost")
        estimator = getattr(module, kind)(iterations=trees, **SETTINGS, **options)
        marked = list(CATEGORIES) if categories else None
        rows = as_texts(data) if categories else data.matrix
        estimator.fit(rows, make_target(data, target), cat_features=marked)
        if scaled:
            estimator.set_scale_and_bias(0.3, 0.7)
        return estimator

    return fit


def as_texts(data: Data) -> Any:
    """Return rows with texts for categories, as users give them to CatBoost."""
    mixed = data.matrix.astype(object)
    names = data.feature_set.names
    for column in CATEGORIES:
        mixed[:, column] = [row[names[column]] for row in data.rows]
    return mixed


def catboost_cases() -> list[Case]:
    """Return the cases, none where the library is not installed."""
    if find_spec(LIBRARY) is None:
        return []
    classifier, regressor = "CatBoostClassifier", "CatBoostRegressor"
    statistics: dict[str, Any] = {
        "max_ctr_complexity": 1,
        "one_hot_max_size": 1,
        "simple_ctr": KINDS,
    }
    numbers = {
        "CatBoostClassifier, 2 classes": catboost(classifier, "2"),
        "CatBoostClassifier, 3 classes": catboost(classifier, "3"),
        "CatBoostClassifier, 10 classes": catboost(classifier, "10"),
        "CatBoostClassifier, one against the rest": catboost(
            classifier, "3", loss_function="MultiClassOneVsAll"
        ),
        "CatBoostClassifier, missing above": catboost(classifier, "2", nan_mode="Max"),
        "CatBoostClassifier, by depth": catboost(classifier, "3", grow_policy="Depthwise"),
        "CatBoostClassifier, scaled": catboost(classifier, "2", scaled=True),
        "CatBoostRegressor": catboost(regressor, "number"),
        "CatBoostRegressor, by loss": catboost(regressor, "number", grow_policy="Lossguide"),
        "CatBoostRegressor, 2 outputs": catboost(regressor, "numbers", loss_function="MultiRMSE"),
        "CatBoostRegressor, Poisson": catboost(regressor, "positive", loss_function="Poisson"),
        "CatBoostRegressor, Tweedie": catboost(
            regressor, "positive", loss_function="Tweedie:variance_power=1.5"
        ),
    }
    one_hot: dict[str, Any] = {"one_hot_max_size": 20}
    mixed = {
        "CatBoostClassifier, one-hot categories": catboost(
            classifier, "3", categories=True, **one_hot
        ),
        "CatBoostClassifier, statistics": catboost(classifier, "2", categories=True, **statistics),
        "CatBoostRegressor, statistics": catboost(
            regressor, "number", categories=True, **statistics
        ),
        "CatBoostClassifier, combinations": catboost(classifier, "3", categories=True, **COMBINED),
        "CatBoostRegressor, combinations": catboost(
            regressor, "number", categories=True, **COMBINED
        ),
    }
    cases = [_case(name, fit) for name, fit in numbers.items()]
    # CatBoost takes no category that is missing.
    cases += [_case(name, fit, missing=False) for name, fit in mixed.items()]
    uncertain = catboost(regressor, "number", loss_function="RMSEWithUncertainty")
    return [*cases, _case("CatBoostRegressor, uncertainty", uncertain, refused=True)]


def _case(
    name: str,
    fit: Callable[[Data, int], Any],
    *,
    missing: bool = True,
    refused: bool = False,
) -> Case:
    since = (0, 0) if missing else None
    # A pickle holds the binary form, which is not read.
    return Case(
        "CatBoost", name, fit, LIBRARY, since, refused=refused, refused_from_file=not refused
    )


def lignum_answers(estimator: Any, data: Data) -> Floats:
    """Return lignum's answers, which reads the JSON and knows a truth value by CatBoost's text."""
    module = sys.modules["lignum"]
    matrix = data.matrix
    if estimator.get_cat_feature_indices():
        matrix = as_texts(data)
        matrix[:, FLAG] = [str(int(value)) for value in matrix[:, FLAG]]
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, "model.json"))
        estimator.save_model(path, format="json")
        answers = module.load(path).predict(matrix)
    return np.asarray(answers, dtype=np.float64)
