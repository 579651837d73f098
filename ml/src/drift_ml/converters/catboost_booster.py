"""Estimators of CatBoost in the process that trained them, or out of a file of JSON."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from .catboost_columns import TRUTHS
from .catboost_file import (
    BINARY,
    CLASSES,
    EXPONENTIAL,
    SAVE,
    convert_catboost_file,
    leaf_numbers,
    loss_of,
)
from .converted import Converted, Reference, as_columns
from .errors import CannotServe
from .estimators import is_lifeless, method_of
from .inputs import label_text

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from drift_contracts import FeatureSet

    from .catboost_file import CatboostFile
    from .converted import Scorer
    from .inputs import Inputs, JsonRow


def convert_catboost(estimator: Any, feature_set: FeatureSet) -> Converted:
    """Return an estimator of CatBoost.

    Raises:
        CannotServe: its loss or its features are not served, or a file has its binary form only.
        DoesNotFit: the features are not its columns.
    """
    kind = type(estimator).__name__
    parsed = convert_catboost_file(catboost_document(estimator), feature_set)
    answer = _prediction_type(parsed.loss)
    is_class = parsed.model.task == "classification"
    predict = _calls(estimator, parsed)
    reference = Reference(
        "catboost",
        parsed.version,
        f"{kind}.predict(prediction_type={answer!r})",
        _columns(predict(answer)),
        raw=_columns(predict("RawFormulaVal")),
        labels=_labels(predict("Class"), parsed.classes) if is_class else None,
    )
    return Converted(parsed.model, parsed.inputs, reference, kind, parsed.classes)


def catboost_document(estimator: Any) -> Any:
    """Return an estimator's document. Raises CannotServe where a file has none."""
    if is_lifeless(estimator):
        document = getattr(estimator, "document", None)
        if document is None:
            reason = "a pickle holds CatBoost's binary form, which is not read"
            raise CannotServe(type(estimator).__name__, reason, SAVE)
        return document
    if not estimator.is_fitted():
        raise CannotServe(type(estimator).__name__, "it is not fitted", "call its fit first")
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        estimator.save_model(str(path), format="json")
        document = json.loads(path.read_text())
    # The document rounds the bias to float32.
    scale, bias = estimator.get_scale_and_bias()
    document["scale_and_bias"] = [scale, bias if isinstance(bias, list) else [bias]]
    return document


def restored_catboost(document: Any) -> Any:
    """Return the live estimator of a document, in an environment that has its library.

    CatBoost reads numbers of JSON less exactly than it writes them, so leaves are set once more.
    """
    catboost = sys.modules["catboost"]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.json")
        path.write_text(json.dumps(document))
        estimator = catboost.CatBoost().load_model(str(path), format="json")
    numbers = leaf_numbers(document)
    # Its order of leaves is another: each is marked, so that the document shows which one it is.
    estimator.set_leaf_values(np.arange(float(len(numbers))))
    places = leaf_numbers(catboost_document(estimator))
    values = np.zeros(len(numbers))
    values[np.array(places, dtype=int)] = numbers
    estimator.set_leaf_values(values)
    estimator.set_scale_and_bias(*document["scale_and_bias"])
    return estimator


def prediction_of(estimator: Any) -> str:
    """Return CatBoost's name of what an estimator is served to answer with."""
    return _prediction_type(loss_of(catboost_document(estimator)))


def _prediction_type(loss: str) -> str:
    """Return CatBoost's name of what a model of a loss answers with."""
    if loss in BINARY or loss in CLASSES:
        return "Probability"
    return "Exponent" if loss in EXPONENTIAL else "RawFormulaVal"


def _calls(
    estimator: Any,
    parsed: CatboostFile,
) -> Callable[[str], Callable[[Sequence[JsonRow]], Any]]:
    """Return what makes calls of a kind of prediction, on rows as JSON has them."""
    if is_lifeless(estimator):
        return lambda _kind: method_of(estimator, "predict")
    # Of the base class, as wrappers have other names for the same.
    predict = sys.modules["catboost"].CatBoost.predict

    def make(kind: str) -> Callable[[Sequence[JsonRow]], Any]:
        def call(rows: Sequence[JsonRow]) -> Any:
            taken = _matrix(parsed.inputs, rows, parsed.categories)
            try:
                return predict(estimator, taken, prediction_type=kind)
            except (sys.modules["catboost"].CatBoostError, TypeError) as error:
                raise ValueError(str(error)) from None

        return call

    return make


def _columns(call: Callable[[Sequence[JsonRow]], Any]) -> Scorer:
    return lambda rows: as_columns(call(rows))


def _labels(
    call: Callable[[Sequence[JsonRow]], Any], classes: tuple[str, ...]
) -> Callable[[Sequence[JsonRow]], Any]:
    """Return a call for the place of the class that the library names."""
    places = {name: place for place, name in enumerate(classes)}

    def labels(rows: Sequence[JsonRow]) -> Any:
        named = np.asarray(call(rows)).reshape(-1).tolist()
        return np.array([places[label_text(name)] for name in named])

    return labels


def _matrix(
    inputs: Inputs,
    rows: Sequence[JsonRow],
    categories: Sequence[int],
) -> Any:
    """Return rows as the library takes them: numbers, or texts beside them for categories."""
    numbers = inputs.matrix(rows)
    if not categories:
        return numbers
    mixed = numbers.astype(object)
    for column in categories:
        feature = inputs.feature(column)
        # A truth value is a text of its own to it, and null is nothing that it takes.
        truths: dict[object, str] = dict(zip((False, True), TRUTHS, strict=True))
        values = [row[feature.name] for row in rows]
        is_truth = feature.type == "boolean"
        mixed[:, column] = [truths.get(value) for value in values] if is_truth else values
    return mixed
