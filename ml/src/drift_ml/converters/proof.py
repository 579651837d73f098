"""The proof that a packed model answers as the library does, from rows as JSON has them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import RequestValidator
from drift_engine.model import PackedModel

from .errors import LINK, CannotServe, NotExact
from .hard_rows import hard_rows

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    import numpy.typing as npt
    from drift_contracts import FeatureSet

    from .converted import Converted, Reference
    from .inputs import JsonRow

    Floats = npt.NDArray[np.float64]
    Grade = Literal["exact", "exact-link", "unproven"]

#: Rows that are made to be hard.
HARD_ROWS = 20_000
#: Ulps that a link of our own may be off, in float64 and in float32.
MOST_ULP, MOST_ULP_SINGLE = 4.0, 2.0
#: Up to here it is another exponential that differs, beyond it something else.
FAR_ULP = 64.0
#: Rows of one call of the library: more than one, since libraries round single rows otherwise.
BATCH = 5_000


@dataclass(frozen=True)
class Exactness:
    """How exactly a packed model answers, and how that was found."""

    #: "exact": the last bit of every answer; "exact-link": of every score before the link.
    grade: Grade
    #: Training rows, and rows that were made to be hard.
    rows: int
    hard_rows: int
    #: The largest distance of a final value, in units of the last place of the library's type.
    #: None where nothing was compared.
    worst_ulp: float | None
    #: The library's call, its name and its version.
    call: str
    library: str
    version: str

    def to_json(self) -> dict[str, Any]:
        """Return the manifest's member."""
        return {
            "grade": self.grade,
            "rows": self.rows,
            "hard_rows": self.hard_rows,
            "worst_ulp": self.worst_ulp,
            "reference": {"call": self.call, "library": self.library, "version": self.version},
        }


def prove(
    packed: bytes,
    converted: Converted,
    feature_set: FeatureSet,
    rows: Sequence[JsonRow],
    *,
    hard: int = HARD_ROWS,
    seed: int = 0,
) -> Exactness:
    """Return how exactly a packed model answers as the library that it is of.

    Args:
        packed: The bytes of the model's file.
        converted: What they were made from.
        feature_set: What rows are.
        rows: All training rows, as requests hold them.
        hard: How many hard rows are made of them.
        seed: Of the hard rows.

    Raises:
        NotExact: a score, a label or too many places of an answer differ.
        CannotServe: the library refuses a row that the feature set allows, or its answer is no
            number.
        DoesNotFit: a training row breaks the feature set.
    """
    model = PackedModel.from_bytes(packed)
    reference = converted.reference
    proof = _Proof(model, reference, RequestValidator(feature_set))
    proof.add(rows)
    made = hard_rows(converted.model, feature_set, rows, hard, seed)
    proof.add(made)
    return Exactness(
        grade=proof.grade(),
        rows=len(rows),
        hard_rows=len(made),
        worst_ulp=proof.worst,
        call=reference.call,
        library=reference.library,
        version=reference.version,
    )


class _Proof:
    """Rows that went through both, and how far apart the answers were."""

    def __init__(
        self, model: PackedModel, reference: Reference, validator: RequestValidator
    ) -> None:
        self.model = model
        self.reference = reference
        self.validator = validator
        self.worst = 0.0
        self.rows = 0
        self._differing = {"scores": 0, "raw scores": 0, "labels": 0}

    def add(self, rows: Sequence[JsonRow]) -> None:
        """Send rows through both."""
        for start in range(
            0,
            len(rows),
            BATCH,
        ):
            self._add(rows[start : start + BATCH])

    def _add(self, rows: Sequence[JsonRow]) -> None:
        """Send a batch through both. Raises where the library refuses it."""
        # Those of a request, by the code that reads requests; the reference reads the JSON itself.
        encoded = [self.validator.row({"features": row}) for row in rows]
        expected = self._library(self.reference.scores, rows)
        ours = np.array(self.model.scores_many(encoded))
        if not np.isfinite(expected).all():
            raise CannotServe(
                self.reference.call,
                "it answers with what is no number on rows that the feature set allows",
                "narrow the bounds of the features, or train with a smaller learning rate",
            )
        self.rows += len(rows)
        distance = ulps(ours, expected, single=self.reference.single)
        self.worst = max(self.worst, float(distance.max(initial=0.0)))
        self._differing["scores"] += int((distance > 0).any(axis=1).sum())
        if self.reference.raw is not None:
            raw = np.array([self.model.raw(row) for row in encoded])
            differs = raw != self._library(self.reference.raw, rows).reshape(len(rows), -1)
            self._differing["raw scores"] += int(differs.any(axis=1).sum())
        if self.reference.labels is not None:
            labels = [label for _, label in self.model.decide_many(encoded)]
            differs = np.array(labels) != self.reference.labels(rows)
            self._differing["labels"] += int(differs.sum())

    def _library(self, call: Callable[[Sequence[JsonRow]], Any], rows: Sequence[JsonRow]) -> Floats:
        """Return the library's answers. Raises CannotServe where it refuses a row."""
        try:
            return np.asarray(
                call(rows),
                dtype=np.float64,
            )
        except ValueError as error:
            raise CannotServe(
                self.reference.call,
                "the library refuses rows that the feature set allows",
                "fit with missing values, or let no feature be nullable",
            ) from error

    def grade(self) -> Grade:
        """Return the grade of all rows. Raises NotExact where none is reached."""
        most = MOST_ULP_SINGLE if self.reference.single else MOST_ULP
        has_raw = self.reference.raw is not None
        differing = self._differing
        if differing["scores"] and not (has_raw and self.worst <= most):
            is_link = has_raw and not differing["raw scores"] and self.worst <= FAR_ULP
            raise self._refusal(
                "scores",
                LINK if is_link else "scores",
            )
        for what in ("raw scores", "labels"):
            if differing[what]:
                raise self._refusal(what)
        return "exact-link" if differing["scores"] else "exact"

    def _refusal(self, what: str, words: str | None = None) -> NotExact:
        differing = self._differing[what]
        return NotExact(
            self.reference.call,
            words or what,
            self.rows,
            differing,
            self.worst,
        )


def ulps(ours: Floats, theirs: Floats, *, single: bool = False) -> Floats:
    """Return distances in units of the last place, of the shape of both.

    Args:
        ours: Finite numbers.
        theirs: Finite numbers of the same shape.
        single: Whether they are float32.

    >>> ulps(np.array([1.0]), np.array([1.0 + 2**-52])).tolist()
    [1]
    """
    distance: Floats = np.abs(
        _places(
            ours,
            single=single,
        )
        - _places(
            theirs,
            single=single,
        )
    )
    return distance


def _places(values: Floats, *, single: bool) -> Floats:
    """Return the place of each number among all numbers of its type, zero for both zeros."""
    if single:
        bits = np.abs(values).astype(np.float32).view(np.int32).astype(np.int64)
    else:
        bits = np.abs(values).astype(np.float64).view(np.int64)
    return np.where(
        np.signbit(values),
        -bits,
        bits,
    )
