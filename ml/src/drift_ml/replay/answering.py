"""What the model answers to a file's rows, or what a column of it says that it answered."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.forest import Forest

from drift_ml.answers import undecided
from drift_ml.replay.errors import ReplayError
from drift_ml.scores.classification import labels_of, positive_place

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts.features import Target
    from drift_engine.bundle import Bundle

    from drift_ml.replay.marks import Names
    from drift_ml.window import Window

    Floats = npt.NDArray[np.float64]
    Flags = npt.NDArray[np.bool_]
    Times = npt.NDArray[np.int64]
    Codes = npt.NDArray[np.intp]

#: Classes of a model whose one probability gives the other.
TWO = 2


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers to some rows, each column of shape (rows,)."""

    #: In the target's unit, or a classifier's scores.
    predictions: Floats
    #: Places of the classes; None of a regressor, or where they are not known.
    labels: Codes | None = None
    margins: Floats | None = None
    #: In nats.
    entropies: Floats | None = None

    def part(
        self,
        start: int,
        end: int,
    ) -> Answers:
        """Return the answers to the rows from `start` up to `end`."""
        return self.of(slice(start, end))

    def of(self, rows: slice | Flags) -> Answers:
        """Return the answers to some of the rows."""
        return Answers(
            self.predictions[rows],
            None if self.labels is None else self.labels[rows],
            None if self.margins is None else self.margins[rows],
            None if self.entropies is None else self.entropies[rows],
        )


def count_answered(
    window: Window,
    chosen: slice | Flags,
    columns: Mapping[str, npt.NDArray[np.generic]],
    answers: Answers,
    times: Times | None,
    sessions: Names | None,
) -> None:
    """Count some rows with their answers.

    Args:
        window: That counts them.
        chosen: Which rows.
        columns: By feature, each of shape (rows,).
        answers: To these rows.
        times: In milliseconds since 1970, shape (rows,).
        sessions: What the session of each row is called, shape (rows,).
    """
    part = answers.of(chosen)
    window.observe_rows(
        {name: values[chosen] for name, values in columns.items()},
        part.predictions,
        None if times is None else times[chosen],
        labels=part.labels,
        margins=part.margins,
        entropies=part.entropies,
        sessions=None if sessions is None else sessions[chosen],
    )


def joined(parts: Sequence[Answers]) -> Answers:
    """Return the answers to rows that were answered in parts, at least one."""
    if parts[0].labels is None:
        return Answers(np.concatenate([part.predictions for part in parts]))
    return Answers(
        predictions=_column(parts, "predictions"),
        labels=_column(parts, "labels"),
        margins=_column(parts, "margins"),
        entropies=_column(parts, "entropies"),
    )


# Any: labels are whole numbers, the others floats.
def _column(
    parts: Sequence[Answers],
    name: str,
) -> npt.NDArray[Any]:
    return np.concatenate([getattr(part, name) for part in parts])


def model_answers(
    bundle: Bundle,
    rows: Floats,
) -> Answers:
    """Return what a bundle's model answers.

    Args:
        bundle: Of a regressor or a classifier.
        rows: As the model takes them, shape (rows, features).
    """
    model, target = bundle.model, bundle.feature_set.target
    if not target.is_class or isinstance(model, Forest):
        return Answers(np.array(model.predict_many(rows.tolist()), dtype=np.float64))
    decided = model.decide_many(rows.tolist())
    scores = np.array([scores for scores, _ in decided], dtype=np.float64)
    codes = np.array([code for _, code in decided], dtype=np.intp)
    return classified(target, scores, codes)


def column_answers(
    bundle: Bundle,
    predictions: Floats,
) -> Answers:
    """Return the answers of a file's column of predictions.

    Of two classes the column's probability gives everything; of more it is counted alone.

    Args:
        bundle: Of the model that made them.
        predictions: Shape (rows,).

    Raises:
        ReplayError: a classifier's are no probabilities.
    """
    model, target = bundle.model, bundle.feature_set.target
    if not target.is_class:
        return Answers(predictions)
    present = predictions[~np.isnan(predictions)]
    if ((present < 0) | (present > 1)).any():
        raise ReplayError(
            "the column of predictions: expected probabilities between 0 and 1, as a classifier's"
            " `prediction` is"
        )
    if len(target.classes) != TWO or len(present) < len(predictions):
        return Answers(predictions)
    scores = np.stack([1 - predictions, predictions], axis=1)
    if positive_place(target) == 0:
        scores = scores[:, ::-1]
    codes = np.zeros(len(scores), dtype=np.intp)
    if target.threshold is None and not isinstance(model, Forest):
        codes = np.array([model.label(row) for row in scores.tolist()], dtype=np.intp)
    return classified(target, scores, codes)


def classified(
    target: Target,
    scores: Floats,
    codes: Codes,
) -> Answers:
    """Return a classifier's answers.

    Args:
        target: Of the feature set; where it has a threshold, that decides between two classes.
        scores: Probabilities of all classes, shape (rows, classes).
        codes: The places of the classes that the library's own rule names, shape (rows,).
    """
    doubt = undecided(scores)
    if target.positive_class is None:
        predictions = scores[np.arange(len(scores)), codes]
        return Answers(predictions, codes, doubt.margins, doubt.entropies)
    predictions = scores[:, positive_place(target)]
    labels = labels_of(target, codes, scores)
    return Answers(predictions, labels, doubt.margins, doubt.entropies)
