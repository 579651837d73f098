"""Every fault that the console must outlive. A new one is a function here, under `@fault`.

A fault gets a `World` whose console is not started. It starts it, lets the fault happen under traffic, takes
it away, and asserts what is special to it. Afterwards the test starts the console again where it has ended,
sends more, and asserts what holds after every fault: answered = stored = judged, or the loss is counted and
told.
"""

from __future__ import annotations

import contextlib
import http.server
import json
import random
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import httpx

from tests.support.houses import HOUSE
from tests.support.waiting import PATIENCE, wait_until

FAULTS = {}
MEGABYTE = 1 << 20


@dataclass(frozen=True)
class Fault:
    """What happens, on which file system, and what it needs."""

    happen: object
    #: Options of a tmpfs for the data folder, which needs root; None for an ordinary folder.
    tmpfs: str | None = None
    #: A program without which the fault cannot be made.
    needs: str | None = None
    #: Attacks measure the slowest of other requests, so that one that was over is measured again.
    attempts: int = 1


def fault(**options):
    """Register the function as a fault under its name."""

    def register(happen):
        FAULTS[happen.__name__.replace("_", "-")] = Fault(happen, **options)
        return happen

    return register


attack = fault(attempts=2)


# --- descriptors, inodes, disk, store -----------------------------------------------------------------------


@fault()
def no_descriptors_left(world):
    world.start(descriptors=1024)
    world.send(1.0)
    idle = hold(world, 1100)
    world.send(3.0)
    release(idle)


@fault(tmpfs="size=64m,nr_inodes=40")
def no_inodes_left(world):
    world.start(segment=20_000)
    world.send(1.0)
    files = fill_inodes(world.data)
    world.send(3.0)
    for path in files:
        path.unlink()
    world.send(1.0)
    assert world.health()["counters"]["lines_lost"] == 0


@fault(tmpfs="size=8m")
def full_disk(world):
    world.start("--webhook", "http://127.0.0.1:9/")
    world.send(1.0)
    ballast = fill_disk(world.data)
    world.send(4.0)
    lost = world.health()["counters"]["lines_lost"]
    assert lost > 0
    assert world.state()["service"]["lines_lost"] == lost
    ballast.unlink()
    world.send(2.0)
    assert world.health()["counters"]["lines_lost"] == lost
    wait_until(lambda: world.total("LinesLost") == lost)
    assert world.end() == 0
    assert f"{lost:,} event lines could not be written" in world.printed
    assert "Everything" not in world.printed


@fault(tmpfs="size=8m")
def full_disk_until_the_end(world):
    world.start()
    world.send(1.0)
    ballast = fill_disk(world.data)
    world.send(2.0)
    assert world.end() == 0
    assert "could not be written" in world.printed
    assert "Everything" not in world.printed
    ballast.unlink()


@fault()
def locked_store(world):
    """A lock that outlasts SQLite's patience of 10 s, with alerts waiting to be sent."""
    hook = Webhook()
    world.start("--webhook", hook.url)
    world.send(1.0)
    wait_until(lambda: world.stored() == world.answered)
    store = sqlite3.connect(world.data / "console.sqlite", isolation_level=None, timeout=PATIENCE)
    store.execute("BEGIN IMMEDIATE")
    for number in range(2):
        store.execute(
            "INSERT INTO outbox VALUES (?, ?, ?, 0, 0, ?)", (None, hook.url, f'{{"n": {number}}}', time.time())
        )
    store.execute("COMMIT")
    store.execute("BEGIN IMMEDIATE")
    world.send(12.0)
    store.execute("ROLLBACK")
    store.close()
    wait_until(lambda: not world.query("SELECT 1 FROM outbox"))
    assert {alert["n"] for alert in hook.taken if "n" in alert} == {0, 1}
    hook.close()


# --- the clock ----------------------------------------------------------------------------------------------


def drift_is_found_after(world, jump):
    """With the clock wrong for four seconds, a drift after it is found, before and after a restart."""
    world.start()
    world.send(3.0)
    world.wrong_clock(jump)
    world.send(4.0)
    world.wrong_clock(0)
    began = time.monotonic()
    world.state()
    assert time.monotonic() - began < 5.0
    world.send(2.0)
    assert world.end() == 0
    world.start()
    prober = world.prober(shift=1.0)
    wait_until(lambda: world.state()["evidence"]["alarm"])
    world.note(prober.end())


@fault()
def clock_ahead_by_an_hour(world):
    drift_is_found_after(world, 3600)


@fault()
def clock_ahead_by_400_days(world):
    drift_is_found_after(world, 400 * 86400)


@fault()
def clock_back_by_an_hour(world):
    drift_is_found_after(world, -3600)


# --- ends and torn lines ------------------------------------------------------------------------------------


@fault()
def killed_under_load(world):
    for _ in range(3):
        world.start()
        probers = [world.prober() for _ in range(2)]
        time.sleep(2.0)
        world.lost += world.health()["counters"]["lines_lost"]
        world.process.kill()
        world.end(None)
        for prober in probers:
            world.note(prober.end())
        world.extra += len(probers)  # stored, and the answer lost with the process


@fault()
def a_torn_line(world):
    world.start()
    world.send(1.0)
    world.process.kill()
    world.end(None)
    newest = max((world.data / "events").glob("events-*.log"))
    whole = newest.read_bytes().splitlines()[-1]
    with newest.open("ab") as file:
        file.write(whole[: len(whole) // 2])
    world.start()


@fault()
def poisonous_lines(world):
    world.start()
    world.send(1.0)
    newest = max((world.data / "events").glob("events-*.log"))
    whole = json.loads(newest.read_bytes().splitlines()[-1])
    stamp = whole["_aws"]["Timestamp"]
    text = json.dumps(whole)
    poison = [
        text.replace(str(stamp), "1e300"),
        text.replace(str(stamp), "9" * 400),
        text.replace('"Prediction": ', '"Prediction": 1' + "0" * 400),
        text.replace('"Prediction": ', '"x": ' + "[" * 90_000 + "]" * 90_000 + ', "Prediction": '),
        text.replace('"house-price"', '"\\ud800"'),
        "\0" * 1000,
        "[]",
    ]
    with newest.open("a") as file:
        file.writelines(line + "\n" for line in poison)
    world.extra += 1  # a prediction that overflows is an event still, counted or set aside
    world.send(2.0)


@fault()
def a_dead_worker(world):
    dies(world, "worker")


@fault()
def a_dead_webhook_sender(world):
    dies(world, "webhook-sender")


def dies(world, name):
    world.start("--webhook", "http://127.0.0.1:9/")
    world.send(1.0)
    wait_until(lambda: world.stored() == world.answered)
    (world.handles / name).touch()
    answers = []

    def unready():
        with contextlib.suppress(httpx.TransportError):
            answers.append(httpx.get(f"{world.url}/health", timeout=PATIENCE))
        return answers[-1].status_code == 503

    wait_until(unready)
    assert answers[-1].json()["type"] == "urn:drift:problem:not-ready"
    assert name in answers[-1].json()["detail"]
    assert world.end(None) == 70
    assert name in world.printed
    assert "Everything" not in world.printed
    (world.handles / name).unlink()


# --- webhooks -----------------------------------------------------------------------------------------------


class Webhook(http.server.ThreadingHTTPServer):
    """Takes alerts; `answer(handler)` may be slow or endless."""

    daemon_threads = True

    def __init__(self, answer=None):
        self.taken = []
        super().__init__(("127.0.0.1", 0), self.handler(answer or (lambda handler: handler.send(b""))))
        self.url = f"http://127.0.0.1:{self.server_port}/"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def handler(self, answer):
        taken = self.taken

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                taken.append(json.loads(self.rfile.read(int(self.headers["content-length"]))))
                with contextlib.suppress(OSError):
                    answer(self)

            def send(self, body):
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        return Handler

    def close(self):
        self.shutdown()
        self._thread.join()
        self.server_close()


def drip(handler):
    for letter in b"HTTP/1.1 200 OK and so on" * 10:
        handler.wfile.write(bytes([letter]))
        time.sleep(0.5)


def pour(handler):
    handler.send(b"")
    while True:
        handler.wfile.write(b"x" * 65536)


def beside_a_bad_webhook(world, answer):
    bad, good = Webhook(answer), Webhook()
    world.start("--webhook", bad.url, "--webhook", good.url)
    world.send(1.0)
    wait_until(lambda: world.stored() == world.answered)
    store = sqlite3.connect(world.data / "console.sqlite", isolation_level=None, timeout=PATIENCE)
    now = time.time()
    for number in range(5):
        for hook in (bad, good):
            row = (None, hook.url, f'{{"n": {number}}}', now)
            store.execute("INSERT INTO outbox VALUES (?, ?, ?, 0, 0, ?)", row)
    store.close()
    took = wait_until(lambda: sum("n" in alert for alert in good.taken) == 5)
    assert took < 5.0, f"the good webhook waited {took:.1f} s"
    world.send(2.0)
    assert world.memory() < 200
    bad.close()
    good.close()


@fault()
def a_dripping_webhook(world):
    beside_a_bad_webhook(world, drip)


@fault()
def an_endless_webhook(world):
    beside_a_bad_webhook(world, pour)


# --- clients that take too much -----------------------------------------------------------------------------


def hold(world, count, data=b""):
    held = []
    for _ in range(count):
        with contextlib.suppress(OSError):
            connection = world.connect()
            held.append(connection)
            connection.settimeout(5.0)
            connection.sendall(data)
    return held


def release(connections):
    for connection in connections:
        connection.close()


def is_quick(world, attack):
    world.start()
    seen = world.during(attack)
    sys.stdout.write(f"slowest other request {seen['slowest_ms']} ms, of the control {seen['control_ms']} ms\n")
    assert seen["slowest_ms"] <= seen["allowed_ms"], seen


@attack
def idle_connections(world):
    def hold_them(world):
        idle = hold(world, 1100)
        time.sleep(3.0)
        release(idle)

    is_quick(world, hold_them)


@attack
def unfinished_heads(world):
    def hold_them(world):
        slow = hold(world, 900, b"GET /health HTTP/1.1\r\nhost: localhost\r\na: ")
        for _ in range(3):
            time.sleep(1.0)
            for connection in slow:
                with contextlib.suppress(OSError):
                    connection.sendall(b"x")
        release(slow)

    is_quick(world, hold_them)


@fault()
def a_head_that_never_ends_is_told_so(world):
    world.start()
    with world.connect() as connection:
        connection.settimeout(20.0)
        connection.sendall(b"GET /health HTTP/1.1\r\nhost: localhost\r\n")
        began = time.monotonic()
        assert connection.recv(100).startswith(b"HTTP/1.1 408 ")
        assert 9.0 < time.monotonic() - began < 13.0


@attack
def unfinished_bodies(world):
    def hold_them(world):
        head = b"POST /none HTTP/1.1\r\nhost: localhost\r\ncontent-length: 6000000\r\n\r\n"
        held = hold(world, 100, head + b"x" * 5_900_000)
        time.sleep(1.0)
        assert world.memory() < 300
        release(held)

    is_quick(world, hold_them)


@attack
def endless_heads(world):
    def send_them(world):
        many = b"aaaaaaaaaa: bbbbbbbbbbbbb\r\n" * 150_000
        long = b"a: " + b"x" * 10 * MEGABYTE + b"\r\n"
        for part in (many, long, b"a: b\r\n" * 101):
            answer = world.ask(b"POST /predict HTTP/1.1\r\nhost: evil.example\r\n" + part + b"\r\n")
            assert answer.startswith(b"HTTP/1.1 431 "), answer
        assert world.memory() < 200

    is_quick(world, send_them)


@attack
def bodies_of_nothing_but_brackets(world):
    bodies = [b"[" + b"[]," * 1_700_000 + b"[]]", b"[" + b"1," * 1_000_000 + b"1]", b"[" * 5_000_000]

    def send_them(world):
        headers = {"content-type": "application/json"}
        for body in bodies:
            answer = httpx.post(f"{world.url}/predict/batch", content=body, headers=headers, timeout=PATIENCE)
            assert 400 <= answer.status_code < 500

    is_quick(world, send_them)


@attack
def what_ifs_and_streams(world):
    def ask_them(world):
        query = "budget=10000&minimum_effect=0.1"

        def what_if(_):
            url = f"{world.url}/console/api/replay?minutes=30&{query}"
            return httpx.get(url, timeout=PATIENCE).status_code

        streams = hold(world, 100, b"GET /console/api/stream HTTP/1.1\r\nhost: localhost\r\n\r\n")
        try:
            ask_them_beside(world, what_if)
        finally:
            release(streams)

    def ask_them_beside(world, what_if):
        with ThreadPoolExecutor(24) as pool:
            assert set(pool.map(what_if, range(48))) <= {200, 503}
        odd = f"{world.url}/console/api/replay?minutes=31&budget=10000&minimum_effect=0.1"
        assert httpx.get(odd, timeout=PATIENCE).status_code == 400
        began = time.monotonic()
        world.state()
        assert time.monotonic() - began < 2.0

    is_quick(world, ask_them)


@attack
def clients_that_read_nothing(world):
    def hold_them(world):
        asked = b"GET /openapi.json HTTP/1.1\r\nhost: localhost\r\n\r\n" * 20
        held = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                connection = socket.socket()
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.connect(("127.0.0.1", world.port))
                connection.settimeout(1.0)
                connection.sendall(asked)
                held.append(connection)
        time.sleep(2.0)
        assert world.memory() < 300
        release(held)

    is_quick(world, hold_them)


@attack
def requests_of_another_sites_page(world):
    def send_them(world):
        headers = {"sec-fetch-site": "cross-site", "content-type": "text/plain"}
        before = sum(path.stat().st_size for path in (world.data / "events").iterdir())
        with httpx.Client() as client:
            for _ in range(500):
                assert client.post(f"{world.url}/predict", content=b"x", headers=headers).status_code == 403
            query = "minutes=30&budget=10000&minimum_effect=0.1"
            url = f"{world.url}/console/api/replay?{query}"
            assert client.get(url, headers=headers).status_code == 403
        assert world.total("Rejected") == 0
        assert sum(path.stat().st_size for path in (world.data / "events").iterdir()) >= before

    is_quick(world, send_them)


@fault()
def garbage(world):
    world.start()
    draw = random.Random(7)
    for _ in range(200):
        world.ask(draw.randbytes(draw.randint(1, 400)) + b"\r\n\r\n", patience=0.2)
    for data in (b"GET / HTTP/1.1\r\n\r\n", b"CONNECT x:1 HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\0\x01\0"):
        world.ask(data, patience=0.5)
    assert (world.data / "console.log").stat().st_size < MEGABYTE if (world.data / "console.log").exists() else True


# --- load ---------------------------------------------------------------------------------------------------


@fault()
def a_flood_of_batches(world):
    world.start()
    probers = [world.prober(batch=1000) for _ in range(2)]
    time.sleep(12.0)
    lag = world.state()["service"]["lag_seconds"]
    for prober in probers:
        world.note(prober.end())
    assert lag is not None
    assert lag <= 120


WRK = """
wrk.method = "POST"
wrk.path = "/models/house-price/predict"
wrk.body = [[%s]]
wrk.headers["content-type"] = "application/json"
"""


@fault(needs="wrk")
def a_flood_of_single_requests(world):
    world.start()
    script = world.handles / "flood.lua"
    script.write_text(WRK % json.dumps({"features": HOUSE}))
    command = ["wrk", "-t1", "-c16", "-d20s", "--latency", "-s", str(script), world.url]
    flood = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    time.sleep(18.0)
    lag, judged = world.state()["service"]["lag_seconds"], world.judged()
    output, _ = flood.communicate(timeout=PATIENCE)
    answered = next(int(line.split()[0]) for line in output.splitlines() if "requests in" in line)
    figures = f"{answered} requests in 20 s, {judged} judged and {lag} s behind after 18 s"
    sys.stdout.write(figures + "\n")
    assert judged > 0
    assert lag <= 120
    world.answered += answered
    world.extra += 16  # under way when wrk stopped: answered and stored, and not counted


# --- file systems -------------------------------------------------------------------------------------------


def fill_inodes(folder):
    files = []
    with contextlib.suppress(OSError):
        for number in range(1000):
            path = folder / f"ballast-{number}"
            path.touch()
            files.append(path)
    assert files
    return files


def fill_disk(folder):
    path = folder / "ballast"
    with contextlib.suppress(OSError), path.open("wb", buffering=0) as file:
        for _ in range(100_000):
            file.write(b"\0" * 4096)
    return path
