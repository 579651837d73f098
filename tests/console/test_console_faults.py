"""Faults in small: each part of the console under the fault that once broke it."""

import errno
import json
import logging
import os
import socket
import sqlite3
import threading
import time

import pytest
from drift_console import linelog
from drift_console.alerts import WebhookSender, enqueue
from drift_console.clock import STEADY, Steadiness
from drift_console.console import Ending
from drift_console.database import connect, transaction
from drift_console.emf import parse_line
from drift_console.ingest import Ingester
from drift_console.journal import JournalHandler
from drift_console.linelog import LineWriter, Position, read_lines, segments
from drift_console.terminal import show_ending
from drift_console.threads import Supervised, names_of_the_dead, report
from drift_console.worker import Worker
from rich.console import Console as Terminal

from tests.support.waiting import wait_until

NOW = 1_795_435_200.0


# --- threads ------------------------------------------------------------------------------------------------


class Ends(Supervised):
    def __init__(self, error=None):
        super().__init__("ends")
        self.error = error

    def work(self):
        if self.error:
            raise self.error


@pytest.mark.parametrize("error", [SystemExit(), MemoryError(), RuntimeError(), None])
def test_dead_thread(error):
    """A thread that ends unasked has died."""
    thread = Ends(error)
    assert not thread.died
    thread.start()
    thread.join()
    assert names_of_the_dead([thread]) == ["ends"]
    assert thread.failure == (type(error).__name__ if error else None)


def test_stopped_thread():
    """A thread that was asked to end has not died."""
    thread = Ends()
    thread.stop()
    thread.start()
    thread.join()
    assert names_of_the_dead([thread]) == []


def test_report():
    """A report never raises."""

    class Broken(logging.Handler):
        def emit(self, _record):
            raise OSError(errno.EMFILE, "no descriptors")

    log = logging.Logger("broken")
    log.addHandler(Broken())
    try:
        raise ValueError("the first error")
    except ValueError:
        report(log, "it failed")


@pytest.mark.parametrize("closed", [True, False])
def test_journal(tmp_path, closed):
    """The journal opens its file again and never raises."""
    folder = tmp_path / "there"
    folder.mkdir()
    handler = JournalHandler(folder / "console.log", encoding="utf-8", delay=True)
    record = logging.LogRecord("x", logging.ERROR, "", 0, "words", (), None)
    if closed:  # as uvicorn's dictConfig did
        handler.emit(record)
        handler.close()
        handler.stream = None
    (folder / "console.log").unlink(missing_ok=True)
    folder.rmdir()
    handler.emit(record)
    folder.mkdir()
    handler.emit(record)
    handler.close()
    assert (folder / "console.log").read_text() == "words\n"


class Turns:
    """Stands in for ingester, monitor and watch of a worker; `fault` is raised by each ingest."""

    at_end, newest = True, None

    def __init__(self):
        self.fault = None
        self.taken = 0
        self.judged = []
        self.evaluated = []
        self.pruned = []
        self.number = self.behind = 0

    def ingest(self):
        if self.fault:
            raise self.fault
        self.taken += 1
        return False

    def last(self):
        return self.number

    def count(self, _now):
        return False

    def counted(self):
        return self.number - self.behind

    def evaluate(self, *moments):
        (self.judged if len(moments) == 2 else self.evaluated).append(moments)

    def prune(self, *, now, retention):
        self.pruned.append(now - retention)


def a_worker(turns, clock, timer=time.monotonic):
    return Worker(
        turns, turns, turns,
        clock=clock, scale=1, retention=7 * 86400.0, after_evaluation=lambda: None, timer=timer,
    )  # fmt: skip


def test_worker_errors():
    """The worker outlives errors even where they cannot be logged."""

    class Broken(logging.Handler):
        def emit(self, _record):
            raise OSError(errno.EMFILE, "no descriptors")

    log = logging.getLogger("drift_console.worker")
    handler = Broken()
    log.addHandler(handler)
    turns = Turns()
    turns.fault = sqlite3.OperationalError("disk full")
    worker = a_worker(turns, time.time)
    try:
        worker.start()
        time.sleep(0.4)
        turns.fault = None
        wait_until(lambda: turns.taken > 1)
    finally:
        worker.stop()
        worker.join()
        log.removeHandler(handler)
    assert not worker.died
    assert worker.finished


def test_unread_log(monkeypatch):
    """A log that cannot be read to its end is not finished."""
    monkeypatch.setattr("drift_console.worker.time.sleep", lambda _: None)
    turns = Turns()
    turns.fault = sqlite3.OperationalError("disk full")
    worker = a_worker(turns, time.time)
    worker.stop()
    worker.start()
    worker.join()
    assert (worker.finished, worker.died) == (False, False)


# --- the clock ----------------------------------------------------------------------------------------------


def test_alarms_after_wrong_clock():
    """Alarms are evaluated again as soon as a clock that was ahead is right."""
    now = NOW
    turns, wall = Turns(), [now]
    worker = a_worker(turns, lambda: wall[0])
    for moment in (now, now + 3600, now + 4, now + 61):
        wall[0] = moment
        worker.step()
    assert [end for (end,) in turns.evaluated] == [now, now + 3600, now, now + 60]
    assert [complete for complete, _ in turns.judged] == [now, now + 3600, now + 4, now + 61]


@pytest.mark.parametrize("jump", [365 * 86400.0, -365 * 86400.0])
def test_jumping_clock(jump):
    """Nothing is deleted by a clock that jumped."""
    now = NOW
    turns, wall, steady = Turns(), [now], [0.0]
    worker = a_worker(turns, lambda: wall[0], lambda: steady[0])

    def go_on(seconds):
        for _ in range(seconds):
            wall[0] += 1.0
            steady[0] += 1.0
            worker.step()

    wall[0] += jump
    go_on(500)
    assert turns.pruned == []
    wall[0] -= jump
    go_on(int(STEADY) + 10)
    assert {moment > now - 8 * 86400 and moment < now for moment in turns.pruned} == {True}


def test_steady_clock():
    """A clock is steady a while after its last jump."""
    wall, timer = [100.0], [0.0]
    clock = Steadiness(lambda: wall[0], lambda: timer[0])
    wall[0], timer[0] = 100.0 + STEADY, STEADY
    assert clock.look()
    wall[0] += 3600
    assert not clock.look()
    timer[0] += STEADY
    wall[0] += STEADY
    assert clock.look()


def test_alert_of_wrong_clock(tmp_path):
    """An alert of a clock that was ahead is sent when the clock is right."""
    connection = connect(tmp_path / "console.sqlite")
    enqueue(connection, {}, ("http://127.0.0.1:9/",), 1000.0 + 400 * 86400)
    sender = WebhookSender(connection, clock=lambda: 1000.0)
    assert sender.due_urls() == ["http://127.0.0.1:9/"]
    connection.close()


# --- judging behind a load ----------------------------------------------------------------------------------


def test_evaluation_behind_load():
    """What is counted is evaluated while more is waiting."""
    now = NOW
    turns, wall = Turns(), [now]
    worker = a_worker(turns, lambda: wall[0])
    for minute in range(1, 4):
        turns.number, turns.behind = 1000 * minute, 1500
        wall[0] = now + 60 * minute
        worker.step()
    # 1,500 events are uncounted at 3,000: complete are those up to the first minute's mark
    assert turns.judged[-1] == (now + 60, now + 180)
    assert worker.lag() == 120.0


# --- the event log ------------------------------------------------------------------------------------------


def read_all(folder):
    position, lines = Position(), []
    while True:
        batch = read_lines(folder, position)
        if batch.next == position:
            return lines
        lines += batch.lines
        position = batch.next


class Disk:
    """os.open and os.write of the event log, failing as told."""

    def __init__(self, monkeypatch):
        self.no_open, self.short = None, None
        real_open, real_write = os.open, os.write

        def opened(path, *rest):
            if self.no_open:
                raise OSError(self.no_open, os.strerror(self.no_open))
            return real_open(path, *rest)

        def written(descriptor, data):
            return real_write(descriptor, data if self.short is None else data[: self.short])

        monkeypatch.setattr(linelog.os, "open", opened)
        monkeypatch.setattr(linelog.os, "write", written)


@pytest.fixture
def disk(monkeypatch):
    return Disk(monkeypatch)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EMFILE, errno.EACCES, errno.EDQUOT, errno.ENOENT])
def test_no_new_segment(tmp_path, disk, code):
    """A segment that cannot be opened loses nothing."""
    writer = LineWriter(tmp_path, segment_bytes=20)
    writer.write(b"first of twenty bytes")
    disk.no_open = code
    for number in range(5):
        writer.write(f"held {number}")
    disk.no_open = None
    writer.write(b"after")
    writer.close()
    assert read_all(tmp_path) == [b"first of twenty bytes", *(f"held {n}".encode() for n in range(5)), b"after"]
    assert (writer.lost, len(segments(tmp_path))) == (0, 2)


def test_torn_line(tmp_path, disk):
    """A torn line spoils no other even where no segment can be opened."""
    writer = LineWriter(tmp_path)
    writer.write(b"before")
    disk.no_open, disk.short = errno.ENOSPC, 3
    with pytest.raises(OSError, match="3 of 5 bytes"):
        writer.write(b"torn")
    disk.short = None
    writer.write(b"after")
    writer.close()
    assert read_all(tmp_path) == [b"before", b"after"]
    assert writer.lost == 1


def test_closed_log(tmp_path):
    """A closed log opens itself again."""
    writer = LineWriter(tmp_path)
    writer.close()
    writer.write(b"again")
    writer.close()
    assert read_all(tmp_path) == [b"again"]


def test_foreign_segment(tmp_path):
    """A foreign segment is stepped over."""
    writer = LineWriter(tmp_path, segment_bytes=5)
    (tmp_path / "events-000002.log").write_bytes(b"")
    for word in (b"one", b"two", b"three"):
        writer.write(word)
    writer.close()
    assert read_all(tmp_path) == [b"one", b"two", b"three"]


# --- lines that nothing can store ---------------------------------------------------------------------------


def emf(**change):
    directive = {"Namespace": "N", "Dimensions": [["D"]], "Metrics": [{"Name": "M"}]}
    document = {"_aws": {"Timestamp": 1_795_435_200_000, "CloudWatchMetrics": [directive]}, "D": "d", "M": 1}
    document["_aws"]["Timestamp"] = change.pop("timestamp", document["_aws"]["Timestamp"])
    directive.update({name: change.pop(name) for name in list(change) if name in directive})
    return json.dumps(document | change).encode()


POISON = {
    "a time beyond all dates": emf(timestamp=1e300),
    "a time before all dates": emf(timestamp=-1),
    "a number of 400 digits": emf().replace(b'"M": 1', b'"M": 1' + b"0" * 400),
    "a number that overflows": emf().replace(b'"M": 1', b'"M": 1e999'),
    "deep nesting": emf().replace(b'"M": 1', b'"M": ' + b"[" * 100_000 + b"]" * 100_000),
    "a namespace that is a list": emf(Namespace=[1]),
    "a metric's name that is an object": emf(Metrics=[{"Name": {}}]),
    "a dimension that is a number": emf(Dimensions=[[1]]),
    "a namespace that is half a character": emf(Namespace="\ud800"),
    "a model that is half a character": emf(contract="prediction.event.v1", Model="\ud800"),
    "bytes that are no text": b"\xff\xfe" + emf(),
    "nothing": b"",
}


@pytest.mark.parametrize("name", POISON)
def test_poisonous_line(tmp_path, event_line, name):
    """A poisonous line blocks none of its neighbours."""
    connection = connect(tmp_path / "console.sqlite")
    writer = LineWriter(tmp_path)
    good = [event_line(1_795_435_200.0, number=number) for number in range(4)]
    for line in (good[0], good[1], POISON[name], good[2], POISON[name], good[3]):
        writer.write(line)
    writer.close()
    ingester = Ingester(connection, tmp_path)
    while ingester.ingest():
        pass
    count = connection.execute(
        "SELECT SUM(count) FROM points JOIN series ON series.id = points.series"
        " WHERE metric = 'DriftScore' AND resolution = 60"
    ).fetchone()[0]
    connection.close()
    assert count == 4


def test_extreme_values():
    """A value that is not finite or too large is no datapoint."""
    assert parse_line(emf(M=[1, float("nan"), float("inf"), 1e200, True, 10**400])).datapoints[0][1] == 1.0
    assert len(parse_line(emf(M=[1, float("nan"), float("inf"), 1e200, True, 10**400])).datapoints) == 1


# --- the store ----------------------------------------------------------------------------------------------


def test_failing_commit():
    """A commit that fails leaves no transaction open."""

    class Full(sqlite3.Connection):
        def execute(self, text, *rest):
            if text == "COMMIT":
                raise sqlite3.OperationalError("database or disk is full")
            return super().execute(text, *rest)

    connection = sqlite3.connect(":memory:", isolation_level=None, factory=Full)
    with pytest.raises(sqlite3.OperationalError, match="full"), transaction(connection):
        pass
    assert not connection.in_transaction
    connection.close()


# --- webhooks -----------------------------------------------------------------------------------------------


class Hook:
    """A webhook on loopback that answers with what `answer` yields, in its own time."""

    def __init__(self, answer):
        self.taken, self.sent = [], 0
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._ended = threading.Event()
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}/"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self):
        while not self._ended.is_set():
            connection, _ = self._socket.accept()
            with connection:
                data = connection.recv(65536)
                if not data:
                    continue
                self.taken.append(data)
                try:
                    for part, pause in self._answer():
                        connection.sendall(part)
                        self.sent += len(part)
                        if self._ended.wait(pause):
                            break
                except OSError:
                    pass

    def close(self):
        self._ended.set()
        socket.create_connection(self._socket.getsockname()).close()
        self._thread.join()
        self._socket.close()


OK = b"HTTP/1.1 200 OK\r\n\r\n"


def decent():
    yield b"HTTP/1.1 204 No Content\r\n\r\n", 0


def dripping():
    for letter in b"HTTP/1.1 200 OK and then on and on for ever":
        yield bytes([letter]), 0.3


def dripping_body():
    yield OK, 0
    while True:
        yield b"x", 0.3


def endless():
    yield OK, 0
    while True:
        yield b"x" * 65536, 0


def moved():
    yield b"HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\ncontent-length: 0\r\n\r\n", 0


@pytest.fixture
def hooks():
    started = []

    def start(answer):
        started.append(Hook(answer))
        return started[-1]

    yield start
    for hook in started:
        hook.close()


@pytest.fixture
def sender(tmp_path, monkeypatch):
    monkeypatch.setattr("drift_console.alerts.DEADLINE", 2.0)
    connection = connect(tmp_path / "console.sqlite")
    running = WebhookSender(connection, clock=time.time, poll=0.05)
    yield connection, running
    running.stop()
    running.join()
    connection.close()


@pytest.mark.parametrize("answer", [dripping, dripping_body, endless, moved])
def test_bad_webhook(hooks, sender, answer):
    """A bad webhook delays no other."""
    connection, running = sender
    bad, good = hooks(answer), hooks(decent)
    running.start()
    for _ in range(5):
        enqueue(connection, {}, (bad.url, good.url), time.time())
    began = time.monotonic()
    wait_until(lambda: len(good.taken) == 5)
    assert time.monotonic() - began < 1.5
    assert not running.died


def test_endless_answer(hooks, sender):
    """An endless answer is dropped."""
    connection, running = sender
    hook = hooks(endless)
    running.start()
    enqueue(connection, {}, (hook.url,), time.time())
    wait_until(lambda: not connection.execute("SELECT 1 FROM outbox").fetchall())
    assert hook.sent < 16 * 2**20  # what the kernel's buffers took


def test_redirect(hooks, sender):
    """A redirect is a failure and not followed."""
    connection, running = sender
    hook = hooks(moved)
    running.start()
    enqueue(connection, {}, (hook.url,), time.time())
    wait_until(lambda: connection.execute("SELECT attempts FROM outbox").fetchall() == [(1,)])


def test_locked_store(hooks, sender, tmp_path):
    """A locked store does not end the sender."""
    connection, running = sender
    hook = hooks(decent)
    enqueue(connection, {}, (hook.url,), time.time())
    connection.execute("PRAGMA busy_timeout = 50")
    other = sqlite3.connect(tmp_path / "console.sqlite", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    running.start()
    wait_until(lambda: len(hook.taken) >= 1)
    time.sleep(0.3)  # the attempt cannot be noted: it was taken, and comes again
    other.execute("ROLLBACK")
    other.close()
    wait_until(lambda: not connection.execute("SELECT 1 FROM outbox").fetchall())
    assert not running.died


# --- last words ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("ending", "words"),
    [
        (Ending(0, True, ()), {"Everything"}),
        (Ending(3, True, ()), {"3 event lines"}),
        (Ending(0, False, ()), {"next start"}),
        (Ending(0, True, ("worker",)), {"worker"}),
        (Ending(1, False, ("worker",)), {"worker", "1 event line ", "next start"}),
    ],
)
def test_last_words(ending, words, capsys):
    """The console's last words promise only what holds."""
    show_ending(Terminal(width=200), ending)
    printed = capsys.readouterr().out
    everything = {"Everything", "3 event lines", "1 event line ", "next start", "worker"}
    assert {word for word in everything if word in printed} == words
