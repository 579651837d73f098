"""Answer the requests for one model: the hot path.

It leads from the bytes of a request to those of its response and its line. Both are put together
as text: most of their parts never change, and `json.dumps` of the whole would take longer than the
prediction.
"""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from math import isnan
from operator import attrgetter

from drift_contracts import ContractError, NotJson, RequestValidator, Violation, parse_json
from drift_contracts.records import Record
from drift_contracts.spec import metric_features
from drift_engine.forest import BadRow

from drift_predictor import problems
from drift_predictor.drift import scorer_of
from drift_predictor.faults import MOST_SHOWN, Fault, Faults, shown
from drift_predictor.identifiers import Identities
from drift_predictor.lines import LineTemplates
from drift_predictor.values import Answer, Stamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec
    from drift_contracts.json_types import JsonScalar, ReadableJson
    from drift_contracts.types import PredictionRequestV1
    from drift_engine.bundle import Bundle

    from drift_predictor.journal import Journal
    from drift_predictor.packing import Room
    from drift_predictor.recognition import Recogniser
    from drift_predictor.settings import Settings
    from drift_predictor.values import Request

    Row = Sequence[float]

REQUEST = "prediction.request.v1"


class Ports(Record):
    """What a model needs of the world."""

    #: Nanoseconds since 1970.
    clock: Callable[[], int]
    #: Nanoseconds that never run backwards.
    timer: Callable[[], int]
    #: So many random bytes.
    random_bytes: Callable[[int], bytes]
    #: Where lines go.
    journal: Journal


class BatchResponse(Record):
    """The answer to a batch."""

    body: bytes
    #: Of the bad rows, in order.
    faults: Sequence[Fault]


class Model:
    """A bundle made ready: validator, scorer and templates are built here and never again."""

    #: What its lines are made by.
    templates = LineTemplates

    def __init__(
        self, bundle: Bundle, settings: Settings, spec: MonitoringSpec, ports: Ports
    ) -> None:
        """Make a bundle ready.

        Args:
            bundle: verified.
            settings: threshold, stack, and who may mark requests as synthetic.
            spec: the metrics that are written.
            ports: clock, timer, randomness and log.

        Raises:
            SpecNotMet: the spec asks for what is not measured.
        """
        feature_set = bundle.feature_set
        names = feature_set.names
        self.bundle = bundle
        self.name = feature_set.name
        self.threshold = settings.threshold
        self.version: str = bundle.manifest["model_version"]
        # Any: a baseline of the first version has no importances.
        baseline: Any = bundle.baseline
        importances = baseline.get("importances", {})
        measured = metric_features(feature_set, importances, settings.metric_features)
        templates = self.templates
        #: Names sessions and callers in lines; None for a model that names none.
        self._recogniser: Recogniser | None = None
        if feature_set.sources:
            # Imported here because most feature sets name neither.
            from drift_predictor.recognition import RecognisedLines, Recogniser  # noqa: PLC0415

            self._recogniser = Recogniser(feature_set)
            if templates is LineTemplates:
                templates = RecognisedLines
        self.lines = templates(spec, feature_set, settings.stack, self.version, measured)
        #: Places in a row of the features that have metrics; None where all have.
        self._measured: tuple[int, ...] | None = None
        if len(measured) < len(names):
            self._measured = tuple(map(names.index, measured))
        #: Answered since the start.
        self.predictions = 0
        self._synthetic_callers = settings.synthetic_callers
        self._most_rows = settings.most_rows
        self._clock = ports.clock
        self._timer = ports.timer
        self._journal = ports.journal
        self._identities = Identities(ports.random_bytes)
        # Any: a number here, and every score of a model that answers more.
        self._predict_row: Callable[[Row], Any] = bundle.model.predict
        self._compose: Callable[..., Answer] = Answer
        self._validator = RequestValidator(feature_set)
        scorer = scorer_of(len(names))
        self._scorer = scorer(names, bundle.baseline["features"], settings.threshold)
        # Without categories, booleans and nulls a value's JSON is its repr, and its metric too.
        self._plain = all(
            feature.numeric and not feature.nullable for feature in feature_set.features
        )
        self._names = names
        self._features = "{" + ",".join([f'"{name}":%s' for name in names]) + "}"
        #: What a response, and a batch's response, begin with.
        self._begin = '{"prediction":'
        self._begin_batch = '{"predictions":['
        self._end = f',"model":"{self.name}","model_version":"{self.version}"'

    def predict(self, body: bytes, room: Room, call: Request | None) -> bytes:
        """Return the response to one request, after its event was written.

        Args:
            body: the request.
            room: what the response may take.
            call: what it came in; None, as one without a request context, is of a caller who may
                mark requests as synthetic.

        Raises:
            Problem: the request cannot be answered, or its response does not fit into `room`;
                nothing was written.
        """
        # Local names: a call of an attribute looks for a method of the class first.
        clock, timer = self._clock, self._timer
        started_ns = timer()
        request: Any  # of prediction.request.v1: `parse` returns no other
        try:
            request, row = self._validator.parse(body)
            prediction = self._predict(row, "")
        except NotJson as error:
            raise problems.not_json(error) from None
        except ContractError as error:
            raise problems.invalid(error) from None
        stamp = Stamp(clock(), timer() - started_ns)
        answer = self._answer(request, row, prediction, stamp, call)
        response = (
            f'{self._begin}{answer.prediction},"drift_score":{answer.score},'
            f'"timestamp":"{stamp.text}","features_received":{answer.features},'
            f'"prediction_id":"{answer.identity}"{self._end},"drift":{answer.drift}}}'
        ).encode()
        # Almost every response is so short that it need not be measured.
        if len(response) > room.sure and not room.holds(response):
            raise problems.answer_too_large(room.limit, 0)
        self._journal.write(answer.line)
        self.predictions += 1
        return response

    def predict_batch(self, body: bytes, room: Room, call: Request | None) -> BatchResponse:
        """Return the response to a batch, after the events of its good rows were written.

        Args:
            body: the request.
            room: what the response may take.
            call: see `predict`.

        Raises:
            Problem: the batch as a whole cannot be read, or its response does not fit into `room`;
                nothing was written.
        """
        started_ns = self._timer()
        try:
            instances = self._validator.instances(parse_json(body))
        except NotJson as error:
            raise problems.not_json(error) from None
        except ContractError as error:
            raise problems.invalid(error) from None
        if len(instances) > self._most_rows:
            raise problems.too_many_rows(self._most_rows)
        faults = Faults()
        rows = self._rows(instances, faults)
        predictions = self._predictions(rows, faults)
        stamp = Stamp(self._clock(), self._timer() - started_ns)
        lines: list[str] = []
        items: list[str] = []
        for index, prediction in predictions.items():
            request: Any = instances[index]  # one that has a row is valid
            place = f"/instances/{index}"
            answer = self._answer(request, rows[index], prediction, stamp, call, place)
            lines.append(answer.line)
            items.append(_item(index, answer))

        def response_to(count: int) -> bytes:
            """Return the response as if the batch had only its first `count` rows."""
            bad = [fault for fault in faults.rows if fault.index < count]
            # The good ones among the first rows are those that are not bad.
            return self._response(items[: count - len(bad)], bad, stamp, room)

        response = response_to(len(instances))
        if not room.holds(response):
            raise problems.answer_too_large(room.limit, room.most(len(instances), response_to))
        for line in lines:
            self._journal.write(line)
        self.predictions += len(lines)
        return BatchResponse(response, faults.rows)

    def _response(
        self, items: Sequence[str], faults: Sequence[Fault], stamp: Stamp, room: Room
    ) -> bytes:
        """Return a batch's response, with the first violation of each row alone if more do not fit.

        Args:
            items: the JSON of each answer.
            faults: of the bad rows.
            stamp: when it was answered.
            room: what the response may take.
        """
        for most in (MOST_SHOWN, len(faults)):
            errors = ",".join([_fault(index, fault) for index, fault in shown(faults, most)])
            response = (
                f'{self._begin_batch}{",".join(items)}],"errors":[{errors}],'
                f'"timestamp":"{stamp.text}"{self._end}}}'
            ).encode()
            if not faults or room.holds(response):
                break  # with less to leave out it would not become shorter
        return response

    # Any: see `_predict_row`
    def _predict(self, row: Row, pointer: str) -> Any:
        """Return the model's prediction for a row of shape (features,).

        Raises ContractError, its pointers below the given one, for a null where the training data
        had none.
        """
        predict_row = self._predict_row
        try:
            return predict_row(row)
        except BadRow:
            pairs = zip(self._names, row, strict=True)
            nulls = [name for name, value in pairs if isnan(value)]
            if not nulls:
                raise
            expected = "a value: the model has never seen a null"
            violations = [
                Violation(f"{pointer}/features/{name}", "type", expected) for name in nulls
            ]
            raise ContractError(REQUEST, violations) from None

    # Any: see `_predict_row`
    def _predict_many(self, rows: Sequence[Row]) -> list[Any]:
        return self.bundle.model.predict_many(rows)

    def _rows(self, instances: Sequence[object], faults: Faults) -> dict[int, Row]:
        """Return the rows of a batch that can be read, by index; the others go to `faults`."""
        rows: dict[int, Row] = {}
        for index, instance in enumerate(instances):
            try:
                rows[index] = self._validator.row(instance, f"/instances/{index}")
            except ContractError as error:
                faults.add(index, error.violations)
        return rows

    def _predictions(self, rows: Mapping[int, Row], faults: Faults) -> dict[int, Any]:
        """Return the predictions for rows, by index; those without one go to `faults`."""
        try:
            predictions = self._predict_many([*rows.values()])
            return dict(zip(rows, predictions, strict=True))
        except BadRow:
            # The model refuses them together, so they are asked for one by one.
            return self._single_predictions(rows, faults)

    def _single_predictions(self, rows: Mapping[int, Row], faults: Faults) -> dict[int, Any]:
        predictions: dict[int, Any] = {}
        for index, row in rows.items():
            try:
                predictions[index] = self._predict(row, f"/instances/{index}")
            except ContractError as error:
                faults.add(index, error.violations)
        faults.rows.sort(key=attrgetter("index"))
        return predictions

    def _answer(
        self,
        request: PredictionRequestV1,
        row: Row,
        prediction: Any,
        stamp: Stamp,
        call: Request | None,
        pointer: str = "",
    ) -> Answer:
        """Return what response and line share, with the line to write.

        Args:
            request: valid.
            row: its features as floats, and whatever else the drift score counts behind them.
            prediction: of the row, as `_compose` takes it.
            stamp: when it was answered.
            call: see `predict`.
            pointer: the request's place in the body.

        Raises:
            Problem: the caller may not mark the request as synthetic.
        """
        values = request["features"]
        texts: list[str]
        metrics: Sequence[str]
        if self._plain:
            texts = [*map(repr, map(values.__getitem__, self._names))]
            metrics = texts
        else:
            texts, metrics = _texts([values[name] for name in self._names], row)
        if self._measured is not None:
            metrics = [metrics[place] for place in self._measured]
        score, drift = self._scorer.score(row)
        identity = request.get("prediction_id") or self._identities.new(stamp.timestamp_ms)
        features = self._features % tuple(texts)
        answer = self._compose(prediction, score, identity, features, drift, metrics)
        if request.get("synthetic"):
            self._check_caller(call, pointer)
            answer.line = self._synthetic_line(answer, stamp)
        else:
            answer.line = self.lines.event(stamp, answer)
            if self._recogniser is not None:
                answer.line = self._recogniser.marked(answer.line, request, call)
        return answer

    def _synthetic_line(self, answer: Answer, stamp: Stamp) -> str:
        """Return a count: no user asked for the prediction, so it is no event of traffic."""
        facts: dict[str, ReadableJson] = {
            "timestamp": stamp.text,
            "level": "INFO",
            "message": "synthetic request",
            "prediction_id": answer.identity,
            "model_version": self.version,
            "score": float(answer.score),
        }
        return self.lines.count(stamp.timestamp_ms, {"Synthetic": 1}, facts)

    def _check_caller(self, call: Request | None, pointer: str) -> None:
        """Raise Problem where the caller may not mark a request.

        Whoever may takes it out of all that is watched.
        """
        from drift_predictor.callers import may_mark  # noqa: PLC0415 - few requests are marked

        context = None if call is None else call.context
        if context is not None and not may_mark(context, self._synthetic_callers):
            raise problems.synthetic_refused(pointer)


def _item(index: int, answer: Answer) -> str:
    """Return the JSON of one row's answer in a batch."""
    return (
        f'{{"index":{index},"prediction":{answer.prediction},"drift_score":{answer.score},'
        f'"prediction_id":"{answer.identity}","drift":{answer.drift}}}'
    )


def _texts(values: Sequence[JsonScalar], row: Row) -> tuple[list[str], list[str]]:
    """Return the JSON of values, and of the numbers that their metrics take, "" for a null.

    Args:
        values: as they were received, in the order of the row.
        row: the same as numbers: the codes of booleans and categories. It may be longer than the
            values: a classifier's goes on with its answer.

    >>> _texts([1.5, 3, True, None], (1.5, 3.0, 1.0, float("nan")))
    (['1.5', '3', 'true', 'null'], ['1.5', '3', '1.0', ''])
    """
    texts = []
    metrics = []
    for value, code in zip(values, row, strict=False):
        # Most are numbers, whose one text is both.
        if value is None or isinstance(value, bool | str):
            texts.append(_scalar(value))
            metrics.append("" if value is None else repr(code))
            continue
        text = repr(value)
        texts.append(text)
        metrics.append(text)
    return texts, metrics


def _scalar(value: bool | str | None) -> str:
    """Return the JSON of a value that is no number.

    >>> [_scalar(value) for value in (True, None, 'a"b')]
    ['true', 'null', '"a\\\\"b"']
    """
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    return repr(value).lower()


def _fault(index: int, violation: Violation) -> str:
    members = {
        "pointer": violation.pointer,
        "rule": violation.rule,
        "expected": violation.expected,
    }
    texts = [f'"{name}":{encode_basestring_ascii(text)}' for name, text in members.items()]
    return f'{{"index":{index},{",".join(texts)}}}'
