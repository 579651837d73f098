"""What API Gateway does, on one machine: an ASGI request becomes an HTTP API event (payload 2.0) and back."""

from __future__ import annotations

import base64
import binascii
import time
import uuid
import zlib
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

from drift_console.limits import Held

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
BODY_LIMIT = 6 * 1024 * 1024  # bytes: what a synchronous Lambda invocation accepts

_TEXT = ("text/", "application/json", "application/javascript", "application/xml")


class TooLarge(Exception):
    """The request's body is longer than BODY_LIMIT."""


class Overloaded(Exception):
    """Unfinished bodies of other requests hold too much memory."""


class Disconnected(Exception):
    """The client went away before its body was complete."""


@dataclass(frozen=True)
class Context:
    """What a handler sees of Lambda's context object."""

    aws_request_id: str
    function_name: str = "drift-predictor-local"
    memory_limit_in_mb: str = "512"
    deadline: float = 0.0

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds left of the 30 s that an HTTP API waits."""
        return max(0, int((self.deadline - time.monotonic()) * 1000))


async def read_body(
    receive: Receive, headers: Mapping[str, str], *, limit: int = BODY_LIMIT, held: Held | None = None
) -> bytes:
    """Return the request's body.

    Args:
        receive: ASGI's channel.
        headers: Of the request, names in lower case.
        limit: Bytes that the body may have.
        held: What unfinished bodies hold together; None counts nothing.

    Raises:
        TooLarge: As soon as it is known to be, without reading on.
        Overloaded: Other unfinished bodies hold too much.
        Disconnected: The client went away.
    """
    length = headers.get("content-length", "").lstrip("0")
    if length.isdigit() and (len(length) > len(str(limit)) or int(length) > limit):
        raise TooLarge
    held = held or Held()
    chunks, size = [], 0
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


def values_in(body: bytes, headers: Mapping[str, str]) -> int:
    """Return about how many values a JSON body holds, without parsing it.

    Parsing five megabytes of `[]` takes a second, in which nothing else is answered; counting them takes
    a millisecond.
    """
    if headers.get("content-encoding", "").strip().lower() in ("gzip", "x-gzip"):
        try:
            body = zlib.decompressobj(wbits=31).decompress(body, BODY_LIMIT)
        except zlib.error:
            return 0  # whoever unpacks it will say so
    return sum(map(body.count, (b",", b":", b"[", b"{")))


def joined_headers(raw: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Return headers by name in lower case, repeated ones joined by commas, as HTTP APIs hand them over."""
    return _joined((key.decode("latin-1").lower(), value.decode("latin-1")) for key, value in raw)


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


def http_event(scope: Scope, headers: Mapping[str, str], body: bytes, *, now: float) -> dict[str, Any]:
    """The event of payload format 2.0 for one request; now: epoch seconds.

    Source: "Create AWS Lambda proxy integrations for HTTP APIs" in the API Gateway Developer Guide.
    """
    query = scope["query_string"].decode("latin-1")
    method = scope["method"]
    client = scope.get("client") or ("127.0.0.1", 0)
    host = headers.get("host", "localhost")
    event: dict[str, Any] = {
        "version": "2.0",
        "routeKey": "$default",
        "rawPath": scope["path"],
        "rawQueryString": query,
        "headers": {name: value for name, value in headers.items() if name != "cookie"},
        "requestContext": {
            "accountId": "anonymous",
            "apiId": "local",
            "domainName": host,
            "domainPrefix": host.split(".", 1)[0],
            "http": {
                "method": method,
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
        },
        "isBase64Encoded": False,
    }
    if "cookie" in headers:
        event["cookies"] = [cookie.strip() for cookie in headers["cookie"].split(";")]
    if query:
        event["queryStringParameters"] = _joined_query(query)
    if body:
        event["body"], event["isBase64Encoded"] = _encoded(body, headers.get("content-type", ""))
    return event


def _joined_query(query: str) -> dict[str, str]:
    return _joined(parse_qsl(query, keep_blank_values=True))


def _encoded(body: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT):
        try:
            return body.decode(), False
        except UnicodeDecodeError:
            pass
    return base64.b64encode(body).decode(), True


def http_response(answer: Mapping[str, Any]) -> tuple[int, list[tuple[bytes, bytes]], bytes]:
    """Status, headers and body of a handler's answer in format 2.0; raises ValueError on a malformed one."""
    body = answer.get("body") or ""
    try:
        data = base64.b64decode(body, validate=True) if answer.get("isBase64Encoded") else body.encode()
    except binascii.Error as error:
        raise ValueError("the answer's body is not base64") from error
    headers = [
        (str(name).lower().encode("latin-1"), str(value).encode("latin-1"))
        for name, value in (answer.get("headers") or {}).items()
    ]
    headers += [(b"set-cookie", str(cookie).encode("latin-1")) for cookie in answer.get("cookies") or ()]
    headers.append((b"content-length", str(len(data)).encode()))
    return (
        int(answer["statusCode"]),
        [pair for pair in headers if pair[0] != b"content-length"] + headers[-1:],
        data,
    )
