"""A true console in a process of its own, traffic to it, and the balance of its books."""

from __future__ import annotations

import contextlib
import json
import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
from drift_contracts.bundle_paths import bundle_folder
from drift_monitor.keys import Series
from drift_monitor.stores import SqliteStore

from tests.support.waiting import PATIENCE, wait_until

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SLOWEST = 250  # milliseconds that a request of somebody else may take during an attack
CALM = 100  # milliseconds up to which the control's slowest request says that the machine was at rest


class Prober:
    """Traffic from a process of its own; `end` gives what it saw."""

    def __init__(self, url, seed, shift=0.0, batch=0):
        command = [sys.executable, str(HERE / "prober.py"), url, str(seed), str(shift), str(batch)]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        environ = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
        self.process = subprocess.Popen(command, **pipes, text=True, env=environ)
        self.process.stdout.readline()  # "begun"

    def end(self):
        """Stop; returns answered, failed, slowest_ms."""
        output, _ = self.process.communicate(timeout=180)
        return json.loads(output)


class World:
    """One console on one data folder, over restarts."""

    def __init__(self, folder, bundles, control=None):
        """control: the URL of a console that nobody attacks, to tell the machine's stalls from this one's."""
        self.control = control
        self.handles = folder / "handles"
        self.handles.mkdir()
        self.data = folder / "data"
        self.bundles = bundles
        manifest = json.loads(Path(bundle_folder(bundles / "house-price"), "manifest.json").read_text())
        self.series = Series("house-price", manifest["model_version"])
        self.answered = 0
        self.lost = 0  # of processes that ended
        self.lost_before = 0  # of the processes before this one
        self.extra = 0  # events that may be stored without having been counted as answered
        self.process = None
        self.printed = ""
        self._seed = 0
        self._probers = []

    # --- the process ---

    def start(self, *options, descriptors=None, segment=None):
        """Start the console, with --fast; returns when it answers."""
        environ = {**os.environ, "DRIFT_FAULTS": str(self.handles)}
        if segment:
            environ["DRIFT_FAULTS_SEGMENT"] = str(segment)
        command = [
            *(sys.executable, "-u", str(HERE / "faulty_console.py"), "--port", "0", "--fast"),
            *("--model", "house-price"),
            *("--data-dir", str(self.data), "--bundles", str(self.bundles), *options),
        ]

        def limit():
            if descriptors:
                resource.setrlimit(resource.RLIMIT_NOFILE, (descriptors, descriptors))

        pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        self.process = subprocess.Popen(command, **pipes, text=True, env=environ, preexec_fn=limit)  # noqa: PLW1509
        lines = []
        for line in self.process.stdout:
            lines.append(line)
            if line.startswith("curl"):
                break
        found = re.search(r"http://127\.0\.0\.1:(\d+)", "".join(lines))
        assert found, lines
        self.lost_before = self.lost
        self.url, self.port = found[0], int(found[1])
        # A pipe that nobody reads would fill up and stop the console.
        self.printed = ""
        self._reader = threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def _read(self, stream):
        with contextlib.suppress(ValueError):
            for line in stream:
                self.printed += line

    def end(self, number=signal.SIGTERM):
        """Send the signal; returns the exit code, `printed` has the last words."""
        if number is not None:
            with contextlib.suppress(httpx.HTTPError):
                self.lost += self.health()["counters"]["lines_lost"]
            self.process.send_signal(number)
        code = self.process.wait(timeout=PATIENCE)
        self._reader.join()
        self.process.stdout.close()
        return code

    def close(self):
        for prober in self._probers:
            if prober.process.poll() is None:
                prober.process.kill()
                prober.process.communicate()
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self._reader.join()
            self.process.stdout.close()

    def memory(self):
        """Resident megabytes of the console."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1024

    # --- traffic ---

    def seed(self):
        self._seed += 1_000_000
        return self._seed

    def prober(self, shift=0.0, batch=0):
        self._probers.append(Prober(self.url, self.seed(), shift, batch))
        return self._probers[-1]

    def note(self, seen):
        """Count what a prober saw."""
        self.answered += seen["answered"]
        return seen

    def send(self, seconds, shift=0.0):
        """Ordinary traffic for a while."""
        prober = self.prober(shift)
        time.sleep(seconds)
        return self.note(prober.end())

    def during(self, attack):
        """Run an attack beside somebody else's requests, and as many to the console that nobody attacks.

        Returns what those saw, with `control_ms`, the slowest of the control's, and `allowed_ms`: SLOWEST, and on a
        machine that was not at rest as much more as the control's slowest. Asserts that none failed.
        """
        prober = self.prober()
        control = Prober(self.control, self.seed())
        self._probers.append(control)
        time.sleep(1.0)
        try:
            attack(self)
        finally:
            seen = self.note(prober.end())
            waited = control.end()["slowest_ms"]
        assert seen["failed"] == 0, seen
        assert seen["answered"] > 10, seen
        allowed = SLOWEST if waited <= CALM else SLOWEST + waited
        return {**seen, "control_ms": waited, "allowed_ms": allowed}

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port))

    def ask(self, data, patience=15.0):
        """Send bytes; returns the first bytes of what comes back."""
        with self.connect() as connection:
            connection.settimeout(patience)
            with contextlib.suppress(OSError):
                connection.sendall(data)
            with contextlib.suppress(OSError):
                return connection.recv(400)
        return b""

    def wrong_clock(self, seconds):
        (self.handles / "clock").write_text(str(seconds))

    # --- the books ---

    def health(self):
        return httpx.get(f"{self.url}/health", timeout=PATIENCE).json()

    def state(self, minutes=30):
        return httpx.get(f"{self.url}/console/api/state?minutes={minutes}", timeout=PATIENCE).json()

    def query(self, text, *arguments, name="console.sqlite"):
        connection = sqlite3.connect(f"file:{self.data / name}?mode=ro", uri=True, timeout=PATIENCE)
        try:
            return connection.execute(text, arguments).fetchall()
        finally:
            connection.close()

    def stored(self):
        rows = self.query("SELECT value FROM counters WHERE name = 'events'")
        return rows[0][0] if rows else 0

    def total(self, metric):
        """The sum of a metric over everything that is stored."""
        text = (
            "SELECT SUM(total) FROM points JOIN series ON series.id = points.series"
            " WHERE metric = ? AND resolution = 60"
        )
        return round(self.query(text, metric)[0][0] or 0)

    def books(self):
        """Answered, stored, judged (and late for it), and lost, as the console tells them."""
        running = self.process.poll() is None
        lost = self.lost + (self.health()["counters"]["lines_lost"] if running else 0)
        return {
            "answered": self.answered,
            "stored": self.stored(),
            "judged": self.judged(),
            "ahead": self.ahead(),
            "late": self.total("EventsLate"),
            "aside": self.total("DeadLetters"),
            "lost": lost,
        }

    def judged(self):
        """Events in windows that the evaluator has passed."""
        store = SqliteStore(self.data / "windows-fast.sqlite")
        try:
            state = store.state(self.series).state
            if not state:
                return 0
            windows = store.windows(self.series, 0, state["cursor"])
            return sum(each.window["events"] for each in windows)
        finally:
            store.close()

    def ahead(self):
        """Events of a clock that was ahead: in windows of the future, judged when their time comes."""
        store, soon = SqliteStore(self.data / "windows-fast.sqlite"), int(time.time()) + 30
        try:
            fragments = store.fragments(self.series, 1 << 40, 1 << 20)
            waiting = [each.window["events"] for each in fragments if each.key.minute > soon]
            state = store.state(self.series).state
            cursor = state["cursor"] if state else 0
            windows = store.windows(self.series, max(cursor, soon) + 1, 1 << 40)
            return sum(waiting) + sum(each.window["events"] for each in windows)
        finally:
            store.close()

    def balance(self):
        """Wait until sent = stored = judged, but for what is told as lost; returns the books."""

        def balanced():
            books = self.books()
            whole = books["stored"] + books["lost"]
            return (
                self.answered <= whole <= self.answered + books["lost"] + self.extra
                and books["judged"] + books["aside"] + books["ahead"] == books["stored"]
            )

        try:
            wait_until(balanced)
        except AssertionError:
            raise AssertionError(f"the books do not balance: {self.books()}") from None
        return self.books()
