"""scikit-learn's transformers as steps, each with the very operations of the library."""

from __future__ import annotations

from itertools import chain, combinations, combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from .errors import CannotServe
from .estimators import Lifeless, is_lifeless, library_and_class, method_of
from .steps import (
    NAN,
    NOWHERE,
    Matrix,
    Number,
    Texts,
    as_numbers,
    encoded,
    is_missing,
    listed,
    looked_up,
    numbers_of,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from drift_engine.model.steps import Program

    from .steps import Value

    Transform = Callable[[Program, Any, Matrix], Matrix]

#: numpy's functions that are exact on every machine, by numpy's names.
EXACT_FUNCTIONS = {
    "absolute": "absolute",
    "fabs": "absolute",
    "negative": "negative",
    "sign": "sign",
    "square": "square",
    "sqrt": "sqrt",
    "reciprocal": "reciprocal",
    "floor": "floor",
    "ceil": "ceil",
    "trunc": "trunc",
    "rint": "rint",
    "exp": "exp",
}
USE_INSTEAD = (
    f"use numpy's {', '.join(sorted(EXACT_FUNCTIONS))}, or compute the column before the model and"
    " make it a feature"
)
#: Why a transformer of scikit-learn is refused.
REFUSED = {
    "PowerTransformer": "its powers are not the same to the last bit everywhere",
    "SplineTransformer": "its splines are not computed here",
    "PCA": "its product with a dense matrix has no order that the library promises",
    "TruncatedSVD": "its product with a matrix has no order that the library promises",
    "KNNImputer": "it needs the rows that it was fitted on",
    "IterativeImputer": "it fits a model for each column",
}


def transform(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    """Return what a fitted transformer makes of a matrix.

    Args:
        program: To which its steps are added.
        step: The transformer, or "passthrough".
        matrix: What it takes.

    Raises:
        CannotServe: it is none that is served, or a setting of it is not.
        DoesNotFit: a column has numbers where it was fitted on texts, or the reverse.
    """
    if step is None or (isinstance(step, str) and step == "passthrough"):
        return matrix
    library, kind = library_and_class(step)
    of_kind = TRANSFORMERS.get(kind) if library == "sklearn" else None
    if of_kind is None:
        reason = REFUSED.get(kind, "this step is not served")
        raise CannotServe(f"{library} {kind}", reason, _instead(kind))
    return of_kind(program, step, matrix)


def _instead(kind: str) -> str:
    if kind == "PowerTransformer":
        return "use QuantileTransformer or StandardScaler"
    return "compute its columns before the model and make them features"


def _pipeline(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    for _, inner in step.steps:
        matrix = transform(program, inner, matrix)
    return matrix


def _column_transformer(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    _without_weights(step, "ColumnTransformer")
    parts = []
    for name, inner, _ in step.transformers_:
        places = list(step._transformer_to_input_indices[name])
        is_dropped = isinstance(inner, str) and inner == "drop"
        if is_dropped or not places:
            continue
        columns = tuple(matrix.columns[place] for place in places)
        parts.append(transform(program, inner, Matrix(columns, matrix.sparse)))
    columns = tuple(chain.from_iterable(part.columns for part in parts))
    return Matrix(columns, bool(step.sparse_output_))


def _union(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    _without_weights(step, "FeatureUnion")
    used = [inner for _, inner in step.transformer_list if inner != "drop"]
    parts = [transform(program, inner, matrix) for inner in used]
    columns = tuple(chain.from_iterable(part.columns for part in parts))
    return Matrix(columns, any(part.sparse for part in parts))


def _without_weights(step: Any, kind: str) -> None:
    if step.transformer_weights:
        raise CannotServe(
            f"{kind}(transformer_weights)", "weights are not served", "scale the columns instead"
        )


# ---- missing values ----


def _imputer(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    values = listed(step.statistics_)
    kept = getattr(step, "keep_empty_features", False)
    _refuse_other_missing(program, step, matrix)
    columns: list[Value] = []
    for column, value in zip(matrix.columns, values, strict=True):
        if is_missing(value) and not kept:
            continue
        columns.append(_filled(program, column, step.missing_values, value))
    indicator = getattr(step, "indicator_", None)
    if step.add_indicator and indicator is not None:
        columns += _indicated(program, indicator, matrix)
    return Matrix(tuple(columns), matrix.sparse)


def _refuse_other_missing(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> None:
    """Refuse what is missing where another value stands for it, as the library does."""
    is_nan = _is_nan(step.missing_values)
    numbers = [column.register for column in matrix.columns if isinstance(column, Number)]
    program.refuse(numbers, missing=not is_nan)


def _is_nan(missing: object) -> bool:
    """Return whether NaN is the value that stands for what is missing."""
    return missing is None or is_missing(missing) or type(missing).__name__ == "NAType"


def _filled(
    program: Program,
    column: Value,
    missing: object,
    value: object,
) -> Value:
    if isinstance(column, Number):
        before = NAN if _is_nan(missing) else float(missing)  # type: ignore[arg-type]
        pair = (before, float(value))  # type: ignore[arg-type]
        return Number(program.replace([column.register], [pair])[0])
    filled = (value if _stands_for(missing, seen) else seen for seen in column.objects)
    return Texts(column.register, tuple(filled))


def _stands_for(missing: object, seen: object) -> bool:
    """Return whether a text stands for what is missing; None and NaN are two values."""
    return is_missing(seen) if is_missing(missing) else seen == missing


def _indicator(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    _refuse_other_missing(program, step, matrix)
    return Matrix(tuple(_indicated(program, step, matrix)))


def _indicated(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> list[Value]:
    """Return a column of 0 and 1 for each that the indicator has."""
    missing = step.missing_values
    columns: list[Value] = []
    for place in listed(step.features_):
        column = matrix.columns[place]
        if isinstance(column, Number):
            number = NAN if _is_nan(missing) else float(missing)
            (register,) = program.is_number([column.register], [number])
        else:
            register = looked_up(program, column, lambda seen: float(_stands_for(missing, seen)))
        columns.append(Number(register))
    return columns


# ---- numbers ----


def _numeric(
    program: Program,
    step: Any,
    matrix: Matrix,
    *,
    missing: bool,
) -> list[int]:
    """Return the registers of a step of numbers, which refuses infinite ones."""
    registers = numbers_of(matrix, library_and_class(step)[1])
    program.refuse(registers, missing=missing)
    return registers


def _scaled(
    program: Program,
    registers: list[int],
    scale: Any,
    *,
    sparse: bool,
) -> list[int]:
    """Return columns divided by a scale; a sparse matrix is multiplied by its reciprocals."""
    if scale is None:
        return registers
    if sparse:
        return program.arithmetic("multiply", registers, listed(1.0 / np.asarray(scale)))
    return program.arithmetic("divide", registers, listed(scale))


def _moved_and_scaled(
    program: Program,
    step: Any,
    matrix: Matrix,
    middle: Any,
    scale: Any,
) -> Matrix:
    """Return columns less their middle, divided by their scale; None leaves either out."""
    registers = _numeric(program, step, matrix, missing=False)
    if middle is not None:
        registers = program.arithmetic("subtract", registers, listed(middle))
    scaled = _scaled(program, registers, scale, sparse=matrix.sparse)
    return as_numbers(scaled, sparse=matrix.sparse)


def _standard(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    return _moved_and_scaled(
        program,
        step,
        matrix,
        step.mean_ if step.with_mean else None,
        step.scale_ if step.with_std else None,
    )


def _robust(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    return _moved_and_scaled(
        program,
        step,
        matrix,
        step.center_ if step.with_centering else None,
        step.scale_ if step.with_scaling else None,
    )


def _largest(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    registers = _numeric(program, step, matrix, missing=False)
    registers = _scaled(program, registers, step.scale_, sparse=matrix.sparse)
    if getattr(step, "clip", False):
        registers = program.clip(registers, [(-1.0, 1.0)] * len(registers))
    return as_numbers(registers, sparse=matrix.sparse)


def _range(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    registers = _numeric(program, step, matrix, missing=False)
    registers = program.arithmetic("multiply", registers, listed(step.scale_))
    registers = program.arithmetic("add", registers, listed(step.min_))
    if step.clip:
        low, high = map(float, step.feature_range)
        registers = program.clip(registers, [(low, high)] * len(registers))
    return as_numbers(registers)


def _normalizer(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    if step.norm != "l1" or matrix.sparse:
        raise CannotServe(
            f"Normalizer(norm={step.norm!r})",
            "its norm has no order of sums that the library promises",
            "use norm='l1' on a dense matrix, or scale the columns",
        )
    registers = _numeric(program, step, matrix, missing=True)
    norm = program.sum(program.function("absolute", registers), pairwise=True)
    # The library takes a norm that is nearly zero for one.
    smallest = 10.0 * float(np.finfo(np.float64).eps)
    is_large = program.rank(norm, [smallest], "right")
    divisor = program.where(is_large, norm, program.constant(1.0))
    return as_numbers(program.of_two("divide", registers, [divisor] * len(registers)))


def _bins(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    registers = _numeric(program, step, matrix, missing=True)
    columns: list[int] = []
    edges = [listed(borders)[1:-1] for borders in step.bin_edges_]
    for register, inner, bins in zip(registers, edges, listed(step.n_bins_), strict=True):
        place = program.rank(register, inner, "right")
        if step.encode == "ordinal":
            columns.append(place)
        else:
            columns += program.one_hot(place, int(bins))
    return as_numbers(columns, sparse=step.encode == "onehot")


def _quantiles(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    if step.output_distribution != "uniform":
        raise CannotServe(
            "QuantileTransformer(output_distribution='normal')",
            "the normal distribution's quantiles are not the same to the last bit everywhere",
            "use output_distribution='uniform'",
        )
    registers = _numeric(program, step, matrix, missing=False)
    quantiles = np.asarray(step.quantiles_, dtype=np.float64)
    heights = listed(step.references_)
    columns = []
    for place, register in enumerate(registers):
        values = quantiles[:, place].tolist()
        columns.append(_quantile(program, register, values, heights))
    return as_numbers(columns, sparse=matrix.sparse)


def _quantile(
    program: Program,
    register: int,
    xs: list[float],
    ys: list[float],
) -> int:
    """Return the mean of interpolations from both ends, as repeated quantiles need it."""
    upward = program.interpolate(register, xs, ys)
    reverse_xs = [-x for x in reversed(xs)]
    reverse_ys = [-y for y in reversed(ys)]
    (negative,) = program.function("negative", [register])
    downward = program.interpolate(negative, reverse_xs, reverse_ys)
    (both,) = program.of_two("subtract", [upward], [downward])
    (half,) = program.arithmetic("multiply", [both], [0.5])
    # The ends as the library sets them, the lower one last.
    for end, value in ((xs[-1], 1.0), (xs[0], 0.0)):
        (is_end,) = program.is_number([register], [end])
        half = program.where(is_end, program.constant(value), half)
    return half


def _powers(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    if matrix.sparse:
        raise CannotServe(
            "PolynomialFeatures",
            "products of a sparse matrix are not served",
            "give it a dense matrix, by OneHotEncoder(sparse_output=False)",
        )
    registers = _numeric(program, step, matrix, missing=True)
    low, high = (0, step.degree) if isinstance(step.degree, int) else step.degree
    choose = combinations if step.interaction_only else combinations_with_replacement
    columns = [program.constant(1.0)] if step.include_bias else []
    # From the last factor on, as the library multiplies.
    products: dict[tuple[int, ...], int] = {}
    for degree in range(1, high + 1):
        chosen = list(choose(range(len(registers)), degree))
        if degree == 1:
            products = {places: registers[places[0]] for places in chosen}
        else:
            first = [registers[places[0]] for places in chosen]
            behind = [products[places[1:]] for places in chosen]
            multiplied = program.of_two("multiply", first, behind)
            products |= dict(zip(chosen, multiplied, strict=True))
        if degree >= low:
            columns += [products[places] for places in chosen]
    return as_numbers(columns)


def _binary(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    registers = _numeric(program, step, matrix, missing=True)
    edge = float(step.threshold)
    columns = [program.rank(register, [edge], "left") for register in registers]
    return as_numbers(columns, sparse=matrix.sparse)


def exact_function(function: Any, place: str) -> str | None:
    """Return the name of a function of numpy's that is exact, None where it is none at all.

    Args:
        function: Of a FunctionTransformer.
        place: The parameter that holds it, for the refusal.

    Raises:
        CannotServe: it is the user's, or another of numpy's.
    """
    if function is None:
        return None
    name = getattr(function, "__name__", type(function).__name__)
    is_numpy = type(function) is np.ufunc or _is_named_by_file(function)
    if is_numpy and name in EXACT_FUNCTIONS:
        return EXACT_FUNCTIONS[name]
    reason = "it is not the same to the last bit everywhere" if is_numpy else "it is code"
    raise CannotServe(f"{place}={name}", reason, USE_INSTEAD)


def _is_named_by_file(function: Any) -> bool:
    """Return whether it is a name of numpy's out of a file, which has nothing but the name."""
    is_name = isinstance(function, type) and issubclass(function, Lifeless)
    return is_name and function.__module__.partition(".")[0] == "numpy"


def _function(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    name = exact_function(step.func, "FunctionTransformer(func)")
    if step.kw_args:
        raise CannotServe("FunctionTransformer(kw_args)", "arguments are not served", USE_INSTEAD)
    if name is None:
        return matrix
    registers = numbers_of(matrix, "FunctionTransformer")
    if step.validate:
        program.refuse(registers, missing=True)
    return as_numbers(program.function(name, registers), sparse=matrix.sparse)


# ---- categories ----


def _one_hot(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    columns: list[int] = []
    for place, column in enumerate(matrix.columns):
        categories = listed_objects(step.categories_[place])
        width = int(step._n_features_outs[place])
        number = _grouped(step, place)
        dropped = _dropped(step, place)

        def position(
            index: int | None,
            number: Any = number,
            dropped: Any = dropped,
        ) -> float:
            code = number(index)
            if code is None or code == dropped:
                return NOWHERE
            return float(code - 1 if dropped is not None and code > dropped else code)

        refuses = step.handle_unknown == "error"
        code = encoded(program, column, categories, position, refuses_unknown=refuses)
        columns += program.one_hot(code, width) if width else []
    return as_numbers(columns, sparse=bool(step.sparse_output))


def listed_objects(values: Any) -> list[Any]:
    """Return categories as Python's own values."""
    return list(values.tolist())


def _grouped(step: Any, place: int) -> Callable[[int | None], int | None]:
    """Return how a place among a column's categories becomes a code, with rare ones joined."""
    mappings = getattr(step, "_default_to_infrequent_mappings", None)
    mapping = None
    if getattr(step, "_infrequent_enabled", False) and mappings is not None:
        mapping = mappings[place]
    codes = None if mapping is None else listed(mapping)
    joins_unknown = step.handle_unknown in ("infrequent_if_exist", "warn")

    def code(index: int | None) -> int | None:
        if index is None:
            # The group of rare categories comes last.
            return max(codes) if codes is not None and joins_unknown else None
        return index if codes is None else int(codes[index])

    return code


def _dropped(step: Any, place: int) -> int | None:
    """Return the code whose column is left out, None where none is."""
    dropped = getattr(step, "_drop_idx_after_grouping", None)
    if dropped is None or dropped[place] is None:
        return None
    return int(dropped[place])


def _ordinal(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    columns = []
    for place, column in enumerate(matrix.columns):
        categories = listed_objects(step.categories_[place])
        missing = step._missing_indices.get(place)
        number = _grouped(step, place)

        def value(
            index: int | None,
            missing: Any = missing,
            number: Any = number,
        ) -> float:
            if index is not None and index == missing:
                return float(step.encoded_missing_value)
            if index is None:
                unknown = step.unknown_value
                return NAN if unknown is None else float(unknown)
            return float(number(index))

        refuses = step.handle_unknown == "error"
        columns.append(encoded(program, column, categories, value, refuses_unknown=refuses))
    return as_numbers(columns)


def _target(
    program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    means = listed(np.ravel(step.target_mean_))
    classes = len(means)
    columns = []
    for place, column in enumerate(matrix.columns):
        categories = listed_objects(step.categories_[place])
        for of_class in range(classes):
            table = listed(step.encodings_[place * classes + of_class])
            mean = float(means[of_class])

            def value(
                index: int | None,
                table: Any = table,
                mean: float = mean,
            ) -> float:
                return mean if index is None else float(table[index])

            columns.append(encoded(program, column, categories, value, refuses_unknown=False))
    return as_numbers(columns)


# ---- choice of columns ----


def _selected(
    _program: Program,
    step: Any,
    matrix: Matrix,
) -> Matrix:
    support = _support(step)
    columns = tuple(
        column for column, chosen in zip(matrix.columns, support, strict=True) if chosen
    )
    return Matrix(columns, matrix.sparse)


def _support(step: Any) -> Sequence[bool]:
    """Return which columns are kept; of a lifeless object only where an attribute says so."""
    if hasattr(step, "support_"):
        return listed(step.support_)
    if library_and_class(step)[1] == "VarianceThreshold":
        return [variance > step.threshold for variance in listed(step.variances_)]
    if library_and_class(step)[1] == "SelectKBest" and isinstance(step.k, int):
        scores = np.array(step.scores_, dtype=np.float64)
        scores[np.isnan(scores)] = np.finfo(np.float64).min
        chosen = set(np.argsort(scores, kind="mergesort")[len(scores) - step.k :].tolist())
        return [place in chosen for place in range(len(scores))]
    if is_lifeless(step):
        kind = library_and_class(step)[1]
        raise CannotServe(
            kind,
            "its choice is computed by a call, and nothing of a file is run",
            "export the live pipeline with drift_ml.export, or put RFE or SelectKBest in its place",
        )
    return listed(method_of(step, "get_support")())


TRANSFORMERS: dict[str, Transform] = {
    "Pipeline": _pipeline,
    "ColumnTransformer": _column_transformer,
    "FeatureUnion": _union,
    "SimpleImputer": _imputer,
    "MissingIndicator": _indicator,
    "StandardScaler": _standard,
    "RobustScaler": _robust,
    "MaxAbsScaler": _largest,
    "MinMaxScaler": _range,
    "Normalizer": _normalizer,
    "KBinsDiscretizer": _bins,
    "QuantileTransformer": _quantiles,
    "PolynomialFeatures": _powers,
    "Binarizer": _binary,
    "FunctionTransformer": _function,
    "OneHotEncoder": _one_hot,
    "OrdinalEncoder": _ordinal,
    "TargetEncoder": _target,
    "SelectKBest": _selected,
    "SelectPercentile": _selected,
    "SelectFromModel": _selected,
    "VarianceThreshold": _selected,
    "RFE": _selected,
    "RFECV": _selected,
}
