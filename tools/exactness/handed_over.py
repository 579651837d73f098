"""Models that other versions saved with their answers, packed here from their files.

The environment of a combination saves each estimator that it has proven, and what its library
answered to every row of the proof (`recorder`). The process that looks after all combinations then
reads the file without executing anything, converts it, and compares every answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import DriftError
from drift_ml.converters import convert
from drift_ml.exporting.rows import Rows
from drift_ml.handover.proofs import prove_by_answers
from drift_ml.model_files import read_model

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet


def prove_file(
    stem: Path,
    feature_set: FeatureSet,
) -> dict[str, Any]:
    """Return how exactly a model out of a file answers, or why it cannot be packed.

    Args:
        stem: See `recorder.Recorder.save`.
        feature_set: What its rows are.
    """
    with np.load(stem.with_suffix(".npz")) as arrays:
        matrix, answers = arrays["rows"], arrays["answers"]
    rows = Rows(
        [],
        matrix,
        np.zeros((len(matrix), 0)),
    )
    try:
        estimator = read_model(stem.with_suffix(".joblib")).estimator
        converted = convert(estimator, feature_set)
        columns = [f"answer {place}" for place in range(answers.shape[1])]
        _, exactness = prove_by_answers(converted, rows, answers, columns)
    except DriftError as error:
        return {"refused": str(error)}
    return {
        "grade": exactness.grade,
        "worst_ulp": exactness.worst_ulp,
        "rows": exactness.rows,
    }
