"""The ASGI application: the page and its API here, everything else through the Lambda edge."""

from __future__ import annotations

import asyncio
import json
import logging
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import DriftError
from drift_contracts.problems import INTERNAL_ERROR, KINDS, MEDIA_TYPE, problem_document
from drift_ml.days import start_of_day
from drift_monitor.acknowledgements import Acknowledgement
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from drift_console import gateway
from drift_console.limits import Held
from drift_console.monitoring import Asked
from drift_console.page_types import ScenarioResult, WhatIfDocument
from drift_console.security import HEADERS, host_allowed, is_foreign, is_same_origin
from drift_console.state_cache import ShownState

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.types import Message, Receive, Scope, Send

STATIC = Path(__file__).parent / "static"
#: Seconds without a change after which a comment keeps the stream open.
HEARTBEAT = 15.0
#: Seconds between looks for a change.
STREAM_POLL = 1.0
#: Minutes that the page can show; few, so that pages share what is made.
SPANS = (5, 15, 30, 60, 360, 1440, 10_080, 40_320)
DEFAULT_SPAN = 30
#: Pages that may be open at once.
MOST_STREAMS = 64
#: Values in a body: more than any batch holds; parsed within 160 ms at the worst.
MOST_VALUES = 50_000
#: Events to one false alarm that a what-if can be asked with.
BUDGET = (100.0, 1e12)
#: Standard deviations that a what-if can be asked with.
EFFECT = (0.0, 10.0)
#: Limits of PSI, and days to one false alarm, that a what-if can be asked with.
PSI, DAYS = (0.0, 10.0), (1.0, 3650.0)
#: Bytes of a body that the page sends, and characters of a text in it.
LONGEST_BODY, LONGEST_TEXT = 8_192, 500
#: Features that a what-if can name.
MOST_WORDS = 2_000
#: What answers of the page's API depend on changes every second.
_NO_STORE = {"cache-control": "no-store"}
NOT_FROM_HERE = "expected a request of the console's own page or of no page"

_log = logging.getLogger("drift_console.app")


@dataclass(frozen=True)
class Acknowledging:
    """What an acknowledgement is asked with."""

    #: None for the first one.
    model: str | None
    who: str
    why: str
    #: Whether an earlier one is taken back.
    undo: bool = False
    #: Whether the change is taken as the new normal.
    new_normal: bool = False


ReadState = Callable[[str | None, int], Awaitable[ShownState]]
RunScenario = Callable[[str, str | None], Awaitable[ScenarioResult]]
Acknowledge = Callable[[str, Acknowledging], Awaitable[Acknowledgement]]
Replay = Callable[[str | None, int, Asked], Awaitable[WhatIfDocument]]


class NotFound(DriftError):
    """A model or scenario that does not exist; the message names the choices."""


class Busy(DriftError):
    """What is done once at a time is being done; the message names it."""


class BadQuery(DriftError):
    """A query parameter that cannot be read; the message says what was expected."""


#: The kind of problem that each error of the page's API is answered with.
_PROBLEMS: Mapping[type[Exception], str] = {
    NotFound: "not-found",
    BadQuery: "bad-request",
    Busy: "overloaded",
}
#: The kind of problem for each status that Starlette answers by itself.
_BY_STATUS = {404: "not-found", 405: "method-not-allowed"}


def problem(kind: str, detail: str) -> JSONResponse:
    """Return an answer that is a problem document (`problem.v1`).

    Args:
        kind: One of `drift_contracts.problems.KINDS`; it has the status and the title.
        detail: What was expected, and the way out; never a value of the request.
    """
    document = problem_document(kind, detail, request_id=str(uuid.uuid4()))
    return JSONResponse(document, KINDS[kind].status, media_type=MEDIA_TYPE)


class Api:
    """Passes a request through the Lambda edge as API Gateway does."""

    def __init__(
        self,
        handle: gateway.Handler,
        clock: Callable[[], float],
        *,
        most_values: int = MOST_VALUES,
        held: Held | None = None,
    ) -> None:
        """Prepare to answer.

        Args:
            handle: The Lambda edge.
            clock: Gives epoch seconds.
            most_values: Values that a body may hold; see `gateway.values_in`.
            held: What unfinished bodies hold together.
        """
        self._handle = handle
        self._clock = clock
        self._most_values = most_values
        self._held = held or Held()

    async def __call__(
        self,
        scope: Scope,
        receive: Receive,
        send: Send,
        headers: Mapping[str, str],
    ) -> None:
        """Answer one request.

        Args:
            scope: ASGI's.
            receive: ASGI's.
            send: ASGI's.
            headers: Of the request, joined, names in lower case.
        """
        try:
            body = await gateway.read_body(receive, headers, held=self._held)
        except gateway.TooLarge:
            detail = f"expected a body of at most {gateway.BODY_LIMIT} bytes"
            await _closing(problem("too-large", detail))(scope, receive, send)
            return
        except gateway.Overloaded:
            detail = "expected fewer unfinished bodies at once; try again"
            await _closing(problem("overloaded", detail))(scope, receive, send)
            return
        except gateway.Disconnected:
            return
        if self._holds_too_many_values(body, headers):
            detail = f"expected a body of at most {self._most_values} values"
            await problem("too-large", detail)(scope, receive, send)
            return
        event = gateway.http_event(scope, headers, body, now=self._clock())
        deadline = time.monotonic() + gateway.INVOCATION_SECONDS
        context = gateway.Context(event["requestContext"]["requestId"], deadline=deadline)
        answer = gateway.http_response(self._handle(event, context))
        await send(
            {
                "type": "http.response.start",
                "status": answer.status,
                "headers": answer.headers,
            }
        )
        sent_body = b"" if scope["method"] == "HEAD" else answer.body
        await send({"type": "http.response.body", "body": sent_body})

    def _holds_too_many_values(self, body: bytes, headers: Mapping[str, str]) -> bool:
        # A packed body may be short and hold a lot.
        if len(body) <= self._most_values and "content-encoding" not in headers:
            return False
        return gateway.values_in(body, headers) > self._most_values


def _closing(answer: JSONResponse) -> JSONResponse:
    """Return the answer as the last one of its connection: what follows in it was not read."""
    answer.headers["connection"] = "close"
    return answer


class ConsoleApi:
    """The page's own endpoints."""

    def __init__(
        self,
        read_state: ReadState,
        run_scenario: RunScenario,
        replay: Replay,
        acknowledge: Acknowledge,
        stopping: Callable[[], bool],
    ) -> None:
        """Prepare the endpoints.

        Args:
            read_state: Gives the state of (model, minutes).
            run_scenario: Sends the requests of (scenario, model).
            replay: Gives the what-if of (model, minutes, the settings asked with).
            acknowledge: Keeps that somebody has seen (alert, who and why).
            stopping: Whether open streams are to end.
        """
        self._read_state = read_state
        self._run_scenario = run_scenario
        self._replay = replay
        self._acknowledge = acknowledge
        self._stopping = stopping
        self._streams = 0

    async def state(self, request: Request) -> Response:
        """Answer GET /console/api/state?model=NAME&minutes=30."""
        model, minutes = _read_query(request)
        shown = await self._read_state(model, minutes)
        return Response(shown.json, headers=_NO_STORE, media_type="application/json")

    async def stream(self, request: Request) -> Response:
        """Answer GET /console/api/stream?model=NAME: the same document whenever it changes."""
        model, minutes = _read_query(request)
        if self._streams >= MOST_STREAMS:
            raise Busy(f"expected at most {MOST_STREAMS} open pages")
        # A model that is not served is reported before the stream begins.
        await self._read_state(model, minutes)
        return StreamingResponse(
            self._events(model, minutes),
            media_type="text/event-stream",
            headers={**_NO_STORE, "x-accel-buffering": "no"},
        )

    async def _events(self, model: str | None, minutes: int) -> AsyncIterator[bytes]:
        self._streams += 1
        try:
            async for part in self._changes(model, minutes):
                yield part
        finally:
            self._streams -= 1

    async def _changes(self, model: str | None, minutes: int) -> AsyncIterator[bytes]:
        last = ""
        silent_since = time.monotonic()
        yield b"retry: 1000\n\n"
        while not self._stopping():
            shown = await self._read_state(model, minutes)
            if shown.timeless != last:
                last = shown.timeless
                silent_since = time.monotonic()
                yield b"event: state\ndata: " + shown.json + b"\n\n"
            elif time.monotonic() - silent_since > HEARTBEAT:
                silent_since = time.monotonic()
                yield b": still here\n\n"
            await asyncio.sleep(STREAM_POLL)

    async def scenario(self, request: Request) -> Response:
        """Answer POST /console/api/scenarios/{name}?model=NAME."""
        if not is_same_origin(request.headers):
            return problem("forbidden", NOT_FROM_HERE)
        name = request.path_params["name"]
        result = await self._run_scenario(name, request.query_params.get("model"))
        return JSONResponse(result)

    async def acknowledge(self, request: Request) -> Response:
        """Answer POST /console/api/alerts/{alert_id}/acknowledgement?model=NAME."""
        if not is_same_origin(request.headers):
            return problem("forbidden", NOT_FROM_HERE)
        # Other pages can send forms, and JSON only where this one allows it, which it does not.
        if request.headers.get("content-type", "").split(";")[0] != "application/json":
            return problem("unsupported-media-type", "expected application/json")
        asked = _read_acknowledging(await _read_body(request), request.query_params.get("model"))
        entry = await self._acknowledge(request.path_params["alert_id"], asked)
        return JSONResponse(entry, headers=_NO_STORE)

    async def replay(self, request: Request) -> Response:
        """Answer GET /console/api/replay?model=NAME&minutes=30&budget=1e5&minimum_effect=0.1.

        The names are those of a stack's keys: false_alarm_days in place of the budget, and
        minimum_effects, muted_features and psi_alarm where they are wanted.
        """
        model, minutes = _read_query(request)
        asked = _read_asked(request)
        document = await self._replay(model, minutes, asked)
        return JSONResponse(document, headers=_NO_STORE)

    def routes(self) -> list[Route]:
        """Return the routes, relative to /console/api."""
        return [
            Route("/state", self.state),
            Route("/stream", self.stream),
            Route("/replay", self.replay),
            Route("/alerts/{alert_id}/acknowledgement", self.acknowledge, methods=["POST"]),
            Route("/scenarios/{name}", self.scenario, methods=["POST"]),
        ]


def _read_query(request: Request) -> tuple[str | None, int]:
    """Return the model, None for the first one, and the minutes. Raises BadQuery."""
    minutes = request.query_params.get("minutes", str(DEFAULT_SPAN))
    choices = [str(span) for span in SPANS]
    if minutes not in choices:
        raise BadQuery(f"minutes: expected one of {', '.join(choices)}")
    return request.query_params.get("model"), int(minutes)


def _read_number(request: Request, name: str, bounds: tuple[float, float]) -> float:
    """Return a number within the bounds. Raises BadQuery."""
    least, most = bounds
    try:
        value = float(request.query_params.get(name, ""))
    except ValueError:
        # Not a number is in no bounds.
        value = float("nan")
    if not least <= value <= most:
        raise BadQuery(f"{name}: expected a number from {least:g} to {most:g}")
    return value


def _read_asked(request: Request) -> Asked:
    """Return the settings of a what-if. Raises BadQuery."""
    in_days = "false_alarm_days" in request.query_params
    if in_days and "budget" in request.query_params:
        raise BadQuery("budget, false_alarm_days: expected one of them")
    psi_alarm = 0.0
    if "psi_alarm" in request.query_params:
        psi_alarm = _read_number(request, "psi_alarm", PSI)
    return Asked(
        budget=None if in_days else _read_number(request, "budget", BUDGET),
        false_alarm_days=_read_number(request, "false_alarm_days", DAYS) if in_days else None,
        minimum_effect=_read_number(request, "minimum_effect", EFFECT),
        minimum_effects=_read_effects(request),
        muted=_read_muted(request),
        psi_alarm=psi_alarm,
    )


def _read_muted(request: Request) -> dict[str, float]:
    """Return when the muting of features ends, infinity where no day is given. Raises BadQuery."""
    muted = {}
    for word in _read_words(request, "muted_features"):
        feature, divider, day = word.partition("=")
        try:
            muted[feature] = start_of_day(day) if divider else inf
        except ValueError:
            expected = "FEATURE or FEATURE=DAY, such as age=2026-12-01"
            raise BadQuery(f"muted_features: expected {expected}") from None
    return muted


def _read_words(request: Request, name: str) -> list[str]:
    """Return the words of a parameter, which commas divide. Raises BadQuery for too many."""
    words = request.query_params.get(name, "").replace(" ", "").split(",")
    if len(words) > MOST_WORDS:
        raise BadQuery(f"{name}: expected at most {MOST_WORDS} features")
    return [word for word in words if word]


def _read_effects(request: Request) -> dict[str, float]:
    """Return the minimum effects of single features, by name. Raises BadQuery."""
    least, most = EFFECT
    effects = {}
    for word in _read_words(request, "minimum_effects"):
        feature, _, text = word.partition("=")
        try:
            effects[feature] = float(text)
        except ValueError:
            effects[feature] = float("nan")
        if not least <= effects[feature] <= most:
            expected = f"FEATURE=SD, such as age=0.5, from {least:g} to {most:g}"
            raise BadQuery(f"minimum_effects: expected {expected}")
    return effects


async def _read_body(request: Request) -> bytes:
    """Return a body of at most LONGEST_BODY bytes. Raises BadQuery."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_BODY:
            raise BadQuery(f"body: expected at most {LONGEST_BODY} bytes")
    return body


def _read_acknowledging(body: bytes, model: str | None) -> Acknowledging:
    """Return what a body asks for. Raises BadQuery."""
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        document = None
    if not isinstance(document, dict):
        raise BadQuery("body: expected a JSON object with who and why")
    who, why = document.get("who"), document.get("why")
    undo, new_normal = document.get("undo", False), document.get("new_normal", False)
    for name, text in (("who", who), ("why", why)):
        if not isinstance(text, str) or not 1 <= len(text.strip()) <= LONGEST_TEXT:
            raise BadQuery(f"{name}: expected a text of 1 to {LONGEST_TEXT} characters")
    for name, flag in (("undo", undo), ("new_normal", new_normal)):
        if not isinstance(flag, bool):
            raise BadQuery(f"{name}: expected true or false")
    return Acknowledging(model, str(who).strip(), str(why).strip(), undo, new_normal)


async def _page(_: Request) -> Response:
    page = STATIC / "index.html"
    if page.is_file():
        return FileResponse(page, headers={"cache-control": "no-cache"})
    return problem("not-found", "expected the page's files, which this installation does not have")


async def _answer_error(_: Request, error: Exception) -> Response:
    """Return the problem document of whatever went wrong."""
    kind = _PROBLEMS.get(type(error))
    if kind is not None:
        return problem(kind, str(error))
    if isinstance(error, HTTPException) and error.status_code in _BY_STATUS:
        detail = "expected an endpoint of the console's API with its method; see docs/local.md"
        answer = problem(_BY_STATUS[error.status_code], detail)
        # Of a method that is not allowed: which ones are.
        answer.headers.update(error.headers or {})
        return answer
    _log.error("a request of the page failed", exc_info=error)
    return problem(INTERNAL_ERROR, "the request failed; console.log says why")


_HANDLERS = dict.fromkeys((*_PROBLEMS, HTTPException, Exception), _answer_error)


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
        """Answer one request.

        Args:
            scope: ASGI's.
            receive: ASGI's.
            send: ASGI's.
        """
        if scope["type"] != "http":
            return

        async def send_guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *HEADERS]
            await send(message)

        headers = gateway.joined_headers(scope["headers"])
        refusal = self._refusal(scope, headers)
        path = scope["path"]
        if refusal is not None:
            await refusal(scope, receive, send_guarded)
        elif path == "/" or path.startswith(("/static/", "/console/")):
            await self._local(scope, receive, send_guarded)
        else:
            await self._api(scope, receive, send_guarded, headers)

    def _refusal(self, scope: Scope, headers: Mapping[str, str]) -> Response | None:
        """Return what is answered before anything is read, counted or logged."""
        host = headers.get("host", "")
        if not host_allowed(host, bound_to=self._bound_to, names=self._names):
            return problem(
                "wrong-host",
                "expected this machine's own name in the Host header, or one of --allow-host",
            )
        if is_foreign(scope["path"], scope["method"], headers):
            return problem("forbidden", NOT_FROM_HERE)
        if scope["path"] == "/health":
            dead = self._dead()
            if dead:
                names = ", ".join(dead)
                detail = f"expected every thread at work; dead: {names}. Start the console again"
                return problem("not-ready", detail)
        return None
