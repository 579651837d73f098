"""The Lambda edge: unpacks events, calls the service, packs its replies.

Understood are the HTTP events that `events` reads, requests as the event itself (`{"features":
...}`, `{"instances": ...}`), and pings that keep a function warm.
"""

from __future__ import annotations

import json
import re

from drift_predictor import problems
from drift_predictor.events import (
    EXPECTED,
    WrongSource,
    is_balancers,
    is_http,
    read_request,
    source_of,
)
from drift_predictor.packing import (
    BALANCER_LIMIT,
    ENVELOPE,
    LAMBDA,
    Room,
    document_size,
    text_size,
)
from drift_predictor.problems import Problem
from drift_predictor.service import JSON
from drift_predictor.values import Request

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, NotRequired, TypedDict

    from drift_contracts.json_types import JsonObject

    from drift_predictor.events import Event
    from drift_predictor.service import Service
    from drift_predictor.values import Reply

    class ProxyAnswer(TypedDict):
        """What Lambda turns into an HTTP response."""

        statusCode: int
        headers: NotRequired[dict[str, str]]
        body: str
        isBase64Encoded: bool
        #: The next two for load balancers.
        statusDescription: NotRequired[str]
        multiValueHeaders: NotRequired[dict[str, list[str]]]

    #: Of a direct invocation: a response, a problem document, or the answer to a ping.
    Document = JsonObject


PINGS = ("serverless-plugin-warmup", "aws.events")
BALANCER = Room(BALANCER_LIMIT, ENVELOPE, text_size)
DOCUMENT = Room(LAMBDA.limit, 0, document_size)
#: The path of a request that is the event itself, by the member that it has.
DIRECT_PATHS = {"features": "/predict", "instances": "/predict/batch"}
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,128}")


class Edge:
    """A service behind Lambda."""

    def __init__(self, service: Service) -> None:
        self._service = service
        # Made once: they are needed for every event.
        self._paths = frozenset(service.paths)
        self._prefix = service.path_prefix

    def handle(self, event: Any, context: Any) -> ProxyAnswer | Document:
        """Return the answer to a Lambda event.

        To an HTTP event it is a proxy response; to a direct one the response or problem document
        itself.

        Args:
            event: as Lambda hands it over.
            context: Lambda's, of which the request's id is read.

        Raises:
            WrongSource: an event of a queue, a stream or a topic, and nothing else is raised: one
                that is answered, with whatever, would count as handled and be gone.
        """
        http = is_http(event)
        request_id = _request_id(event, context, http=http) or self._service.new_id()
        if not http:
            return self._direct(event, request_id)
        balancer = is_balancers(event)
        room = LAMBDA
        if balancer:
            room = BALANCER
        try:
            request = read_request(event, self._paths, self._prefix)
            reply = self._service.answer(request, request_id, room)
        except Problem as problem:
            reply = self._service.refuse(problem, request_id, room)
        except Exception as error:
            reply = self._service.fail(error, request_id)
        answer = _packed(reply)
        if balancer:
            return _for_balancer(answer, event)
        return answer

    def _direct(self, event: Any, request_id: str) -> Document:
        """Return the answer to an event that is not HTTP."""
        try:
            return self._direct_answer(event, request_id)
        except Problem as problem:
            reply = self._service.refuse(problem, request_id, DOCUMENT)
        except WrongSource:
            # Counted as rejected before Lambda is told that the call failed.
            self._service.refuse(problems.bad_event(EXPECTED), request_id)
            raise
        except Exception as error:
            reply = self._service.fail(error, request_id)
        return _document(reply)

    def _direct_answer(self, event: Any, request_id: str) -> Document:
        if not isinstance(event, dict):
            raise _refusal(event)
        if event.get("warmup") or event.get("source") in PINGS:
            models = {name: model.version for name, model in self._service.models.items()}
            return {"status": "warm", "models": {**models}}
        paths = [path for member, path in DIRECT_PATHS.items() if member in event]
        if not paths:
            raise _refusal(event)
        try:
            body = json.dumps(event).encode()
        except RecursionError:
            raise problems.bad_event("fewer levels of nesting") from None
        except (TypeError, ValueError):
            raise problems.bad_event(EXPECTED) from None
        request = Request("POST", paths[0], body, JSON)
        return _document(self._service.answer(request, request_id, DOCUMENT))


def _refusal(event: object) -> Problem | WrongSource:
    """Return the error for an event that is no request."""
    source = source_of(event)
    if source:
        return WrongSource(source)
    return problems.bad_event(EXPECTED)


def _request_id(event: Any, context: Any, *, http: bool) -> str:
    """Return Lambda's id of the request, else the API's, "" if there is none."""
    try:
        request_id = getattr(context, "aws_request_id", None)
    except Exception:
        request_id = None  # a request is worth an answer even where its context is broken
    if http and not isinstance(request_id, str):
        http_context = event["requestContext"]
        if isinstance(http_context, dict):
            request_id = http_context.get("requestId")
    # It goes into the log and the answer, so it must not be any text.
    if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id):
        return request_id
    return ""


def _packed(reply: Reply) -> ProxyAnswer:
    headers = {"content-type": reply.media_type, "cache-control": "no-store"}
    if reply.allow:
        headers["allow"] = reply.allow
    elif reply.accept_encoding:
        headers["accept-encoding"] = reply.accept_encoding
    return {
        "statusCode": reply.status,
        "headers": headers,
        "body": reply.body.decode(),
        "isBase64Encoded": False,
    }


def _for_balancer(answer: ProxyAnswer, event: Event) -> ProxyAnswer:
    """Return an answer as a load balancer reads it: a reason, and lists where it sent lists."""
    # Imported here because a cold start need not wait for it.
    from http import HTTPStatus  # noqa: PLC0415

    status = answer["statusCode"]
    answer["statusDescription"] = f"{status} {HTTPStatus(status).phrase}"
    if "multiValueHeaders" in event:
        headers = answer.pop("headers")
        answer["multiValueHeaders"] = {name: [text] for name, text in headers.items()}
    return answer


def _document(reply: Reply) -> Document:
    document: Document = json.loads(reply.body)
    return document
