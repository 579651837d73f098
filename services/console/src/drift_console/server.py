"""Serve the application with uvicorn on a socket that is bound beforehand, and stop cleanly."""

from __future__ import annotations

import asyncio
import signal
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from drift_console.limits import Bounded, sweep
from drift_console.settings import CannotListen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


SWEEP_TICKS = 5  # of 0.1 s between looks at connections and threads
GRACE_SWEEPS = 4  # for which a server with a dead thread still answers


def bind(host: str, port: int) -> socket.socket:
    """A bound socket. Raises CannotListen where the port is taken or the address is not this machine's."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
    except (OSError, OverflowError, UnicodeError) as error:
        listener.close()
        why = getattr(error, "strerror", None) or str(error)
        raise CannotListen(f"cannot listen on {host}:{port}: {why}. Choose another with --port") from error
    return listener


class Server(uvicorn.Server):
    """uvicorn's server; it ends what waits too long, and itself when a thread has died.

    `stopping` tells open streams to end, `started_listening` is called once.
    """

    started_listening: Callable[[], None]
    dead: Callable[[], list[str]]

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._dead_for = 0
        #: Names of the threads that died and ended the server.
        self.died: list[str] = []

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
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
        self._dead_for = self._dead_for + 1 if dead else 0
        if self._dead_for > GRACE_SWEEPS and not self.should_exit:
            self.died, self.should_exit = dead, True

    def stopping(self) -> bool:
        """Whether a signal has asked the server to end."""
        return self.should_exit


def make_server() -> Server:
    """A server whose application is set later, because the application asks it whether it is stopping."""
    config = uvicorn.Config(
        _no_application,
        http=Bounded,
        log_config=None,  # uvicorn's own would close every handler that exists
        log_level="error",
        access_log=False,
        lifespan="off",
        server_header=False,
        date_header=True,
        ws="none",
        timeout_graceful_shutdown=3,
        backlog=2048,
    )
    return Server(config)


async def _no_application(_scope: Any, _receive: Any, _send: Any) -> None:
    raise RuntimeError("the application was not set")


def serve(
    server: Server,
    app: Any,
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
        started: Called once requests are taken.
        dead: Gives the names of threads that died.
    """
    server.config.app = app
    server.started_listening = started
    server.dead = dead

    def already_stopping(_signal: int, _frame: FrameType | None) -> None:
        """uvicorn raises the signal again once it has ended; it has done its work by then."""

    previous = {number: signal.signal(number, already_stopping) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        listener.close()
