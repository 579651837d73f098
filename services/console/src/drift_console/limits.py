"""What one client may take of the server: heads, bodies, connections and patience are bounded.

uvicorn with httptools has no limit of its own on headers, and waits for ever for a head or a body.
The protocol below counts while it reads, and a sweep closes what waits too long. Every limit is
answered with a problem document and the end of the connection, before any of our code sees the
request.
"""

from __future__ import annotations

import enum
import json
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from drift_contracts.problems import KINDS, MEDIA_TYPE, problem_document
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Iterable

MOST_HEADERS = 100
#: Bytes of the request line and all headers.
HEAD_BYTES = 32 * 1024
#: Seconds from the first byte, or from the connection.
HEAD_SECONDS = 10.0
#: Seconds from the end of the head.
BODY_SECONDS = 30.0
#: Seconds for which a client may leave an answer unread.
UNREAD_SECONDS = 30.0
MOST_CONNECTIONS = 256
#: Bytes of unfinished bodies, all requests together.
HELD_BYTES = 64 * 1024 * 1024
#: Seconds after an answer; uvicorn's own timer ends with the first byte of anything.
IDLE_SECONDS = 6.0
#: Seconds for which a refused client may finish sending, so that it reads the refusal.
LINGER_SECONDS = 1.0
#: Bytes of a body that are always accepted, however much is held.
SMALL_BODY = 256 * 1024
#: Bytes between a header's name and its value, and after it.
SEPARATORS = 4


class Phase(enum.IntEnum):
    """How far a connection is; when there are too many, the lowest gives way to a new one."""

    #: No complete head yet.
    HEAD = 0
    #: Answered, and no request since.
    IDLE = 1
    #: A body that is not complete.
    BODY = 2
    #: A request that is being answered.
    BUSY = 3


class Bounded(HttpToolsProtocol):
    """uvicorn's protocol for HTTP/1.1, with limits."""

    phase = Phase.HEAD
    #: When the phase began, in the loop's seconds.
    since = 0.0
    #: Since when the client does not read, in the loop's seconds; None while it does.
    unread_since: float | None = None
    _head_bytes = 0
    _head_open = True
    _refused = False
    _headers_seen = 0
    _measured = 0

    def connection_made(  # type: ignore[override]  # as in uvicorn
        self,
        transport: asyncio.Transport,
    ) -> None:
        """Accept the connection; the one with the least reason to be kept makes room for it."""
        super().connection_made(transport)
        self.since = self.loop.time()
        if len(self.connections) > MOST_CONNECTIONS:
            victim = _least(self.connections - {self})
            if victim is None:
                self.refuse("overloaded", "expected fewer connections at once")
            else:
                victim.drop()

    @property
    def is_dispensable(self) -> bool:
        """Return whether the connection may be closed to make room for another."""
        return self.phase < Phase.BUSY or self.unread_since is not None

    def drop(self) -> None:
        """Close without a word."""
        self.connections.discard(self)
        self._refused = True
        self.transport.abort()

    def refuse(self, kind: str, detail: str) -> None:
        """Answer with a problem document and close.

        Args:
            kind: One of `drift_contracts.problems.KINDS`.
            detail: What was expected.
        """
        if self._refused or self.transport.is_closing():
            return
        self._refused = True
        if self._answered() or not self.cycle.response_started:
            self.transport.write(_refusal(kind, detail))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        # Closing with bytes unread would reset the connection, and the refusal with it.
        self.loop.call_later(LINGER_SECONDS, self.transport.close)

    def data_received(self, data: bytes) -> None:
        """Read on, unless the head grows too long."""
        if self._refused:
            return
        # What came with earlier data of this head was counted then.
        if self._head_open:
            self._head_bytes += len(data)
        super().data_received(data)
        if self._head_open and self._head_bytes > HEAD_BYTES:
            self._refuse_head()

    def _refuse_head(self) -> None:
        detail = f"expected at most {MOST_HEADERS} headers and {HEAD_BYTES} bytes of head"
        self.refuse("head-too-large", detail)

    def on_message_begin(self) -> None:
        """Begin to count."""
        super().on_message_begin()
        if self.phase is not Phase.HEAD:
            self._enter(Phase.HEAD)
            self._head_bytes = 0
        self._head_open = True
        self._headers_seen = 0
        self._measured = 0

    def on_url(self, url: bytes) -> None:
        """Count a part of the address."""
        self._measured += len(url)
        if self._measured <= HEAD_BYTES:
            super().on_url(url)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Count a header; those over the limits, of a trailer too, are not kept."""
        self._headers_seen += 1
        self._measured += len(name) + len(value) + SEPARATORS
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
        self._enter(Phase.BODY)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Take a part of the body."""
        if not self._refused:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """Begin to answer: the request is whole."""
        if self._refused:
            return
        super().on_message_complete()
        phase = Phase.IDLE if self._answered() else Phase.BUSY
        self._enter(phase)

    def _enter(self, phase: Phase) -> None:
        self.phase = phase
        self.since = self.loop.time()

    def _answered(self) -> bool:
        """Return whether no request of this connection waits for an answer."""
        # None before the first request, whatever uvicorn's annotation says.
        cycle: Any = self.cycle
        return cycle is None or bool(cycle.response_complete)

    def on_response_complete(self) -> None:
        """Begin to wait for the next request: the answer is written."""
        super().on_response_complete()
        if self.phase is Phase.BUSY and not self.pipeline:
            self._enter(Phase.IDLE)

    def pause_writing(self) -> None:
        """Note since when the client does not read."""
        super().pause_writing()
        self.unread_since = self.loop.time()

    def resume_writing(self) -> None:
        """Note that the client reads again."""
        super().resume_writing()
        self.unread_since = None

    def check(self, now: float) -> None:
        """Close what waits too long; now: the loop's seconds."""
        waited = now - self.since
        if self.unread_since is not None and now - self.unread_since > UNREAD_SECONDS:
            self.drop()
        elif self.phase is Phase.IDLE and waited > IDLE_SECONDS:
            self.transport.close()
        elif self.phase is Phase.HEAD and waited > HEAD_SECONDS:
            self.refuse("timeout", f"expected a whole head within {HEAD_SECONDS:g} s")
        elif self.phase is Phase.BODY and waited > BODY_SECONDS:
            self.refuse("timeout", f"expected a whole body within {BODY_SECONDS:g} s")


def _refusal(kind: str, detail: str) -> bytes:
    """Return a whole HTTP answer that holds a problem document."""
    facts = KINDS[kind]
    body = json.dumps(problem_document(kind, detail)).encode()
    head = (
        f"HTTP/1.1 {facts.status} {HTTPStatus(facts.status).phrase}\r\n"
        f"content-type: {MEDIA_TYPE}\r\n"
        f"content-length: {len(body)}\r\n"
        "connection: close\r\n\r\n"
    )
    return head.encode() + body


# Any: uvicorn's set of connections is untyped.
def _least(connections: Iterable[Any]) -> Bounded | None:
    """Return the connection that can best be done without; None where all are being answered."""
    candidates = [connection for connection in connections if connection.is_dispensable]
    return min(candidates, key=lambda each: (each.phase, each.since), default=None)


def sweep(connections: Iterable[object], now: float) -> None:
    """Check every connection.

    Args:
        connections: uvicorn's.
        now: The loop's seconds.
    """
    # A copy, because whoever is closed leaves the set.
    for connection in list(connections):
        if isinstance(connection, Bounded):
            connection.check(now)


class Held:
    """How many bytes unfinished bodies hold together; used by the event loop alone."""

    def __init__(self, limit: int = HELD_BYTES) -> None:
        self._limit = limit
        self.total = 0

    def take(self, size: int, *, of: int) -> bool:
        """Hold more bytes; return False where that is too much.

        Args:
            size: How many bytes more.
            of: How many the body then has.
        """
        if of > SMALL_BODY and self.total + size > self._limit:
            return False
        self.total += size
        return True

    def release(self, size: int) -> None:
        """Release so many bytes."""
        self.total -= size
