"""The client itself."""

from __future__ import annotations

import json
import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import quote

import httpx
from drift_contracts import schemas
from drift_contracts.errors import ContractError, DriftError, NotJson, Violation
from drift_contracts.features import contract_of
from drift_contracts.parsing import parse_json
from drift_contracts.requests import RequestValidator

from drift_client import _results as results
from drift_client._errors import BrokenResponse, RequestRefused, ServiceFailed, Unreachable
from drift_client._retry import Retry, seconds_asked, worth_repeating

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from drift_contracts.features import FeatureSet

    from drift_client._errors import ServiceError
    from drift_client._results import Health, ModelCard, Prediction, Refusal, Value

BATCH = 1000
MANIFESTS = ("bundle.manifest.v1", "bundle.manifest.v2")
TOO_LARGE = 413
#: What a service takes, and more than it reads before it closes the connection.
BODY_BYTES = 5 * 1024 * 1024
CLIENT_ERRORS = range(400, 500)
CONNECT_TIMEOUT = 5.0


@dataclass(frozen=True)
class Outside:
    """What a client needs of the world. chance: uniform in [0, 1). clock: an aware moment."""

    transport: httpx.BaseTransport | None = None
    sleep: Callable[[float], object] = time.sleep
    chance: Callable[[], float] = random.random
    new_id: Callable[[], object] = uuid.uuid4
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Client:
    """Asks a prediction service; usable as a context manager, safe to share between threads.

    url: of the service, http or https; anything else raises ValueError. model: which one to ask; the service's
    default if absent. feature_set: what to check requests by; asked of the service at the first prediction if
    absent. timeout: seconds for one attempt.

    The errors are drawn in `drift_client._errors`; the most useful are ContractError (nothing was sent),
    Unreachable, RequestRefused, ServiceFailed and BrokenResponse.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        feature_set: FeatureSet | None = None,
        timeout: float = 10.0,
        retry: Retry | None = None,
        outside: Outside | None = None,
    ) -> None:
        self.url = _checked(url)
        self.model_name = model
        self._prefix = "" if model is None else f"/models/{quote(model, safe='')}"
        self._validator = None if feature_set is None else RequestValidator(feature_set)
        self._retry = Retry() if retry is None else retry
        self._outside = Outside() if outside is None else outside
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            transport=self._outside.transport,
            headers={"user-agent": "drift-contracts", "accept": "application/json, application/problem+json"},
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def predict(self, features: Mapping[str, Value], prediction_id: str | None = None) -> Prediction:
        """The answer to one instance.

        prediction_id: a UUID that every event of the request carries, however often it is sent; made here if absent.
        """
        request = self._request(features, prediction_id)
        operation = f"POST {self._prefix}/predict"
        answer = self._ask(operation, "prediction.response.v1", request)
        self._require(operation, "prediction.response.v1", answer, "prediction_id", request["prediction_id"])
        if self.model_name is not None:
            self._require(operation, "prediction.response.v1", answer, "model", self.model_name)
        return results.read_prediction(answer)

    def predict_many(self, instances: Iterable[Mapping[str, Value]]) -> list[Prediction | Refusal]:
        """Return the answers to many instances, in order, asked in batches of 1,000.

        A batch that is too large, or whose answer would be, is halved until it is not. An instance that breaks its
        contract is not sent; it comes back as a Refusal, as does one that the service refuses. Raises as `predict`
        does where a whole batch fails, or where one instance alone is too large; batches before it were answered.
        """
        left = iter(instances)
        answers: list[Prediction | Refusal] = []
        while batch := list(islice(left, BATCH)):
            answers += self._predict_batch(batch)
        return answers

    def model(self) -> ModelCard:
        """What is served under the model's name."""
        operation = f"GET {self._prefix or '/model'}"
        document = self._ask(operation, "model.card.v1")
        feature_set = contract_of(document["feature_set"])
        # A service may serve bundles of either version; what names neither is judged by the first.
        stated = document["manifest"].get("contract")
        manifest = stated if stated in MANIFESTS else MANIFESTS[0]
        for member, contract in (("manifest", manifest), ("feature_set", feature_set)):
            self._check(operation, contract, document[member])
        try:
            return results.read_card(document)
        except ContractError as error:
            raise BrokenResponse(operation, error.contract, error.violations) from error

    def health(self) -> Health:
        """Whether the service answers, and with what."""
        return results.read_health(self._ask("GET /health", "health.v1"))

    def _request(self, features: Mapping[str, Value], prediction_id: str | None) -> dict[str, Any]:
        request = {"features": dict(features), "prediction_id": prediction_id or str(self._outside.new_id())}
        self._judge().row(request)
        return request

    def _judge(self) -> RequestValidator:
        if self._validator is None:
            self._validator = RequestValidator(self.model().feature_set)
        return self._validator

    def _predict_batch(self, instances: Sequence[Mapping[str, Value]]) -> list[Prediction | Refusal]:
        answers: dict[int, Prediction | Refusal] = {}
        sent: list[tuple[int, dict[str, Any]]] = []
        for index, features in enumerate(instances):
            try:
                sent.append((index, self._request(features, None)))
            except ContractError as error:
                answers[index] = results.Refusal(error.violations)
        if sent:
            answers |= self._send(sent)
        return [answers[index] for index in range(len(instances))]

    def _send(self, sent: list[tuple[int, dict[str, Any]]]) -> dict[int, Prediction | Refusal]:
        """Return the answers to a batch, asked in halves where it is too large or the service says so.

        Nothing is answered twice: a batch that is refused with 413 has left no event, and an instance is sent with
        the same prediction_id in whichever part.
        """
        if len(sent) == 1 or _body_bytes(sent) <= BODY_BYTES:
            try:
                return self._send_batch(sent)
            except RequestRefused as refused:
                if refused.status != TOO_LARGE or len(sent) == 1:
                    raise
        middle = len(sent) // 2
        return self._send(sent[:middle]) | self._send(sent[middle:])

    def _send_batch(self, sent: list[tuple[int, dict[str, Any]]]) -> dict[int, Prediction | Refusal]:
        operation, contract = f"POST {self._prefix}/predict/batch", "prediction.batch.response.v1"
        document = self._ask(operation, contract, {"instances": [request for _, request in sent]})
        refused: dict[int, list[Violation]] = {}
        for error in document["errors"]:
            pointer = error["pointer"].removeprefix(f"/instances/{error['index']}")
            refused.setdefault(error["index"], []).append(Violation(pointer, error["rule"], error["expected"]))
        answered = {answer["index"]: answer for answer in document["predictions"]}
        places = [answer["index"] for answer in document["predictions"]] + list(refused)
        if sorted(places) != list(range(len(sent))):
            whole = Violation("", "complete", "every instance of the batch once, answered or refused")
            raise BrokenResponse(operation, contract, [whole])
        answers: dict[int, Prediction | Refusal] = {}
        for place, (index, request) in enumerate(sent):
            if place in answered:
                self._require(operation, contract, answered[place], "prediction_id", request["prediction_id"])
                answers[index] = results.read_answer(answered[place], document, request["features"])
            else:
                answers[index] = results.Refusal(tuple(refused[place]))
        return answers

    def _require(self, operation: str, contract: str, document: Mapping[str, Any], member: str, value: str) -> None:
        if document[member] != value:
            raise BrokenResponse(operation, contract, [Violation(f"/{member}", "const", "the one that was sent")])

    def _check(self, operation: str, contract: str, document: Any) -> None:
        try:
            schemas.check(contract, document)
        except ContractError as error:
            raise BrokenResponse(operation, contract, error.violations) from None

    def _ask(self, operation: str, contract: str, body: Any = None) -> Any:
        """The checked document of a good answer, after as many attempts as it takes."""
        response = self._attempts(operation, body)
        if not response.is_success:
            raise _failure(operation, response)
        try:
            document = parse_json(response.content)
        except NotJson as error:
            found = Violation("", "json", str(error).removeprefix("expected "))
            raise BrokenResponse(operation, contract, [found]) from None
        self._check(operation, contract, document)
        return document

    def _attempts(self, operation: str, body: Any) -> httpx.Response:
        method, path = operation.split(" ")
        attempt = 0
        while True:
            attempt += 1
            response: httpx.Response | None = None
            reason = ""
            try:
                response = self._http.request(method, path, json=body)
                if not worth_repeating(response.status_code):
                    return response
            except httpx.TransportError as error:
                reason = type(error).__name__
            delay = self._retry.delay(attempt, self._outside.chance(), self._asked(response))
            if delay is not None:
                self._outside.sleep(delay)
            elif response is not None:
                return response
            else:
                raise Unreachable(operation, reason, attempt)

    def _asked(self, response: httpx.Response | None) -> float | None:
        return None if response is None else seconds_asked(response.headers.get("retry-after"), self._outside.clock())


def _body_bytes(sent: list[tuple[int, dict[str, Any]]]) -> int:
    """Return the bytes that a batch has at most on its way, as JSON."""
    return len(json.dumps([request for _, request in sent]))


def _failure(operation: str, response: httpx.Response) -> ServiceError:
    """The error that an answer other than a success stands for, a problem document or not."""
    status = response.status_code
    kind = RequestRefused if status in CLIENT_ERRORS and not worth_repeating(status) else ServiceFailed
    try:
        problem = parse_json(response.content)
        schemas.check("problem.v1", problem)
    except DriftError:
        problem = {"title": response.reason_phrase or "no reason given"}
    return kind(operation, status, problem)


def _checked(url: str) -> str:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("expected a URL that starts with http:// or https://")
    return url
