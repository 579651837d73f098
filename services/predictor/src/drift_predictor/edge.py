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
    LAMBDA_LIMIT,
    Room,
    document_size,
    text_size,
)
from drift_predictor.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_predictor.service import Reply, Service

PINGS = ("serverless-plugin-warmup", "aws.events")
BALANCER = Room(BALANCER_LIMIT, ENVELOPE, text_size)
DOCUMENT = Room(LAMBDA_LIMIT, 0, document_size)
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,128}")


class Edge:
    """A service behind Lambda."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._respond = service.respond
        self._paths = frozenset(service.paths)
        self._prefix = service.path_prefix

    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """Return the answer to a Lambda event.

        To an HTTP event it is a proxy response; to a direct one the response or problem document
        itself. Raises WrongSource, and nothing else, for an event of a queue, a stream or a topic:
        one that is answered, with whatever, would count as handled and be gone.
        """
        request_id = _request_id(event, context) or self._service.new_id()
        if not is_http(event):
            return self._direct(event, request_id)
        balancer = is_balancers(event)
        room = BALANCER if balancer else LAMBDA
        try:
            request = read_request(event, self._paths, self._prefix)
            method, path, body, media_type, encoding = request
            http_context = event["requestContext"]
            reply = self._respond(method, path, body, media_type, request_id, encoding, room, context=http_context)
        except Problem as problem:
            reply = self._service.refuse(problem, request_id, room)
        except Exception as error:
            reply = self._service.fail(error, request_id)
        answer = _packed(reply)
        return _for_balancer(answer, event) if balancer else answer

    def _direct(self, event: Any, request_id: str) -> dict[str, Any]:
        try:
            return self._answered(event, request_id)
        except Problem as problem:
            reply = self._service.refuse(problem, request_id, DOCUMENT)
        except WrongSource:
            self._service.refuse(problems.bad_event(EXPECTED), request_id)
            raise
        except Exception as error:
            reply = self._service.fail(error, request_id)
        return _document(reply)

    def _answered(self, event: Any, request_id: str) -> dict[str, Any]:
        if not isinstance(event, dict):
            raise _refusal(event)
        if event.get("warmup") or event.get("source") in PINGS:
            models = {name: model.version for name, model in self._service.models.items()}
            return {"status": "warm", "models": models}
        path = ""
        if "features" in event:
            path = "/predict"
        elif "instances" in event:
            path = "/predict/batch"
        if not path:
            raise _refusal(event)
        try:
            body = json.dumps(event).encode()
        except RecursionError:
            raise problems.bad_event("fewer levels of nesting") from None
        except (TypeError, ValueError):
            raise problems.bad_event(EXPECTED) from None
        reply = self._service.respond("POST", path, body, request_id=request_id, room=DOCUMENT)
        return _document(reply)


def _refusal(event: Any) -> Problem | WrongSource:
    """Return the error for an event that is no request."""
    source = source_of(event)
    return WrongSource(source) if source else problems.bad_event(EXPECTED)


def _request_id(event: Any, context: Any) -> str:
    """Return Lambda's id of the request, else the API's, "" if there is none."""
    try:
        request_id = getattr(context, "aws_request_id", None)
    except Exception:
        request_id = None  # a request is worth an answer even where its context is broken
    if not isinstance(request_id, str) and is_http(event):
        http = event["requestContext"]
        request_id = http.get("requestId") if isinstance(http, dict) else None
    return request_id if isinstance(request_id, str) and _REQUEST_ID.fullmatch(request_id) else ""


def _packed(reply: Reply) -> dict[str, Any]:
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


def _for_balancer(answer: dict[str, Any], event: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as a load balancer reads it: a reason, and lists where it sent lists."""
    from http import HTTPStatus  # noqa: PLC0415 - others need not wait for it at a cold start

    status = answer["statusCode"]
    answer["statusDescription"] = f"{status} {HTTPStatus(status).phrase}"
    if "multiValueHeaders" in event:
        answer["multiValueHeaders"] = {name: [text] for name, text in answer.pop("headers").items()}
    return answer


def _document(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)
    return document
