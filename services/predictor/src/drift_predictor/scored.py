"""Answer with a class or with several numbers: what response and line hold beside the one number.

A model of one number never imports this, and its answers and lines are those of the first versions
of their contracts. All others have the second versions, which `prediction` stays a number in.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from math import log

from drift_contracts import DriftError

from drift_predictor.answers import Model
from drift_predictor.drift import scorer_of
from drift_predictor.lines import LineTemplates
from drift_predictor.values import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec, Target
    from drift_contracts.types import BaselineV1Summary, PredictionRequestV1
    from drift_engine.bundle import Bundle

    from drift_predictor.answers import Ports
    from drift_predictor.settings import Settings
    from drift_predictor.values import Request, Stamp

    Scores = Sequence[float]
    Row = Sequence[float]

RESPONSE = "prediction.response.v2"
BATCH_RESPONSE = "prediction.batch.response.v2"
EVENT = "prediction.event.v2"
#: Probabilities that a line holds, at most: those of 1,000 classes would be a line of 40 kB.
MOST_LOGGED = 10
#: The threshold of a response where the feature set has none: every library's own is at a half.
HALF = 0.5


class NotFinite(DriftError):
    """A model answered what JSON has no number for."""


class AnswerParts:
    """What a model answers to a row, as the parts of response and line."""

    __slots__ = ("columns", "facts", "members", "number", "positive")

    def __init__(
        self,
        number: float,
        members: str,
        facts: str,
        positive: str = "",
        columns: tuple[float, ...] = (),
    ) -> None:
        #: `prediction`, and the metric of that name.
        self.number = number
        #: JSON of the response's other members, each after a comma.
        self.members = members
        #: The same of the line's members.
        self.facts = facts
        #: The number of the metric `Positive`, "" for more or fewer than two classes.
        self.positive = positive
        #: What the drift score may count of a classifier's answer: the number, the margin, and the
        #: entropy in nats.
        self.columns = columns


class ScoredAnswer(Answer):
    """What response and line share; `prediction` is followed by the members that belong to it."""

    __slots__ = ("logged",)

    #: As the line has it.
    logged: Answer


class ScoredLines(LineTemplates):
    """The lines of a model that answers more than one number."""

    __slots__ = ()

    contract = EVENT

    def event(self, stamp: Stamp, answer: Answer) -> str:
        """Return the line of one prediction; arguments as those of `LineTemplates.event`."""
        # `ScoredModel` makes no other answers; a cast would import typing.
        scored: ScoredAnswer = answer  # type: ignore[assignment]
        return super().event(stamp, scored.logged)


class ScoredModel(Model):
    """A model that answers a class or several numbers, made ready."""

    templates = ScoredLines

    def __init__(
        self, bundle: Bundle, settings: Settings, spec: MonitoringSpec, ports: Ports
    ) -> None:
        """Make a bundle ready; arguments and errors as those of `Model`."""
        super().__init__(bundle, settings, spec, ports)
        model, target = bundle.model, bundle.feature_set.target
        self._composer: Classes | Outputs = Outputs(target)
        #: How many numbers of an answer the drift score counts, as columns behind the features.
        self._counted = 0
        # Any: a forest is no classifier and has no `decide`; the bundle was checked for that.
        answering: Any = model
        self._predict_row, self._predict_rows = model.scores, model.scores_many
        if target.is_class:
            self._composer = Classes(target)
            # Of one walk: a library may tell by raw scores what the probabilities do not.
            self._predict_row, self._predict_rows = answering.decide, answering.decide_many
            measured = answer_summaries(bundle)
            self._counted = len(measured)
            scorer = scorer_of(len(self._names))
            self._scorer = scorer(
                (*self._names, *measured),
                {**bundle.baseline["features"], **measured},
                settings.threshold,
            )
        self._begin = f'{{"contract":"{RESPONSE}","prediction":'
        self._begin_batch = f'{{"contract":"{BATCH_RESPONSE}","predictions":['
        self._compose = self._scored_answer

    def _predict_many(self, rows: Sequence[Sequence[float]]) -> list[Any]:
        answers: list[Any] = self._predict_rows(rows)
        return answers

    def _answer(
        self,
        request: PredictionRequestV1,
        row: Row,
        prediction: Any,
        stamp: Stamp,
        call: Request | None,
        pointer: str = "",
    ) -> Answer:
        """Return what response and line share; arguments and errors as those of `Model._answer`.

        The row goes on with the numbers of its answer that the drift score counts.
        """
        parts = self._composer.of(prediction)
        scored = (*row, *parts.columns[: self._counted])
        return super()._answer(request, scored, parts, stamp, call, pointer)

    # Any: metrics as `Model._answer` hands them over
    def _scored_answer(
        self,
        parts: AnswerParts,
        score: float,
        identity: str,
        features: str,
        drift: str,
        metrics: Any,
    ) -> ScoredAnswer:
        answer = ScoredAnswer(parts.number, score, identity, features, drift, metrics)
        answer.prediction += parts.members
        if parts.positive and self.lines.has_positive:
            metrics = (parts.positive, *metrics)
        logged = Answer(parts.number, score, identity, features, drift + parts.facts, metrics)
        answer.logged = logged
        return answer


class Outputs:
    """Composes the answers of a model of several outputs; the first is the prediction."""

    __slots__ = ("_template",)

    def __init__(self, target: Target) -> None:
        """Prepare the members of a target with `outputs`."""
        self._template = f',"predictions":{_template(target.output_names)}'

    def of(self, scores: Scores) -> AnswerParts:
        """Return the parts of the answer to a row.

        Args:
            scores: the value of each output, in its unit, shape (outputs,).
        """
        _check(scores)
        members = self._template % tuple(map(repr, scores))
        return AnswerParts(scores[0], members, members)


class Classes:
    """Composes the answers of a classifier: the label and the probability of each class."""

    __slots__ = (
        "_labels",
        "_names",
        "_positive",
        "_probabilities",
        "_threshold",
        "_threshold_member",
    )

    def __init__(self, target: Target) -> None:
        """Prepare the members of a target with `classes`."""
        self._names = [encode_basestring_ascii(name) for name in target.classes]
        self._labels = [f',"label":{name}' for name in self._names]
        self._probabilities = f',"probabilities":{_template(target.classes)}'
        self._threshold = target.threshold
        self._threshold_member = ""
        #: The index of the positive one of two classes, -1 where there are more.
        self._positive = -1
        if target.positive_class is not None:
            self._positive = target.classes.index(target.positive_class)
            threshold = HALF if target.threshold is None else target.threshold
            self._threshold_member = f',"threshold":{threshold!r}'

    def of(self, decided: tuple[Scores, int]) -> AnswerParts:
        """Return the parts of the answer to a row.

        Args:
            decided: the probability of each class, in the order of the classes, shape (classes,),
                and the index of the label by the library's own rule.
        """
        scores, label = decided
        _check(scores)
        if self._threshold is not None:
            is_positive = scores[self._positive] >= self._threshold
            label = self._positive if is_positive else 1 - self._positive
        first, second = sorted(scores, reverse=True)[:2]
        # The share of a class that is impossible adds nothing, and has no logarithm.
        entropy = -sum([share * log(share) for share in scores if share > 0.0])
        # Rounding can leave less than nothing of a certain answer.
        entropy = max(0.0, entropy)
        probabilities = self._probabilities % tuple(map(repr, scores))
        members = f"{self._labels[label]}{probabilities}{self._threshold_member}"
        logged = probabilities
        if len(scores) > MOST_LOGGED:
            logged = self._largest(scores)
        facts = f'{self._labels[label]},"margin":{first - second!r},"entropy":{entropy!r}{logged}'
        chosen, positive = label, ""
        if self._positive >= 0:
            chosen = self._positive
            positive = "1" if label == chosen else "0"
        number = scores[chosen]
        columns = (number, first - second, entropy)
        return AnswerParts(number, members, facts, positive, columns)

    def _largest(self, scores: Scores) -> str:
        """Return the member of the largest probabilities, the largest first."""
        order = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)
        texts = [f"{self._names[index]}:{scores[index]!r}" for index in order[:MOST_LOGGED]]
        return f',"probabilities":{{{",".join(texts)}}}'


def answer_summaries(bundle: Bundle) -> dict[str, BaselineV1Summary]:
    """Return the columns of a classifier's answer that its drift score counts, by name.

    They are the score, the margin and the entropy, in this order: of K classes at most K - 1, since
    the probabilities of a row sum to one. A feature of such a name keeps it, and the column has
    `answer:` before its own. The first one that the baseline lacks ends them.
    """
    # Any: a baseline of the first version has no `margin` and no `entropy`.
    baseline: Any = bundle.baseline
    members = {"score": "prediction", "margin": "margin", "entropy": "entropy"}
    summaries: dict[str, BaselineV1Summary] = {}
    for name, member in members.items():
        if member not in baseline or len(summaries) == len(bundle.feature_set.target.classes) - 1:
            break
        column = f"answer:{name}" if name in baseline["features"] else name
        summaries[column] = baseline[member]
    return summaries


def _check(scores: Scores) -> None:
    """Raise NotFinite for an answer that JSON has no number for."""
    total = sum(scores)
    # Only what is infinite or no number differs from nothing when it is taken from itself.
    if total - total != 0.0:
        raise NotFinite("model: expected finite numbers as its answer")


def _template(names: Sequence[str]) -> str:
    """Return the JSON of an object with a place for the number of each name.

    >>> _template(["on time", "100 %"]) % ("0.25", "0.75")
    '{"on time":0.25,"100 %":0.75}'
    """
    texts = [encode_basestring_ascii(name).replace("%", "%%") for name in names]
    members = ",".join([f"{text}:%s" for text in texts])
    return f"{{{members}}}"
