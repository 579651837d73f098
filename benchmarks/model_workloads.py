"""Seeded rows of twelve numbers and six categories, and a fitted model of every family over them."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from drift_contracts import FeatureSet
from drift_engine.model import PackedModel
from drift_engine.model.writer import encode
from drift_ml.converters import convert

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_ml.converters.inputs import Inputs

ROWS = 6000
NUMBERS = 12
#: Categories of each column of categories.
CATEGORIES = (2, 5, 12, 40, 100, 200)
#: Numbers that are missing in a tenth of the rows.
GAPS = (0, 3, 6, 9)
COLUMNS = range(NUMBERS + len(CATEGORIES))
CATEGORICAL = list(COLUMNS)[NUMBERS:]


class Workload(NamedTuple):
    """Rows as numbers, as requests hold them, and as a data frame."""

    feature_set: FeatureSet
    matrix: np.ndarray
    rows: list[dict[str, Any]]
    late: np.ndarray
    four: np.ndarray

    @property
    def tuples(self) -> list[tuple[float, ...]]:
        """Return rows as the engine takes them."""
        return list(map(tuple, self.matrix.tolist()))

    @property
    def whole(self) -> np.ndarray:
        """Return the rows with zeros for what is missing."""
        return np.nan_to_num(self.matrix)

    def frame(self) -> Any:
        """Return the rows as a data frame with texts for categories."""
        import pandas  # noqa: PLC0415 - processes that answer once need none

        made = pandas.DataFrame(self.rows)
        numbers = list(self.feature_set.names[:NUMBERS])
        return made.astype(dict.fromkeys(numbers, float))


def make_feature_set(*, nullable: bool = True) -> FeatureSet:
    """Return the features of the workload, with a target of two classes."""
    common = {"unit": "none", "description": "Made up."}
    missing = {"nullable": True} if nullable else {}
    features = [
        {"name": f"n{place}", "type": "number", "example": 0.5, **common, **missing} for place in range(NUMBERS)
    ]
    for place, count in enumerate(CATEGORIES):
        listed = [f"v{code}" for code in range(count)]
        features.append({"name": f"c{place}", "type": "category", "categories": listed, "example": "v0", **common})
    target = {"name": "late", "description": "Made up.", "kind": "classification", "classes": ["0", "1"]}
    head = {"contract": "feature-set.v2", "name": "workload", "version": "1.0.0", "description": "Made up."}
    return FeatureSet.from_json({**head, "target": target, "features": features})


@cache
def workload() -> Workload:
    """Return the same rows in every run."""
    random = np.random.default_rng(7)
    numbers = random.normal(size=(ROWS, NUMBERS))
    codes = np.column_stack([random.integers(0, count, ROWS) for count in CATEGORIES])
    effects = [random.normal(size=count) / 2 for count in CATEGORIES]
    worth = numbers[:, :6].sum(axis=1) / 2 + random.normal(size=ROWS) / 2
    for place, effect in enumerate(effects):
        worth += effect[codes[:, place]]
    for column in GAPS:
        numbers[random.random(ROWS) < 0.1, column] = np.nan
    matrix = np.column_stack([numbers, codes]).astype(np.float64)
    feature_set = make_feature_set()
    rows = []
    for values in matrix.tolist():
        cells: list[Any] = [None if value != value else value for value in values]  # noqa: PLR0124 - NaN
        cells[NUMBERS:] = [f"v{int(code)}" for code in values[NUMBERS:]]
        rows.append(dict(zip(feature_set.names, cells, strict=True)))
    four = np.digitize(worth, [-1.0, 0.0, 1.0])
    return Workload(feature_set, matrix, rows, (worth > 0).astype(int), four)


def xgboost_model() -> Any:
    """Return 500 trees of depth 6."""
    import xgboost  # noqa: PLC0415 - as above

    kinds = ["float"] * NUMBERS + ["c"] * len(CATEGORIES)
    options = {"enable_categorical": True, "feature_types": kinds, "n_jobs": 1}
    return xgboost.XGBClassifier(n_estimators=500, max_depth=6, **options).fit(workload().matrix, workload().late)


def lightgbm_model(*, with_categories: bool) -> Any:
    """Return 500 trees of 31 leaves."""
    import lightgbm  # noqa: PLC0415 - as above

    model = lightgbm.LGBMClassifier(n_estimators=500, num_leaves=31, verbose=-1, n_jobs=1)
    chosen = CATEGORICAL if with_categories else []
    return model.fit(workload().matrix, workload().late, categorical_feature=chosen)


def histogram_model() -> Any:
    """Return 300 rounds."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 - as above

    options = {"categorical_features": CATEGORICAL, "early_stopping": False, "random_state": 7}
    return HistGradientBoostingClassifier(max_iter=300, **options).fit(workload().matrix, workload().late)


def forest_model() -> Any:
    """Return 100 trees with leaves of five rows, and four classes."""
    from sklearn.ensemble import RandomForestClassifier  # noqa: PLC0415 - as above

    forest = RandomForestClassifier(100, min_samples_leaf=5, random_state=7, n_jobs=2)
    return forest.fit(workload().whole, workload().four).set_params(n_jobs=None)


def extra_trees_model() -> Any:
    """Return 100 trees with leaves of five rows, and two classes."""
    from sklearn.ensemble import ExtraTreesClassifier  # noqa: PLC0415 - as above

    forest = ExtraTreesClassifier(100, min_samples_leaf=5, random_state=7, n_jobs=2)
    return forest.fit(workload().whole, workload().late).set_params(n_jobs=None)


def tree_model() -> Any:
    """Return a tree with leaves of five rows."""
    from sklearn.tree import DecisionTreeClassifier  # noqa: PLC0415 - as above

    return DecisionTreeClassifier(min_samples_leaf=5, random_state=7).fit(workload().whole, workload().late)


def boosting_model() -> Any:
    """Return 200 trees of depth 3."""
    from sklearn.ensemble import GradientBoostingClassifier  # noqa: PLC0415 - as above

    model = GradientBoostingClassifier(n_estimators=200, max_depth=3, random_state=7)
    return model.fit(workload().whole, workload().late)


MODELS: dict[str, Callable[[], Any]] = {
    "XGBoost 500 x 6": xgboost_model,
    "LightGBM 500 x 31, numbers": lambda: lightgbm_model(with_categories=False),
    "LightGBM 500 x 31, categories": lambda: lightgbm_model(with_categories=True),
    "HistGradientBoosting 300": histogram_model,
    "RandomForestClassifier 100, 4 classes": forest_model,
    "ExtraTreesClassifier 100": extra_trees_model,
    "DecisionTreeClassifier": tree_model,
    "GradientBoosting 200 x 3": boosting_model,
}
#: The one of four classes.
FOUR = "RandomForestClassifier 100, 4 classes"
#: Those of which rows have no missing cell.
WHOLE = (FOUR, "ExtraTreesClassifier 100", "DecisionTreeClassifier", "GradientBoosting 200 x 3")


class Fitted(NamedTuple):
    """A fitted estimator and its packed model."""

    estimator: Any
    content: bytes
    packed: PackedModel
    #: What the estimator takes.
    matrix: np.ndarray
    #: How rows become what the library sees.
    inputs: Inputs


@cache
def fitted(name: str) -> Fitted:
    """Return a model of `MODELS`, fitted once for all tests."""
    estimator = MODELS[name]()
    matrix = workload().whole if name in WHOLE else workload().matrix
    feature_set = _for_classes(4) if name == FOUR else workload().feature_set
    converted = convert(estimator, feature_set)
    content = encode(converted.model)
    return Fitted(estimator, content, PackedModel.from_bytes(content), matrix, converted.inputs)


def _for_classes(count: int) -> FeatureSet:
    """Return the feature set with so many classes."""
    document = workload().feature_set.to_json()
    document["target"] = {**document["target"], "classes": [str(place) for place in range(count)]}
    return FeatureSet.from_json(document)
