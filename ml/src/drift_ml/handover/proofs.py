"""How a packed model out of a file is proven: by its library's answers, by its library, or not."""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from drift_engine.model import BadRow, PackedModel

from drift_ml.converters import (
    CannotServe,
    DoesNotFit,
    Exactness,
    NotExact,
    convert,
    encode_converted,
    prove,
)
from drift_ml.converters.boosters import lightgbm_text, xgboost_document
from drift_ml.converters.catboost_booster import catboost_document, restored_catboost
from drift_ml.converters.errors import ANSWERS
from drift_ml.converters.estimators import library_and_class
from drift_ml.converters.proof import MOST_ULP, MOST_ULP_SINGLE, ulps
from drift_ml.converters.rounding import share_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from drift_ml.converters import Converted, JsonRow
    from drift_ml.exporting.rows import Rows

    Floats = npt.NDArray[np.float64]

UNPROVEN: Final = "unproven"
#: Of a model of classes, where a file has one column of answers: the last class's probability.
BOTH = 2


def unproven(converted: Converted) -> Exactness:
    """Return the grade of a model that was compared with nothing."""
    reference = converted.reference
    return Exactness(UNPROVEN, 0, 0, None, reference.call, reference.library, reference.version)


def check_answers(packed: bytes, converted: Converted, *parts: Rows) -> None:
    """Raise CannotServe where a model that nothing proves has no answer to a row.

    Args:
        packed: The bytes of its file.
        converted: What they were made from.
        parts: The rows that there are.
    """
    model = PackedModel.from_bytes(packed)
    for rows in parts:
        try:
            model.scores_many(rows.matrix.tolist())
        except BadRow as error:
            raise CannotServe(
                converted.kind,
                "it refuses rows of --data, or answers them with what is no number",
                "fit it with missing values where rows have some, or with a smaller learning rate",
            ) from error


def prove_by_answers(
    converted: Converted,
    rows: Rows,
    answers: Floats,
    columns: Sequence[str],
) -> tuple[bytes, Exactness]:
    """Return a packed model and how exactly it answers as its library did.

    Args:
        converted: Of a file; the others of it are tried where the first does not agree.
        rows: That the library answered.
        answers: What it answered, shape (rows, columns): all values of an answer, or of two
            classes the probability of the last.
        columns: Where a table has them, for the manifest.

    Raises:
        DoesNotFit: the columns are more or fewer than the values of an answer.
        NotExact: the packed model answers otherwise.
    """
    used = used_values(answers.shape[1], converted.model.outputs, converted.model.task)
    single = converted.reference.single
    compared = []
    for model in (converted.model, *converted.others):
        packed = encode_converted(converted, model)
        ours = np.array(PackedModel.from_bytes(packed).scores_many(rows.matrix.tolist()))
        distance = ulps(ours[:, used], answers, single=single)
        compared.append((float(distance.max(initial=0.0)), packed, ours[:, used], distance))
    _, packed, ours, distance = min(compared, key=lambda entry: entry[0])
    share = _bound_share(converted, rows, ours, answers)
    return packed, _graded(converted, distance, columns, share)


def _bound_share(
    converted: Converted,
    rows: Rows,
    ours: Floats,
    answers: Floats,
) -> float | None:
    """Return the largest difference as a share of what the library's rounding may make of a row.

    None where the library's sums have an order.
    """
    rounding = converted.reference.rounding
    if rounding is None:
        return None
    slack = rounding.slack(rows.matrix.tolist())
    return share_of(rounding.room(slack, answers), ours, answers)


def used_values(columns: int, outputs: int, task: str) -> slice:
    """Return which values of an answer the columns hold.

    Args:
        columns: Of answers.
        outputs: Values of an answer.
        task: "classification" or "regression".

    Raises:
        DoesNotFit: there are more or fewer columns than values.
    """
    if columns == 1 and outputs == BOTH and task == "classification":
        return slice(1, BOTH)
    if columns != outputs:
        raise DoesNotFit(
            "--answers",
            f"{outputs} columns, one for each value of an answer",
            "repeat --answers, in the order of the model's classes or outputs",
        )
    return slice(0, outputs)


def _graded(
    converted: Converted,
    distance: Floats,
    columns: Sequence[str],
    share: float | None,
) -> Exactness:
    """Return the grade of a comparison. Raises NotExact where none is reached."""
    reference = converted.reference
    worst = float(distance.max(initial=0.0))
    most = MOST_ULP_SINGLE if reference.single else MOST_ULP
    is_near = share is not None and share <= 1.0
    has_link = getattr(converted.model, "link", "identity") != "identity"
    if worst and not is_near and not (has_link and worst <= most):
        differing = int((distance > 0).any(axis=1).sum())
        raise NotExact(reference.call, ANSWERS, len(distance), differing, worst)
    listed = ", ".join(columns)
    return Exactness(
        ("nearest" if is_near else "exact-link") if worst else "exact",
        len(distance),
        0,
        worst,
        f"{reference.call}, as the rows have it in {listed}"[:500],
        reference.library,
        reference.version,
        share if worst else None,
    )


def prove_by_library(
    converted: Converted,
    estimator: Any,
    features: FeatureSet,
    rows: Sequence[JsonRow],
    seed: int,
) -> Exactness | None:
    """Return the proof against a booster's own library, None where that cannot be asked.

    A booster's own form is inert data, which its library reads without executing anything; it gets
    what was converted, so that a damaged file does not come so far.

    Args:
        converted: Of the file.
        estimator: Lifeless.
        features: What rows are.
        rows: All rows, as requests hold them.
        seed: Of hard rows.

    Raises:
        NotExact: the packed model answers otherwise.
    """
    booster = _live_booster(estimator)
    if booster is None:
        return None
    live = convert(booster, features)
    # With the rounds that the wrapper in the file stopped at, the library's call is another.
    if encode_converted(live) != encode_converted(converted):
        return None
    packed = encode_converted(converted)
    return prove(packed, replace(converted, reference=live.reference), features, rows, seed=seed)


def _live_booster(estimator: Any) -> Any:
    """Return a booster of an installed library, None where there is none."""
    library, _ = library_and_class(estimator)
    if library not in LOADERS or importlib.util.find_spec(library) is None:
        return None
    module = importlib.import_module(library)
    load, place, name = LOADERS[library]
    try:
        return load(module, estimator)
    except getattr(getattr(module, place), name):
        raise CannotServe(
            "model file", f"{library} does not load it", "save it again with the same library"
        ) from None


def _load_lightgbm(module: Any, estimator: Any) -> Any:
    return module.Booster(model_str=lightgbm_text(estimator)[1])


def _load_xgboost(module: Any, estimator: Any) -> Any:
    booster = module.Booster()
    booster.load_model(bytearray(_inner(estimator)))
    return booster


def _load_catboost(_module: Any, estimator: Any) -> Any:
    return restored_catboost(catboost_document(estimator))


#: By library: what loads a booster, and where the library's own error is.
LOADERS = {
    "xgboost": (_load_xgboost, "core", "XGBoostError"),
    "lightgbm": (_load_lightgbm, "basic", "LightGBMError"),
    "catboost": (_load_catboost, "core", "CatBoostError"),
}


def _inner(estimator: Any) -> bytes:
    """Return XGBoost's document alone; in a pickle settings of training stand beside it."""
    booster, document = xgboost_document(estimator)
    handle = bytes(booster.handle)
    return json.dumps(document).encode() if b"Config" in handle[:200] else handle
