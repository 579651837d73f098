"""What one client may take of the server: heads, bodies, connections and patience are bounded.

uvicorn with httptools has no limit of its own on headers, and waits for ever for a head or a body. The
protocol below counts while it reads, and a sweep closes what waits too long. Every limit is answered with
a problem document and the end of the connection, before any of our code sees the request.
"""

from __future__ import annotations

import enum
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

MOST_HEADERS = 100
HEAD_BYTES = 32 * 1024  # of the request line and all headers
HEAD_SECONDS = 10.0  # from the first byte, or from the connection
BODY_SECONDS = 30.0  # from the end of the head
UNREAD_SECONDS = 30.0  # for which a client may leave an answer unread
MOST_CONNECTIONS = 256
HELD_BYTES = 64 * 1024 * 1024  # of unfinished bodies, all requests together
IDLE_SECONDS = 6.0  # after an answer; uvicorn's own timer ends with the first byte of anything
LINGER_SECONDS = 1.0  # for which a refused client may finish sending, so that it reads the refusal
SMALL_BODY = 256 * 1024  # bytes that are always taken, however much is held


class Phase(enum.IntEnum):
    """Where a connection stands; when all are taken, the lowest gives way to a new one."""

    HEAD = 0  # no complete head yet
    IDLE = 1  # answered, nothing asked since
    BODY = 2  # a body that is not complete
    BUSY = 3  # a request that is being answered


class Bounded(HttpToolsProtocol):
    """uvicorn's protocol for HTTP/1.1, with limits."""

    phase = Phase.HEAD
    since = 0.0  # of the phase, in the loop's seconds
    unread_since: float | None = None
    _head_bytes = 0
    _head_open = True
    _refused = False
    _headers_seen = 0
    _measured = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """Take the connection; the one that gives the least reason to be kept makes room for it."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            victim = _least(each for each in self.connections if each is not self)
            if victim is None:
                self.refuse(503, "overloaded", "expected fewer connections at once")
            else:
                victim.drop()

    def drop(self) -> None:
        """Close without a word."""
        self.connections.discard(self)
        self._refused = True
        self.transport.abort()

    def refuse(self, status: int, kind: str, detail: str) -> None:
        """Answer with a problem document and close."""
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        title = HTTPStatus(status).phrase
        kind = f"urn:drift:problem:{kind}"
        problem = {"type": kind, "title": title, "status": status, "detail": detail}
        body = json.dumps(problem).encode()
        head = (
            f"HTTP/1.1 {status} {title}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        if self._answered() or not self.cycle.response_started:
            self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # Closing with bytes unread would reset the connection, and the refusal with it.
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head grows too long."""
        if self._refused:
            return
        if self._head_open:  # what came with earlier data of this head was counted then
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_open and self._head_bytes > HEAD_BYTES:
            self._refuse_head()

    def _refuse_head(self) -> None:
        detail = f"expected at most {MOST_HEADERS} headers and {HEAD_BYTES} bytes of head"
        self.refuse(431, "too-large", detail)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        if self.phase is not Phase.HEAD:
            self.phase, self.since = Phase.HEAD, self.loop.time()
            self._head_bytes = 0
        self._head_open = True
        self._headers_seen = self._measured = 0

    def on_url(self, url: bytes) -> None:
        """Count a part of the address."""
        self._measured += len(url)
        if self._measured <= HEAD_BYTES:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; those over the limits, of a trailer too, are not kept."""
        self._headers_seen += 1
        self._measured += len(name) + len(value) + 4  # ": " and the end of the line
        if self._headers_seen <= MOST_HEADERS and self._measured <= HEAD_BYTES:
            super().on_header(name, value)
        elif not self._head_open:
            self._refuse_head()

    def on_headers_complete(self) -> None:
        """Hand the request over, or refuse it."""
        self._head_open = False
        if self._headers_seen > MOST_HEADERS or self._measured > HEAD_BYTES:
            self._refuse_head()
        if self._refused:
            return
        self.phase, self.since = Phase.BODY, self.loop.time()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        if self._refused:
            return
        super().on_message_complete()
        self.phase = Phase.IDLE if self._answered() else Phase.BUSY
        self.since = self.loop.time()

    def _answered(self) -> bool:
        """Return whether no request of this connection waits for an answer."""
        cycle: Any = self.cycle  # None before the first request, whatever uvicorn's annotation says
        return cycle is None or bool(cycle.response_complete)

    def on_response_complete(self) -> None:
        """The answer is written."""
        super().on_response_complete()
        if self.phase is Phase.BUSY and not self.pipeline:
            self.phase, self.since = Phase.IDLE, self.loop.time()

    def pause_writing(self) -> None:
        """The client does not read."""
        super().pause_writing()
        self.unread_since = self.loop.time()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self.unread_since = None

    def check(self, now: float) -> None:
        """Close what waits too long; now: the loop's seconds."""
        if self.unread_since is not None and now - self.unread_since > UNREAD_SECONDS:
            self.drop()
        elif self.phase is Phase.IDLE and now - self.since > IDLE_SECONDS:
            self.transport.close()
        elif self.phase is Phase.HEAD and now - self.since > HEAD_SECONDS:
            self.refuse(408, "timeout", f"expected a whole head within {HEAD_SECONDS:g} s")
        elif self.phase is Phase.BODY and now - self.since > BODY_SECONDS:
            self.refuse(408, "timeout", f"expected a whole body within {BODY_SECONDS:g} s")


def _least(connections: Iterable[Any]) -> Bounded | None:
    """Return the connection that can best be done without; None where all are being answered."""
    candidates = [each for each in connections if each.phase < Phase.BUSY or each.unread_since is not None]
    return min(candidates, key=lambda each: (each.phase, each.since), default=None)


def sweep(connections: Iterable[Any], now: float) -> None:
    """Check every connection; now: the loop's seconds."""
    for connection in list(connections):
        if isinstance(connection, Bounded):
            connection.check(now)


class Held:
    """How many bytes of unfinished bodies all requests hold together; used by the event loop alone."""

    def __init__(self, limit: int = HELD_BYTES) -> None:
        self._limit = limit
        self.total = 0

    def take(self, size: int, *, of: int) -> bool:
        """Hold so many bytes more for a body that has `of`; False where that is too much."""
        if of > SMALL_BODY and self.total + size > self._limit:
            return False
        self.total += size
        return True

    def release(self, size: int) -> None:
        """Let go of so many bytes."""
        self.total -= size
