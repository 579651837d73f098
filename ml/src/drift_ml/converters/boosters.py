"""Boosters of XGBoost and LightGBM in the process that trained them; neither is imported here."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import numpy as np

from .converted import Converted, Reference, as_columns, two_columns
from .errors import CannotServe
from .estimators import is_lifeless, library_and_class, method_of
from .inputs import label_text
from .lightgbm_text import convert_lightgbm_text
from .scikit_trees import quiet
from .xgboost_file import convert_xgboost_file, parse_xgboost

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .converted import Scorer
    from .inputs import Inputs, JsonRow

    Floats = npt.NDArray[np.float64]


def convert_xgboost(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a Booster of XGBoost, or the one in a wrapper for scikit-learn.

    Raises:
        CannotServe: its booster, its objective or its mark of missing values is not served.
        DoesNotFit: the features are not its columns.
    """
    kind = type(estimator).__name__
    booster, document = xgboost_document(estimator)
    missing = getattr(estimator, "missing", None)
    if missing is not None and missing == missing:  # noqa: PLR0124 - NaN
        raise CannotServe(
            f"{kind}(missing=...)",
            "a number that stands for a missing value is not served",
            "train with missing=nan, and give null for what is missing",
        )
    # A wrapper predicts with the rounds that early stopping chose, a Booster with all.
    best = _best_iteration(estimator, document) if _stops_early(estimator) else None
    iterations = None if best is None else best + 1
    parsed = convert_xgboost_file(document, feature_set, iterations=iterations)
    predict = _xgboost_call(booster, parsed.inputs, iterations)
    binary = parsed.objective == "binary:logistic"
    is_class = parsed.model.task == "classification"
    reference = Reference(
        "xgboost",
        ".".join(map(str, document["version"])),
        "Booster.predict of a DMatrix",
        _both(predict(), binary=binary),
        raw=predict(output_margin=True),
        labels=_labels(_both(predict(), binary=binary)) if is_class else None,
        single=True,
    )
    classes = _classes(estimator, parsed.model.outputs) if is_class else ()
    return Converted(parsed.model, parsed.inputs, reference, kind, classes)


def xgboost_document(estimator: Any) -> tuple[Any, Any]:
    """Return a Booster, and its document. Raises CannotServe where a file has none."""
    if not is_lifeless(estimator):
        wrapped = hasattr(estimator, "get_booster")
        booster = estimator.get_booster() if wrapped else estimator
        return booster, parse_xgboost(bytes(booster.save_raw("ubj")))
    booster = getattr(estimator, "_Booster", estimator)
    document = parse_xgboost(bytes(_handle(booster)))
    # In a pickle the settings of training stand beside the model.
    return booster, document.get("Model", document)


def _handle(booster: Any) -> Any:
    """Return what a file has of a booster. Raises CannotServe where it has nothing."""
    for name in ("handle", "_handle"):
        content = getattr(booster, name, None)
        if content is not None:
            return content
    raise CannotServe(library_and_class(booster)[1], "it is not fitted", "call its fit first")


def _best_iteration(estimator: Any, document: Any) -> int | None:
    """Return the round that early stopping chose."""
    if not is_lifeless(estimator):
        best: int | None = getattr(estimator, "best_iteration", None)
        return best
    written = document["learner"].get("attributes", {}).get("best_iteration")
    return None if written is None else int(written)


def _stops_early(estimator: Any) -> bool:
    return (
        getattr(
            estimator,
            "early_stopping_rounds",
            None,
        )
        is not None
    )


def _xgboost_call(
    booster: Any,
    inputs: Inputs,
    iterations: int | None,
) -> Callable[..., Callable[[Sequence[JsonRow]], Any]]:
    """Return what makes calls of a Booster with options, on rows as JSON has them."""
    if is_lifeless(booster):
        return lambda **_options: method_of(booster, "predict")
    xgboost = sys.modules["xgboost"]
    rounds = (0, iterations or 0)

    def make(**options: bool) -> Callable[[Sequence[JsonRow]], Any]:
        def call(rows: Sequence[JsonRow]) -> Any:
            # Float32 as the library itself would make of them.
            matrix = xgboost.DMatrix(
                inputs.matrix(rows),
                feature_names=booster.feature_names,
                feature_types=booster.feature_types,
                enable_categorical=True,
            )
            return booster.predict(matrix, iteration_range=rounds, **options)

        return call

    return make


def _both(call: Callable[[Sequence[JsonRow]], Any], *, binary: bool) -> Scorer:
    """Return a call whose answer has a column for every value."""
    columns = two_columns if binary else as_columns
    return lambda rows: columns(call(rows))


def _labels(scores: Scorer) -> Callable[[Sequence[JsonRow]], npt.NDArray[np.intp]]:
    """Return the place of the largest probability, the first of equal ones, as wrappers take it."""
    return lambda rows: np.argmax(
        scores(rows),
        axis=1,
    )


def _classes(estimator: Any, count: int) -> tuple[str, ...]:
    """Return the classes as texts; a Booster knows their number only."""
    classes = getattr(estimator, "classes_", getattr(estimator, "_classes", None))
    values = range(count) if classes is None else np.asarray(classes).tolist()
    return tuple(label_text(value) for value in values)


def convert_lightgbm(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return a Booster of LightGBM, or the one in a wrapper for scikit-learn.

    Raises:
        CannotServe: its objective or its trees are not served.
        DoesNotFit: the features are not its columns.
    """
    kind = type(estimator).__name__
    booster, text = lightgbm_text(estimator)
    parsed = convert_lightgbm_text(text, feature_set)
    binary = parsed.objective == "binary"
    is_class = parsed.model.task == "classification"
    answer = quiet(method_of(booster, "predict"))

    def predict(rows: Sequence[JsonRow]) -> Any:
        return answer(parsed.inputs.matrix(rows))

    def raw(rows: Sequence[JsonRow]) -> Floats:
        with_scores = quiet(lambda matrix: booster.predict(matrix, raw_score=True))
        return as_columns(with_scores(parsed.inputs.matrix(rows))) / parsed.divisor

    reference = Reference(
        "lightgbm",
        _lightgbm_version(booster, text),
        "Booster.predict",
        _both(predict, binary=binary),
        raw=raw,
        labels=_labels(_both(predict, binary=binary)) if is_class else None,
    )
    classes = _classes(estimator, parsed.model.outputs) if is_class else ()
    return Converted(parsed.model, parsed.inputs, reference, kind, classes)


def lightgbm_text(estimator: Any) -> tuple[Any, str]:
    """Return a Booster, and its text. Raises CannotServe where a file has none."""
    if not is_lifeless(estimator):
        booster = getattr(estimator, "booster_", estimator)
        return booster, booster.model_to_string()
    booster = getattr(estimator, "_Booster", estimator)
    return booster, str(_handle(booster))


def _lightgbm_version(booster: Any, text: str) -> str:
    """Return the library's version; of a file that of its form, which is all that it says."""
    if not is_lifeless(booster):
        version: str = sys.modules["lightgbm"].__version__
        return version
    _, _, rest = text.partition("\nversion=")
    return rest.partition("\n")[0] or "unknown"
