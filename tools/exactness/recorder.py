"""What a library answered to every row of a proof, saved beside the estimator that was asked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import RequestValidator

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_ml.converters import JsonRow
    from drift_ml.converters.converted import Scorer

    Floats = npt.NDArray[np.float64]


class Recorder:
    """A library's call that remembers which rows it answered, and how."""

    def __init__(self, call: Scorer) -> None:
        self._call = call
        self._rows: list[JsonRow] = []
        self._answers: list[Floats] = []

    def __call__(self, rows: Sequence[JsonRow]) -> Floats:
        """Return the library's answers."""
        answers = self._call(rows)
        # A row that is refused here is answered with what is no number, or not at all.
        if np.isfinite(answers).all():
            self._rows += rows
            self._answers.append(answers)
        return answers

    def save(
        self,
        estimator: Any,
        feature_set: FeatureSet,
        stem: Path,
    ) -> None:
        """Write the estimator, and beside it the rows as models take them and all answers.

        Args:
            estimator: That was asked.
            feature_set: What its rows are.
            stem: Path of the files, without what their names end in.
        """
        validator = RequestValidator(feature_set)
        encoded = [validator.row({"features": row}) for row in self._rows]
        answers = np.concatenate(self._answers)
        np.savez(
            stem.with_suffix(".npz"),
            rows=np.array(encoded),
            answers=answers,
        )
        import_module("joblib").dump(
            estimator,
            stem.with_suffix(".joblib"),
        )
