"""What one client may take: heads, bodies, connections, pages and what-ifs, over a true server on loopback."""

import asyncio
import contextlib
import json
import re
import socket
import threading
import time
from types import SimpleNamespace

import httpx
import pytest
from drift_console import app as app_module
from drift_console import gateway, limits
from drift_console.app import SPANS, STATIC, Api, App, ConsoleApi
from drift_console.limits import Held
from drift_console.security import host_allowed, is_foreign
from drift_console.server import bind, make_server, serve
from drift_console.settings import Settings
from drift_console.state_cache import ShownState
from drift_contracts import SettingsError

PATIENCE = 20.0


async def read_state(model, minutes):
    return ShownState.of({"now": "x", "model": model, "minutes": minutes, "series": {"times": []}})


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
        console = ConsoleApi(read_state, nothing, nothing, nothing, self.server.stopping)
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


def impatient(server):
    """Return asyncio with sleeps that end as soon as a server is to end: uvicorn's last ones take 0.2 s a test."""

    async def sleep(seconds):
        end = time.monotonic() + seconds
        await asyncio.sleep(0.005)
        while time.monotonic() < end and not server.should_exit:
            await asyncio.sleep(0.005)

    return SimpleNamespace(**{**vars(asyncio), "sleep": sleep})


@pytest.fixture
def running(monkeypatch):
    monkeypatch.setattr("uvicorn.Server.capture_signals", lambda _: contextlib.nullcontext())
    server = Running()
    monkeypatch.setattr("uvicorn.server.asyncio", impatient(server.server))
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
def test_long_head(running, data):
    """A head over the limits is 431 and reaches nothing."""
    answer = running.ask(data)
    assert answer.startswith(b"HTTP/1.1 431 ")
    problem = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert problem["status"] == 431
    assert running.edge == []


def test_longest_head(running):
    """A head at the limits is answered its repeated headers joined."""
    answer = running.ask(head(*[b"a: b"] * 99))
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert running.edge[0]["headers"]["a"] == ",".join("b" * 99)


def test_limits_by_request(running):
    """Each request of a connection has limits of its own."""
    with running.connect() as connection:
        for _ in range(3):
            connection.sendall(head(*[b"a: b"] * 90))
            assert running.answer(connection).startswith(b"HTTP/1.1 200 ")
        connection.sendall(head(*[b"a: b"] * 190))
        assert connection.recv(65536).startswith(b"HTTP/1.1 431 ")


def test_long_trailer(running):
    """A long trailer is refused too."""
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
def test_never_ending_request(running, monkeypatch, data, limit):
    """A head or a body that never ends is answered with 408."""
    monkeypatch.setattr(limits, limit, 0.3)
    assert running.ask(data).startswith(b"HTTP/1.1 408 ")


def test_idle_connection(running, monkeypatch):
    """A connection without a further request is closed."""
    monkeypatch.setattr(limits, "IDLE_SECONDS", 0.3)
    with running.connect() as connection:
        connection.sendall(head())
        assert running.answer(connection)
        assert connection.recv(1) == b""


def test_crowded_out(running, monkeypatch):
    """The connection that waits longest makes room."""
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


def test_all_busy(running, monkeypatch):
    """Where all connections are busy, a new one is answered with 503."""
    monkeypatch.setattr(limits, "MOST_CONNECTIONS", 2)
    stream = head(path="/console/api/stream")
    busy = [running.connect() for _ in range(2)]
    for connection in busy:
        connection.sendall(stream)
        assert connection.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert running.ask(head()).startswith(b"HTTP/1.1 503 ")
    for connection in busy:
        connection.close()


def test_too_many_pages(running, monkeypatch):
    """More pages than allowed are answered with 503."""
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
def test_too_many_values(running, body, packed):
    """A body of more values than any batch is answered with 413, unparsed."""
    headers = {"content-encoding": "gzip"} if packed else {}
    if packed:
        import gzip  # noqa: PLC0415 - for this case

        body = gzip.compress(body)
    answer = httpx.post(f"{running.url}/x", content=body, headers=headers)
    assert (answer.status_code, running.edge) == (413, [])


def test_falsely_packed(running):
    """A body that only claims to be packed goes on to the predictor."""
    answer = httpx.post(f"{running.url}/x", content=b"{}", headers={"content-encoding": "gzip"})
    assert answer.status_code == 200


def test_held_bytes():
    """Unfinished bodies hold no more than their limit and small ones pass."""
    held = Held(1000)
    assert held.take(900, of=limits.SMALL_BODY + 1)
    assert not held.take(200, of=limits.SMALL_BODY + 1)
    assert held.take(200, of=200)
    held.release(1100)
    assert held.total == 0


def test_unfinished_bodies():
    """Too many unfinished bodies are refused."""

    async def read():
        async def receive():
            return {"type": "http.request", "body": b"x" * (limits.SMALL_BODY + 1), "more_body": True}

        with pytest.raises(gateway.Overloaded):
            await gateway.read_body(receive, {}, held=held)

    held = Held(10)
    asyncio.run(read())
    assert held.total == 0


def test_refused_body(running):
    """A refused body ends its connection."""
    assert running.held.take(limits.HELD_BYTES, of=0)
    answer = httpx.post(f"{running.url}/x", content=b"x" * (limits.SMALL_BODY + 1))
    assert (answer.status_code, answer.headers["connection"]) == (503, "close")


# --- a dead thread --------------------------------------------------------------------------------------------


def test_dead_thread_in_health(running):
    """A dead thread is named by health and ends the server."""
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
def test_another_site(running, path, method):
    """Another site's page gets nothing and leaves no line."""
    answer = httpx.request(method, f"{running.url}{path}", headers={"sec-fetch-site": "cross-site"})
    assert answer.status_code == 403
    assert running.edge == []


def test_link_to_page():
    """A link to the page may be followed from anywhere."""
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
def test_allowed_names(host, bound_to, names, allowed):
    """Only names that were allowed are answered."""
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
def test_bad_setting(option, change):
    """A setting that cannot be meant is refused by its option."""
    with pytest.raises(SettingsError, match=option):
        Settings(**change)


# --- the page -------------------------------------------------------------------------------------------------


def test_spans_of_page():
    """The spans are those of the page."""
    options = re.findall(r'<option value="(\d+)"', (STATIC / "index.html").read_text())
    assert list(SPANS) == list(map(int, options))


@pytest.mark.parametrize("minutes", ["9" * 5000, "31", "05", "+5"])
def test_other_span(running, minutes):
    """A span that the page does not offer is answered with 400."""
    for name in ("state", "stream", "replay"):
        assert httpx.get(f"{running.url}/console/api/{name}?minutes={minutes}").status_code == 400


def test_failure_in_log(running, caplog):
    """A failure of the page is in the log."""
    with caplog.at_level("ERROR", logger="drift_console"):
        answer = httpx.post(f"{running.url}/console/api/scenarios/x")
    assert answer.status_code == 500
    assert "broken on purpose" in caplog.text


def test_serve(monkeypatch):
    """Serve is what the command line calls."""
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
def test_static_paths(running, path):
    """No path leads out of the static files."""
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
def test_ambiguous_request(running, name):
    """A request that two servers could read in two ways is answered once or refused."""
    smuggled = b"GET /smuggled HTTP/1.1\r\nhost: localhost\r\n\r\n"
    begin = b"POST /x HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n"
    data = begin + b"\r\n".join(AMBIGUOUS[name]) + b"\r\n\r\n1\r\nx\r\n0\r\n\r\n" + smuggled
    with running.connect() as connection:
        connection.sendall(data)
        connection.settimeout(1.0)
        with contextlib.suppress(OSError):
            assert connection.recv(65536)[:12] in (b"HTTP/1.1 200", b"HTTP/1.1 400", b"HTTP/1.1 413")
    assert [event["rawPath"] for event in running.edge] in ([], ["/x"])


def test_pipelining(running):
    """Two hundred requests at once in one connection are answered in order."""
    with running.connect() as connection:
        connection.sendall(b"".join(head(path=f"/{number}") for number in range(200)))
        for _ in range(200):
            data = b""
            while not data.endswith(b"}"):
                data += connection.recv(1)
    assert [event["rawPath"] for event in running.edge] == [f"/{number}" for number in range(200)]
