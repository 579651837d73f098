"""What somebody hands over to be packed, what it becomes, and what is shared by every way to it."""

from __future__ import annotations

import platform
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import DriftError

from drift_ml.exporting.export import FOLDER
from drift_ml.proposal import Wanted
from drift_ml.tables import ReadOptions

from .feature_sets import propose_feature_set, read_feature_set
from .rows import has_target, read_rows

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet

    from drift_ml.exporting import Exported
    from drift_ml.exporting.rows import Rows
    from drift_ml.model_files import ModelFile

SEED = 7
#: What is said of a bundle, by the warning's name, which programs can rely on.
WORDS = {
    "unproven": "The packed model was compared with nothing: its answers may differ from those of"
    " the library that trained it.",
    "seen-rows": "Scores, expected errors and the baseline of answers are of the rows that were"
    " given as training rows: of rows that the model has learnt they are better than of new ones.",
    "unproven-difference": "The answers of the ONNX file were compared with nothing: how far they"
    " are from those of the model that it was made from is unproven.",
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


def feature_set_for(
    handover: Handover,
    columns: tuple[str, ...],
) -> FeatureSet:
    """Return the feature set that was given, or one that is proposed from the rows.

    Args:
        handover: What is packed.
        columns: That the model was fitted on; none where it has no names.

    Raises:
        PackError: there is neither a feature set nor a target to propose one for.
        DataError: the rows cannot be read.
        DoesNotFit: a column of the model is none of the table's features.
    """
    if handover.features is not None:
        return read_feature_set(handover.features, handover.name)
    if handover.target is None:
        raise PackError(
            "--features: expected a feature set, or --target with the column that is predicted,"
            " for which one is proposed"
        )
    wanted = Wanted(handover.target, model=handover.name)
    # In a proposal for a model without names the answers would be features.
    ignored = (*handover.reading.ignore, *handover.answers)
    reading = replace(handover.reading, ignore=ignored)
    return propose_feature_set(handover.data, wanted, reading, columns)


def rows_for(
    handover: Handover,
    features: FeatureSet,
    *,
    may_be_labelled: bool = True,
) -> tuple[Rows, Rows, bool]:
    """Return learnt and held-out rows, the same object where only one is given.

    The last is whether they have a target.

    Args:
        handover: What is packed.
        features: What rows are.
        may_be_labelled: False for a model that is fitted without a target.

    Raises:
        DataError: the rows cannot be read, or break the feature set.
    """
    files = [handover.data]
    if handover.held_out is not None:
        files.append(handover.held_out)
    labelled = may_be_labelled and all(
        has_target(file, features, handover.reading) for file in files
    )
    tables = [read_rows(file, features, handover.reading, labelled=labelled) for file in files]
    return tables[0], tables[-1], labelled


def warnings_for(**kinds: bool) -> tuple[dict[str, object], ...]:
    """Return the warnings of a bundle that hold, by their names with underscores."""
    names = [kind.replace("_", "-") for kind, holds in kinds.items() if holds]
    return tuple({"kind": name, "words": WORDS[name]} for name in names)


def libraries_for(library: str, version: str) -> dict[str, str]:
    """Return the versions of what trained or runs a model, and of what packed it."""
    return {
        library: version,
        "packed with python": platform.python_version(),
        "packed with numpy": np.__version__,
    }
