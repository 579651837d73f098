"""Serve the application with uvicorn on a socket that is bound beforehand, and stop cleanly."""

from __future__ import annotations

import signal
import socket
from typing import TYPE_CHECKING, Any

import uvicorn

from drift_console.settings import CannotListen

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType


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
    """uvicorn's server; `stopping` tells open streams to end, `started_listening` is called once."""

    started_listening: Callable[[], None]

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, then tell."""
        await super().startup(sockets)
        self.started_listening()

    def stopping(self) -> bool:
        """Whether a signal has asked the server to end."""
        return self.should_exit


def make_server() -> Server:
    """A server whose application is set later, because the application asks it whether it is stopping."""
    config = uvicorn.Config(
        _no_application,
        log_level="warning",
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


def serve(server: Server, app: Any, listener: socket.socket, *, started: Callable[[], None]) -> None:
    """Serve until SIGINT or SIGTERM, then return normally; started is called once requests are taken."""
    server.config.app = app
    server.started_listening = started

    def already_stopping(_signal: int, _frame: FrameType | None) -> None:
        """uvicorn raises the signal again once it has ended; it has done its work by then."""

    previous = {number: signal.signal(number, already_stopping) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listener])
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
        listener.close()
