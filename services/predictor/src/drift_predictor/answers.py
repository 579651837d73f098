"""One model's answers: the hot path, from the bytes of a request to those of its response and its line."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from math import isnan
from operator import attrgetter

from drift_contracts import ContractError, NotJson, RequestValidator, Violation, parse_json
from drift_engine.forest import BadRow

from drift_predictor import problems
from drift_predictor.drift import DriftJudge
from drift_predictor.faults import MOST_SHOWN, Faults, shown
from drift_predictor.lines import LineTemplates
from drift_predictor.stamps import Identities, timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec
    from drift_engine.bundle import Bundle

    from drift_predictor.faults import Fault
    from drift_predictor.packing import Room
    from drift_predictor.settings import Settings

    Row = Sequence[float]

REQUEST = "prediction.request.v1"


class Ports:
    """What a model needs of the world.

    clock: nanoseconds since 1970. timer: nanoseconds that never run backwards. random_bytes: so many of them.
    """

    __slots__ = ("clock", "random_bytes", "timer")

    def __init__(
        self, clock: Callable[[], int], timer: Callable[[], int], random_bytes: Callable[[int], bytes]
    ) -> None:
        self.clock = clock
        self.timer = timer
        self.random_bytes = random_bytes


class Model:
    """A bundle made ready: validator, judge and templates are built here and never again."""

    def __init__(self, bundle: Bundle, settings: Settings, spec: MonitoringSpec, ports: Ports) -> None:
        feature_set = bundle.feature_set
        self.bundle = bundle
        self.name = feature_set.name
        self.threshold = settings.threshold
        self._synthetic_callers = settings.synthetic_callers
        self.version: str = bundle.manifest["model_version"]
        self.lines = LineTemplates(spec, feature_set, settings.stack, self.version)
        self.predictions = 0
        self._ports = ports
        self._new_id = Identities(ports.random_bytes)
        self._predict_row = bundle.forest.predict
        self._validator = RequestValidator(feature_set)
        self._judge = DriftJudge(feature_set.names, bundle.baseline["features"], settings.threshold)
        self._plain = all(feature.numeric and not feature.nullable for feature in feature_set.features)
        self._names = feature_set.names
        self._features = "{" + ",".join(f'"{name}":%s' for name in feature_set.names) + "}"
        self._end = f',"model":"{self.name}","model_version":"{self.version}"'

    def predict(self, body: bytes, write: Callable[[str], None], room: Room, context: Any = None) -> bytes:
        """Return the response to one request, after its event went to `write`.

        context: the HTTP event's request context, None where whoever calls may mark requests as synthetic.

        Raises Problem, and then nothing is written: also where the response does not fit into `room`.
        """
        started = self._ports.timer()
        try:
            request, row = self._validator.parse(body)
            prediction = self._predict(row, "")
        except NotJson as error:
            raise problems.not_json(error) from None
        except ContractError as error:
            raise problems.invalid(error) from None
        milliseconds = self._ports.clock() // 1_000_000
        stamp = timestamp(milliseconds)
        line, number, score, identity, features, drift = self._record(
            request, row, prediction, (milliseconds, stamp, self._ports.timer() - started), context
        )
        response = (
            f'{{"prediction":{number},"drift_score":{score},"timestamp":"{stamp}","features_received":{features},'
            f'"prediction_id":"{identity}"{self._end},"drift":{drift}}}'
        ).encode()
        # almost every response is so short that it need not be measured
        if len(response) > room.sure and not room.holds(response):
            raise problems.answer_too_large(room.limit, 0)
        write(line)
        self.predictions += 1
        return response

    def predict_batch(
        self, body: bytes, write: Callable[[str], None], room: Room, context: Any = None
    ) -> tuple[bytes, list[Fault]]:
        """Return the response to a batch and the faults of its bad rows, after the others' events went to `write`.

        Raises Problem if the batch as a whole cannot be read, or its response does not fit into `room`; then
        nothing is written.
        """
        started = self._ports.timer()
        try:
            instances = self._validator.instances(parse_json(body))
        except NotJson as error:
            raise problems.not_json(error) from None
        except ContractError as error:
            raise problems.invalid(error) from None
        good, faults = self._answered(instances)
        milliseconds = self._ports.clock() // 1_000_000
        moment = (milliseconds, timestamp(milliseconds), self._ports.timer() - started)
        lines: list[str] = []
        answers: list[str] = []
        for i, row, prediction in good:
            line, answer = self._item(i, instances[i], row, prediction, moment, context)
            lines.append(line)
            answers.append(answer)

        def response_to(rows: int) -> bytes:
            """Return the response as if the batch had only its first rows."""
            bad = [fault for fault in faults if fault.index < rows]
            # the good ones among the first rows are those that are not bad
            return self._response(answers[: rows - len(bad)], bad, moment[1], room)

        response = response_to(len(instances))
        if not room.holds(response):
            raise problems.answer_too_large(room.limit, room.most(len(instances), response_to))
        for line in lines:
            write(line)
        self.predictions += len(lines)
        return response, faults

    def _response(self, answers: Sequence[str], faults: Sequence[Fault], stamp: str, room: Room) -> bytes:
        """Return a batch's response, with the first violation of each row alone if more do not fit."""
        for most in (MOST_SHOWN, len(faults)):
            errors = ",".join([_fault(index, violation) for index, violation in shown(faults, most)])
            response = (
                f'{{"predictions":[{",".join(answers)}],"errors":[{errors}],"timestamp":"{stamp}"{self._end}}}'
            ).encode()
            if not faults or room.holds(response):
                break  # with less to leave out it would not become shorter
        return response

    def _predict(self, row: Row, pointer: str) -> float:
        """The forest's answer. Raises ContractError for a null where the training data had none."""
        try:
            return self._predict_row(row)
        except BadRow:
            nulls = [name for name, value in zip(self._names, row, strict=True) if isnan(value)]
            if not nulls:
                raise
            expected = "a value: the model has never seen a null"
            found = [Violation(f"{pointer}/features/{name}", "type", expected) for name in nulls]
            raise ContractError(REQUEST, found) from None

    def _answered(self, instances: Sequence[Any]) -> tuple[list[tuple[int, Row, float]], list[Fault]]:
        """Return index, row and prediction of what can be answered of a batch, and the faults of the rest."""
        rows: list[tuple[int, Row]] = []
        faults = Faults()
        for i, instance in enumerate(instances):
            try:
                rows.append((i, self._validator.row(instance, f"/instances/{i}")))
            except ContractError as error:
                faults.add(i, error.violations)
        try:
            predictions = self.bundle.forest.predict_many([row for _, row in rows])
            good = [(i, row, prediction) for (i, row), prediction in zip(rows, predictions, strict=True)]
        except BadRow:
            good = []
            for i, row in rows:
                try:
                    good.append((i, row, self._predict(row, f"/instances/{i}")))
                except ContractError as error:
                    faults.add(i, error.violations)
            faults.rows.sort(key=attrgetter("index"))
        return good, faults.rows

    def _item(
        self, index: int, instance: Any, row: Row, prediction: float, moment: tuple[int, str, int], context: Any
    ) -> tuple[str, str]:
        """Return the line of one row of a batch, and the JSON of its answer."""
        line, number, score, identity, _, drift = self._record(
            instance, row, prediction, moment, context, f"/instances/{index}"
        )
        answer = (
            f'{{"index":{index},"prediction":{number},"drift_score":{score},'
            f'"prediction_id":"{identity}","drift":{drift}}}'
        )
        return line, answer

    def _record(
        self,
        request: dict[str, Any],
        row: Row,
        prediction: float,
        moment: tuple[int, str, int],
        context: Any,
        pointer: str = "",
    ) -> tuple[str, str, str, str, str, str]:
        """Return the line to write, and the JSON that the response shares with it.

        moment: milliseconds since 1970, the same as text, and the nanoseconds that the answer took. pointer: the
        request's place in the body. Raises Problem for a mark that the caller may not set.
        """
        milliseconds, stamp, latency = moment
        values = request["features"]
        texts: list[str]
        metrics: Sequence[str | None]
        if self._plain:
            metrics = texts = [*map(repr, map(values.__getitem__, self._names))]
        else:
            texts = [_scalar(values[name]) for name in self._names]
            metrics = [_measure(values[name], code) for name, code in zip(self._names, row, strict=True)]
        score, drift = self._judge(row)
        number, score_text, features = repr(prediction), repr(score), self._features % tuple(texts)
        identity = request.get("prediction_id") or self._new_id(milliseconds)
        if request.get("synthetic"):
            self._check_caller(context, pointer)
            line = self._synthetic_line(moment, identity, score)
        else:
            facts = (stamp, identity, features, drift)
            line = self.lines.event(milliseconds, number, score_text, latency, metrics, facts)
        return line, number, score_text, identity, features, drift

    def _check_caller(self, context: Any, pointer: str) -> None:
        """Raise Problem where the caller may not mark a request: whoever may takes it out of all that is watched."""
        from drift_predictor.callers import may_mark  # noqa: PLC0415 - few requests are marked

        if context is not None and not may_mark(context, self._synthetic_callers):
            raise problems.synthetic_refused(pointer)

    def _synthetic_line(self, moment: tuple[int, str, int], identity: str, score: float) -> str:
        """What is written of a prediction that no user asked for: that there was one. It is no event of traffic."""
        facts = {"timestamp": moment[1], "level": "INFO", "message": "synthetic request"}
        facts |= {"prediction_id": identity, "model_version": self.version}
        return self.lines.count(moment[0], {"Synthetic": 1}, facts | {"score": score})


def _scalar(value: Any) -> str:
    """The JSON of a value that a request may hold.

    >>> [_scalar(value) for value in (True, None, 'a"b', 1.0, 3)]
    ['true', 'null', '"a\\\\"b"', '1.0', '3']
    """
    if isinstance(value, str):
        return encode_basestring_ascii(value)
    if value is None:
        return "null"
    return repr(value).lower() if isinstance(value, bool) else repr(value)


def _measure(value: Any, code: float) -> str | None:
    """The JSON number that a feature's metric takes: the value, or the code of a boolean or a category."""
    if value is None:
        return None
    return repr(code) if isinstance(value, bool | str) else repr(value)


def _fault(index: int, violation: Violation) -> str:
    members = {"pointer": violation.pointer, "rule": violation.rule, "expected": violation.expected}
    listed = ",".join(f'"{name}":{encode_basestring_ascii(text)}' for name, text in members.items())
    return f'{{"index":{index},{listed}}}'
