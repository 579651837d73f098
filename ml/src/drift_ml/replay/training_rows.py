"""Whether a replayed file holds rows of the training data, in words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.replay.texts import percent

if TYPE_CHECKING:
    from drift_contracts.json_types import JsonObject

    from drift_ml.tables.row_digests import Comparison

#: The warning's name, which programs can rely on.
KIND = "training-rows"
TOLD = "training-rows"
UNKNOWN = "cannot-tell"
#: Of a comparison, as the document shows them.
FIGURES = ("rows", "learnt", "held_out", "checked", "again", "yardstick")

NO_DIGESTS = (
    "The bundle holds no digests of its training rows, so whether this file holds such rows cannot"
    " be told. Train the model again to have them"
)
WHY = (
    "Learnt and held-out rows are compared here: the baseline's predictions are of rows that the"
    " model had not seen, and predictions of rows that it has learnt differ from those though"
    " nothing has drifted. Replay traffic from after the training instead"
)


@dataclass(frozen=True)
class TrainingRows:
    """What a file has in common with the training data of the model it is replayed against."""

    #: None where the bundle holds no digests of its training rows.
    comparison: Comparison | None = None

    @property
    def verdict(self) -> str:
        """Return `training-rows`, `other-rows` or `cannot-tell`."""
        return self.comparison.verdict if self.comparison else UNKNOWN

    @property
    def share(self) -> float:
        """Return the share of the rows that equal a training row, 0 where none was looked up."""
        return self.comparison.share if self.comparison else 0.0

    @property
    def warns(self) -> bool:
        """Return whether the file holds training rows, which a reader must know."""
        return self.verdict == TOLD

    @property
    def words(self) -> str:
        """Return the verdict in sentences, without a full stop at the end."""
        if self.comparison is None:
            return NO_DIGESTS
        rows = f"{self.comparison.rows:,} distinct rows that were looked up"
        if self.verdict == TOLD:
            learnt = percent(self.comparison.learnt / self.comparison.rows)
            held_out = percent(self.comparison.held_out / self.comparison.rows)
            return (
                f"This file holds rows of the training data: of {rows}, {learnt} were learnt by"
                f" this model and {held_out} were held out. {WHY}"
            )
        if self.verdict == UNKNOWN:
            reason = _reason(self.comparison)
            return f"Whether this file holds rows of the training data cannot be told: {reason}"
        share = percent(self.comparison.share)
        return f"Of {rows}, {share} equal a row of the training data: this file is not of it"

    def to_json(self) -> JsonObject:
        """Return verdict, words and figures, which are None where nothing was looked up."""
        figures: JsonObject | None = None
        if self.comparison:
            figures = {name: getattr(self.comparison, name) for name in FIGURES}
        return {"verdict": self.verdict, "words": f"{self.words}.", "figures": figures}


def _reason(compared: Comparison) -> str:
    """Return why no verdict is possible."""
    if compared.repeats:
        return (
            f"rows repeat by nature. {compared.again:,} of {compared.checked:,} distinct held-out"
            " rows equal a learnt one, and so would rows of any other time"
        )
    return f"only {compared.rows:,} distinct rows could be looked up"
