"""scikit-learn's histogram gradient boosting, without importing scikit-learn."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.model.writer import Column, Model, Tree

from .converted import Converted, Reference, as_columns
from .errors import CannotServe
from .estimators import library_version, method_of
from .inputs import TWO_CLASSES, Inputs, category_codes, category_numbers, inputs_of, label_text
from .scikit_trees import LIBRARY, classes_of, quiet

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .inputs import JsonRow

    Floats = npt.NDArray[np.float64]

IDENTITY_LOSSES = ("squared_error", "absolute_error", "quantile")
EXPONENTIAL_LOSSES = ("poisson", "gamma")
CLASS_LOSSES = ("log_loss", "auto", "binary_crossentropy", "categorical_crossentropy")


@dataclass(frozen=True)
class _Categories:
    """How the trees see the categories of a column."""

    #: By code of the row: the library's number, NaN for what it takes as missing.
    numbers: tuple[float, ...]
    #: The numbers that it has seen, as 256 bits.
    seen: Sequence[int]

    def left(self, bits: Sequence[int], *, missing_left: bool) -> frozenset[int]:
        """Return the codes that go left at a split whose left side is these 256 bits."""
        codes = set()
        for code, number in enumerate(self.numbers):
            if math.isnan(number) or not (
                _has(
                    self.seen,
                    number,
                )
                or _has(
                    bits,
                    number,
                )
            ):
                goes_left = missing_left
            else:
                goes_left = _has(
                    bits,
                    number,
                )
            if goes_left:
                codes.add(code)
        return frozenset(codes)


def _has(bits: Sequence[int], number: float) -> bool:
    # The library keeps the lowest eight bits of a category.
    low = int(number) & 255
    return bool(bits[low >> 5] >> (low & 31) & 1)


def convert_histogram(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a HistGradientBoostingClassifier or HistGradientBoostingRegressor.

    Raises:
        CannotServe: its loss is not known.
        DoesNotFit: the features are not the estimator's columns, or a category is none of theirs.
    """
    kind = type(estimator).__name__
    link = _link(estimator, kind)
    inputs = inputs_of(estimator, feature_set, estimator.n_features_in_)
    # From 1.4 on the estimator encodes categories itself; before, they were numbers already.
    encoder = _encoder(estimator)
    order = _order(estimator, encoder)
    if encoder is not None:
        inputs = _named(inputs, order, encoder)
    categories = _categories(estimator, inputs, encoder, order)
    trees = []
    for stage in estimator._predictors:
        for output, predictor in enumerate(stage):
            trees.append(_tree(predictor, categories, output))
    classes = classes_of(estimator, kind)
    baseline = estimator._baseline_prediction
    model = Model(
        features=len(feature_set.features),
        columns=_columns(inputs, order, categories),
        trees=trees,
        # A number, or an array of some shape, as the version has it.
        start=tuple(np.ravel(baseline).tolist()),
        outputs=max(len(classes), 1),
        task="classification" if classes else "regression",
        **link,
    )
    reference = _reference(estimator, inputs, kind, classes)
    return Converted(model, inputs, reference, kind, classes)


def _link(estimator: Any, kind: str) -> dict[str, Any]:
    """Return link and decision. Raises CannotServe for a loss that is not known."""
    loss = estimator.loss
    if (
        hasattr(
            estimator,
            "classes_",
        )
        and loss in CLASS_LOSSES
    ):
        if len(estimator.classes_) == TWO_CLASSES:
            return {"link": "sigmoid", "decision": "raw-above"}
        return {"link": "softmax", "decision": "raw-argmax"}
    if loss in EXPONENTIAL_LOSSES:
        return {"link": "exp"}
    if loss in IDENTITY_LOSSES:
        return {}
    name = (
        loss
        if isinstance(
            loss,
            str,
        )
        else type(loss).__name__
    )
    raise CannotServe(
        f"{kind}(loss={name!r})", "this loss is not known", "fit with a loss of scikit-learn's"
    )


def _encoder(estimator: Any) -> Any:
    """Return what encodes the categories, None where nothing does."""
    preprocessor = getattr(
        estimator,
        "_preprocessor",
        None,
    )
    if preprocessor is None:
        return None
    # Not by `named_transformers_`, which a lifeless object has not.
    return next(step for name, step, _ in preprocessor.transformers_ if name == "encoder")


def _order(estimator: Any, encoder: Any) -> list[int]:
    """Return which column of the estimator each column of its trees is."""
    columns = list(range(estimator.n_features_in_))
    if encoder is None:
        return columns
    # The encoder's columns come first, the numbers follow.
    marks = estimator.is_categorical_.tolist()
    return sorted(
        columns,
        key=lambda column: not marks[column],
    )


def _named(
    inputs: Inputs,
    order: list[int],
    encoder: Any,
) -> Inputs:
    """Return the inputs with the names of the categories, where the library has names."""
    names = {}
    for column, values in zip(
        order,
        encoder.categories_,
        strict=False,
    ):
        texts = tuple(label_text(value) for value in _present(values))
        if set(texts) & set(inputs.feature(column).categories):
            names[column] = texts
    return replace(
        inputs,
        names=names,
    )


def _present(values: Any) -> list[Any]:
    """Return categories without the missing one, which the encoder lists last."""
    return [value for value in values.tolist() if value is not None and value == value]  # noqa: PLR0124 - NaN


def _categories(
    estimator: Any,
    inputs: Inputs,
    encoder: Any,
    order: list[int],
) -> dict[int, _Categories]:
    """Return the categories by the trees' column. Raises DoesNotFit where one is a number."""
    marks = estimator.is_categorical_
    if marks is None or not marks.any():
        return {}
    seen = _seen_categories(estimator._bin_mapper)
    categories = {}
    for place, column in enumerate(order):
        if not marks[column]:
            continue
        numbers = tuple(category_numbers(inputs, column))
        if encoder is not None and column not in inputs.names:
            listed = _present(encoder.categories_[place])
            numbers = tuple(_place(listed, number) for number in numbers)
        categories[place] = _Categories(numbers, seen[place])
    return categories


def _seen_categories(mapper: Any) -> dict[int, list[int]]:
    """Return the categories of the training rows, eight words of 32 bits by the trees' column."""
    seen = {}
    for column in np.flatnonzero(mapper.is_categorical_).tolist():
        words = [0] * 8
        for category in mapper.bin_thresholds_[column].tolist():
            low = int(category) & 255
            words[low >> 5] |= 1 << (low & 31)
        seen[column] = words
    return seen


def _place(listed: list[Any], number: float) -> float:
    """Return the place of a number in the encoder's categories, NaN where it is none."""
    return float(listed.index(number)) if number in listed else math.nan


def _columns(
    inputs: Inputs,
    order: list[int],
    categories: dict[int, _Categories],
) -> list[Column]:
    """Return the trees' columns: numbers as they are, or codes of categories."""
    columns = []
    for place, column in enumerate(order):
        entry = categories.get(place)
        codes = (
            0
            if entry is None
            else category_codes(
                inputs,
                column,
            )
        )
        columns.append(
            Column(
                inputs.sources[column],
                categories=codes,
            )
        )
    return columns


def _tree(
    predictor: Any,
    categories: dict[int, _Categories],
    output: int,
) -> Tree:
    nodes = predictor.nodes
    is_leaf = nodes["is_leaf"].astype(bool)
    missing = nodes["missing_go_to_left"].astype(bool).tolist()
    places = nodes["feature_idx"].tolist()
    sets: list[frozenset[int] | None] = [None] * len(nodes)
    splits = (nodes["is_categorical"].astype(bool) & ~is_leaf).nonzero()[0]
    for node in splits.tolist():
        bits = predictor.raw_left_cat_bitsets[nodes["bitset_idx"][node]].tolist()
        sets[node] = categories[places[node]].left(bits, missing_left=missing[node])
    left, right = nodes["left"].astype("int64"), nodes["right"].astype("int64")
    left[is_leaf] = right[is_leaf] = -1
    return Tree(
        column=places,
        threshold=nodes["num_threshold"].tolist(),
        left=left.tolist(),
        right=right.tolist(),
        value=nodes["value"].tolist(),
        missing_left=missing,
        categories=sets if any(sets) else None,
        output=output,
    )


def _reference(
    estimator: Any,
    inputs: Inputs,
    kind: str,
    classes: Sequence[str],
) -> Reference:
    rows_of = inputs.frame if inputs.names else inputs.matrix
    method = "predict_proba" if classes else "predict"

    def scorer(call: Callable[[Any], Any]) -> Callable[[Sequence[JsonRow]], Floats]:
        answer = quiet(call)
        return lambda rows: as_columns(answer(rows_of(rows)))

    def labels(rows: Sequence[JsonRow]) -> npt.NDArray[np.intp]:
        predicted = quiet(method_of(estimator, "predict"))(rows_of(rows))
        return estimator.classes_.searchsorted(predicted)  # type: ignore[no-any-return]

    # A regressor has no public method for the score before the link.
    raw = method_of(estimator, "decision_function", "_raw_predict")
    return Reference(
        LIBRARY,
        library_version(estimator),
        f"{kind}.{method}, a batch",
        scorer(method_of(estimator, method)),
        raw=scorer(raw),
        labels=labels if classes else None,
    )
