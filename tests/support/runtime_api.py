"""The Lambda Runtime API on one machine, for the real awslambdaric: its four documented endpoints.

`RuntimeApi(events)` hands out the events one after the other and keeps what the function answers. Source: "Using the
Lambda runtime API for custom runtimes" in the AWS Lambda Developer Guide.
"""

from __future__ import annotations

import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class RuntimeApi(ThreadingHTTPServer):
    """answers: of each event, nanoseconds until the answer was there, the end of the path, and the document."""

    def __init__(self, events) -> None:
        super().__init__(("127.0.0.1", 0), _Endpoint)
        self.events = [json.dumps(event).encode() for event in events]
        self.answers: list[tuple[int, str, object]] = []
        self.asked = 0
        self.began = 0
        self.done = threading.Event()
        self.address = f"127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        self.shutdown()
        self.server_close()


class _Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: RuntimeApi

    def do_GET(self) -> None:  # /2018-06-01/runtime/invocation/next
        if self.server.asked == len(self.server.events):
            self.server.done.set()
            self.close_connection = True
            return
        event = self.server.events[self.server.asked]
        self.server.asked += 1
        head = {
            "Lambda-Runtime-Aws-Request-Id": f"request-{self.server.asked}",
            "Lambda-Runtime-Deadline-Ms": "4102444800000",
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:local:0:function:predictor",
            "Content-Type": "application/json",
        }
        self._send(200, event, head)
        self.server.began = time.perf_counter_ns()

    def do_POST(self) -> None:  # .../invocation/ID/response, .../invocation/ID/error, .../init/error
        body = self.rfile.read(int(self.headers["Content-Length"]))
        took = time.perf_counter_ns() - self.server.began
        self.server.answers.append((took, "/".join(self.path.split("/")[-2:]), json.loads(body)))
        self._send(202, b"", {})
        if self.path.endswith("init/error"):
            self.server.done.set()

    def _send(self, status: int, body: bytes, head: dict[str, str]) -> None:
        lines = [f"HTTP/1.1 {status} OK", *(f"{name}: {value}" for name, value in head.items())]
        self.wfile.write("\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body)

    def log_message(self, *_words: object) -> None:
        """Stay silent."""
