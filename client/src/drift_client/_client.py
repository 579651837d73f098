"""The client of the prediction API: checks what it sends and what it gets."""

from __future__ import annotations

import json
import re
from itertools import islice
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from drift_contracts import requests
from drift_contracts.errors import ContractError, Violation
from drift_contracts.features import contract_of
from drift_contracts.requests import BATCH_INSTANCES, RequestValidator

from drift_client import _results as results
from drift_client._connection import Connection, Environment
from drift_client._errors import BrokenResponse, RequestRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import httpx
    from drift_contracts.features import FeatureSet
    from drift_contracts.types import (
        HealthV1,
        HealthV2,
        ModelCardV1,
        ModelCardV2,
        PredictionBatchResponseV1,
        PredictionBatchResponseV2,
        PredictionRequestV1,
        PredictionResponseV1,
        PredictionResponseV2,
    )

    from drift_client._results import Health, ModelCard, Prediction, Refusal, Value
    from drift_client._retry import Retry

    #: A request with its place among the instances that were asked for.
    Numbered = tuple[int, PredictionRequestV1]

#: In the second version answer classifiers and models of several outputs.
RESPONSES = ("prediction.response.v1", "prediction.response.v2")
BATCH_RESPONSES = ("prediction.batch.response.v1", "prediction.batch.response.v2")
#: Services of older releases answer in the first version.
CARDS = ("model.card.v1", "model.card.v2")
HEALTHS = ("health.v1", "health.v2")
MANIFESTS = ("bundle.manifest.v1", "bundle.manifest.v2")
TOO_LARGE = 413
#: How a service states the rows that it takes at once, in the violation of /instances.
_ITEMS = re.compile(r"at most (\d{1,4}) items")


class Client:
    """A client of a prediction service; usable as a context manager, safe to share between threads.

    The errors are drawn in `drift_client._errors`; the most useful are ContractError (nothing was
    sent), Unreachable, RequestRefused, ServiceFailed and BrokenResponse.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        feature_set: FeatureSet | None = None,
        timeout: float = 10.0,
        retry: Retry | None = None,
        environment: Environment | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        """Prepare a client; nothing is sent before the first call.

        Args:
            url: Of the service, http or https.
            model: Which one to ask; the service's default if absent.
            feature_set: What requests are validated by; asked of the service at the first
                prediction if absent.
            timeout: Seconds for one attempt.
            retry: How often a request is sent; `Retry()` if absent.
            environment: Clock, randomness and transport; the real ones if absent.
            auth: Says who is asking: `SignedByAws(url)`, `Bearer(token)`; nobody if absent.

        Raises:
            ValueError: The URL is of another kind.
        """
        self.url = url
        self.model_name = model
        self._prefix = "" if model is None else f"/models/{quote(model, safe='')}"
        self._validator = None if feature_set is None else RequestValidator(feature_set)
        self._environment = Environment() if environment is None else environment
        self._connection = Connection(
            url, timeout=timeout, retry=retry, environment=self._environment, auth=auth
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._connection.close()

    def predict(
        self, features: Mapping[str, Value], prediction_id: str | None = None
    ) -> Prediction:
        """Return the answer to one instance.

        Args:
            features: A value for each feature of the model, None for a null.
            prediction_id: A UUID that every event of the request carries, however often the request
                is sent; made here if absent.

        Raises:
            ContractError: The features break the model's contract; nothing was sent.
            ClientError: No answer came, or one that cannot be used.
        """
        request = self._request(features, prediction_id)
        operation = f"POST {self._prefix}/predict"
        answer: PredictionResponseV1 | PredictionResponseV2
        answer = self._connection.request(operation, RESPONSES, request)
        _require(operation, RESPONSES[0], "prediction_id", answer, request["prediction_id"])
        if self.model_name is not None:
            _require(operation, RESPONSES[0], "model", answer, self.model_name)
        return results.read_prediction(answer)

    def predict_many(self, instances: Iterable[Mapping[str, Value]]) -> list[Prediction | Refusal]:
        """Return the answers to many instances, in order, asked in batches of 1,000.

        A batch that is too large, or whose answer would be, is asked in parts of as many rows as
        the service says that it takes, else in halves, until each fits. An instance that breaks its
        contract is not sent; it returns as a Refusal, as does one that the service refuses.

        Raises:
            ClientError: A whole batch failed, or one instance alone is too large; batches before
                it were answered.
        """
        remaining = iter(instances)
        answers: list[Prediction | Refusal] = []
        while batch := list(islice(remaining, BATCH_INSTANCES)):
            answers += self._predict_batch(batch)
        return answers

    def model(self) -> ModelCard:
        """Return what is served under the model's name. Raises ClientError."""
        operation = f"GET {self._prefix or '/model'}"
        document: ModelCardV1 | ModelCardV2 = self._connection.request(operation, CARDS)
        # a service may serve bundles of either version; the first had no name of its contract
        stated = document["manifest"].get("contract")
        manifest = stated if stated in MANIFESTS else MANIFESTS[0]
        self._connection.validate(operation, manifest, document["manifest"])
        feature_set = contract_of(document["feature_set"])
        self._connection.validate(operation, feature_set, document["feature_set"])
        try:
            return results.read_card(document)
        except ContractError as error:
            raise BrokenResponse(operation, error.contract, error.violations) from error

    def health(self) -> Health:
        """Return what the service has and has counted. Raises ClientError."""
        document: HealthV1 | HealthV2 = self._connection.request("GET /health", HEALTHS)
        return results.read_health(document)

    def _request(
        self, features: Mapping[str, Value], prediction_id: str | None
    ) -> PredictionRequestV1:
        """Return a request that keeps the model's contract. Raises ContractError."""
        request: PredictionRequestV1 = {
            "features": dict(features),
            "prediction_id": prediction_id or str(self._environment.new_id()),
        }
        if self._validator is None:
            self._validator = RequestValidator(self.model().feature_set)
        self._validator.row(request)
        return request

    def _predict_batch(
        self, instances: Sequence[Mapping[str, Value]]
    ) -> list[Prediction | Refusal]:
        answers: dict[int, Prediction | Refusal] = {}
        sent: list[Numbered] = []
        for index, features in enumerate(instances):
            try:
                sent.append((index, self._request(features, None)))
            except ContractError as error:
                answers[index] = results.Refusal(error.violations)
        if sent:
            answers |= self._send(sent)
        return [answers[index] for index in range(len(instances))]

    def _send(self, sent: list[Numbered]) -> dict[int, Prediction | Refusal]:
        """Return the answers to a batch, asked in parts where it is too large.

        The parts have as many rows as the service says that it takes; they are halves where it
        says nothing. Nothing is answered twice: a batch that is refused with 413 has left no event,
        and an instance is sent with the same prediction_id in whichever part.
        """
        rows = (len(sent) + 1) // 2
        # over its limit a service closes the connection, which looks like a failure: do not try
        if len(sent) == 1 or _body_bytes(sent) <= requests.BATCH_BYTES:
            try:
                return self._send_batch(sent)
            except RequestRefused as refusal:
                if refusal.status != TOO_LARGE or len(sent) == 1:
                    raise
                rows = _rows_taken(refusal, len(sent)) or rows
        answers: dict[int, Prediction | Refusal] = {}
        for start in range(0, len(sent), rows):
            answers |= self._send(sent[start : start + rows])
        return answers

    def _send_batch(self, sent: list[Numbered]) -> dict[int, Prediction | Refusal]:
        """Return the answers to a batch that is sent as it is."""
        operation = f"POST {self._prefix}/predict/batch"
        body = {"instances": [request for _, request in sent]}
        document: PredictionBatchResponseV1 | PredictionBatchResponseV2
        document = self._connection.request(operation, BATCH_RESPONSES, body)
        refusals = _refusals(document)
        predictions = {answer["index"]: answer for answer in document["predictions"]}
        places = [answer["index"] for answer in document["predictions"]] + list(refusals)
        # a list, not a set: an instance that is answered twice must not pass
        if sorted(places) != list(range(len(sent))):
            expected = "every instance of the batch once, answered or refused"
            violation = Violation("", "complete", expected)
            raise BrokenResponse(operation, BATCH_RESPONSES[0], [violation])
        answers: dict[int, Prediction | Refusal] = {}
        for place, (index, request) in enumerate(sent):
            if place in refusals:
                answers[index] = results.Refusal(tuple(refusals[place]))
                continue
            answer = predictions[place]
            identity = request["prediction_id"]
            _require(operation, BATCH_RESPONSES[0], "prediction_id", answer, identity)
            answers[index] = results.read_answer(answer, document, request["features"])
        return answers


def _rows_taken(refusal: RequestRefused, asked: int) -> int:
    """Return the rows that a refusal says would be taken at once, 0 where it does not help.

    Args:
        refusal: of a batch that is too large.
        asked: rows of that batch; a limit that it keeps is no reason to send it again.
    """
    for violation in refusal.violations:
        stated = _ITEMS.fullmatch(violation.expected)
        if stated and violation.pointer == "/instances":
            rows = int(stated[1])
            return rows if rows < asked else 0
    return 0


def _refusals(
    document: PredictionBatchResponseV1 | PredictionBatchResponseV2,
) -> dict[int, list[Violation]]:
    """Return the violations of a batch's response by the place of their instance."""
    refusals: dict[int, list[Violation]] = {}
    for error in document["errors"]:
        index = error["index"]
        # the caller knows an instance by itself, not by its place in a batch that we made
        pointer = error["pointer"].removeprefix(f"/instances/{index}")
        violation = Violation(pointer, error["rule"], error["expected"])
        refusals.setdefault(index, []).append(violation)
    return refusals


def _require(
    operation: str, contract: str, member: str, document: Mapping[str, object], value: str
) -> None:
    """Raise BrokenResponse unless a member of an answer is what was sent."""
    if document[member] != value:
        violation = Violation(f"/{member}", "const", "the one that was sent")
        raise BrokenResponse(operation, contract, [violation])


def _body_bytes(sent: list[Numbered]) -> int:
    """Return the bytes that a batch has at most on its way, as JSON."""
    return len(json.dumps([request for _, request in sent]))
