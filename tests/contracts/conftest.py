"""A real service over a small real bundle, answering in process; scripted answers; a loopback server."""

import json
import threading
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest
from drift_client import Environment
from drift_contracts import MonitoringSpec, feature_set
from drift_engine.bundle import load_bundle
from drift_ml.training.job import load_rows, train
from drift_ml.training.recipes import Recipe
from drift_predictor import Service
from drift_predictor.settings import Settings

from tests.support.houses import PREDICTION_ID as ID

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="session")
def service(tmp_path_factory):
    """The predictor's own service, over a forest of three trees."""
    house = feature_set("house-price")
    trained = train(house, load_rows(house, rows=200), tmp_path_factory.mktemp("build"), recipe=Recipe(trees=3))
    ticks = iter(range(1_795_435_200_000_000_000, 2**63, 1_000_000))
    return Service(
        {"house-price": load_bundle(trained.bundle)},
        Settings(),
        MonitoringSpec.load(),
        clock=lambda: next(ticks),
        timer=lambda: 0,
        random_bytes=bytes,
        write=lambda _: None,
    )


@pytest.fixture
def live(service):
    """The outside world of a client that is connected to the service."""

    def answer(request):
        kind = request.headers.get("content-type", "")
        reply = service.respond(request.method, request.url.path, request.read(), kind, "request-1")
        return httpx.Response(reply.status, content=reply.body, headers={"content-type": reply.media_type})

    return Environment(transport=httpx.MockTransport(answer), sleep=lambda _: None)


class Script:
    """A world that answers as it was told, and remembers what was asked and how long was waited."""

    def __init__(self, *answers):
        self.answers = list(answers)
        self.asked = []
        self.waited = []

    @property
    def outside(self):
        return Environment(
            transport=httpx.MockTransport(self._answer),
            sleep=self.waited.append,
            chance=lambda: 1.0,
            new_id=lambda: ID,
            clock=lambda: NOW,
        )

    def _answer(self, request):
        self.asked.append((request.method, request.url.path, json.loads(request.read() or b"null")))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, content, *headers = answer
        data = content if isinstance(content, bytes) else json.dumps(content).encode()
        return httpx.Response(status, content=data, headers=headers[0] if headers else {})


@pytest.fixture
def script():
    """Make a scripted world."""
    return Script


@pytest.fixture
def loopback():
    """Serve (status, body) pairs on a free port of 127.0.0.1, the last one again and again; gives start(answers)."""
    servers = []

    def start(*answers):
        left = list(answers)

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                status, body = left.pop(0) if len(left) > 1 else left[0]
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                self.send_response(status)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            do_POST = do_GET  # noqa: N815 - the name that http.server calls

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        servers.append((server, threading.Thread(target=server.serve_forever, args=(0.01,))))
        servers[-1][1].start()
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server, thread in servers:
        server.shutdown()
        server.server_close()
        thread.join()
