"""How a packed model out of a file is proven: by its library's answers, by its library, or not."""

from __future__ import annotations

import importlib
import importlib.util
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from drift_engine.model import PackedModel
from drift_engine.model.writer import Model, encode

from drift_ml.converters import CannotServe, DoesNotFit, Exactness, NotExact, convert, prove
from drift_ml.converters.boosters import lightgbm_text, xgboost_document
from drift_ml.converters.estimators import library_and_class
from drift_ml.converters.proof import FAR_ULP, MOST_ULP, MOST_ULP_SINGLE, ulps

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_engine.model.steps import StepsModel

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


def prove_by_answers(
    converted: Converted,
    rows: Rows,
    answers: Floats,
    columns: Sequence[str],
) -> tuple[bytes, Exactness]:
    """Return a packed model and how exactly it answers as its library did.

    Args:
        converted: Of a file; other starts of it are tried where the first does not agree.
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
    for model in _candidates(converted):
        packed = encode(model)
        ours = np.array(PackedModel.from_bytes(packed).scores_many(rows.matrix.tolist()))
        distance = ulps(ours[:, used], answers, single=single)
        compared.append((float(distance.max(initial=0.0)), packed, ours[:, used], distance))
    _, packed, ours, distance = min(compared, key=lambda entry: entry[0])
    is_near = _is_near(converted, ours, answers)
    return packed, _graded(converted, distance, columns, is_near=is_near)


def _is_near(
    converted: Converted,
    ours: Floats,
    answers: Floats,
) -> bool:
    """Return whether answers differ by no more than the library's own order of sums may.

    False where sums have an order. How far another order may lead only a live estimator can say;
    of one out of a file a bound in units of the last place stands for it.
    """
    if converted.reference.slack is None:
        return False
    distance = ulps(ours, answers, single=converted.reference.single)
    return bool(distance.max(initial=0.0) <= FAR_ULP)


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


def _candidates(converted: Converted) -> list[Model | StepsModel]:
    """Return the model, and the same with other scores before the first tree."""
    models: list[Model | StepsModel] = [converted.model]
    for start in converted.other_starts:
        members: dict[str, Any] = {**vars(converted.model), "start": start}
        models.append(Model(**members))
    return models


def _graded(
    converted: Converted,
    distance: Floats,
    columns: Sequence[str],
    *,
    is_near: bool,
) -> Exactness:
    """Return the grade of a comparison. Raises NotExact where none is reached."""
    reference = converted.reference
    worst = float(distance.max(initial=0.0))
    most = MOST_ULP_SINGLE if reference.single else MOST_ULP
    has_link = getattr(converted.model, "link", "identity") != "identity"
    if worst and not is_near and not (has_link and worst <= most):
        differing = int((distance > 0).any(axis=1).sum())
        raise NotExact(reference.call, "scores", len(distance), differing, worst)
    listed = ", ".join(columns)
    return Exactness(
        ("nearest" if is_near else "exact-link") if worst else "exact",
        len(distance),
        0,
        worst,
        f"{reference.call}, as the rows have it in {listed}"[:500],
        reference.library,
        reference.version,
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
    if encode(live.model) != encode(converted.model):
        return None
    packed = encode(converted.model)
    return prove(packed, replace(converted, reference=live.reference), features, rows, seed=seed)


def _live_booster(estimator: Any) -> Any:
    """Return a booster of an installed library, None where there is none."""
    library, _ = library_and_class(estimator)
    if library not in ("xgboost", "lightgbm") or importlib.util.find_spec(library) is None:
        return None
    module = importlib.import_module(library)
    is_lightgbm = library == "lightgbm"
    refusal = module.basic.LightGBMError if is_lightgbm else module.core.XGBoostError
    try:
        if is_lightgbm:
            return module.Booster(model_str=lightgbm_text(estimator)[1])
        booster = module.Booster()
        booster.load_model(bytearray(_inner(estimator)))
    except refusal:
        raise CannotServe(
            "model file", f"{library} does not load it", "save it again with the same library"
        ) from None
    return booster


def _inner(estimator: Any) -> bytes:
    """Return XGBoost's document alone; in a pickle settings of training stand beside it."""
    booster, document = xgboost_document(estimator)
    handle = bytes(booster.handle)
    return json.dumps(document).encode() if b"Config" in handle[:200] else handle
