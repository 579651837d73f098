"""Pack a model out of a file: read it, convert it, prove it, measure it, and write its bundle."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import DriftError
from drift_engine.model.writer import encode

from drift_ml.exporting.export import FOLDER, LONGEST, WITHOUT_TARGET
from drift_ml.exporting.measured import Made, write_measured
from drift_ml.model_files import read_model
from drift_ml.proposal import Wanted
from drift_ml.tables import ReadOptions

from .columns import fitted_columns
from .feature_sets import convert_for, propose_feature_set, read_feature_set
from .proofs import UNPROVEN, prove_by_answers, prove_by_library, unproven
from .rows import has_target, read_answers, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet

    from drift_ml.converters import Converted, Exactness
    from drift_ml.exporting import Exported
    from drift_ml.exporting.rows import Rows
    from drift_ml.model_files import ModelFile

SEED = 7
#: What is said of a bundle, by the warning's name, which programs can rely on.
WORDS = {
    UNPROVEN: "The packed model was compared with nothing: its answers may differ from those of the"
    " library that trained it.",
    "seen-rows": "Scores, expected errors and the baseline of answers are of the rows that were"
    " given as training rows: of rows that the model has learnt they are better than of new ones.",
    "no-target": "The rows have no target, so that nothing says how good the model is.",
}


class PackError(DriftError):
    """What was asked for cannot be packed together."""


@dataclass(frozen=True)
class Handover:
    """A model that somebody hands over, and what else they say of it."""

    #: A file, or an MLflow folder.
    model: Path
    #: Rows that it was fitted on.
    data: Path
    #: Rows that it was not fitted on.
    held_out: Path | None = None
    #: A feature set; without it one is proposed, for which the target must be named.
    features: Path | None = None
    #: The target's column in the rows.
    target: str | None = None
    #: Columns of the rows with the library's own answers.
    answers: tuple[str, ...] = ()
    #: The model's name; the feature set's by default.
    name: str | None = None
    #: The folder of all bundles.
    out: Path = FOLDER
    #: How the tables are read.
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class Packed:
    """A bundle that was written, and what it was made of."""

    exported: Exported
    file: ModelFile
    features: FeatureSet
    #: The estimator's class.
    kind: str


def pack(handover: Handover) -> Packed:
    """Write a model out of a file as a bundle, which becomes the current version of its model.

    Nothing of the file is executed. The packed model is compared with the answers that the rows
    have of the library, or with a booster's own library where it is installed; without either it
    is packed as unproven.

    Args:
        handover: The model, its rows, and what is known of both.

    Returns:
        The bundle, its manifest, and how exactly it answers.

    Raises:
        PackError: there is neither a feature set nor a target to propose one for.
        ConversionError: the file is no model that is read, or the model cannot be served.
        DataError: the rows cannot be read, or break the feature set.
    """
    file = read_model(handover.model)
    features = _features(handover, file)
    converted = convert_for(file, features, is_proposed=handover.features is None)
    features = converted.inputs.feature_set
    learnt, unseen, labelled = _rows(handover, features, converted)
    packed, exactness = _proven(handover, file, converted, learnt, unseen)
    kinds = {
        UNPROVEN: exactness.grade == UNPROVEN,
        "seen-rows": handover.held_out is None and labelled,
        "no-target": not labelled and converted.kind not in WITHOUT_TARGET,
    }
    made = Made(
        converted,
        packed,
        exactness,
        _parameters(file.estimator),
        f"file:{handover.data.name}",
        _libraries(converted),
        tuple({"kind": kind, "words": WORDS[kind]} for kind, holds in kinds.items() if holds),
    )
    exported = write_measured(made, features, learnt, unseen, seed=SEED, out=handover.out)
    return Packed(exported, file, features, converted.kind)


def _features(handover: Handover, file: ModelFile) -> FeatureSet:
    """Return the feature set that was given, or one that is proposed from the rows."""
    if handover.features is not None:
        return read_feature_set(handover.features, handover.name)
    if handover.target is None:
        raise PackError(
            "--features: expected a feature set, or --target with the column that is predicted,"
            " for which one is proposed"
        )
    wanted = Wanted(handover.target, model=handover.name)
    columns = fitted_columns(file.estimator) or file.columns
    return propose_feature_set(handover.data, wanted, handover.reading, columns)


def _rows(
    handover: Handover,
    features: FeatureSet,
    converted: Converted,
) -> tuple[Rows, Rows, bool]:
    """Return learnt and held-out rows, the same object where only one is given.

    The last is whether they have a target.
    """
    files = [handover.data]
    if handover.held_out is not None:
        files.append(handover.held_out)
    labelled = converted.kind not in WITHOUT_TARGET and all(
        has_target(file, features, handover.reading) for file in files
    )
    tables = [read_rows(file, features, handover.reading, labelled=labelled) for file in files]
    return tables[0], tables[-1], labelled


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
    return encode(converted.model), proven or unproven(converted)


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


def _libraries(converted: Converted) -> dict[str, str]:
    """Return the versions of what trained a model, as the file has them, and of what packed it."""
    reference = converted.reference
    return {
        reference.library: reference.version,
        "packed with python": platform.python_version(),
        "packed with numpy": np.__version__,
    }
