"""The Lambda edge: unpacks events, calls the service, packs its replies.

Understood are API Gateway's HTTP API (payload 2.0, also that of function URLs) and REST API (1.0) events, requests
as the event itself (`{"features": ...}`, `{"instances": ...}`), and pings that keep a function warm. Source: "AWS
Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide.
"""

from __future__ import annotations

import base64
import binascii
import json
import re

from drift_predictor import problems
from drift_predictor.problems import Problem

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_predictor.service import Reply, Service

PINGS = ("serverless-plugin-warmup", "aws.events")
EXPECTED = "an HTTP API, REST API, features, instances or warm-up event"
_REQUEST_ID = re.compile(r"[A-Za-z0-9_=-]{1,128}")


class Edge:
    """A service behind Lambda."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def handle(self, event: Any, context: Any) -> dict[str, Any]:
        """The answer to a Lambda event; never raises.

        To an API event it is a proxy response; to a direct one the response or problem document itself.
        """
        request_id = _request_id(event, context) or self._service.new_id()
        try:
            if _is_http(event):
                return _packed(self._service.respond(*_unpacked(event), request_id))
            return self._direct(event, request_id)
        except Problem as problem:
            reply = self._service.refuse(problem, request_id)
        except Exception as error:
            reply = self._service.fail(error, request_id)
        return _packed(reply) if _is_http(event) else _document(reply)

    def _direct(self, event: Any, request_id: str) -> dict[str, Any]:
        if not isinstance(event, dict):
            raise problems.bad_event(EXPECTED)
        if event.get("warmup") or event.get("source") in PINGS:
            return {"status": "warm", "models": {name: model.version for name, model in self._service.models.items()}}
        path = "/predict" if "features" in event else "/predict/batch" if "instances" in event else ""
        if not path:
            raise problems.bad_event(EXPECTED)
        try:
            body = json.dumps(event).encode()
        except RecursionError:
            raise problems.bad_event("fewer levels of nesting") from None
        return _document(self._service.respond("POST", path, body, request_id=request_id))


def _unpacked(event: Mapping[str, Any]) -> tuple[str, str, bytes, str]:
    """Method, path, body and content type of an API event. Raises Problem."""
    try:
        context = event["requestContext"]
        if "http" in context:
            method, path = context["http"]["method"], _without_stage(event["rawPath"], context.get("stage"))
        else:
            method, path = event["httpMethod"], event["path"]
        body = event.get("body")
        data = _bytes(body, event.get("isBase64Encoded", False)) if body else b""
        return method, path, data, _content_type(event.get("headers") or {})
    except (LookupError, TypeError, AttributeError):
        raise problems.bad_event(EXPECTED) from None


def _bytes(body: str, encoded: bool) -> bytes:
    try:
        return base64.b64decode(body, validate=True) if encoded else body.encode()
    except (binascii.Error, ValueError):
        raise problems.bad_event("a body in UTF-8, or in base64 where isBase64Encoded says so") from None


def _without_stage(path: str, stage: str | None) -> str:
    """A path without the name of its stage, which HTTP APIs put first unless it is $default.

    >>> _without_stage("/prod/predict", "prod"), _without_stage("/predict", "$default")
    ('/predict', '/predict')
    """
    if stage and stage != "$default" and (path == f"/{stage}" or path.startswith(f"/{stage}/")):
        return path[len(stage) + 1 :]
    return path


def _content_type(headers: Mapping[str, str]) -> str:
    """HTTP APIs write header names small, REST APIs as the client did."""
    found = headers.get("content-type") or headers.get("Content-Type")
    return found or next((text for name, text in headers.items() if name.lower() == "content-type"), "")


def _request_id(event: Any, context: Any) -> str:
    """Lambda's id of the request, else the API's, "" if there is none."""
    found = getattr(context, "aws_request_id", None)
    if not found and isinstance(event, dict) and isinstance(event.get("requestContext"), dict):
        found = event["requestContext"].get("requestId")
    return found if isinstance(found, str) and _REQUEST_ID.fullmatch(found) else ""


def _is_http(event: Any) -> bool:
    return isinstance(event, dict) and "requestContext" in event


def _packed(reply: Reply) -> dict[str, Any]:
    headers = {"content-type": reply.media_type, "cache-control": "no-store"}
    if reply.allow:
        headers["allow"] = reply.allow
    return {"statusCode": reply.status, "headers": headers, "body": reply.body.decode(), "isBase64Encoded": False}


def _document(reply: Reply) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(reply.body)
    return document
