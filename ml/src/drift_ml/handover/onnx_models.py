"""Pack an ONNX file: it is served as it is, and how far it is from reference answers is measured.

Nothing here needs ONNX Runtime to be imported; what runs the file does.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

import numpy as np
from drift_engine import bundle
from drift_engine.onnx import BadOnnx, check_file, open_model, read_signature, runtime_version

from drift_ml.converters import DoesNotFit, Exactness
from drift_ml.exporting.measured import Made, write_measured
from drift_ml.model_files import FileRefused, ModelFile
from drift_ml.model_files.records import Records

from .feature_sets import without_classes
from .proofs import used_values
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
    from collections.abc import Iterator
    from pathlib import Path

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_engine.onnx._model import OnnxModel, Signature

    from drift_ml.exporting.rows import Rows

    Floats = npt.NDArray[np.float64]

ONNX: Final = "onnx"
KIND = "ONNX model"
#: Of a file without that ending: the number of the format's version.
START = b"\x08"
#: Rows that are answered one by one too, as requests are.
SINGLE_ROWS = 2_000
#: The share of rows whose label has the largest probability, at least; ties are few.
AGREEING = 0.95
#: Characters of a parameter that is a text.
LONGEST = 200


def is_onnx(path: Path) -> bool:
    """Return whether a file is meant to be an ONNX model, by its ending or its first byte."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return path.suffix == ".onnx" or file.read(1) == START


def pack_onnx(handover: Handover) -> Packed:
    """Write an ONNX file as a bundle, which becomes the current version of its model.

    Args:
        handover: The model, its rows, and what is known of both.

    Raises:
        FileRefused: the file is no ONNX model that is served, or not of these rows.
        PackError: there is neither a feature set nor a target to propose one for.
        DoesNotFit: rows, answers and model are not about the same.
        DataError: the rows cannot be read, or break the feature set.
        RuntimeAbsent: ONNX Runtime is not installed.
    """
    content = handover.model.read_bytes()
    with _naming(handover.model):
        operators = check_file(content)
        signature = read_signature(content)
    features = _features(handover, signature)
    with _naming(handover.model):
        model = open_model(content, features)
    _check_target(model, features)
    learnt, unseen, labelled = rows_for(handover, features)
    _check_labels(model, learnt)
    exactness = _measured(handover, model, features, learnt)
    made = Made(
        KIND,
        content,
        exactness,
        {"operators": ", ".join(sorted(operators))[:LONGEST]},
        f"file:{handover.data.name}",
        libraries_for("onnxruntime", runtime_version()),
        warnings_for(
            unproven_difference=exactness.largest_difference is None,
            seen_rows=handover.held_out is None and labelled,
            no_target=not labelled,
        ),
        bundle.ONNX,
        model,
        {bundle.ENGINE: bundle.ONNX_ENGINE},
    )
    exported = write_measured(made, features, learnt, unseen, seed=SEED, out=handover.out)
    file = ModelFile(Records().record("onnx", "ModelProto"), ONNX, handover.model)
    return Packed(exported, file, features, KIND)


def onnx_words(exactness: Exactness) -> tuple[str, ...]:
    """Return what is said of an ONNX model's answers, in lines."""
    if exactness.largest_difference is None:
        return (
            "onnx: compared with nothing, so how far its answers differ is unproven;"
            " to measure it, add the",
            "answers of the model that it was made from to the rows, and name their columns:"
            " --answers COLUMN",
        )
    return (
        f"onnx: at most {exactness.largest_difference:.3g} from {exactness.call}"
        f" on {exactness.rows:,} rows; no more is promised",
    )


@contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Let a refusal name the user's file."""
    try:
        yield
    except BadOnnx as error:
        raise FileRefused(path.name, error.reason, error.way_out) from None


def _features(handover: Handover, signature: Signature) -> FeatureSet:
    """Return the feature set of a model whose columns and whose kind of answer its file says."""
    features = feature_set_for(handover, signature.columns)
    if handover.features is None and not signature.is_class:
        return without_classes(features)
    return features


def _check_target(model: OnnxModel, features: FeatureSet) -> None:
    """Raise DoesNotFit unless an answer has as many numbers as the target has outputs."""
    outputs = len(features.target.classes) or len(features.target.outputs) or 1
    if model.outputs != outputs:
        raise DoesNotFit(
            "/target",
            f"{model.outputs} classes or outputs, as the model answers",
            "list in the target of a feature set (--features) what it answers, in its order",
        )


def _check_labels(model: OnnxModel, rows: Rows) -> None:
    """Raise DoesNotFit where labels and probabilities are of different classes."""
    if model.task != "classification":
        return
    decided = model.decide_many(rows.matrix.tolist())
    agreeing = [scores[label] == max(scores) for scores, label in decided]
    if np.mean(agreeing) < AGREEING:
        raise DoesNotFit(
            "/target/classes",
            "the model's classes in its own order: its labels are not those of the largest"
            " probabilities",
            "list the classes in the order of its probabilities",
        )


def _measured(
    handover: Handover,
    model: OnnxModel,
    features: FeatureSet,
    rows: Rows,
) -> Exactness:
    """Return the grade of an ONNX model, with the largest difference from the user's answers."""
    version = runtime_version()
    if not handover.answers:
        return Exactness(ONNX, 0, 0, None, "nothing", "onnxruntime", version)
    answers = read_answers(handover.data, features, handover.answers, handover.reading)
    used = used_values(answers.shape[1], model.outputs, model.task)
    listed = rows.matrix.tolist()
    together = np.array(model.scores_many(listed))[:, used]
    # The runtime may add in another order where it has one row.
    alone = np.array([model.scores(row) for row in listed[:SINGLE_ROWS]])[:, used]
    largest = max(_largest(together, answers), _largest(alone, answers[: len(alone)]))
    call = f"the answers in {', '.join(handover.answers)} of {handover.data.name}"[:500]
    compared = Exactness(ONNX, len(answers), 0, None, call, "onnxruntime", version)
    return replace(compared, largest_difference=largest)


def _largest(ours: Floats, answers: Floats) -> float:
    return float(np.abs(ours - answers).max(initial=0.0))
