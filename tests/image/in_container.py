"""Runs inside a container on the standard library: a Runtime API and the real client against it.

`python3 in_container.py HANDLER EVENT_FILE` starts the Lambda runtime client on HANDLER, gives it the event, and prints
JSON: milliseconds from process start to the first answer, the peak memory of the process in KiB after twenty more
events, the answer, what it wrote to standard error, and its exit code if it ended by itself.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

MORE_EVENTS = 20


class RuntimeApi(ThreadingHTTPServer):
    def __init__(self, event: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Endpoint)
        self.event = event
        self.answers: list[tuple[float, str, str]] = []
        self.enough = threading.Event()
        self.over = threading.Event()


class Endpoint(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: RuntimeApi

    def do_GET(self) -> None:
        if len(self.server.answers) > MORE_EVENTS:
            self.server.enough.set()
            self.server.over.wait(60)
            return
        self.send_response(200)
        for name, value in (
            ("Lambda-Runtime-Aws-Request-Id", f"request-{len(self.server.answers)}"),
            ("Lambda-Runtime-Deadline-Ms", str(int(time.time() * 1000) + 30_000)),
            ("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:local:0:function:probe"),
            ("Content-Type", "application/json"),
            ("Content-Length", str(len(self.server.event))),
        ):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(self.server.event)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0))).decode()
        self.server.answers.append((time.perf_counter(), self.path, body))
        if "error" in self.path:
            self.server.enough.set()
        self.send_response(202)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        pass


def one_start(handler: str, event: bytes) -> dict[str, object]:
    api = RuntimeApi(event)
    threading.Thread(target=api.serve_forever, daemon=True).start()
    environment = os.environ | {
        "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.server_address[1]}",
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "512",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
    }
    begun = time.perf_counter()
    client = subprocess.Popen(
        ["python3", "-m", "awslambdaric", handler],
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    api.enough.wait(300)
    moment, path, body = api.answers[0]
    with Path(f"/proc/{client.pid}/status").open() as status:
        peak = next((int(line.split()[1]) for line in status if line.startswith("VmHWM")), 0)
    if path.endswith("/init/error"):
        client.wait(20)
    code = client.poll()
    client.kill()
    api.over.set()
    errors = client.communicate()[1].decode()
    api.server_close()
    return {
        "cold_ms": 1000 * (moment - begun),
        "peak_kib": peak,
        "path": path,
        "body": body,
        "errors": errors[-2000:],
        "exit": code,
    }


if __name__ == "__main__":
    print(json.dumps(one_start(sys.argv[1], Path(sys.argv[2]).read_bytes())))  # noqa: T201 - its output is its answer
