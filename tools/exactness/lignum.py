"""The answers of lignum, which reads the boosters' own files."""

from __future__ import annotations

import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_engine.model import PackedModel

from .catboost_cases import lignum_answers

if TYPE_CHECKING:
    import numpy.typing as npt
    from drift_ml.converters import Converted

    from tools.exactness.data import Data

    Floats = npt.NDArray[np.float64]

#: How lignum is given each library's model.
FILES = {"xgboost": "model.ubj", "lightgbm": "model.txt", "catboost": "model.json"}
#: Characters of a refusal that are kept.
LONGEST = 200


def compare(
    estimator: Any,
    converted: Converted,
    packed: bytes,
    data: Data,
) -> dict[str, Any] | None:
    """Return on how many training rows lignum answers as the packed model; None without lignum.

    Args:
        estimator: A wrapper of a booster.
        converted: Of it.
        packed: The bytes of its file.
        data: The training rows.
    """
    try:
        module = import_module("lignum")
    except ImportError:
        return None
    try:
        if hasattr(estimator, "get_cat_feature_indices"):
            theirs = lignum_answers(estimator, data)
        else:
            theirs = _answers(
                module,
                estimator,
                converted.inputs.matrix(data.rows),
            )
    except Exception as error:
        return {"refuses": str(error)[:LONGEST]}
    ours = np.array(PackedModel.from_bytes(packed).scores_many(data.matrix.tolist()))
    expected = theirs.reshape(len(ours), -1)
    # Of two classes it gives the second's probability.
    values = expected.shape[1]
    same = (ours[:, -values:] == expected).all(axis=1)
    return {
        "equal": int(same.sum()),
        "rows": len(ours),
    }


def _answers(
    module: Any,
    estimator: Any,
    matrix: Floats,
) -> Floats:
    """Return lignum's answers to a matrix."""
    is_xgboost = hasattr(estimator, "get_booster")
    booster = estimator.get_booster() if is_xgboost else estimator.booster_
    library = sys.modules[type(booster).__module__.partition(".")[0]].__name__
    with tempfile.TemporaryDirectory() as folder:
        path = str(Path(folder, FILES[library]))
        booster.save_model(path)
        answers = module.load(path).predict(matrix)
    return np.asarray(answers, dtype=np.float64)
