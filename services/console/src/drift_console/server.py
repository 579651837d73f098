"""Serve the application with uvicorn on a socket that is bound beforehand, and stop cleanly."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING

import uvicorn
from starlette.concurrency import run_in_threadpool

from drift_console.limits import Bounded, sweep
from drift_console.settings import CannotListen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

    from starlette.types import ASGIApp, Receive, Scope, Send

#: Ticks of 0.1 s between looks at connections and threads.
SWEEP_TICKS = 5
#: Sweeps for which a server with a dead thread still answers.
GRACE_SWEEPS = 4
#: Seconds that requests have to end in once the server stops.
SHUTDOWN_SECONDS = 3
#: Connections that the kernel holds until they are accepted.
BACKLOG = 2048


def bind(host: str, port: int) -> socket.socket:
    """Return a bound socket.

    Args:
        host: An address of this machine.
        port: 0 for any free one.

    Raises:
        CannotListen: Where the port is taken or the address is not this machine's.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        reason = getattr(error, "strerror", None) or str(error)
        message = f"cannot listen on {host}:{port}: {reason}. Choose another with --port"
        raise CannotListen({"--port": "a port that is free"}, message) from error
    return listener


class Server(uvicorn.Server):
    """uvicorn's server; it ends what waits too long, and itself when a thread has died."""

    #: Called once when requests are accepted.
    started_listening: Callable[[], None]
    #: Gives the names of threads that died.
    dead: Callable[[], list[str]]

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._dead_sweeps = 0
        #: Names of the threads that died and ended the server.
        self.died: list[str] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then report it."""
        # Starlette's threads and streams load their event loop's half on first use: a tenth of a
        # second in which nothing else would be answered.
        await run_in_threadpool(_nothing)
        await super().startup(sockets)
        self.started_listening()

    async def on_tick(self, counter: int) -> bool:
        """Do what is due ten times a second; True ends the server."""
        if counter % SWEEP_TICKS == 0:
            sweep(self.server_state.connections, asyncio.get_running_loop().time())
            self._look_for_the_dead()
        return await super().on_tick(counter)

    def _look_for_the_dead(self) -> None:
        """End a while after a thread died: by then whoever asks `/health` has read why."""
        dead = self.dead()
        self._dead_sweeps = self._dead_sweeps + 1 if dead else 0
        if self._dead_sweeps > GRACE_SWEEPS and not self.should_exit:
            self.died = dead
            self.should_exit = True

    def stopping(self) -> bool:
        """Return whether the server is to end, so that open streams end too."""
        return self.should_exit


def _nothing() -> None:
    """Do nothing."""


def make_server() -> Server:
    """Return a server without an application, which needs the server to know when it stops."""
    config = uvicorn.Config(
        _no_application,
        http=Bounded,
        # uvicorn's own would close every handler that exists.
        log_config=None,
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=True,
        ws="none",
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        backlog=BACKLOG,
    )
    return Server(config)


async def _no_application(_scope: Scope, _receive: Receive, _send: Send) -> None:
    raise RuntimeError("the application was not set")


def serve(
    server: Server,
    app: ASGIApp,
    listener: socket.socket,
    *,
    started: Callable[[], None],
    dead: Callable[[], list[str]],
) -> None:
    """Serve until SIGINT, SIGTERM or the death of a thread, then return normally.

    Args:
        server: As `make_server` made it.
        app: The ASGI application.
        listener: A bound socket.
        started: Called once requests are accepted.
        dead: Gives the names of threads that died.
    """
    server.config.app = app
    server.started_listening = started
    server.dead = dead

    def already_stopping(_signal: int, _frame: FrameType | None) -> None:
        """Ignore the signal that uvicorn raises again once it has ended."""

    previous = {}
    for number in (signal.SIGINT, signal.SIGTERM):
        previous[number] = signal.signal(number, already_stopping)
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        listener.close()
