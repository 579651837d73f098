"""Pipelines, linear models and calibrated classifiers of scikit-learn as models of steps."""

from __future__ import annotations

import copy
import importlib
from dataclasses import replace
from typing import TYPE_CHECKING, cast

import numpy as np
from drift_contracts import Feature, FeatureSet, Target
from drift_engine.model.steps import Program, StepsModel
from drift_engine.model.writer import Column, Model

from .boosters import convert_lightgbm, convert_xgboost
from .converted import Converted, Reference, as_columns
from .errors import CannotServe, ConversionError, DoesNotFit
from .estimators import library_and_class, library_version, method_of
from .inputs import TWO_CLASSES, inputs_by_name
from .rounding import Rounding
from .scikit_boosting import convert_gradient_boosting
from .scikit_histogram import convert_histogram
from .scikit_linear import LINEAR, Ending, end_linear, without_probabilities
from .scikit_steps import exact_function, transform
from .scikit_trees import LIBRARY, convert_forest, quiet
from .steps import OTHER, Matrix, Number, Texts, listed, numbers_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    import numpy.typing as npt

    from .converted import Scorer
    from .inputs import JsonRow
    from .steps import Value

    Floats = npt.NDArray[np.float64]
    Converter = Callable[[Any, FeatureSet], Converted]

#: Models of trees, whether rows may have missing values, and whether they are float32.
TREES: dict[tuple[str, str], tuple[Converter, bool, bool]] = {
    **{
        ("sklearn", name): (convert_forest, True, True)
        for name in (
            *("DecisionTreeClassifier", "DecisionTreeRegressor", "ExtraTreeClassifier"),
            *("ExtraTreeRegressor", "ExtraTreesClassifier", "ExtraTreesRegressor"),
            *("RandomForestClassifier", "RandomForestRegressor"),
        )
    },
    ("sklearn", "GradientBoostingClassifier"): (convert_gradient_boosting, False, True),
    ("sklearn", "GradientBoostingRegressor"): (convert_gradient_boosting, False, True),
    ("sklearn", "HistGradientBoostingClassifier"): (convert_histogram, True, False),
    ("sklearn", "HistGradientBoostingRegressor"): (convert_histogram, True, False),
    ("xgboost", "XGBClassifier"): (convert_xgboost, True, True),
    ("xgboost", "XGBRegressor"): (convert_xgboost, True, True),
    ("lightgbm", "LGBMClassifier"): (convert_lightgbm, True, False),
    ("lightgbm", "LGBMRegressor"): (convert_lightgbm, True, False),
}
#: Those whose decision_function is a score before the link.
DECIDING = ("GradientBoostingClassifier", "HistGradientBoostingClassifier")
#: What is made of steps; the others are models of trees by themselves.
STEPPED = ("Pipeline", "CalibratedClassifierCV", "TransformedTargetRegressor", *LINEAR)


def convert_steps(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a pipeline, a linear model or a calibrated classifier.

    Args:
        estimator: Of scikit-learn, one of STEPPED.
        feature_set: What its rows are. Where it was fitted on a data frame a category is a text,
            and null is None; else it is the place of the text in the feature set.

    Raises:
        CannotServe: a step, or a setting of it, is not served.
        DoesNotFit: the features are not the estimator's columns, or of another type.
    """
    names = _attribute(estimator, "feature_names_in_")
    try:
        return _Conversion(estimator, feature_set, names, as_texts=names is not None).run()
    except DoesNotFit as error:
        # An array may hold texts, and a data frame the places of categories.
        try:
            return _Conversion(estimator, feature_set, names, as_texts=names is None).run()
        except ConversionError:
            raise error from None


def _attribute(estimator: Any, name: str) -> Any:
    """Return what fit left, of the first step where a pipeline has it there; None without."""
    kind = library_and_class(estimator)[1]
    if kind == "Pipeline":
        inner = (_attribute(step, name) for _, step in estimator.steps)
        return next((value for value in inner if value is not None), None)
    # A step may be a text; a property of the library's would ask other steps.
    fitted = getattr(estimator, "__dict__", {})
    if name in fitted:
        return fitted[name]
    for part in ("regressor_", "estimator_", "estimator"):
        if hasattr(estimator, part) and not isinstance(getattr(estimator, part), str):
            return _attribute(getattr(estimator, part), name)
    return None


class _Conversion:
    """One estimator on its way to a program."""

    def __init__(
        self,
        estimator: Any,
        feature_set: FeatureSet,
        names: Any,
        *,
        as_texts: bool,
    ) -> None:
        self.estimator = estimator
        self.feature_set = feature_set
        self.as_texts = as_texts
        self.has_names = names is not None
        columns = _attribute(estimator, "n_features_in_")
        count = len(feature_set.features) if columns is None else int(columns)
        self.inputs = inputs_by_name(names, feature_set, count)
        self.program = Program(len(feature_set.features))

    def run(self) -> Converted:
        """Return the converted estimator."""
        ending = end(self.program, self.estimator, Matrix(tuple(self._columns())))
        if not ending.scores:
            raise without_probabilities(ending.kind)
        model = StepsModel(
            self.program,
            "classification" if ending.classes else "regression",
            list(ending.raws),
            list(ending.scores),
            ending.decision,
            ending.threshold,
        )
        kind = library_and_class(self.estimator)[1]
        reference = self._reference(ending, model)
        others = _others(model, ending.others)
        return Converted(model, self.inputs, reference, kind, ending.classes, others)

    def _columns(self) -> Sequence[Value]:
        columns: list[Value] = []
        for column, source in enumerate(self.inputs.sources):
            feature = self.inputs.feature(column)
            if feature.type == "category" and self.as_texts:
                columns.append(Texts(source, (*feature.categories, OTHER, None)))
            else:
                columns.append(Number(source))
        return columns

    def rows_of(self, rows: Sequence[JsonRow]) -> Any:
        """Return rows as the library takes them: null is None among texts, NaN among numbers."""
        numbers = self.inputs.matrix(rows)
        if not self.as_texts:
            if self.has_names:
                return self._frame(dict(enumerate(numbers.T)))
            return numbers
        columns: dict[int, Any] = {}
        for column in range(len(self.inputs.sources)):
            feature = self.inputs.feature(column)
            columns[column] = numbers[:, column]
            if feature.type == "category":
                texts = [row[feature.name] for row in rows]
                columns[column] = np.array(texts, dtype=object)
        if self.has_names:
            return self._frame(columns)
        objects = [values.astype(object) for values in columns.values()]
        return np.column_stack(objects)

    def _frame(self, columns: dict[int, Any]) -> Any:
        pandas = importlib.import_module("pandas")
        named = {}
        for column, values in columns.items():
            # Its own kind of texts would make NaN of None.
            kind = object if values.dtype == object else "float64"
            named[self.inputs.columns[column]] = pandas.Series(values, dtype=kind)
        return pandas.DataFrame(named)

    def _reference(self, ending: Ending, model: StepsModel) -> Reference:
        alone = _without_threads(self.estimator)
        kind = library_and_class(self.estimator)[1]
        method = "predict_proba" if ending.classes else "predict"
        raw = None
        if kind == "TransformedTargetRegressor":
            raw = self._scorer(method_of(alone.regressor_, "predict"))
        if ending.decides and hasattr(alone, "decision_function"):
            raw = self._scorer(method_of(alone, "decision_function"))
        labels = None
        if ending.classes:
            labels = self._labels(alone)
        return Reference(
            LIBRARY,
            library_version(self.estimator),
            f"{kind}.{method}, a batch",
            self._scorer(method_of(alone, method)),
            raw=raw,
            labels=labels,
            single=ending.single,
            rounding=self._rounding(model) if ending.nearest else None,
        )

    def _scorer(self, call: Callable[[Any], Any]) -> Scorer:
        answer = quiet(call)
        return lambda rows: as_columns(answer(self.rows_of(rows)))

    def _labels(self, estimator: Any) -> Callable[[Sequence[JsonRow]], npt.NDArray[np.intp]]:
        answer = quiet(method_of(estimator, "predict"))
        classes = _classes_of(estimator)

        def labels(rows: Sequence[JsonRow]) -> npt.NDArray[np.intp]:
            predicted = answer(self.rows_of(rows))
            places: npt.NDArray[np.intp] = np.searchsorted(classes, predicted)
            return places

        return labels

    def _rounding(self, model: StepsModel) -> Rounding:
        """Return the bound of the library's rounding. Raises CannotServe where there is none."""
        kind = library_and_class(self.estimator)[1]
        last = self.estimator.steps[-1][1] if kind == "Pipeline" else self.estimator
        if library_and_class(last)[1] not in LINEAR:
            raise CannotServe(
                kind,
                "a dense linear model within it has no answer that the library promises",
                "fit the linear model alone, or give it a sparse matrix",
            )
        return Rounding(model)


def _others(
    model: StepsModel,
    others: Mapping[int, Sequence[Model]],
) -> tuple[StepsModel, ...]:
    """Return a model with other members: all that one version of the library would begin so.

    Args:
        model: As today's version begins its trees.
        others: By place of a member, the same trees as other versions begin them.
    """
    most = max(map(len, others.values()), default=0)
    models = []
    for version in range(most):
        program = copy.copy(model.program)
        program.members = list(program.members)
        for place, versions in others.items():
            program.members[place] = versions[min(version, len(versions) - 1)]
        members: dict[str, Any] = {**vars(model), "program": program}
        models.append(StepsModel(**members))
    return tuple(models)


def _classes_of(estimator: Any) -> Any:
    if library_and_class(estimator)[1] == "Pipeline":
        return _classes_of(estimator.steps[-1][1])
    return estimator.classes_


def _without_threads(estimator: Any) -> Any:
    """Return an estimator whose forests add up in order, which threads do not."""
    alone = copy.copy(estimator)
    if library_and_class(estimator)[1] == "Pipeline":
        *before, (name, last) = estimator.steps
        alone.steps = [*before, (name, _without_threads(last))]
    elif hasattr(alone, "estimators_") and hasattr(alone, "n_jobs"):
        alone.n_jobs = None
    return alone


def end(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    """Return what an estimator makes of a matrix.

    Args:
        program: To which its steps are added.
        estimator: A pipeline, a linear model, a calibrated classifier or a model of trees.
        matrix: What it takes.

    Raises:
        CannotServe: it is none that is served.
        DoesNotFit: a column has numbers where it was fitted on texts, or the reverse.
    """
    library, kind = library_and_class(estimator)
    if library == "sklearn" and kind in ENDS:
        return ENDS[kind](program, estimator, matrix)
    if (library, kind) in TREES:
        return _end_trees(program, estimator, matrix)
    raise CannotServe(
        f"{library} {kind}",
        "this kind of model is not served at the end of a pipeline",
        "end it with trees, boosting, a linear model or CalibratedClassifierCV",
    )


def _end_pipeline(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    *before, (_, last) = estimator.steps
    for _, step in before:
        matrix = transform(program, step, matrix)
    return end(program, last, matrix)


def _end_trees(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    library, kind = library_and_class(estimator)
    converter, has_missing, single = TREES[library, kind]
    registers = numbers_of(matrix, kind)
    if library == "xgboost" and matrix.sparse:
        # What a sparse matrix does not store is missing to XGBoost, and only to it.
        pair = (0.0, float("nan"))
        registers = program.replace(registers, [pair] * len(registers))
    features = _plain_features(estimator, len(registers))
    converted = converter(estimator, features)
    trees = cast("Model", converted.model)
    if library == "lightgbm" and matrix.sparse:
        trees = _with_tiny_numbers(trees)
    if library == "sklearn" and converter is not convert_histogram:
        program.refuse(registers, missing=not has_missing, single=single)
    raws, scores = program.member(trees, registers)
    others = {}
    if converted.others:
        others[len(program.members) - 1] = cast("Sequence[Model]", converted.others)
    return Ending(
        raws,
        scores,
        converted.classes,
        trees.decision,
        trees.threshold,
        kind,
        single=library == "xgboost",
        decides=kind in DECIDING,
        others=others,
    )


def _with_tiny_numbers(trees: Model) -> Model:
    """Return trees that see numbers of up to 1e-35 as LightGBM does where a matrix stores them."""
    columns = []
    for column in trees.columns:
        zero = "keep" if column.zero == "tiny" else column.zero
        columns.append(Column(**{**vars(column), "zero": zero}))
    return Model(**{**vars(trees), "columns": columns})


def _plain_features(estimator: Any, count: int) -> FeatureSet:
    """Return a feature set of so many numbers, named as the estimator's columns."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{place}" for place in range(count)]
    features = []
    for name in map(str, names):
        feature = Feature(name, "number", "none", "", 0.0, nullable=True)
        features.append(feature)
    # Classes are compared with those of the pipeline's feature set, and not here.
    target = Target("answer", "none", "")
    return FeatureSet("pipeline", "1.0.0", "", target, tuple(features))


def _end_target(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    """Return the answer of a regressor whose target was transformed."""
    ending = end(program, estimator.regressor_, matrix)
    step = estimator.transformer_
    kind = library_and_class(step)[1]
    scores = list(ending.scores)
    if kind == "FunctionTransformer":
        name = exact_function(step.inverse_func, "TransformedTargetRegressor(inverse_func)")
        scores = program.function(name, scores) if name else scores
    elif kind == "StandardScaler":
        if step.with_std:
            scores = program.arithmetic("multiply", scores, listed(step.scale_))
        if step.with_mean:
            scores = program.arithmetic("add", scores, listed(step.mean_))
    elif kind == "MinMaxScaler":
        scores = program.arithmetic("subtract", scores, listed(step.min_))
        scores = program.arithmetic("divide", scores, listed(step.scale_))
    else:
        raise CannotServe(
            f"TransformedTargetRegressor(transformer={kind})",
            "its inverse is not served",
            "use StandardScaler, MinMaxScaler, or one of numpy's functions as inverse_func",
        )
    # What is before the function is exact where numpy's exponential is not.
    return replace(ending, raws=ending.scores, scores=scores)


def _end_calibrated(
    program: Program,
    estimator: Any,
    matrix: Matrix,
) -> Ending:
    """Return the mean of calibrated classifiers."""
    endings = []
    probabilities: list[list[int]] = []
    for calibrated in estimator.calibrated_classifiers_:
        inner = _inner(calibrated.estimator)
        ending = end(program, inner, matrix)
        endings.append(ending)
        probabilities.append(_calibrated(program, calibrated, ending))
    sums = probabilities[0]
    for more in probabilities[1:]:
        sums = program.of_two("add", sums, more)
    count = float(len(probabilities))
    means = program.arithmetic("divide", sums, [count] * len(sums))
    first = endings[0]
    nearest = any(ending.nearest for ending in endings)
    others: dict[int, Sequence[Model]] = {}
    for ending in endings:
        others |= ending.others
    return Ending(
        means,
        means,
        first.classes,
        kind="CalibratedClassifierCV",
        nearest=nearest,
        others=others,
    )


def _inner(estimator: Any) -> Any:
    is_frozen = library_and_class(estimator)[1] == "FrozenEstimator"
    return estimator.estimator if is_frozen else estimator


def _calibrated(
    program: Program,
    calibrated: Any,
    ending: Ending,
) -> list[int]:
    """Return the calibrated probabilities of one classifier."""
    count = len(ending.classes)
    # The library prefers decision_function, and has one column of two classes.
    values = list(ending.raws if ending.decides else ending.scores)
    if count == TWO_CLASSES:
        values = values[-1:]
    columns = []
    for step, value in zip(calibrated.calibrators, values, strict=True):
        columns.append(_calibrate(program, step, value))
    if count == TWO_CLASSES:
        (negative,) = program.arithmetic("subtract", columns, [1.0])
        return [*program.function("negative", [negative]), *columns]
    total = program.sum(columns, pairwise=True)
    shares = program.of_two("divide", columns, [total] * count)
    (is_zero,) = program.is_number([total], [0.0])
    even = program.constant(1 / count)
    return [program.where(is_zero, even, share) for share in shares]


def _calibrate(
    program: Program,
    step: Any,
    value: int,
) -> int:
    kind = library_and_class(step)[1]
    if kind == "_SigmoidCalibration":
        product = program.arithmetic("multiply", [value], [float(step.a_)])
        total = program.arithmetic("add", product, [float(step.b_)])
        negative = program.function("negative", total)
        return program.link("sigmoid", negative, 1)[0]
    if kind == "IsotonicRegression":
        low = float(step.X_min_)
        high = float(step.X_max_)
        (clipped,) = program.clip([value], [(low, high)])
        xs = listed(step.X_thresholds_)
        ys = listed(step.y_thresholds_)
        return program.interpolate(clipped, xs, ys)
    raise CannotServe(
        f"CalibratedClassifierCV({kind})",
        "this calibration is not served",
        "use method='sigmoid' or method='isotonic'",
    )


ENDS: dict[str, Callable[[Program, Any, Matrix], Ending]] = {
    "Pipeline": _end_pipeline,
    "CalibratedClassifierCV": _end_calibrated,
    "TransformedTargetRegressor": _end_target,
    **dict.fromkeys(LINEAR, end_linear),
}
