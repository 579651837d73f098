"""HTTP to one service: attempts, errors and JSON are the same for whoever sends a request."""

from __future__ import annotations

import random
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Self

import httpx
from drift_contracts import schemas
from drift_contracts.errors import ContractError, DriftError, NotJson, Violation
from drift_contracts.parsing import parse_json

from drift_client._errors import BrokenResponse, RequestRefused, ServiceFailed, Unreachable
from drift_client._retry import Retry, retry_after_seconds, worth_repeating

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from drift_contracts.types import ProblemV1

    from drift_client._errors import ServiceError

CLIENT_ERRORS = range(400, 500)
#: Seconds. A service that is there accepts a connection much sooner than it answers.
CONNECT_TIMEOUT = 5.0
#: Services of earlier releases log this name, and so may dashboards that count callers.
USER_AGENT = "drift-contracts"


@dataclass(frozen=True)
class Environment:
    """What a client needs of the world; tests replace it."""

    #: what sends requests; httpx's own if None
    transport: httpx.BaseTransport | None = None
    #: waits some seconds
    sleep: Callable[[float], object] = time.sleep
    #: returns a number uniform in [0, 1)
    chance: Callable[[], float] = random.random
    #: returns what becomes a `prediction_id`
    new_id: Callable[[], object] = uuid.uuid4
    #: returns the current time, with its time zone
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Connection:
    """A service that answers JSON; usable as a context manager, safe to share between threads."""

    def __init__(
        self,
        url: str,
        *,
        timeout: float = 10.0,
        retry: Retry | None = None,
        environment: Environment | None = None,
        auth: httpx.Auth | None = None,
    ) -> None:
        """Prepare connections; none is opened before the first request.

        Args:
            url: Of the service, http or https.
            timeout: Seconds for one attempt.
            retry: How often a request is sent; `Retry()` if absent.
            environment: Clock, randomness and transport; the real ones if absent.
            auth: Says who is asking: `SignedByAws(url)`, `Bearer(token)`; nobody if absent.

        Raises:
            ValueError: The URL is of another kind; the message does not hold it.
        """
        self.url = _checked(url)
        self._retry = Retry() if retry is None else retry
        self._environment = Environment() if environment is None else environment
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(timeout, connect=min(timeout, CONNECT_TIMEOUT)),
            transport=self._environment.transport,
            auth=auth,
            headers={
                "user-agent": USER_AGENT,
                "accept": "application/json, application/problem+json",
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    # Any: the caller knows the type that goes with the contract, and mypy checks it from there on
    def request(
        self,
        operation: str,
        contract: str | Sequence[str] = "",
        body: object = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """Send a request, again where that may help, and return the document of a good answer.

        Args:
            operation: Method and path, such as `POST /predict`; errors name it.
            contract: What the answer is validated by; of several versions, the first one first, the
                one that the answer names. Strict JSON is enough if empty.
            body: What is sent as JSON, if anything.
            params: The query.

        Raises:
            Unreachable: No answer came within the attempts.
            RequestRefused: The service says that the request is at fault.
            ServiceFailed: The service is at fault or busy, and stayed so.
            BrokenResponse: The answer is not strict JSON, or breaks its contract.
        """
        response = self._attempts(operation, body, params)
        if not response.is_success:
            raise _failure(operation, response)
        try:
            document = parse_json(response.content)
        except NotJson as error:
            expected = str(error).removeprefix("expected ")
            violation = Violation("", "json", expected)
            place = _stated_contract(contract, None) or "strict JSON"
            raise BrokenResponse(operation, place, [violation]) from None
        chosen = _stated_contract(contract, document)
        if chosen:
            self.validate(operation, chosen, document)
        return document

    def validate(self, operation: str, contract: str, document: object) -> None:
        """Raise BrokenResponse if a part of an answer breaks its contract."""
        try:
            schemas.check(contract, document)
        except ContractError as error:
            raise BrokenResponse(operation, contract, error.violations) from None

    def _attempts(
        self, operation: str, body: object, params: Mapping[str, str] | None
    ) -> httpx.Response:
        """Return the last answer, good or bad. Raises Unreachable if there is none."""
        method, path = operation.split(" ")
        attempt = 0
        while True:
            attempt += 1
            response: httpx.Response | None = None
            reason = ""
            try:
                response = self._http.request(method, path, json=body, params=params)
                if not worth_repeating(response.status_code):
                    return response
            except httpx.TransportError as error:
                reason = type(error).__name__
            delay = self._retry.delay(
                attempt, self._environment.chance(), self._retry_after(response)
            )
            if delay is not None:
                self._environment.sleep(delay)
            elif response is not None:
                return response
            else:
                raise Unreachable(operation, reason, attempt)

    def _retry_after(self, response: httpx.Response | None) -> float | None:
        """Return the seconds after which the service wants to be asked again, if it says so."""
        if response is None:
            return None
        return retry_after_seconds(response.headers.get("retry-after"), self._environment.clock())


def _stated_contract(contract: str | Sequence[str], document: object) -> str:
    """Return the version of a contract that an answer names.

    Args:
        contract: One, or several versions, the first one first.
        document: The answer.

    Returns:
        The first version for an answer that names none, since the first ones were written without
        a name, and the newest for an answer that names one that nobody here knows.
    """
    if isinstance(contract, str):
        return contract
    stated = document.get("contract") if isinstance(document, dict) else None
    if stated is None:
        return contract[0]
    return stated if stated in contract else contract[-1]


def _failure(operation: str, response: httpx.Response) -> ServiceError:
    """Return the error for an answer other than a success, a problem document or not."""
    status = response.status_code
    problem: ProblemV1
    try:
        problem = parse_json(response.content)
        schemas.check("problem.v1", problem)
    except DriftError:
        # a gateway in front of the service answers with documents or pages of its own
        title = response.reason_phrase or "no reason given"
        problem = {"type": "about:blank", "title": title, "status": status}
    if status in CLIENT_ERRORS and not worth_repeating(status):
        return RequestRefused(operation, status, problem)
    return ServiceFailed(operation, status, problem)


def _checked(url: str) -> str:
    """Return a URL that a request can be sent to. Raises ValueError."""
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        address = httpx.URL()
    if address.scheme not in ("http", "https") or not address.host:
        raise ValueError("expected a URL that starts with http:// or https://")
    return url
