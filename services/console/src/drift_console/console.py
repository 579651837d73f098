"""One running console: the parts put together, started and stopped in order."""

from __future__ import annotations

import asyncio
import fcntl
import json
import logging
import os
import threading
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_monitor.stores import SqliteStore
from drift_predictor import uuid7

from drift_console import alerts, gateway
from drift_console.app import Busy, Handler, NotFound
from drift_console.clock import Steadiness
from drift_console.database import connect, transaction
from drift_console.emf import series
from drift_console.frame import Frame
from drift_console.ingest import Ingester, position
from drift_console.linelog import LineWriter
from drift_console.metrics import MetricStore
from drift_console.monitoring import EvidenceReader, Monitor, period_of
from drift_console.settings import BadSettings, Settings
from drift_console.state import ModelView, StateReader
from drift_console.threads import names_of_the_dead
from drift_console.watch import Change, Watch
from drift_console.worker import Worker

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from drift_contracts import MonitoringSpec
    from drift_contracts.types import AlertV1
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference

    from drift_console.alarms.evaluation import Read

_log = logging.getLogger("drift_console")
FRESH = 0.9  # seconds for which a state document is shown again rather than made again


class Storage:
    """The data folder, held by one process at a time: the log's writer and the store's path."""

    def __init__(self, settings: Settings) -> None:
        """Raises BadSettings where the folder cannot be used or another console holds it.

        Raises BadStore where its store is damaged or newer.
        """
        try:
            settings.log.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(settings.data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise BadSettings(f"another console is using {settings.data}; choose another with --data-dir") from error
        except OSError as error:
            raise BadSettings(
                f"cannot use {settings.data}: {error.strerror}. Choose another with --data-dir"
            ) from error
        self.path = settings.database
        try:
            self.connection = connect(self.path)
        except BaseException:
            os.close(self._lock)
            raise
        self.writer = LineWriter(settings.log, after=position(self.connection).segment)

    def close(self) -> None:
        """Release everything."""
        self.writer.close()
        self.connection.close()
        os.close(self._lock)


@dataclass(frozen=True)
class Ending:
    """What became of the events: lines that could not be written, whether the log was read to its end, and
    the threads that died."""

    lost: int
    finished: bool
    dead: tuple[str, ...]


class Console:
    """Watches what the edge writes; `read_state` and `run_scenario` serve the page."""

    def __init__(  # noqa: PLR0913 - the parts it puts together, each by name
        self,
        settings: Settings,
        storage: Storage,
        models: Mapping[str, ModelView],
        references: Mapping[Series, Reference],
        handle: Handler,
        *,
        spec: MonitoringSpec,
        threshold: float,
        url: str,
        clock: Callable[[], float],
        tell: Callable[[Mapping[str, Any]], None],
    ) -> None:
        self._settings = settings
        self._storage = storage
        self._models = models
        self._handle = handle
        self._namespace = spec.namespace
        self._clock = clock
        self._tell = tell
        self._untold: list[AlertV1] = []
        self._origin = alerts.Origin(
            settings.stack, url, {name: view.card["model_version"] for name, view in models.items()}
        )
        self._metrics = MetricStore(storage.connection)
        self._asked: set[str] = set()
        watch = Watch(
            storage.connection,
            {name: view.alarms for name, view in models.items()},
            self._reader_of,
            announce=self._announce,
            seen=self._was_asked,
        )
        self._windows = [SqliteStore(settings.windows) for _ in range(3)]
        monitor = Monitor(
            storage.connection, self._windows[0], references, settings, spec, publish=self._publish, url=url
        )
        self.worker = Worker(
            Ingester(storage.connection, settings.log),
            monitor,
            watch,
            clock=clock,
            scale=settings.scale,
            retention=settings.retention,
            after_evaluation=self._tell_all,
        )
        self._connections = [connect(storage.path), connect(storage.path), connect(storage.path)]
        self._courier = alerts.Courier(self._connections[0], clock=clock, steadiness=Steadiness(clock))
        period = period_of(settings)
        self._evidence = EvidenceReader(self._connections[1], self._windows[1], references, period=period)
        # A what-if takes a second: it neither waits for the page's documents nor holds them up.
        self._what_if = EvidenceReader(self._connections[2], self._windows[2], references, period=period)
        self._replaying = threading.Lock()
        self._states = StateReader(
            self._connections[1],
            namespace=spec.namespace,
            stack=settings.stack,
            threshold=threshold,
            fast=settings.fast,
            models=models,
            evidence=self._evidence,
        )
        self._lock = threading.Lock()
        self._shown: dict[tuple[str, int], tuple[float, dict[str, Any]]] = {}

    def start(self) -> None:
        """Start watching."""
        self.worker.start()
        self._courier.start()

    def dead(self) -> list[str]:
        """Return the names of the threads that died."""
        return names_of_the_dead((self.worker, self._courier))

    def stop(self) -> Ending:
        """Take in what is in the log, end the threads, release the folder; returns what became of it."""
        self.worker.stop()
        self._courier.stop()
        for thread, patience in ((self.worker, None), (self._courier, alerts.TIMEOUT + 2)):
            if thread.ident is not None:
                thread.join(timeout=patience)
        ending = Ending(self._storage.writer.lost, self.worker.finished, tuple(self.dead()))
        with self._lock, self._replaying:
            for connection in self._connections:
                connection.close()
            for windows in self._windows:
                windows.close()
        self._storage.close()
        return ending

    def _reader_of(self, model: str) -> Read:
        dimensions = {"Stack": self._settings.stack, "Model": model}
        return lambda metric, start, period, count: self._metrics.distributions(
            series(self._namespace, metric, dimensions), start, period, count
        )

    def _was_asked(self, model: str) -> bool:
        """Return whether a prediction of the model was ever stored, over restarts and the retention."""
        if model in self._asked:
            return True
        connection, name = self._storage.connection, f"asked {model}"
        identity = series(self._namespace, "DriftScore", {"Stack": self._settings.stack, "Model": model})
        noted = connection.execute("SELECT 1 FROM counters WHERE name = ?", (name,)).fetchone()
        if noted is None:
            if not self._metrics.exists(identity):
                return False
            connection.execute("INSERT OR IGNORE INTO counters VALUES (?, 1)", (name,))
        self._asked.add(model)
        return True

    def _publish(self, alert: AlertV1) -> None:
        """Send a drift alert of the monitor, unless it was sent before."""
        with transaction(self._storage.connection):
            if not alerts.keep(self._storage.connection, alert, self._clock()):
                return
            alerts.enqueue(self._storage.connection, alert, self._settings.webhooks, self._clock())
        self._untold.append(alert)

    def _announce(self, change: Change) -> None:
        """Send an alert for an alarm, but not for those that only repeat one that was sent."""
        if not change.alerts or change.alarm.notify != "people":
            return
        document = alerts.alert_document(change, self._origin, uuid7(int(change.at * 1000), os.urandom))
        alerts.enqueue(self._storage.connection, document, self._settings.webhooks, self._clock())
        self._untold.append(document)

    def _tell_all(self) -> None:
        while self._untold:
            document = self._untold.pop(0)
            _log.warning("alert %s", json.dumps(document))
            with suppress(OSError):  # a terminal that is gone; the alert is in the outbox and the log
                self._tell(document)

    async def read_state(self, model: str | None, minutes: int) -> dict[str, Any]:
        """The state document, at most FRESH seconds old. Raises NotFound."""
        return await asyncio.to_thread(self._read_state, self._known(model), minutes)

    def _read_state(self, model: str, minutes: int) -> dict[str, Any]:
        with self._lock:
            now = self._clock()
            made, state = self._shown.get((model, minutes), (-FRESH, {}))
            # Not "newer than": a document of a clock that was ahead is not fresh until the clock is there.
            if not 0 <= now - made <= FRESH:
                state = self._states.state(model, minutes, now) | {"service": self._service()}
                shown = {key: value for key, value in self._shown.items() if 0 <= now - value[0] < FRESH}
                self._shown = shown | {(model, minutes): (now, state)}
            return state

    def _service(self) -> dict[str, Any]:
        """Return how the console itself fares."""
        lag = self.worker.lag()
        return {
            "lines_lost": self._storage.writer.lost,
            "lag_seconds": None if lag is None else int(lag),
            "dead": self.dead(),
        }

    async def replay(self, model: str | None, minutes: int, budget: float, minimum_effect: float) -> dict[str, Any]:
        """Return what the detector would have said with other settings. Raises NotFound, Busy, EvidenceError."""
        return await asyncio.to_thread(self._replay, self._known(model), minutes, budget, minimum_effect)

    def _replay(self, model: str, minutes: int, budget: float, minimum_effect: float) -> dict[str, Any]:
        if not self._replaying.acquire(blocking=False):
            raise Busy("expected one what-if at a time; try again when the other one is shown")
        try:
            frame = Frame.ending(self._clock(), minutes)
            return self._what_if.what_if(model, frame, budget=budget, minimum_effect=minimum_effect)
        finally:
            self._replaying.release()

    def _known(self, model: str | None) -> str:
        if model is None:
            return next(iter(self._models))
        if model not in self._models:
            raise NotFound(f"model: expected one of {', '.join(self._models)}")
        return model

    async def run_scenario(self, name: str, model: str | None) -> dict[str, Any]:
        """Send a scenario's requests through the predict path. Raises NotFound."""
        known = self._known(model)
        suite = self._models[known].suite
        try:
            scenario = suite[name] if suite else None
        except KeyError:
            scenario = None
        if suite is None or scenario is None:
            choices = ", ".join(one.name for one in suite.scenarios) if suite else "none"
            raise NotFound(f"scenario: expected one of {choices}")
        answers = [self._predict(known, request) for request in scenario.requests]
        average = sum(answers) / len(answers)
        severity = "normal" if average < 1 else "moderate" if average <= suite.threshold else "high"
        return {"scenario": name, "sent": len(answers), "average_drift_score": average, "severity": severity}

    def _predict(self, model: str, features: Mapping[str, Any]) -> float:
        headers = {"content-type": "application/json", "host": "localhost"}
        scope = {
            "path": f"/models/{model}/predict",
            "query_string": b"",
            "method": "POST",
            "http_version": "1.1",
            "client": None,
        }
        body = json.dumps({"features": features}).encode()
        event = gateway.http_event(scope, headers, body, now=self._clock())
        answer = self._handle(event, gateway.Context(event["requestContext"]["requestId"]))
        _, _, data = gateway.http_response(answer)
        return float(json.loads(data)["drift_score"])
