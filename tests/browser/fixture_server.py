"""The page's API over a seeded `World`, for the browser tests; by hand: python -m tests.browser.fixture_server 8200."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import uvicorn
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.responses import FileResponse, JSONResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from tests.browser.world import World, replayed

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from starlette.requests import Request

STATIC = Path(__file__).parents[2] / "services/console/src/drift_console/static"


class Fixture:
    """One world behind one port; `stop` and `start` again to lose and restore the connection."""

    def __init__(self, *, beat: float = 0.25, port: int = 0) -> None:
        self.world = World()
        self.beat, self.moving, self.streams = beat, False, True
        #: Seconds until a state is answered.
        self.delay = 0.0
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
            self.port: int = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/"
        self.start()

    def start(self) -> None:
        config = uvicorn.Config(
            self._app(), host="127.0.0.1", port=self.port, log_level="warning", timeout_graceful_shutdown=1
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, daemon=True)
        self._thread.start()
        while not self._server.started and self._thread.is_alive():
            self._thread.join(0.02)

    def stop(self) -> None:
        self._server.should_exit = True
        self._thread.join(10)

    def _app(self) -> Starlette:
        routes = [
            Route("/", lambda _: FileResponse(STATIC / "index.html")),
            Route("/console/api/state", self._state),
            Route("/console/api/stream", self._stream),
            Route("/console/api/replay", self._replay),
            Route("/console/api/scenarios/{name}", self._send, methods=["POST"]),
            Mount("/static", StaticFiles(directory=STATIC)),
        ]
        return Starlette(routes=routes, middleware=[Middleware(BaseHTTPMiddleware, dispatch=_strict)])

    async def _state(self, request: Request) -> Response:
        await asyncio.sleep(self.delay)
        return JSONResponse(self.world.state(request.query_params.get("model")))

    async def _stream(self, request: Request) -> Response:
        if not self.streams:
            return JSONResponse({"title": "No streams here", "status": 503}, 503)
        return StreamingResponse(self._events(request.query_params.get("model")), media_type="text/event-stream")

    async def _events(self, model: str | None) -> AsyncIterator[str]:
        server = self._server
        with contextlib.suppress(asyncio.CancelledError):
            while self.streams and not server.should_exit:
                if self.moving:
                    self.world.advance(4)
                yield f"event: state\ndata: {json.dumps(self.world.state(model))}\n\n"
                await asyncio.sleep(self.beat)

    async def _replay(self, request: Request) -> Response:
        asked = {name: float(request.query_params[name]) for name in ("budget", "minimum_effect")}
        if asked["budget"] < 1000:
            return JSONResponse({"detail": "budget: expected a number from 1000", "status": 400}, 400)
        return JSONResponse(replayed(self.world, **asked))

    async def _send(self, request: Request) -> Response:
        model = self.world.models[request.query_params.get("model", "house-price")]
        found = [each for each in model.scenarios if each["name"] == request.path_params["name"]]
        if not found:
            return JSONResponse(
                {"title": "No such scenario", "status": 404, "detail": "expected one of the suite's names"},
                404,
            )
        return JSONResponse(self.world.send(model, found[0]))


async def _strict(request: Request, call_next: RequestResponseEndpoint) -> Response:
    response = await call_next(request)
    response.headers["content-security-policy"] = "default-src 'self'"
    response.headers["cache-control"] = "no-store"
    return response


if __name__ == "__main__":
    fixture = Fixture(beat=1.0, port=int(sys.argv[1]) if len(sys.argv) > 1 else 0)
    fixture.moving = True
    sys.stdout.write(f"{fixture.url}\n")
    with contextlib.suppress(KeyboardInterrupt):
        threading.Event().wait()
    fixture.stop()
