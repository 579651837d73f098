"""What API Gateway does, on one machine: ASGI requests become HTTP API events (payload 2.0)."""

from __future__ import annotations

import base64
import binascii
import time
import uuid
import zlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict
from urllib.parse import parse_qsl

from drift_contracts import DriftError

from drift_console.limits import Held

if TYPE_CHECKING:
    from starlette.types import Receive, Scope

#: Bytes that a synchronous Lambda invocation accepts.
BODY_LIMIT = 6 * 1024 * 1024
#: Seconds that an HTTP API waits for an answer.
INVOCATION_SECONDS = 30.0
#: Media types whose bodies are handed over as text.
_TEXT = ("text/", "application/json", "application/javascript", "application/xml")
#: zlib's word for a gzip header and trailer.
_GZIP = 31


class TooLarge(DriftError):
    """The request's body is longer than BODY_LIMIT."""


class Overloaded(DriftError):
    """Unfinished bodies of other requests hold too much memory."""


class Disconnected(DriftError):
    """The client went away before its body was complete."""


class HttpFacts(TypedDict):
    """The member `requestContext.http` of an event."""

    method: str
    path: str
    protocol: str
    sourceIp: str
    userAgent: str


class RequestContext(TypedDict):
    """The member `requestContext` of an event."""

    accountId: str
    apiId: str
    domainName: str
    domainPrefix: str
    http: HttpFacts
    requestId: str
    routeKey: str
    stage: str
    time: str
    timeEpoch: int


class HttpEvent(TypedDict):
    """The event of payload format 2.0 for one request."""

    version: str
    routeKey: str
    rawPath: str
    rawQueryString: str
    headers: dict[str, str]
    requestContext: RequestContext
    isBase64Encoded: bool
    body: NotRequired[str]
    cookies: NotRequired[list[str]]
    queryStringParameters: NotRequired[dict[str, str]]


@dataclass(frozen=True)
class Context:
    """What a handler sees of Lambda's context object."""

    aws_request_id: str
    function_name: str = "drift-predictor-local"
    memory_limit_in_mb: str = "512"
    #: Seconds of `time.monotonic` at which the gateway gives up.
    deadline: float = 0.0

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds left until the deadline."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


# Any: whatever the handler answers is checked by `http_response`, as API Gateway checks it.
Handler = Callable[[HttpEvent, Context], Mapping[str, Any]]


@dataclass(frozen=True)
class HttpResponse:
    """An answer as ASGI sends it."""

    status: int
    #: Names in lower case.
    headers: list[tuple[bytes, bytes]]
    body: bytes


async def read_body(
    receive: Receive,
    headers: Mapping[str, str],
    *,
    limit: int = BODY_LIMIT,
    held: Held | None = None,
) -> bytes:
    """Return the request's body.

    Args:
        receive: ASGI's channel.
        headers: Of the request, names in lower case.
        limit: Bytes that the body may have.
        held: What unfinished bodies hold together; None counts nothing.

    Raises:
        TooLarge: As soon as it is clear, without reading on.
        Overloaded: Other unfinished bodies hold too much.
        Disconnected: The client went away.
    """
    if _announced_length(headers) > limit:
        raise TooLarge
    held = held or Held()
    chunks = []
    size = 0
    try:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Disconnected
            chunk = message.get("body", b"")
            if size + len(chunk) > limit:
                raise TooLarge
            if not held.take(len(chunk), of=size + len(chunk)):
                raise Overloaded
            size += len(chunk)
            chunks.append(chunk)
            if not message.get("more_body", False):
                return b"".join(chunks)
    finally:
        held.release(size)


def _announced_length(headers: Mapping[str, str]) -> int:
    """Return the Content-Length; 0 where there is none that is a number."""
    digits = headers.get("content-length", "").lstrip("0")
    # A number of thousands of digits is not converted: it takes long, and Python refuses it.
    is_number = digits.isascii() and digits.isdigit()
    return int(digits[:20]) if is_number else 0


def values_in(body: bytes, headers: Mapping[str, str]) -> int:
    """Return about how many values a JSON body holds, without parsing it.

    Parsing five megabytes of `[]` takes a second, in which nothing else is answered; counting them
    takes a millisecond.

    Args:
        body: As it was sent.
        headers: Of the request, names in lower case.
    """
    if headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip"):
        try:
            body = zlib.decompressobj(wbits=_GZIP).decompress(body, BODY_LIMIT)
        except zlib.error:
            # The predictor unpacks it again and answers what is wrong with it.
            return 0
    return sum(map(body.count, (b",", b":", b"[", b"{")))


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case, repeated ones joined by commas, as HTTP APIs do."""
    pairs = []
    for name, value in raw:
        pairs.append((name.decode("latin-1").lower(), value.decode("latin-1")))
    return _joined(pairs)


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Join the values of repeated names, in time that grows with their length only."""
    joined: dict[str, str] = {}
    repeated: dict[str, list[str]] = {}
    for name, value in pairs:
        if name not in joined:
            joined[name] = value
        else:
            repeated.setdefault(name, [joined[name]]).append(value)
    for name, values in repeated.items():
        joined[name] = ",".join(values)
    return joined


def http_event(scope: Scope, headers: Mapping[str, str], body: bytes, *, now: float) -> HttpEvent:
    """Return the event of payload format 2.0 for one request.

    Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide.

    Args:
        scope: ASGI's.
        headers: Of the request, joined, names in lower case.
        body: The whole body.
        now: Epoch seconds.
    """
    query = scope["query_string"].decode("latin-1")
    event: HttpEvent = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": query,
        "headers": {name: value for name, value in headers.items() if name != "cookie"},
        "requestContext": _request_context(scope, headers, now),
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if body:
        text = _as_text(body, headers.get("content-type", ""))
        event["isBase64Encoded"] = text is None
        event["body"] = base64.b64encode(body).decode() if text is None else text
    return event


def _request_context(scope: Scope, headers: Mapping[str, str], now: float) -> RequestContext:
    client = scope.get("client") or ("127.0.0.1", 0)
    host = headers.get("host", "localhost")
    return {
        "accountId": "anonymous",
        "apiId": "local",
        "domainName": host,
        "domainPrefix": host.split(".", 1)[0],
        "http": {
            "method": scope["method"],
            "path": scope["path"],
            "protocol": f"HTTP/{scope['http_version']}",
            "sourceIp": client[0],
            "userAgent": headers.get("user-agent", ""),
        },
        "requestId": str(uuid.uuid4()),
        "routeKey": "$default",
        "stage": "$default",
        "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now * 1000),
    }


def _as_text(body: bytes, content_type: str) -> str | None:
    """Return a body that an HTTP API hands over as text; None for one that goes in base64."""
    if not content_type.lower().startswith(_TEXT):
        return None
    try:
        return body.decode()
    except UnicodeDecodeError:
        return None


# Any: what a handler answers is read member by member, and a broken one raises.
def http_response(answer: Mapping[str, Any]) -> HttpResponse:
    """Return a handler's answer in format 2.0 as ASGI sends it. Raises ValueError."""
    body = answer.get("body") or ""
    if answer.get("isBase64Encoded"):
        try:
            data = base64.b64decode(body, validate=True)
        except binascii.Error as error:
            raise ValueError("the answer's body is not base64") from error
    else:
        data = body.encode()
    headers = []
    for name, value in (answer.get("headers") or {}).items():
        key = str(name).lower().encode("latin-1")
        # The length is that of the body as it is sent, whatever the handler counted.
        if key != b"content-length":
            headers.append((key, str(value).encode("latin-1")))
    cookies = [str(cookie).encode("latin-1") for cookie in answer.get("cookies") or ()]
    headers += [(b"set-cookie", cookie) for cookie in cookies]
    headers.append((b"content-length", str(len(data)).encode()))
    return HttpResponse(int(answer["statusCode"]), headers, data)
