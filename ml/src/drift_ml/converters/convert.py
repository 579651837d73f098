"""Which estimator is converted by what; every other is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from .boosters import convert_lightgbm, convert_xgboost
from .catboost_booster import convert_catboost
from .errors import CannotServe, DoesNotFit
from .estimators import library_and_class
from .scikit_boosting import convert_gradient_boosting
from .scikit_histogram import convert_histogram
from .scikit_pipeline import STEPPED, convert_steps
from .scikit_trees import convert_forest, convert_isolation

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from drift_contracts import FeatureSet

    from .converted import Converted

    Converter = Callable[[Any, FeatureSet], Converted]

#: Probabilities in an answer.
MOST_CLASSES = 1000

#: Of scikit-learn.
SCIKIT: dict[str, Converter] = {
    "DecisionTreeClassifier": convert_forest,
    "DecisionTreeRegressor": convert_forest,
    "ExtraTreeClassifier": convert_forest,
    "ExtraTreeRegressor": convert_forest,
    "ExtraTreesClassifier": convert_forest,
    "ExtraTreesRegressor": convert_forest,
    "RandomForestClassifier": convert_forest,
    "RandomForestRegressor": convert_forest,
    "IsolationForest": convert_isolation,
    "GradientBoostingClassifier": convert_gradient_boosting,
    "GradientBoostingRegressor": convert_gradient_boosting,
    "HistGradientBoostingClassifier": convert_histogram,
    "HistGradientBoostingRegressor": convert_histogram,
    **dict.fromkeys(STEPPED, convert_steps),
}
XGBOOST: dict[str, Converter] = dict.fromkeys(
    ("Booster", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor"),
    convert_xgboost,
)
LIGHTGBM: dict[str, Converter] = dict.fromkeys(
    ("Booster", "LGBMClassifier", "LGBMRegressor", "LGBMRanker"), convert_lightgbm
)
CATBOOST: dict[str, Converter] = dict.fromkeys(
    ("CatBoost", "CatBoostClassifier", "CatBoostRegressor", "CatBoostRanker"), convert_catboost
)
LIBRARIES = {"sklearn": SCIKIT, "xgboost": XGBOOST, "lightgbm": LIGHTGBM, "catboost": CATBOOST}

#: What to do with an estimator that holds others, or that is none.
WAYS_OUT = {
    "StackingClassifier": "export one of its estimators, or fit CalibratedClassifierCV",
    "StackingRegressor": "export one of its estimators",
    "VotingClassifier": "export one of its estimators, or fit CalibratedClassifierCV",
    "VotingRegressor": "export one of its estimators",
    "GridSearchCV": "export its best_estimator_",
    "HalvingGridSearchCV": "export its best_estimator_",
    "HalvingRandomSearchCV": "export its best_estimator_",
    "RandomizedSearchCV": "export its best_estimator_",
    "DaskXGBClassifier": "export its get_booster()",
    "DaskXGBRegressor": "export its get_booster()",
}


def convert(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a fitted estimator as the model file has it, with its library's calls.

    Args:
        estimator: Of scikit-learn, XGBoost, LightGBM or CatBoost; a class that was derived from one
            of theirs may predict otherwise, so it is refused.
        feature_set: What its rows are; a category is a text that the library knows by name, else
            the place of that text in the feature set.

    Raises:
        CannotServe: this kind of estimator, or a setting of it, cannot be served.
        DoesNotFit: the features are not the estimator's columns, or its classes are others.
    """
    library, kind = library_and_class(estimator)
    converter = LIBRARIES.get(library, {}).get(kind)
    if converter is None:
        raise _unknown(library, kind)
    if library == "sklearn" and not is_fitted(estimator):
        raise CannotServe(kind, "it is not fitted", "call its fit first")
    converted = converter(estimator, feature_set)
    return replace(converted, classes=_classes(converted, feature_set))


def is_fitted(estimator: Any) -> bool:
    """Return whether an estimator of scikit-learn has what its `fit` leaves."""
    if library_and_class(estimator)[1] == "Pipeline":
        return is_fitted(estimator.steps[-1][1])
    names = ("n_features_in_", "coef_", "regressor_", "calibrated_classifiers_")
    return any(hasattr(estimator, name) for name in names)


def _unknown(library: str, kind: str) -> CannotServe:
    """Return the refusal of an estimator that nothing here converts."""
    known = []
    for converters in LIBRARIES.values():
        known += [name for name in converters if name not in known]
    way_out = WAYS_OUT.get(
        kind,
        f"train one of {', '.join(known)}",
    )
    return CannotServe(
        f"{library} {kind}",
        "this kind of model is not served",
        way_out,
    )


def _classes(converted: Converted, feature_set: FeatureSet) -> tuple[str, ...]:
    """Return the classes' names: the feature set's, where it lists those of the estimator.

    Raises where there are too many classes, or the feature set has others.
    """
    classes, listed = converted.classes, feature_set.target.classes
    if len(classes) > MOST_CLASSES:
        raise CannotServe(
            converted.kind,
            f"it has {len(classes)} classes, at most {MOST_CLASSES} are served",
            "join the rare classes into one",
        )
    if not classes or not listed or listed == classes:
        return classes
    # An estimator may be fitted on the places of the classes; XGBoost takes nothing else.
    places = tuple(map(str, range(len(listed))))
    if classes != places or set(listed) == set(places):
        raise DoesNotFit(
            "/target/classes",
            "the estimator's classes, in its order (its classes_)",
            "list them so, or fit on labels of these texts, or on their places",
        )
    return listed
