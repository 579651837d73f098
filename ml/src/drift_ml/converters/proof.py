"""The proof that a packed model answers as the library does, from rows as JSON has them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import RequestValidator
from drift_engine.model import BadRow, PackedModel

from .errors import LINK, CannotServe, NotExact
from .hard_rows import hard_rows
from .rounding import share_of

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Literal

    import numpy.typing as npt
    from drift_contracts import Feature, FeatureSet
    from drift_engine.forest import Forest

    from .converted import Converted, Reference
    from .inputs import JsonRow

    Floats = npt.NDArray[np.float64]
    Grade = Literal["exact", "exact-link", "nearest", "onnx", "unproven"]

#: Rows that are made to be hard.
HARD_ROWS = 20_000
#: Ulps that a link of our own may be off, in float64 and in float32.
MOST_ULP, MOST_ULP_SINGLE = 4.0, 2.0
#: Up to here it is another exponential that differs, beyond it something else.
FAR_ULP = 64.0
#: Rows of one call of the library: more than one, since libraries round single rows otherwise.
BATCH = 5_000
#: Refused rows that are sent to the library one by one.
MOST_REFUSED = 20


@dataclass(frozen=True)
class Exactness:
    """How exactly a packed model answers, and how that was found."""

    #: "exact": the last bit of every answer; "exact-link": of every score before the link;
    #: "nearest": within the library's own rounding (`rounding`).
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
    #: Of a "nearest" model: the largest difference of a final value as a share of what the
    #: library's own rounding may make of that row; None of any other.
    bound_share: float | None = None
    #: Of the grade "onnx": from the reference's answers, in the unit of the answer; None where
    #: nothing was compared.
    largest_difference: float | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the manifest's member."""
        document = {
            "grade": self.grade,
            "rows": self.rows,
            "hard_rows": self.hard_rows,
            "worst_ulp": self.worst_ulp,
            "reference": {"call": self.call, "library": self.library, "version": self.version},
        }
        if self.bound_share is not None:
            document["bound_share"] = self.bound_share
        if self.grade == "onnx":
            document["largest_difference"] = self.largest_difference
        return document


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
    return prove_model(model, converted, feature_set, rows, hard=hard, seed=seed)


def prove_model(
    model: PackedModel | Forest,
    converted: Converted,
    feature_set: FeatureSet,
    rows: Sequence[JsonRow],
    *,
    hard: int = HARD_ROWS,
    seed: int = 0,
) -> Exactness:
    """Return how exactly a loaded model answers; arguments and errors as those of `prove`.

    A forest of numbers has a file of its own, which other models do not have.
    """
    reference = converted.reference
    proof = _Proof(model, reference, RequestValidator(feature_set))
    proof.add(rows)
    made = hard_rows(converted.model, feature_set, rows, hard, seed)
    proof.add(made)
    grade = proof.grade()
    return Exactness(
        grade=grade,
        rows=len(rows),
        hard_rows=len(made),
        worst_ulp=proof.worst,
        call=reference.call,
        library=reference.library,
        version=reference.version,
        bound_share=proof.share if grade == "nearest" else None,
    )


class _Proof:
    """Rows that went through both, and how far apart the answers were."""

    def __init__(
        self,
        model: PackedModel | Forest,
        reference: Reference,
        validator: RequestValidator,
    ) -> None:
        self.model = model
        self.reference = reference
        self.validator = validator
        self.worst = 0.0
        self.share = 0.0
        self.rows = 0
        self._differing = {"scores": 0, "raw scores": 0, "labels": 0}
        self._inexact = 0
        #: Whether the library gives scores that a link makes the answers of.
        self._has_link = reference.raw not in (None, reference.scores)
        #: A row that both answer.
        self._ordinary: JsonRow | None = None

    def add(self, rows: Sequence[JsonRow]) -> None:
        """Send rows through both."""
        for start in range(
            0,
            len(rows),
            BATCH,
        ):
            self._add(rows[start : start + BATCH])

    def _add(self, rows: Sequence[JsonRow]) -> None:
        """Send a batch through both. Raises where only one of them refuses it."""
        # Those of a request, by the code that reads requests; the reference reads the JSON itself.
        read = [self.validator.row({"features": row}) for row in rows]
        rows, encoded = self._answered(rows, read)
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
        rounding = self.reference.rounding
        slack = None if rounding is None else rounding.slack(encoded)
        self._inexact += int((distance > 0).any(axis=1).sum())
        beyond = distance > 0
        if rounding is not None and slack is not None:
            within = rounding.room(slack, expected)
            beyond = np.abs(ours - expected) > within
            self.share = max(self.share, share_of(within, ours, expected))
        self._differing["scores"] += int(beyond.any(axis=1).sum())
        # Without a link, raw scores are the answers; nobody need ask for them twice.
        raw = ours
        if self._has_link or slack is not None:
            raw = self._compare_raw(rows, encoded, slack)
        if self.reference.labels is not None:
            # Any: a forest of numbers gives no labels.
            classifier: Any = self.model
            labels = np.array([label for _, label in classifier.decide_many(encoded)])
            differs = labels != self.reference.labels(rows)
            if slack is not None:
                differs &= ~_is_close(raw, slack)
            self._differing["labels"] += int(differs.sum())

    def _compare_raw(
        self,
        rows: Sequence[JsonRow],
        encoded: Sequence[Sequence[float]],
        slack: Floats | None,
    ) -> Floats:
        """Return the scores before the link, shape (rows, scores), and count those that differ."""
        # Any: a forest of numbers has no link.
        linked: Any = self.model
        raw: Floats = np.array([linked.raw(row) for row in encoded])
        if self.reference.raw is not None:
            theirs = self._library(self.reference.raw, rows).reshape(len(rows), -1)
            differs = np.abs(raw - theirs) > (0.0 if slack is None else slack)
            self._differing["raw scores"] += int(differs.any(axis=1).sum())
        return raw

    def _answered(
        self, rows: Sequence[JsonRow], encoded: Sequence[Sequence[float]]
    ) -> tuple[Sequence[JsonRow], Sequence[Sequence[float]]]:
        """Return the rows that the packed model answers; the library refuses the others too.

        Steps may make a number of a row too large for what follows, as they do in the library.
        """
        try:
            self.model.scores_many(encoded)
        except BadRow:
            answered = [self._answers(row) for row in encoded]
        else:
            self._ordinary = self._ordinary or rows[0]
            return rows, encoded
        chosen = list(zip(rows, encoded, answered, strict=True))
        answers = [(row, numbers) for row, numbers, is_answered in chosen if is_answered]
        refused = [row for row, _, is_answered in chosen if not is_answered]
        for row in refused[:MOST_REFUSED]:
            self._must_refuse(row)
        return [row for row, _ in answers], [numbers for _, numbers in answers]

    def _answers(self, row: Sequence[float]) -> bool:
        try:
            self.model.scores(row)
        except BadRow:
            return False
        return True

    def _must_refuse(self, row: JsonRow) -> None:
        """Raise unless only the size of numbers has a row refused, and by the library too."""
        if self._ordinary is None:
            raise self._refused()
        moderate = {}
        for feature in self.validator.feature_set.features:
            source = self._ordinary if _is_ordinary(feature, row[feature.name]) else row
            moderate[feature.name] = source[feature.name]
        if not self._answers(self.validator.row({"features": moderate})):
            raise self._refused()
        calls = [self.reference.scores, self.reference.raw or self.reference.scores]
        try:
            answers = [np.asarray(call([row]), np.float64) for call in calls]
        except ValueError:
            return
        if all(np.isfinite(answer).all() for answer in answers):
            raise NotExact(self.reference.call, "refusals", self.rows, 1, math.inf)

    def _refused(self) -> CannotServe:
        return CannotServe(
            self.reference.call,
            "the library refuses rows that the feature set allows",
            "fit with missing values, or let no feature be nullable; for new categories, set"
            " handle_unknown='ignore', or let no category have other",
        )

    def _library(self, call: Callable[[Sequence[JsonRow]], Any], rows: Sequence[JsonRow]) -> Floats:
        """Return the library's answers. Raises CannotServe where it refuses a row."""
        try:
            return np.asarray(
                call(rows),
                dtype=np.float64,
            )
        except ValueError as error:
            raise self._refused() from error

    def grade(self) -> Grade:
        """Return the grade of all rows. Raises NotExact where none is reached."""
        if self.reference.rounding is not None:
            return self._nearest()
        most = MOST_ULP_SINGLE if self.reference.single else MOST_ULP
        differing = self._differing
        if differing["scores"] and not (self._has_link and self.worst <= most):
            is_link = self._has_link and not differing["raw scores"] and self.worst <= FAR_ULP
            raise self._refusal(
                "scores",
                LINK if is_link else "scores",
            )
        for what in ("raw scores", "labels"):
            if differing[what]:
                raise self._refusal(what)
        return "exact-link" if differing["scores"] else "exact"

    def _nearest(self) -> Grade:
        """Return the grade of a model whose library promises no order of sums."""
        for what, count in self._differing.items():
            if count:
                raise self._refusal(what)
        return "nearest" if self._inexact else "exact"

    def _refusal(self, what: str, words: str | None = None) -> NotExact:
        differing = self._differing[what]
        return NotExact(
            self.reference.call,
            words or what,
            self.rows,
            differing,
            self.worst,
        )


def _is_ordinary(feature: Feature, value: object) -> bool:
    """Return whether a cell is neither null nor a new category."""
    if feature.type == "category":
        return value in feature.categories
    return value is not None


def _is_close(raw: Floats, slack: Floats) -> npt.NDArray[np.bool_]:
    """Return for which rows the order of a sum may decide the class."""
    close: npt.NDArray[np.bool_]
    if raw.shape[1] == 1:
        close = np.abs(raw[:, 0]) <= slack[:, 0]
        return close
    ordered = np.sort(raw, axis=1)
    close = (ordered[:, -1] - ordered[:, -2]) <= 2 * slack.max(axis=1)
    return close


def ulps(
    ours: Floats,
    theirs: Floats,
    *,
    single: bool = False,
) -> Floats:
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
