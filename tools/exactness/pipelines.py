"""Pipelines of every step that is served, and of what is refused by name."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from .cases import Case

if TYPE_CHECKING:
    from collections.abc import Callable

    from .data import Data

NUMBERS = ["width", "height", "depth", "count"]
KIND = ["kind"]
#: Where each class of scikit-learn is.
MODULES = {
    **dict.fromkeys(("SimpleImputer", "MissingIndicator"), "impute"),
    **dict.fromkeys(("Ridge", "LogisticRegression", "PoissonRegressor"), "linear_model"),
    **dict.fromkeys(("LinearRegression", "SGDClassifier", "RidgeClassifier"), "linear_model"),
    **dict.fromkeys(("Lasso", "ElasticNet", "SGDRegressor", "TweedieRegressor"), "linear_model"),
    **dict.fromkeys(("SelectKBest", "VarianceThreshold", "SelectFromModel"), "feature_selection"),
    **dict.fromkeys(("make_pipeline", "FeatureUnion"), "pipeline"),
    **dict.fromkeys(("ColumnTransformer", "TransformedTargetRegressor"), "compose"),
    "CalibratedClassifierCV": "calibration",
    "LinearSVC": "svm",
    "RFE": "feature_selection",
    "PCA": "decomposition",
}


def make(name: str, *arguments: Any, **options: Any) -> Any:
    """Return an object of scikit-learn by the name of its class."""
    module = MODULES.get(name, "preprocessing")
    if name.endswith(("Forest", "ForestClassifier", "ForestRegressor")) or "Boosting" in name:
        module = "ensemble"
    return getattr(import_module(f"sklearn.{module}"), name)(*arguments, **options)


def chain(*steps: Any) -> Any:
    """Return a pipeline."""
    return make("make_pipeline", *steps)


def columns(numbers: Any, texts: Any = "drop", **options: Any) -> Any:
    """Return what transforms numbers by one step and texts by another."""
    parts = [("numbers", numbers, NUMBERS), ("texts", texts, KIND)]
    return make("ColumnTransformer", parts, **options)


def one_hot(**options: Any) -> Any:
    """Return an encoder that ignores new categories."""
    return make("OneHotEncoder", **{"handle_unknown": "ignore", **options})


def filled(*steps: Any) -> Any:
    """Return a pipeline that begins with an imputer and its indicators."""
    return chain(make("SimpleImputer", add_indicator=True), *steps)


def scaled() -> Any:
    """Return what linear models need of numbers."""
    return filled(make("StandardScaler"))


def trees(name: str, **options: Any) -> Any:
    """Return a seeded model of a few trees."""
    return make(name, n_estimators=8, random_state=0, **options)


def boosting(name: str) -> Any:
    """Return a seeded histogram boosting of a few trees."""
    return make(f"HistGradientBoosting{name}", max_iter=8, random_state=0)


def logistic() -> Any:
    """Return a logistic regression that converges."""
    return make("LogisticRegression", max_iter=400)


def on_frame(build: Callable[[], Any], target: str) -> Callable[[Data, int], Any]:
    """Return what fits an estimator on a data frame.

    Args:
        build: Makes it.
        target: "number", "positive", or a number of classes.
    """

    def fit(data: Data, _trees: int) -> Any:
        goals = {"number": data.number, "positive": data.positive}
        goal = goals[target] if target in goals else data.labels(int(target))
        return build().fit(data.frame(), goal)

    return fit


def on_matrix(build: Callable[[], Any], target: str) -> Callable[[Data, int], Any]:
    """Return what fits an estimator on a matrix, where a category is its place."""

    def fit(data: Data, _trees: int) -> Any:
        goal = data.number if target == "number" else data.labels(int(target))
        return build().fit(data.matrix, goal)

    return fit


#: By name: what makes the estimator, its target, and whether rows may have missing values.
PREPROCESSING: dict[str, tuple[Callable[[], Any], str, bool]] = {
    "impute, scale, one-hot, random forest": (
        lambda: chain(columns(scaled(), one_hot()), trees("RandomForestClassifier")),
        "3",
        True,
    ),
    "remainder passed through": (
        lambda: chain(
            columns(make("SimpleImputer"), one_hot(sparse_output=False), remainder="passthrough"),
            trees("RandomForestRegressor"),
        ),
        "number",
        True,
    ),
    "ordinal codes, histogram boosting": (
        lambda: chain(
            columns(
                "passthrough",
                make("OrdinalEncoder", handle_unknown="use_encoded_value", unknown_value=-1),
            ),
            boosting("Classifier"),
        ),
        "2",
        True,
    ),
    "ranges, rare categories joined": (
        lambda: chain(
            columns(filled(make("MinMaxScaler", clip=True)), one_hot(min_frequency=0.1)),
            trees("GradientBoostingClassifier"),
        ),
        "3",
        True,
    ),
    "first category dropped": (
        lambda: chain(
            columns(
                make("SimpleImputer", strategy="median"),
                one_hot(drop="first", handle_unknown="infrequent_if_exist", min_frequency=0.1),
            ),
            trees("GradientBoostingRegressor"),
        ),
        "number",
        True,
    ),
    "largest absolute, robust scale": (
        lambda: chain(
            columns(make("RobustScaler"), one_hot()),
            make("MaxAbsScaler"),
            trees("RandomForestClassifier"),
        ),
        "2",
        False,
    ),
    "quantiles, target means": (
        lambda: chain(
            columns(make("QuantileTransformer", n_quantiles=50), make("TargetEncoder")),
            boosting("Regressor"),
        ),
        "number",
        True,
    ),
    "target means of classes": (
        lambda: chain(columns("passthrough", make("TargetEncoder")), boosting("Classifier")),
        "3",
        True,
    ),
    "null among texts is no NaN": (
        lambda: chain(
            columns(
                make("SimpleImputer"),
                chain(make("SimpleImputer", strategy="most_frequent"), one_hot()),
            ),
            trees("RandomForestClassifier"),
        ),
        "2",
        True,
    ),
    "null filled by a text": (
        lambda: chain(
            columns(
                make("SimpleImputer"),
                chain(
                    make(
                        "SimpleImputer", missing_values=None, strategy="constant", fill_value="none"
                    ),
                    one_hot(),
                ),
            ),
            trees("RandomForestClassifier"),
        ),
        "2",
        True,
    ),
    "indicators alone": (
        lambda: chain(
            columns(make("MissingIndicator"), make("MissingIndicator", missing_values=None)),
            trees("RandomForestClassifier"),
        ),
        "2",
        True,
    ),
    "bins": (
        lambda: chain(
            columns(make("KBinsDiscretizer", n_bins=5), one_hot()), trees("RandomForestClassifier")
        ),
        "2",
        False,
    ),
    "bins as ordinals": (
        lambda: chain(
            columns(make("KBinsDiscretizer", n_bins=5, encode="ordinal"), one_hot()),
            trees("RandomForestClassifier"),
        ),
        "2",
        False,
    ),
    "polynomials": (
        lambda: chain(
            columns(chain(make("StandardScaler"), make("PolynomialFeatures", 3)), one_hot()),
            trees("GradientBoostingRegressor"),
        ),
        "number",
        False,
    ),
    "union and choice of columns": (
        lambda: chain(
            columns(union()),
            make("SelectKBest", k=7),
            make("VarianceThreshold"),
            trees("RandomForestClassifier"),
        ),
        "2",
        False,
    ),
    "columns that a model chose": (
        lambda: chain(
            columns(scaled(), one_hot(sparse_output=False)),
            make("SelectFromModel", trees("RandomForestRegressor")),
            trees("RandomForestRegressor"),
        ),
        "number",
        True,
    ),
    "target scaled": (
        lambda: make(
            "TransformedTargetRegressor",
            chain(columns(make("SimpleImputer"), one_hot()), trees("RandomForestRegressor")),
            transformer=make("StandardScaler"),
        ),
        "number",
        True,
    ),
    "target by a logarithm": (
        lambda: make(
            "TransformedTargetRegressor",
            chain(columns(make("SimpleImputer"), one_hot()), trees("RandomForestRegressor")),
            func=import_module("numpy").log,
            inverse_func=import_module("numpy").exp,
        ),
        "positive",
        True,
    ),
}


def union() -> Any:
    """Return columns of three steps beside each other."""
    numpy = import_module("numpy")
    parts = [
        ("above", make("Binarizer", threshold=0.1)),
        ("shares", make("Normalizer", "l1")),
        ("sizes", make("FunctionTransformer", numpy.abs)),
    ]
    return make("FeatureUnion", parts)


def sparse() -> Any:
    """Return scaled numbers and one-hot categories as a sparse matrix."""
    return columns(scaled(), one_hot(), sparse_threshold=1.0)


def dense() -> Any:
    """Return scaled numbers and one-hot categories as a dense matrix."""
    return columns(scaled(), one_hot(sparse_output=False))


LINEAR: dict[str, tuple[Callable[[], Any], str, bool]] = {
    "sparse logistic, 2 classes": (lambda: chain(sparse(), logistic()), "2", True),
    "sparse logistic, 10 classes": (lambda: chain(sparse(), logistic()), "10", True),
    "logistic, 2 classes": (lambda: chain(dense(), logistic()), "2", True),
    "logistic, 3 classes": (lambda: chain(dense(), logistic()), "3", True),
    "sparse ridge": (lambda: chain(sparse(), make("Ridge")), "number", True),
    "ridge": (lambda: chain(dense(), make("Ridge")), "number", True),
    "lasso": (lambda: chain(dense(), make("Lasso", alpha=0.01)), "number", True),
    "elastic net": (lambda: chain(dense(), make("ElasticNet", alpha=0.01)), "number", True),
    "gradient descent": (
        lambda: chain(dense(), make("SGDRegressor", random_state=0)),
        "number",
        True,
    ),
    "Poisson regression": (lambda: chain(dense(), make("PoissonRegressor")), "positive", True),
    "Tweedie regression": (
        lambda: chain(dense(), make("TweedieRegressor", power=0)),
        "positive",
        True,
    ),
    "gradient descent, 3 classes": (
        lambda: chain(dense(), make("SGDClassifier", loss="log_loss", random_state=0)),
        "3",
        True,
    ),
}
CALIBRATION: dict[str, tuple[Callable[[], Any], str, bool]] = {
    "isotonic, random forest": (
        lambda: chain(
            columns(make("SimpleImputer"), one_hot()),
            make(
                "CalibratedClassifierCV", trees("RandomForestClassifier"), method="isotonic", cv=3
            ),
        ),
        "3",
        True,
    ),
    "sigmoid, gradient boosting": (
        lambda: chain(
            columns(make("SimpleImputer"), one_hot()),
            make("CalibratedClassifierCV", trees("GradientBoostingClassifier"), cv=3),
        ),
        "2",
        True,
    ),
    "sigmoid, sparse support vectors": (
        lambda: chain(sparse(), make("CalibratedClassifierCV", make("LinearSVC"), cv=3)),
        "2",
        True,
    ),
    "sigmoid around a pipeline": (
        lambda: make(
            "CalibratedClassifierCV",
            chain(columns(make("SimpleImputer"), one_hot()), trees("RandomForestClassifier")),
            cv=2,
            ensemble=False,
        ),
        "2",
        True,
    ),
}
#: From which version of scikit-learn on the steps of a pipeline are there.
SINCE = {"quantiles, target means": (1, 3), "target means of classes": (1, 4)}
#: Its step has no attribute that says which columns it chose.
CHOSEN_BY_CALL = "columns that a model chose"
#: Before which version their model is refused.
REFUSED_BEFORE = {"ranges, rare categories joined": (1, 4)}
FAMILIES = {"preprocessing": PREPROCESSING, "linear": LINEAR, "calibration": CALIBRATION}


def pipeline_cases() -> list[Case]:
    """Return pipelines, linear models and calibrated classifiers."""
    cases = []
    for family, of_family in FAMILIES.items():
        for name, (build, target, missing) in of_family.items():
            missing_since = (0, 0) if missing else None
            fit = on_frame(build, target)
            case = Case(
                family,
                name,
                fit,
                missing_since=missing_since,
                refused_before=REFUSED_BEFORE.get(name, (0, 0)),
                since=SINCE.get(name, (0, 0)),
                refused_from_file=name == CHOSEN_BY_CALL,
            )
            cases.append(case)
    matrix = on_matrix(
        lambda: chain(make("SimpleImputer"), make("StandardScaler"), boosting("Regressor")),
        "number",
    )
    cases.append(Case("preprocessing", "a matrix of places", matrix))
    alone = on_matrix(lambda: make("LogisticRegression", max_iter=900), "2")
    cases.append(Case("linear", "logistic regression alone", alone, missing_since=None))
    return cases


def refused_pipelines() -> list[Case]:
    """Return pipelines that are refused by name."""
    numpy = import_module("numpy")
    steps = {
        "powers": make("PowerTransformer"),
        "principal components": make("PCA"),
        "a function of one's own": make("FunctionTransformer", lambda values: values),
        "a logarithm": make("FunctionTransformer", numpy.log1p),
        "normal quantiles": make(
            "QuantileTransformer", n_quantiles=9, output_distribution="normal"
        ),
        "Euclidean norm": make("Normalizer"),
    }
    cases = []
    for name, step in steps.items():
        build = on_matrix(
            partial(
                chain,
                make("SimpleImputer"),
                make("FunctionTransformer", numpy.abs),
                step,
                trees("RandomForestRegressor"),
            ),
            "number",
        )
        cases.append(Case("preprocessing", name, build, refused=True))
    labels = on_matrix(lambda: chain(make("SimpleImputer"), make("RidgeClassifier")), "2")
    cases.append(Case("linear", "labels alone", labels, refused=True))
    return cases
