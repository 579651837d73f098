"""Which estimator is converted by what; every other is refused by name."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from drift_engine.model import TooLarge
from drift_engine.model.writer import encode

from .boosters import convert_lightgbm, convert_xgboost
from .catboost_booster import convert_catboost
from .errors import CannotServe, DoesNotFit
from .estimators import is_lifeless, library_and_class
from .scikit_boosting import convert_gradient_boosting
from .scikit_histogram import convert_histogram
from .scikit_pipeline import STEPPED, convert_steps
from .scikit_trees import convert_forest, convert_isolation

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from drift_contracts import FeatureSet
    from drift_engine.model.steps import StepsModel
    from drift_engine.model.writer import Model

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

#: What to fit in place of an estimator that is not served.
REGRESSORS = "a RandomForestRegressor, HistGradientBoostingRegressor, XGBRegressor or LGBMRegressor"
CLASSIFIERS = (
    "a RandomForestClassifier, HistGradientBoostingClassifier, XGBClassifier or LGBMClassifier"
)
#: What to do with an estimator that holds others, or that is none.
WAYS_OUT = {
    "ClassifierChain": "export each of its estimators_ as a model of its own",
    "MultiOutputClassifier": "export each of its estimators_ as a model of its own",
    "MultiOutputRegressor": "fit a forest of several outputs, or export each of its estimators_",
    "OneVsOneClassifier": "fit a classifier that knows more than two classes itself",
    "OneVsRestClassifier": "fit a classifier that knows more than two classes itself",
    "RegressorChain": "export each of its estimators_ as a model of its own",
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
        raise _unknown(estimator)
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


def encode_converted(converted: Converted, model: Model | StepsModel | None = None) -> bytes:
    """Return the file of a converted model.

    Args:
        converted: What it is of.
        model: Another one that its file may mean; the first, if absent.

    Raises:
        CannotServe: the file would be larger than 512 MB.
    """
    try:
        return encode(model or converted.model)
    except TooLarge as error:
        raise too_large(converted.kind) from error


def too_large(kind: str) -> CannotServe:
    """Return the refusal of a model whose file would be larger than one may be."""
    return CannotServe(
        kind,
        "its file would be larger than 512 MB",
        "grow fewer or smaller trees: n_estimators, max_depth and min_samples_leaf decide",
    )


def _unknown(estimator: Any) -> CannotServe:
    """Return the refusal of an estimator that nothing here converts."""
    library, kind = library_and_class(estimator)
    subject, reason = f"{library} {kind}", "this kind of model is not served"
    if kind in WAYS_OUT:
        return CannotServe(subject, reason, WAYS_OUT[kind])
    for base in type(estimator).__mro__[1:]:
        if base.__name__ in LIBRARIES.get(base.__module__.partition(".")[0], {}):
            derived = f"a class derived from {base.__name__} may predict otherwise"
            return CannotServe(subject, derived, f"fit {base.__name__} itself")
    if not hasattr(estimator, "fit") and not is_lifeless(estimator):
        return CannotServe(subject, reason, "pass the fitted estimator itself")
    families = CLASSIFIERS if hasattr(estimator, "classes_") else REGRESSORS
    way_out = f"fit {families}; docs/any-model.md lists all that is served"
    return CannotServe(subject, reason, way_out)


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
