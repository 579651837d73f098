"""A console whose clock, randomness and worker move only when a test moves them."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import tempfile
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
from drift_console.alerts import AlertSource, WebhookSender
from drift_console.app import Api, App, ConsoleApi
from drift_console.bundles import ready_bundles
from drift_console.console import Console
from drift_console.database import connect
from drift_console.events import EventStore
from drift_console.publishing import AlertPublisher
from drift_console.served import Served
from drift_console.settings import Settings
from drift_console.specification import Specification
from drift_console.storage import Storage
from drift_contracts import MonitoringSpec
from drift_monitor.keys import Series
from drift_monitor.stores import SqliteStore
from drift_predictor import Edge, Service, read_settings
from rich.console import Console as Terminal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from drift_engine.bundle import Bundle

    from tests.upgrade.saved import Request, SavedState

HOOK = "http://127.0.0.1:9/hook"
URL = "http://127.0.0.1:8123/"
MINUTE = 60
#: Later than any minute of a story.
FAR = 1 << 40


def bundles_in(folder: Path) -> dict[str, Bundle]:
    """Return the bundles of a folder as a console loads them."""
    return ready_bundles(folder, (), Terminal(quiet=True))


class Predictor:
    """The predictor over bundles, by a clock and randomness of its own.

    now: seconds since 1970. lines: what it wrote, unless it is given another place to write to.
    """

    def __init__(
        self,
        bundles: Mapping[str, Bundle],
        *,
        now: float = 0.0,
        seed: int = 1,
        stack: str = "local",
        write: Callable[[str], object] | None = None,
    ) -> None:
        self.now = now
        self.lines: list[str] = []
        self._ticks = 0
        service = Service(
            bundles,
            read_settings({"DRIFT_MODEL": next(iter(bundles)), "DRIFT_STACK": stack}),
            MonitoringSpec.load(),
            clock=lambda: round(self.now * 1e9),
            timer=self._tick,
            random_bytes=random.Random(seed).randbytes,
            write=write or self.lines.append,
        )
        self.edge = Edge(service)

    def _tick(self) -> int:
        self._ticks += 20_000  # nanoseconds, so that the latency is always the same
        return self._ticks

    def answer(self, requests: list[Request]) -> None:
        """Answer the requests, each at its time."""
        for request in requests:
            self.now = request.at
            answered = self.edge.handle(_event(request), None)
            assert answered["statusCode"] == 200, answered["body"]


class Running:
    """A console over `data` with the bundles; `alerts` is what it told people since it began.

    now: seconds since 1970.
    """

    def __init__(
        self, data: Path, bundles: dict[str, Bundle], now: float, *, seed: int = 1
    ) -> None:
        self.settings = Settings(data=data, webhooks=(HOOK,), retention=30 * 86_400.0)
        self.alerts: list[dict[str, Any]] = []
        self._bundles = bundles
        self.storage = Storage(self.settings)
        self.predictor = Predictor(bundles, now=now, seed=seed, write=self.storage.writer.write)
        self.edge = self.predictor.edge
        self.console = self._console()
        self._stopped = False

    @property
    def now(self) -> float:
        """The time of the console and of its predictor."""
        return self.predictor.now

    @now.setter
    def now(self, seconds: float) -> None:
        self.predictor.now = seconds

    def _console(self) -> Console:
        specification = Specification(self.settings)
        served = Served.of(specification, self._bundles)
        publisher = AlertPublisher(
            self.storage.connection,
            AlertSource(self.settings.stack, URL, served.versions),
            self.settings.webhooks,
            clock=lambda: self.now,
            tell=self.alerts.append,
        )
        return Console(
            self.settings,
            self.storage,
            specification,
            served,
            self.edge.handle,
            publisher,
            lambda: self.now,
        )

    def application(self) -> App:
        """Return the application that the console's server calls."""
        console = self.console
        pages = ConsoleApi(
            console.read_state,
            console.run_scenario,
            console.replay,
            console.acknowledge,
            lambda: True,
        )
        return App(Api(self.edge.handle, lambda: self.now), pages, bound_to="127.0.0.1")

    def answer(self, requests: list[Request]) -> None:
        """Answer the requests, each at its time; nothing is taken in yet."""
        self.predictor.answer(requests)

    def work(self) -> None:
        """Let the worker take its turns until nothing is left to do."""
        while self.console.worker.step():
            pass
        # A line that was cut is passed over at the turn after the one that reached it.
        self.console.worker.step()

    def pass_minute(self, requests: list[Request]) -> None:
        """Answer a minute's requests, then let the worker do what is due at its end."""
        self.answer(requests)
        self.now = requests[0].at // MINUTE * MINUTE + MINUTE
        self.work()

    def take_lines(self, lines: list[str], end: float) -> None:
        """Take in lines of a predictor, then do what is due at `end` (seconds since 1970)."""
        for line in lines:
            self.storage.writer.write(line)
        self.now = end
        self.work()

    def standing(self) -> dict[str, dict[str, Any]]:
        """Return the alarm and the evidence of each model now."""
        rows = self.storage.connection.execute("SELECT model, body FROM judgements").fetchall()
        judged = {model: json.loads(body) for model, body in rows}
        return {
            model: {"alarm": each["alarm"], "finding": each["finding"]}
            for model, each in judged.items()
        }

    def age_log(self) -> None:
        """Date every segment by the story's clock, so that old ones are removed as ever."""
        for path in self.settings.log.iterdir():
            os.utime(path, (self.now, self.now))

    def deliver(self) -> None:
        """Deliver every alert that waits to webhooks that take it."""
        connection = connect(self.settings.database)
        accepting = httpx.MockTransport(lambda _: httpx.Response(204))
        sender = WebhookSender(connection, clock=lambda: self.now)

        async def send() -> None:
            async with httpx.AsyncClient(transport=accepting) as client:
                await sender.deliver(client)

        asyncio.run(send())
        connection.close()

    def stop(self) -> None:
        """Release the folder as a kill does: what was not taken in stays in the log."""
        if self._stopped:
            return
        self._stopped = True
        self.console.worker.run = lambda: None  # type: ignore[method-assign]
        self.now = 0.0  # nothing in the outbox is due, so that no webhook is called on the way out
        self.console.start()
        self.console.stop()


def _event(request: Request) -> dict[str, Any]:
    """Return the HTTP API event of a request."""
    return {
        "rawPath": f"/models/{request.model}/predict",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST"}},
        "body": json.dumps({"features": request.features}),
    }


def lines_of(state: SavedState) -> list[str]:
    """Return every event line that the console's store and log hold, in the order of time."""
    with tempfile.TemporaryDirectory() as folder:
        copy = state.copy_console(Path(folder))
        connection = connect(copy / "console.sqlite")
        segment, offset = connection.execute("SELECT segment, offset FROM position").fetchone()
        stored = [event.line for event in EventStore(connection).after(0, limit=1 << 30)]
        connection.close()
        later = max((copy / "events").glob("*.log")).read_bytes()
        waiting = later[offset if later and segment else 0 :].splitlines()
    texts = [line.decode() for line in (*stored, *waiting)]
    return sorted(texts, key=lambda line: json.loads(line)["timestamp"])


def minutes_of(lines: list[str]) -> Iterator[tuple[float, list[str]]]:
    """Yield the end of each minute that has lines, in seconds since 1970, and its lines."""
    by_end: dict[float, list[str]] = defaultdict(list)
    for line in lines:
        seconds = datetime.fromisoformat(json.loads(line)["timestamp"]).timestamp()
        by_end[seconds // MINUTE * MINUTE + MINUTE].append(line)
    yield from sorted(by_end.items())


def answered(
    bundles: Mapping[str, Bundle], minutes: list[list[Request]]
) -> Iterator[tuple[float, list[str]]]:
    """Yield the end of each minute and the lines that the predictor writes for its requests."""
    predictor = Predictor(bundles)
    for minute in minutes:
        predictor.lines.clear()
        predictor.answer(minute)
        yield minute[0].at // MINUTE * MINUTE + MINUTE, list(predictor.lines)


def facts_of(data: Path, bundles: dict[str, Bundle]) -> dict[str, Any]:
    """Return what a stopped console's folder holds, in figures that any release can be asked for.

    events: number of prediction events in the store. windows: events by model and minute, fragments
    included. alerts: drift alerts, oldest first. alarms: state by model and name. outbox: alerts
    still to be sent. judgements: what the evidence says, by model.
    """
    connection = sqlite3.connect(data / "console.sqlite")
    read = connection.execute
    events = read("SELECT value FROM counters WHERE name = 'events'").fetchone()[0]
    alerts = [
        json.loads(body) for (body,) in read("SELECT body FROM drift_alerts ORDER BY at, rowid")
    ]
    alarms = {
        f"{model} {name}": state
        for model, name, state in read("SELECT model, name, state FROM alarms")
    }
    outbox = [json.loads(body) for (body,) in read("SELECT body FROM outbox ORDER BY id")]
    judgements = {
        model: json.loads(body) for model, body in read("SELECT model, body FROM judgements")
    }
    connection.close()
    return {
        "events": events,
        "windows": _windows(data, bundles),
        "alerts": alerts,
        "alarms": alarms,
        "outbox": outbox,
        "judgements": judgements,
    }


def _windows(data: Path, bundles: dict[str, Bundle]) -> dict[str, dict[str, int]]:
    store = SqliteStore(data / "console.sqlite")
    counted: dict[str, dict[str, int]] = {}
    for name, bundle in bundles.items():
        series = Series(name, bundle.manifest["model_version"])
        minutes = counted.setdefault(name, {})
        held = [*store.windows(series, 0, FAR), *store.fragments(series, FAR, FAR)]
        for each in held:
            minute = str(each.key.minute)
            minutes[minute] = minutes.get(minute, 0) + each.window["events"]
    store.close()
    return counted
