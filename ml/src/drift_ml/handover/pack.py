"""Pack a model out of a file: read it, convert it, prove it, measure it, and write its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from drift_ml.converters import encode_converted
from drift_ml.exporting.export import LONGEST, WITHOUT_TARGET
from drift_ml.exporting.measured import Made, write_measured
from drift_ml.model_files import read_model

from .columns import fitted_columns
from .feature_sets import convert_for
from .onnx_models import is_onnx, pack_onnx
from .proofs import (
    UNPROVEN,
    check_answers,
    prove_by_answers,
    prove_by_library,
    unproven,
)
from .request import (
    SEED,
    Handover,
    Packed,
    feature_set_for,
    libraries_for,
    rows_for,
    warnings_for,
)
from .rows import read_answers

if TYPE_CHECKING:
    from drift_ml.converters import Converted, Exactness
    from drift_ml.exporting.rows import Rows
    from drift_ml.model_files import ModelFile


def pack(handover: Handover) -> Packed:
    """Write a model out of a file as a bundle, which becomes the current version of its model.

    Nothing of the file is executed. The packed model is compared with the answers that the rows
    have of the library, or with a booster's own library where it is installed; without either it
    is packed as unproven. An ONNX file is served as it is, by its own runtime.

    Args:
        handover: The model, its rows, and what is known of both.

    Returns:
        The bundle, its manifest, and how exactly it answers.

    Raises:
        PackError: there is neither a feature set nor a target to propose one for.
        ConversionError: the file is no model that is read, or the model cannot be served.
        RuntimeAbsent: it is an ONNX file, and ONNX Runtime is not installed.
        DataError: the rows cannot be read, or break the feature set.
    """
    if is_onnx(handover.model):
        return pack_onnx(handover)
    file = read_model(handover.model)
    columns = fitted_columns(file.estimator) or file.columns
    features = feature_set_for(handover, columns)
    converted = convert_for(file, features, is_proposed=handover.features is None)
    features = converted.inputs.feature_set
    has_target = converted.kind not in WITHOUT_TARGET
    learnt, unseen, labelled = rows_for(handover, features, may_be_labelled=has_target)
    packed, exactness = _proven(handover, file, converted, learnt, unseen)
    made = Made(
        converted.kind,
        packed,
        exactness,
        _parameters(file.estimator),
        f"file:{handover.data.name}",
        libraries_for(converted.reference.library, converted.reference.version),
        warnings_for(
            unproven=exactness.grade == UNPROVEN,
            seen_rows=handover.held_out is None and labelled,
            no_target=not labelled and has_target,
        ),
    )
    exported = write_measured(made, features, learnt, unseen, seed=SEED, out=handover.out)
    return Packed(exported, file, features, converted.kind)


def _proven(
    handover: Handover,
    file: ModelFile,
    converted: Converted,
    learnt: Rows,
    unseen: Rows,
) -> tuple[bytes, Exactness]:
    """Return the packed model, and how exactly it answers."""
    features = converted.inputs.feature_set
    if handover.answers:
        answers = read_answers(handover.data, features, handover.answers, handover.reading)
        return prove_by_answers(converted, learnt, answers, handover.answers)
    rows = learnt.json if unseen is learnt else [*learnt.json, *unseen.json]
    proven = prove_by_library(converted, file.estimator, features, rows, SEED)
    packed = encode_converted(converted)
    if proven is None:
        check_answers(packed, converted, learnt, unseen)
    return packed, proven or unproven(converted)


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's parameters: attributes that no training made, as texts or numbers."""
    parameters: dict[str, Any] = {}
    for name, value in vars(estimator).items():
        if name.startswith("_") or name.endswith("_") or name in ("handle", "document"):
            continue
        is_plain = value is None or isinstance(value, bool | int)
        is_finite = isinstance(value, float) and np.isfinite(value)
        if is_plain or is_finite:
            parameters[name] = value
        elif isinstance(value, str):
            parameters[name] = value[:LONGEST]
    return parameters
