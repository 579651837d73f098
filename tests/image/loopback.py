"""What the monitor's commands speak to, on loopback: a local AWS and an HTTP server that hears and answers."""

from __future__ import annotations

import os
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING

from tests.image.engine import process, responds
from tests.support.waiting import free_port, wait_until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

REGION = "eu-central-1"
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": REGION}


@contextmanager
def local_aws(folder: Path) -> Iterator[str]:
    """The address of a MiniStack that ends with the block; DRIFT_MINISTACK names its program."""
    port = free_port()
    settings = {"BIND_HOST": "127.0.0.1", "GATEWAY_PORT": str(port), "MINISTACK_REGION": REGION}
    home = {"PATH": os.environ["PATH"], "HOME": str(folder), "TMPDIR": str(folder), "STATE_DIR": f"{folder}/state"}
    environment = home | settings | {"MINISTACK_HOST": "127.0.0.1", "IOT_MTLS_ENABLED": "0"}
    with process([os.environ["DRIFT_MINISTACK"]], folder / "ministack.log", environment):
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: responds(f"{url}/_ministack/health"), "the local AWS")
        yield url


class Server(ThreadingHTTPServer):
    """heard: the path and body of every POST. answer: the status and body to the next one; may be replaced."""

    def __init__(self, answer: Callable[[str, str], tuple[int, str]]) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.answer = answer
        self.heard: list[tuple[str, str]] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


class _Endpoint(BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.heard.append((self.path, body))
        self._reply(body)

    def do_GET(self) -> None:
        self._reply("")

    def _reply(self, body: str) -> None:
        status, answer = self.server.answer(self.path, body)
        self.send_response(status)
        self.end_headers()
        self.wfile.write(answer.encode())

    def log_message(self, *_words: object) -> None:
        pass


@contextmanager
def serving(answer: Callable[[str, str], tuple[int, str]]) -> Iterator[Server]:
    """A server that ends with the block."""
    with Server(answer) as server:
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        yield server
        server.shutdown()
