"""One model's answers: the hot path, from the bytes of a request to those of its response and its line."""

from __future__ import annotations

from json.encoder import encode_basestring_ascii
from math import isnan
from operator import itemgetter

from drift_contracts import ContractError, NotJson, RequestValidator, Violation, parse_json
from drift_ml.forest import BadRow

from drift_predictor import problems
from drift_predictor.drift import DriftJudge
from drift_predictor.lines import LineTemplates
from drift_predictor.stamps import Identities, timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from drift_contracts import MonitoringSpec
    from drift_ml.bundle import Bundle

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

    def predict(self, body: bytes, write: Callable[[str], None]) -> bytes:
        """The response to one request; its event goes to `write` first. Raises Problem."""
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
        number, score, identity, features, drift = self._record(
            request, row, prediction, (milliseconds, stamp, self._ports.timer() - started), write
        )
        return (
            f'{{"prediction":{number},"drift_score":{score},"timestamp":"{stamp}","features_received":{features},'
            f'"prediction_id":"{identity}"{self._end},"drift":{drift}}}'
        ).encode()

    def predict_batch(self, body: bytes, write: Callable[[str], None]) -> tuple[bytes, list[Violation]]:
        """The response to a batch, an event for each row that is answered, and the faults of the others.

        Raises Problem if the batch as a whole cannot be read.
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
        answers = [self._item(i, instances[i], row, prediction, moment, write) for i, row, prediction in good]
        errors = [_fault(i, violation) for i, violations in faults for violation in violations]
        response = (
            f'{{"predictions":[{",".join(answers)}],"errors":[{",".join(errors)}],'
            f'"timestamp":"{moment[1]}"{self._end}}}'
        )
        return response.encode(), [violations[0] for _, violations in faults]

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

    def _answered(
        self, instances: Sequence[Any]
    ) -> tuple[list[tuple[int, Row, float]], list[tuple[int, Sequence[Violation]]]]:
        """Of a batch: index, row and prediction of what can be answered, index and violations of the rest."""
        rows: list[tuple[int, Row]] = []
        faults: list[tuple[int, Sequence[Violation]]] = []
        for i, instance in enumerate(instances):
            try:
                rows.append((i, self._validator.row(instance, f"/instances/{i}")))
            except ContractError as error:
                faults.append((i, error.violations))
        try:
            predictions = self.bundle.forest.predict_many([row for _, row in rows])
            good = [(i, row, prediction) for (i, row), prediction in zip(rows, predictions, strict=True)]
        except BadRow:
            good = []
            for i, row in rows:
                try:
                    good.append((i, row, self._predict(row, f"/instances/{i}")))
                except ContractError as error:
                    faults.append((i, error.violations))
            faults.sort(key=itemgetter(0))
        return good, faults

    def _item(
        self,
        index: int,
        instance: Any,
        row: Row,
        prediction: float,
        moment: tuple[int, str, int],
        write: Callable[[str], None],
    ) -> str:
        number, score, identity, _, drift = self._record(instance, row, prediction, moment, write)
        return (
            f'{{"index":{index},"prediction":{number},"drift_score":{score},'
            f'"prediction_id":"{identity}","drift":{drift}}}'
        )

    def _record(
        self,
        request: dict[str, Any],
        row: Row,
        prediction: float,
        moment: tuple[int, str, int],
        write: Callable[[str], None],
    ) -> tuple[str, str, str, str, str]:
        """Write the event; return the JSON that the response shares with it.

        moment: milliseconds since 1970, the same as text, and the nanoseconds that the answer took.
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
            write(self._synthetic_line(moment, identity, score))
        else:
            facts = (stamp, identity, features, drift)
            write(self.lines.event(milliseconds, number, score_text, latency, metrics, facts))
        self.predictions += 1
        return number, score_text, identity, features, drift

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
