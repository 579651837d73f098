"""Estimators of every family that is served, and of what is refused by name."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from .data import Data

#: Settings that make results repeat on any machine.
SEEDED = {"random_state": 0}
QUIET: dict[str, Any] = {
    "verbose": -1,
    "n_jobs": 1,
    "random_state": 0,
}
ONE_THREAD: dict[str, Any] = {
    "n_jobs": 1,
    "random_state": 0,
}
CATEGORY = 5
KINDS = ["float"] * CATEGORY + ["c"]


@dataclass(frozen=True)
class Case:
    """An estimator to be fitted, converted and proven."""

    family: str
    name: str
    #: (rows, trees) to a fitted estimator.
    fit: Callable[[Data, int], Any]
    #: The distribution whose version decides.
    library: str = "scikit-learn"
    #: From which version on rows may have missing values, None where they never may.
    missing_since: tuple[int, int] | None = (
        0,
        0,
    )
    #: Whether it is to be refused.
    refused: bool = False
    #: Before which version of scikit-learn it is.
    refused_before: tuple[int, int] = (0, 0)
    #: From which version of scikit-learn on it can be fitted.
    since: tuple[int, int] = (0, 0)
    #: Whether it is to be refused out of a file, where nothing of it can be called.
    refused_from_file: bool = False


def scikit(
    module: str,
    name: str,
    target: str,
    **options: Any,
) -> Callable[[Data, int], Any]:
    """Return what fits an estimator of scikit-learn.

    Args:
        module: Of scikit-learn.
        name: Of the class.
        target: "number", "positive", "numbers" for two, "none", or a number of classes.
        options: Parameters; TREES stands for the number of trees.
    """

    def fit(data: Data, trees: int) -> Any:
        __import__(f"sklearn.{module}")
        kind = getattr(sys.modules[f"sklearn.{module}"], name)
        estimator = kind(**_filled(options, trees))
        if target == "none":
            return estimator.fit(data.matrix)
        return estimator.fit(
            data.matrix,
            make_target(data, target),
        )

    return fit


TREES = "TREES"


def _filled(
    options: dict[str, Any],
    trees: int,
) -> dict[str, Any]:
    return {name: trees if value == TREES else value for name, value in options.items()}


def make_target(data: Data, target: str) -> Any:
    """Return what is to be predicted: see `scikit`."""
    if target == "number":
        return data.number
    if target == "positive":
        return data.positive
    if target == "numbers":
        return np.column_stack(
            [
                data.number,
                -data.positive,
            ]
        )
    return data.labels(int(target))


def xgb(
    name: str,
    target: str,
    **options: Any,
) -> Callable[[Data, int], Any]:
    """Return what fits a wrapper of XGBoost; see `scikit`."""

    def fit(data: Data, trees: int) -> Any:
        import xgboost  # noqa: PLC0415 - not every environment has it

        estimator = getattr(xgboost, name)(
            n_estimators=trees,
            **ONE_THREAD,
            **options,
        )
        return estimator.fit(
            data.matrix,
            make_target(data, target),
        )

    return fit


def lgb(
    name: str, target: str, *, with_categories: bool = True, **options: Any
) -> Callable[[Data, int], Any]:
    """Return what fits a wrapper of LightGBM; see `scikit`."""

    def fit(data: Data, trees: int) -> Any:
        import lightgbm  # noqa: PLC0415 - not every environment has it

        parameters = {
            "min_data_per_group": 5,
            "cat_smooth": 1.0,
            **QUIET,
            **options,
        }
        estimator = getattr(lightgbm, name)(
            n_estimators=trees,
            **parameters,
        )
        categories = [CATEGORY] if with_categories else "auto"
        matrix, target_values = data.matrix, make_target(data, target)
        return estimator.fit(matrix, target_values, categorical_feature=categories)

    return fit


def scikit_cases() -> list[Case]:
    """Return the families of scikit-learn."""
    forest = {"n_estimators": TREES, "min_samples_leaf": 2, **SEEDED}
    boosted = {"n_estimators": TREES, **SEEDED}
    histogram = {
        "max_iter": TREES,
        "categorical_features": [CATEGORY],
        **SEEDED,
    }
    cases = []
    for family, module, prefix, options, since in (
        (
            "random forest",
            "ensemble",
            "RandomForest",
            forest,
            (1, 4),
        ),
        (
            "extra trees",
            "ensemble",
            "ExtraTrees",
            forest,
            (1, 6),
        ),
        (
            "decision tree",
            "tree",
            "DecisionTree",
            {"min_samples_leaf": 2, **SEEDED},
            (1, 3),
        ),
        ("gradient boosting", "ensemble", "GradientBoosting", boosted, None),
        (
            "histogram boosting",
            "ensemble",
            "HistGradientBoosting",
            histogram,
            (0, 0),
        ),
    ):
        for classes in ("2", "3", "10"):
            fit = scikit(module, f"{prefix}Classifier", classes, **options)
            # Before 1.4 its softmax was by a logarithm of the sum.
            by_logarithm = prefix == "GradientBoosting" and classes != "2"
            before = (1, 4) if by_logarithm else (0, 0)
            name = f"{prefix}Classifier, {classes} classes"
            cases.append(
                Case(
                    family,
                    name,
                    fit,
                    missing_since=since,
                    refused_before=before,
                )
            )
        fit = scikit(module, f"{prefix}Regressor", "number", **options)
        cases.append(
            Case(
                family,
                f"{prefix}Regressor",
                fit,
                missing_since=since,
            )
        )
        if "oosting" not in prefix:
            fit = scikit(module, f"{prefix}Regressor", "numbers", **options)
            cases.append(
                Case(
                    family,
                    f"{prefix}Regressor, 2 outputs",
                    fit,
                    missing_since=since,
                )
            )
    exponential = scikit(
        "ensemble", "GradientBoostingClassifier", "2", loss="exponential", **boosted
    )
    cases.append(
        Case(
            "gradient boosting",
            "exponential loss",
            exponential,
            missing_since=None,
        )
    )
    huber = scikit(
        "ensemble", "GradientBoostingRegressor", "number", loss="huber", init="zero", **boosted
    )
    cases.append(
        Case(
            "gradient boosting",
            "Huber loss from zero",
            huber,
            missing_since=None,
        )
    )
    poisson = scikit(
        "ensemble", "HistGradientBoostingRegressor", "positive", loss="poisson", **histogram
    )
    cases.append(Case("histogram boosting", "Poisson loss", poisson))
    isolation = scikit(
        "ensemble", "IsolationForest", "none", n_estimators=TREES, max_features=4, **SEEDED
    )
    cases.append(
        Case(
            "isolation forest",
            "IsolationForest",
            isolation,
            missing_since=(1, 6),
        )
    )
    return cases


def booster_cases() -> list[Case]:
    """Return the families of XGBoost and LightGBM."""
    sets: dict[str, Any] = {
        "enable_categorical": True,
        "feature_types": KINDS,
        "max_cat_to_onehot": 2,
    }
    one_hot = {**sets, "max_cat_to_onehot": 20}
    cases = []
    for name, fit in {
        "XGBClassifier, 2 classes": xgb("XGBClassifier", "2"),
        "XGBClassifier, categories": xgb("XGBClassifier", "2", **sets),
        "XGBClassifier, one-hot categories": xgb("XGBClassifier", "3", **one_hot),
        "XGBClassifier, 10 classes": xgb("XGBClassifier", "10"),
        "XGBRegressor": xgb("XGBRegressor", "number"),
        "XGBRegressor, 2 outputs": xgb("XGBRegressor", "numbers"),
        "XGBRegressor, Poisson": xgb("XGBRegressor", "positive", objective="count:poisson"),
        "XGBRFClassifier": xgb("XGBRFClassifier", "2"),
    }.items():
        cases.append(
            Case(
                "XGBoost",
                name,
                fit,
                library="xgboost",
            )
        )
    bagged: dict[str, Any] = {
        "boosting_type": "rf",
        "bagging_freq": 1,
        "bagging_fraction": 0.6,
    }
    for name, fit in {
        "LGBMClassifier, 2 classes": lgb("LGBMClassifier", "2", with_categories=False),
        "LGBMClassifier, categories": lgb("LGBMClassifier", "2", max_cat_to_onehot=1),
        "LGBMClassifier, 10 classes": lgb("LGBMClassifier", "10"),
        "LGBMClassifier, one against the rest": lgb(
            "LGBMClassifier", "3", objective="multiclassova"
        ),
        "LGBMRegressor": lgb("LGBMRegressor", "number"),
        "LGBMRegressor, zero as missing": lgb("LGBMRegressor", "number", zero_as_missing=True),
        "LGBMRegressor, no missing values": lgb("LGBMRegressor", "number", use_missing=False),
        "LGBMRegressor, square root": lgb("LGBMRegressor", "number", reg_sqrt=True),
        "LGBMRegressor, Poisson": lgb("LGBMRegressor", "positive", objective="poisson"),
        "LGBMRegressor, cross entropy": lgb("LGBMRegressor", "2", objective="cross_entropy"),
        "LGBMClassifier, random forest": lgb("LGBMClassifier", "2", **bagged),
        "LGBMRegressor, random forest": lgb("LGBMRegressor", "number", **bagged),
        "LGBMClassifier, dart": lgb("LGBMClassifier", "2", boosting_type="dart"),
    }.items():
        cases.append(
            Case(
                "LightGBM",
                name,
                fit,
                library="lightgbm",
            )
        )
    return cases


def refused_cases() -> list[Case]:
    """Return estimators that are refused by name."""
    vectors = xgb("XGBRegressor", "numbers", multi_strategy="multi_output_tree")
    return [
        Case(
            "XGBoost",
            "dart",
            xgb("XGBClassifier", "2", booster="dart", rate_drop=0.5),
            "xgboost",
            refused=True,
        ),
        Case(
            "XGBoost",
            "linear booster",
            xgb("XGBRegressor", "number", booster="gblinear"),
            "xgboost",
            refused=True,
        ),
        Case("XGBoost", "multi-target trees", vectors, "xgboost", refused=True),
        Case(
            "LightGBM",
            "linear trees",
            lgb("LGBMRegressor", "number", linear_tree=True),
            "lightgbm",
            refused=True,
        ),
        Case(
            "LightGBM",
            "cross_entropy_lambda",
            lgb("LGBMRegressor", "2", objective="cross_entropy_lambda"),
            "lightgbm",
            refused=True,
        ),
    ]
