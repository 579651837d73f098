"""Whether a replayed file holds rows of the training data, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_ml.replay.texts import percent

if TYPE_CHECKING:
    from drift_ml.tables.row_digests import Comparison

KIND = "training-rows"
TOLD = "training-rows"
UNKNOWN = "cannot-tell"

WHY = (
    "Learnt and held-out rows are compared here: the baseline's predictions are of rows that the"
    " model had not seen, and predictions of rows that it has learnt differ from those though"
    " nothing has drifted. Replay traffic from after the training instead"
)


@dataclass(frozen=True)
class TrainingRows:
    """What a file has in common with the training data of the model that it is replayed against.

    comparison: None where the bundle holds no digests of its training rows.
    """

    comparison: Comparison | None = None

    @property
    def verdict(self) -> str:
        """Return `training-rows`, `other-rows` or `cannot-tell`."""
        return self.comparison.verdict if self.comparison else UNKNOWN

    @property
    def warns(self) -> bool:
        """Return whether the file holds training rows, which a reader must know."""
        return self.verdict == TOLD

    @property
    def words(self) -> str:
        """Return the verdict in sentences, without a full stop at the end."""
        compared = self.comparison
        if compared is None:
            return (
                "The bundle holds no digests of its training rows, so whether this file holds such"
                " rows cannot be told. Train the model again to have them"
            )
        if self.verdict == TOLD:
            learnt = compared.learnt / compared.rows
            held_out = compared.held_out / compared.rows
            return (
                f"This file holds rows of the training data: of {compared.rows:,} distinct rows"
                f" that were looked up, {percent(learnt)} were learnt by this model and"
                f" {percent(held_out)} were held out. {WHY}"
            )
        if self.verdict == UNKNOWN:
            reason = _reason(compared)
            return f"Whether this file holds rows of the training data cannot be told: {reason}"
        return (
            f"Of {compared.rows:,} distinct rows that were looked up,"
            f" {percent(compared.share)} equal a row of the training data: this file is not of it"
        )

    def to_json(self) -> dict[str, Any]:
        """Return verdict, words and figures; the figures are None where nothing was looked up."""
        compared = self.comparison
        names = ("rows", "learnt", "held_out", "checked", "again", "yardstick")
        figures = {name: getattr(compared, name) for name in names} if compared else None
        return {"verdict": self.verdict, "words": f"{self.words}.", "figures": figures}


def _reason(compared: Comparison) -> str:
    """Return why nothing can be told."""
    if compared.repeats:
        return (
            f"rows repeat by nature. {compared.again:,} of {compared.checked:,} distinct held-out"
            " rows equal a learnt one, and so would rows of any other time"
        )
    return f"only {compared.rows:,} distinct rows could be looked up"
