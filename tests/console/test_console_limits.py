"""What one client may take: heads, bodies, connections, pages and what-ifs, over a true server on loopback."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time

import httpx
import pytest
from drift_console import app as app_module
from drift_console import gateway, limits
from drift_console.app import SPANS, STATIC, Api, App, ConsoleApi
from drift_console.limits import Held
from drift_console.security import host_allowed, is_foreign
from drift_console.server import bind, make_server, serve
from drift_console.settings import Settings
from drift_contracts import SettingsError

PATIENCE = 20.0


async def read_state(model, minutes):
    return {"now": "x", "model": model, "minutes": minutes, "series": {"times": []}}


async def nothing(*_):
    raise RuntimeError("broken on purpose")


def echo(event, _context):
    document = {"headers": event["headers"], "bytes": len(event.get("body", ""))}
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps(document)}


class Running:
    """A server in a thread of this process."""

    def __init__(self):
        self.dead = []
        self.edge = []
        self.listener = bind("127.0.0.1", 0)
        self.port = self.listener.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.server = make_server()
        console = ConsoleApi(read_state, nothing, nothing, self.server.stopping)
        self.held = Held()
        api = Api(self.handle, time.time, held=self.held)
        self.app = App(api, console, bound_to="127.0.0.1", dead=lambda: self.dead)
        self.started = threading.Event()
        self.thread = threading.Thread(target=self.run)
        self.thread.start()
        assert self.started.wait(PATIENCE)

    def handle(self, event, context):
        self.edge.append(event)
        return echo(event, context)

    def run(self):
        async def once():
            self.server.config.app = self.app
            self.server.started_listening = self.started.set
            self.server.dead = lambda: self.dead
            self.server.config.load()
            await self.server.serve(sockets=[self.listener])

        with contextlib.suppress(ValueError):  # signals belong to the main thread
            asyncio.run(once())

    def connect(self):
        connection = socket.create_connection(("127.0.0.1", self.port))
        connection.settimeout(PATIENCE)
        return connection

    def ask(self, data):
        with self.connect() as connection:
            connection.sendall(data)
            return connection.recv(65536)

    @staticmethod
    def answer(connection):
        """The next answer of a connection, with its body."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += connection.recv(65536)
        first, _, body = data.partition(b"\r\n\r\n")
        length = int(re.search(rb"content-length: (\d+)", first)[1])
        while len(body) < length:
            body += connection.recv(65536)
        return data

    def close(self):
        self.server.should_exit = True
        self.thread.join()
        self.listener.close()


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr("uvicorn.Server.capture_signals", lambda _: contextlib.nullcontext())
    server = Running()
    yield server
    server.close()


def head(*lines, path="/x"):
    return b"\r\n".join([f"GET {path} HTTP/1.1".encode(), b"host: localhost", *lines, b"", b""])


@pytest.mark.parametrize(
    "data",
    [
        head(*[b"a: b"] * 100),
        head(b"a: " + b"x" * 32 * 1024),
        head(path="/" + "x" * 33 * 1024),
        head(*[b"a" * 1000 + b": " + b"x" * 1000] * 20),
        b"GET / HTTP/1.1\r\nhost: localhost\r\na: " + b"x" * 2_000_000,
        b"\r\n" * 40_000,
    ],
    ids=["headers", "one header", "address", "together", "unfinished", "nothing"],
)
def test_a_head_over_the_limits_is_431_and_reaches_nothing(running, data):
    answer = running.ask(data)
    assert answer.startswith(b"HTTP/1.1 431 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["status"] == 431
    assert running.edge == []


def test_a_head_at_the_limits_is_answered_its_repeated_headers_joined(running):
    answer = running.ask(head(*[b"a: b"] * 99))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert running.edge[0]["headers"]["a"] == ",".join("b" * 99)


def test_each_request_of_a_connection_has_limits_of_its_own(running):
    with running.connect() as connection:
        for _ in range(3):
            connection.sendall(head(*[b"a: b"] * 90))
            assert running.answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head(*[b"a: b"] * 190))
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_a_long_trailer_is_refused_too(running):
    begin = b"POST /x HTTP/1.1\r\nhost: localhost\r\ntransfer-encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n"
    with running.connect() as connection:
        with contextlib.suppress(OSError):
            connection.sendall(begin + b"a: b\r\n" * 5000 + b"\r\n")
        connection.recv(65536)
    assert running.edge == []


@pytest.mark.parametrize(
    ("data", "limit"),
    [(b"GET / HT", "HEAD_SECONDS"), (b"", "HEAD_SECONDS"), (head(b"content-length: 5"), "BODY_SECONDS")],
    ids=["head", "nothing", "body"],
)
def test_what_never_ends_is_408(running, monkeypatch, data, limit):
    monkeypatch.setattr(limits, limit, 0.3)
    assert running.ask(data).startswith(b"HTTP/1.1 408 ")


def test_a_connection_that_asks_nothing_more_is_closed(running, monkeypatch):
    monkeypatch.setattr(limits, "IDLE_SECONDS", 0.3)
    with running.connect() as connection:
        connection.sendall(head())
        assert running.answer(connection)
        assert connection.recv(1) == b""


def test_the_connection_that_waits_longest_makes_room(running, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 5)
    idle = [running.connect() for _ in range(8)]
    assert httpx.get(f"{running.url}/x").status_code == 200
    closed = 0
    for connection in idle:
        connection.settimeout(0.2)
        with contextlib.suppress(TimeoutError):
            with contextlib.suppress(ConnectionResetError):
                connection.recv(1)
            closed += 1
        connection.close()
    assert closed == 4


def test_where_all_are_busy_a_new_connection_is_503(running, monkeypatch):
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 2)
    stream = head(path="/console/api/stream")
    busy = [running.connect() for _ in range(2)]
    for connection in busy:
        connection.sendall(stream)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert running.ask(head()).startswith(b"HTTP/1.1 503 ")
    for connection in busy:
        connection.close()


def test_more_pages_than_allowed_are_503(running, monkeypatch):
    monkeypatch.setattr(app_module, "MOST_STREAMS", 1)
    with running.connect() as first:
        first.sendall(head(path="/console/api/stream"))
        assert b"event-stream" in first.recv(65536)
        time.sleep(0.1)
        assert httpx.get(f"{running.url}/console/api/stream").status_code == 503
    deadline = time.monotonic() + PATIENCE
    while True:
        with httpx.stream("GET", f"{running.url}/console/api/stream") as again:
            if again.status_code == 200:
                break
        assert time.monotonic() < deadline


@pytest.mark.parametrize("body", [b"[" + b"[]," * 1_000_000, b"1," * 2_000_000], ids=["lists", "numbers"])
@pytest.mark.parametrize("packed", [False, True])
def test_a_body_of_more_values_than_any_batch_is_413_unparsed(running, body, packed):
    headers = {"content-encoding": "gzip"} if packed else {}
    if packed:
        import gzip  # noqa: PLC0415 - for this case

        body = gzip.compress(body)
    answer = httpx.post(f"{running.url}/x", content=body, headers=headers)
    assert (answer.status_code, running.edge) == (413, [])


def test_a_body_that_only_says_it_is_packed_goes_on(running):
    answer = httpx.post(f"{running.url}/x", content=b"{}", headers={"content-encoding": "gzip"})
    assert answer.status_code == 200


def test_unfinished_bodies_hold_no_more_than_their_limit_and_small_ones_pass():
    held = Held(1000)
    assert held.take(900, of=limits.SMALL_BODY + 1)
    assert not held.take(200, of=limits.SMALL_BODY + 1)
    assert held.take(200, of=200)
    held.release(1100)
    assert held.total == 0


def test_too_many_unfinished_bodies_are_refused():
    async def read():
        async def receive():
            return {"type": "http.request", "body": b"x" * (limits.SMALL_BODY + 1), "more_body": True}

        with pytest.raises(gateway.Overloaded):
            await gateway.read_body(receive, {}, held=held)

    held = Held(10)
    asyncio.run(read())
    assert held.total == 0


def test_a_refused_body_ends_its_connection(running):
    assert running.held.take(limits.HELD_BYTES, of=0)
    answer = httpx.post(f"{running.url}/x", content=b"x" * (limits.SMALL_BODY + 1))
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")


# --- a dead thread --------------------------------------------------------------------------------------------


def test_a_dead_thread_is_named_by_health_and_ends_the_server(running):
    assert httpx.get(f"{running.url}/health").status_code == 200
    running.dead.append("worker")
    answer = httpx.get(f"{running.url}/health")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:drift:problem:not-ready")
    assert "worker" in answer.json()["detail"]
    running.thread.join(PATIENCE)
    assert running.server.died == ["worker"]


# --- other sites, other names ---------------------------------------------------------------------------------

NAVIGATION = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}


@pytest.mark.parametrize("path", ["/predict", "/health", "/console/api/replay", "/console/api/state", "/static/x.js"])
@pytest.mark.parametrize("method", ["GET", "POST", "OPTIONS"])
def test_another_sites_page_gets_nothing_and_leaves_no_line(running, path, method):
    answer = httpx.request(method, f"{running.url}{path}", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert running.edge == []


def test_a_link_to_the_page_may_be_followed_from_anywhere():
    assert not is_foreign("/", "GET", NAVIGATION)
    assert is_foreign("/", "POST", NAVIGATION)
    assert is_foreign("/predict", "GET", NAVIGATION)
    assert is_foreign("/", "GET", NAVIGATION | {"sec-fetch-dest": "iframe"})
    assert not is_foreign("/predict", "POST", {})


@pytest.mark.parametrize(
    ("host", "bound_to", "names", "allowed"),
    [
        ("drift.example.com", "127.0.0.1", {"drift.example.com"}, True),
        ("DRIFT.example.com:8123", "127.0.0.1", {"drift.example.com"}, True),
        ("localhost", "127.0.0.1", {"drift.example.com"}, True),
        ("evil.example.com", "127.0.0.1", {"drift.example.com"}, False),
        ("evil.example.com", "0.0.0.0", {"drift.example.com"}, False),
        ("10.0.0.7:8123", "10.0.0.7", {"drift.example.com"}, True),
        ("evil.example.com", "0.0.0.0", set(), True),
        ("[bad", "0.0.0.0", {"drift.example.com"}, False),
    ],
)
def test_only_names_that_were_allowed_are_answered(host, bound_to, names, allowed):
    assert host_allowed(host, bound_to=bound_to, names=names) is allowed


@pytest.mark.parametrize(
    ("option", "change"),
    [
        ("--host", {"host": ""}),
        ("--host", {"host": " "}),
        ("--allow-host", {"allowed_hosts": ("",)}),
        ("--allow-host", {"allowed_hosts": ("drift.example.com:8123",)}),
        ("--allow-host", {"allowed_hosts": ("http://drift.example.com",)}),
        ("--webhook", {"webhooks": ("http://[::1",)}),
        ("--retention-days", {"retention": float("nan")}),
    ],
)
def test_a_setting_that_cannot_be_meant_is_refused(option, change):
    with pytest.raises(SettingsError, match=option):
        Settings(**change)


# --- the page -------------------------------------------------------------------------------------------------


def test_the_spans_are_those_of_the_page():
    options = re.findall(r'<option value="(\d+)"', (STATIC / "index.html").read_text())
    assert list(SPANS) == list(map(int, options))


@pytest.mark.parametrize("minutes", ["9" * 5000, "31", "05", "+5"])
def test_a_span_that_the_page_does_not_offer_is_400(running, minutes):
    for name in ("state", "stream", "replay"):
        assert httpx.get(f"{running.url}/console/api/{name}?minutes={minutes}").status_code == 400


def test_a_failure_of_the_page_is_in_the_log(running, caplog):
    with caplog.at_level("ERROR", logger="drift_console"):
        answer = httpx.post(f"{running.url}/console/api/scenarios/x")
    assert answer.status_code == 500
    assert "broken on purpose" in caplog.text


def test_serve_is_what_the_command_line_calls(monkeypatch):
    server, calls = make_server(), []
    monkeypatch.setattr(server, "run", lambda **options: calls.append(options["sockets"]))
    listener = bind("127.0.0.1", 0)
    serve(server, object(), listener, started=lambda: None, dead=list)
    assert calls == [[listener]]


# --- attacks that held ----------------------------------------------------------------------------------------

TRAVERSALS = [
    *("/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/%2e%2e%2fapp.py"),
    *("/static/..%5capp.py", "/static/%00", "/static//etc/passwd", "/static/....//app.py", "//etc/passwd"),
    *("/static/js/../../app.py", "/static/%252e%252e/app.py", "/static/.", "/static/", "/static/..;/app.py"),
    *("/console/../static/../app.py", "/console/api/%2e%2e/%2e%2e/app.py"),
]


@pytest.mark.parametrize("path", TRAVERSALS)
def test_no_path_leads_out_of_the_static_files(running, path):
    answer = running.ask(head(b"connection: close", path=path))
    assert answer.split()[1] in (b"400", b"404") or running.edge  # the edge knows no files
    assert b"def " not in answer


CHUNKED = b"transfer-encoding: chunked"
ONE = b"content-length: 1"
AMBIGUOUS = {
    "two lengths": (ONE, b"content-length: 2"),
    "length and chunks": (ONE, CHUNKED),
    "chunks and length": (CHUNKED, ONE),
    "a length with a sign": (b"content-length: +1",),
    "a negative length": (b"content-length: -1",),
    "a length in hexadecimal": (b"content-length: 0x1",),
    "a list of lengths": (b"content-length: 1, 2",),
    "a length that overflows": (b"content-length: 99999999999999999999",),
    "a coding that is none": (b"transfer-encoding: xchunked",),
    "chunks twice, then not": (b"transfer-encoding: chunked, identity",),
    "a space before the colon": (b"content-length : 1",),
    "a header without a colon": (b"nonsense",),
    "a name that is empty": (b": x",),
    "a NUL": (b"a: \x00",),
}


@pytest.mark.parametrize("name", AMBIGUOUS)
def test_a_request_that_two_servers_could_read_in_two_ways_is_answered_once_or_refused(running, name):
    smuggled = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"
    begin = b"POST /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    data = begin + b"\r\n".join(AMBIGUOUS[name]) + b"\r\n\r\n1\r\nx\r\n0\r\n\r\n" + smuggled
    with running.connect() as connection:
        connection.sendall(data)
        connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            assert connection.recv(65536)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 413")
    assert [event["rawPath"] for event in running.edge] in ([], ["/x"])


def test_two_hundred_requests_at_once_in_one_connection_are_answered_in_order(running):
    with running.connect() as connection:
        connection.sendall(b"".join(head(path=f"/{number}") for number in range(200)))
        for _ in range(200):
            data = b""
            while not data.endswith(b"}"):
                data += connection.recv(1)
    assert [event["rawPath"] for event in running.edge] == [f"/{number}" for number in range(200)]
