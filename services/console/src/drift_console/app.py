"""The ASGI application: the page and its API here, everything else through the Lambda edge."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drift_console import gateway
from drift_console.limits import Held
from drift_console.security import HEADERS, foreign, host_allowed, same_origin

if TYPE_CHECKING:
    from starlette.requests import Request

    from drift_console.gateway import Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
HEARTBEAT = 15.0  # seconds without a change after which a comment keeps the stream open
SPANS = (5, 15, 30, 60, 360, 1440)  # minutes: those of the page, so that pages share what is made
MOST_STREAMS = 64  # open pages
MOST_VALUES = 50_000  # in a body: more than any batch holds; parsed within 160 ms at the worst

_log = logging.getLogger("drift_console.app")

Handler = Callable[[dict[str, Any], Any], Mapping[str, Any]]
ReadState = Callable[[str | None, int], Awaitable[dict[str, Any]]]
RunScenario = Callable[[str, str | None], Awaitable[dict[str, Any]]]
Replay = Callable[[str | None, int, float, float], Awaitable[dict[str, Any]]]
BUDGET = (100.0, 1e12)  # events to one false alarm
EFFECT = (0.0, 10.0)  # standard deviations


class NotFound(Exception):
    """A model or scenario that does not exist; its text names the choices."""


class Busy(Exception):
    """Something that is done once at a time is being done; its text says what."""


class BadQuery(Exception):
    """A query parameter that cannot be read; its text says what was expected."""


def problem(status: int, kind: str, title: str, detail: str) -> JSONResponse:
    """A problem document (problem.v1)."""
    document = {
        "type": f"urn:drift:problem:{kind}",
        "title": title,
        "status": status,
        "detail": detail,
        "request_id": str(uuid.uuid4()),
    }
    return JSONResponse(document, status, media_type="application/problem+json")


class Api:
    """Passes a request through the Lambda edge as API Gateway does."""

    def __init__(self, handle: Handler, clock: Callable[[], float], *, most_values: int = MOST_VALUES) -> None:
        """most_values: that a body may hold; see `gateway.values_in`."""
        self._handle = handle
        self._clock = clock
        self._most_values = most_values
        self._held = Held()

    async def __call__(self, scope: Scope, receive: Receive, send: Send, headers: Mapping[str, str]) -> None:
        """Answer one request; headers: joined, names in lower case."""
        try:
            body = await gateway.read_body(receive, headers, held=self._held)
        except gateway.TooLarge:
            detail = f"expected a body of at most {gateway.BODY_LIMIT} bytes"
            await _last(problem(413, "too-large", "The request is too large", detail))(scope, receive, send)
            return
        except gateway.Overloaded:
            detail = "expected fewer unfinished bodies at once; try again"
            await _last(problem(503, "overloaded", "Too much at once", detail))(scope, receive, send)
            return
        except gateway.Disconnected:
            return
        if self._holds_too_much(body, headers):
            detail = f"expected a body of at most {self._most_values} values"
            await problem(413, "too-large", "The request is too large", detail)(scope, receive, send)
            return
        event = gateway.http_event(scope, headers, body, now=self._clock())
        context = gateway.Context(event["requestContext"]["requestId"], deadline=time.monotonic() + 30)
        status, pairs, data = gateway.http_response(self._handle(event, context))
        await send({"type": "http.response.start", "status": status, "headers": pairs})
        await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else data})

    def _holds_too_much(self, body: bytes, headers: Mapping[str, str]) -> bool:
        # A packed body may be short and hold a lot.
        if len(body) <= self._most_values and "content-encoding" not in headers:
            return False
        return gateway.values_in(body, headers) > self._most_values


def _last(answer: JSONResponse) -> JSONResponse:
    """Return the answer as the last one of its connection: what follows in it was not read."""
    answer.headers["connection"] = "close"
    return answer


class ConsoleApi:
    """The page's own endpoints."""

    def __init__(
        self, read_state: ReadState, run_scenario: RunScenario, replay: Replay, stopping: Callable[[], bool]
    ) -> None:
        self._read_state = read_state
        self._run_scenario = run_scenario
        self._replay = replay
        self._stopping = stopping
        self._streams = 0

    async def state(self, request: Request) -> Response:
        """GET /console/api/state?model=NAME&minutes=30."""
        model, minutes = _asked(request)
        return JSONResponse(await self._read_state(model, minutes), headers={"cache-control": "no-store"})

    async def stream(self, request: Request) -> Response:
        """GET /console/api/stream?model=NAME: the same document whenever it changes."""
        model, minutes = _asked(request)
        if self._streams >= MOST_STREAMS:
            raise Busy(f"expected at most {MOST_STREAMS} open pages")
        await self._read_state(model, minutes)  # an unknown model is told before the stream begins
        return StreamingResponse(
            self._events(model, minutes),
            media_type="text/event-stream",
            headers={"cache-control": "no-store", "x-accel-buffering": "no"},
        )

    async def _events(self, model: str | None, minutes: int) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async for part in self._changes(model, minutes):
                yield part
        finally:
            self._streams -= 1

    async def _changes(self, model: str | None, minutes: int) -> AsyncIterator[bytes]:
        last, silent_since = "", time.monotonic()
        yield b"retry: 1000\n\n"
        while not self._stopping():
            state = await self._read_state(model, minutes)
            text = json.dumps({**state, "now": None, "series": {**state["series"], "times": None}})
            if text != last:
                last, silent_since = text, time.monotonic()
                yield b"event: state\ndata: " + json.dumps(state, separators=(",", ":")).encode() + b"\n\n"
            elif time.monotonic() - silent_since > HEARTBEAT:
                silent_since = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(1.0)

    async def scenario(self, request: Request) -> Response:
        """POST /console/api/scenarios/{name}?model=NAME."""
        if not same_origin(request.headers):
            return problem(403, "forbidden", "Not from here", "expected a request of the console's own page")
        return JSONResponse(await self._run_scenario(request.path_params["name"], request.query_params.get("model")))

    async def replay(self, request: Request) -> Response:
        """GET /console/api/replay?model=NAME&minutes=30&budget=100000&minimum_effect=0.1."""
        model, minutes = _asked(request)
        budget, effect = _number(request, "budget", BUDGET), _number(request, "minimum_effect", EFFECT)
        return JSONResponse(await self._replay(model, minutes, budget, effect), headers={"cache-control": "no-store"})

    def routes(self) -> list[Route]:
        """Where they are mounted, below /console/api."""
        return [
            Route("/state", self.state),
            Route("/stream", self.stream),
            Route("/replay", self.replay),
            Route("/scenarios/{name}", self.scenario, methods=["POST"]),
        ]


def _asked(request: Request) -> tuple[str | None, int]:
    minutes = request.query_params.get("minutes", "30")
    if minutes not in map(str, SPANS):
        raise BadQuery(f"minutes: expected one of {', '.join(map(str, SPANS))}")
    return request.query_params.get("model"), int(minutes)


def _number(request: Request, name: str, bounds: tuple[float, float]) -> float:
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError:
        value = float("nan")
    if not bounds[0] <= value <= bounds[1]:
        raise BadQuery(f"{name}: expected a number from {bounds[0]:g} to {bounds[1]:g}")
    return value


async def _page(_: Request) -> Response:
    page = STATIC / "index.html"
    if page.is_file():
        return FileResponse(page, headers={"cache-control": "no-cache"})
    return problem(404, "not-found", "There is no page", "this installation has no static files")


async def _refused(_: Request, error: Exception) -> Response:
    """Whatever went wrong, as a problem document."""
    if isinstance(error, NotFound):
        return problem(404, "not-found", "There is no such thing", str(error))
    if isinstance(error, BadQuery):
        return problem(400, "bad-request", "The request cannot be read", str(error))
    if isinstance(error, Busy):
        return problem(503, "overloaded", "Too much at once", str(error))
    if isinstance(error, HTTPException):
        answer = problem(error.status_code, "refused", error.detail, "see the console's API in docs/local.md")
        answer.headers.update(error.headers or {})
        return answer
    _log.error("a request of the page failed", exc_info=error)
    return problem(500, "internal", "Something went wrong here", "the console's log says what")


_HANDLERS = {NotFound: _refused, BadQuery: _refused, Busy: _refused, HTTPException: _refused, Exception: _refused}


class App:
    """Guards, headers and dispatch around the two APIs."""

    def __init__(
        self,
        api: Api,
        console: ConsoleApi,
        *,
        bound_to: str,
        allowed_hosts: Sequence[str] = (),
        dead: Callable[[], list[str]] = list,
    ) -> None:
        """Put the two together.

        Args:
            api: What passes through the Lambda edge.
            console: The page's endpoints.
            bound_to: The address that is listened on.
            allowed_hosts: Further names that requests may use.
            dead: Gives the names of threads that died.
        """
        self._api = api
        self._bound_to = bound_to
        self._names = frozenset(name.lower() for name in allowed_hosts)
        self._dead = dead
        routes = [
            Route("/", _page),
            Mount("/static", StaticFiles(directory=STATIC, check_dir=False)),
            Mount("/console/api", routes=console.routes()),
        ]
        self._local = Starlette(routes=routes, exception_handlers=_HANDLERS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return

        async def send_guarded(message: gateway.Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        headers = gateway.joined_headers(scope["headers"])
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        elif scope["path"] == "/" or scope["path"].startswith(("/static/", "/console/")):
            await self._local(scope, receive, send_guarded)
        else:
            await self._api(scope, receive, send_guarded, headers)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Return what is answered before anything is read, counted or logged."""
        if not host_allowed(headers.get("host", ""), bound_to=self._bound_to, names=self._names):
            detail = "expected this machine's own name in the Host header, or one that --allow-host gives"
            return problem(421, "wrong-host", "Wrong host", detail)
        if foreign(scope["path"], scope["method"], headers):
            detail = "expected a request of the console's own page or of no page"
            return problem(403, "forbidden", "Not from here", detail)
        if scope["path"] == "/health" and (dead := self._dead()):
            detail = f"expected every thread at work; dead: {', '.join(dead)}. Start the console again"
            return problem(503, "not-ready", "Not ready", detail)
        return None
