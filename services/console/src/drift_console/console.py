"""One running console: the parts put together, started and stopped in order."""

from __future__ import annotations

import asyncio
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.baseline import PREDICTION
from drift_monitor.acknowledgements import acknowledge
from drift_monitor.differences import PREFIX
from drift_monitor.stores import SqliteStore

from drift_console.alarm_evaluator import AlarmEvaluator
from drift_console.alerts import TIMEOUT, WebhookSender, has_alert
from drift_console.app import BadQuery, Busy, NotFound
from drift_console.clock import Steadiness
from drift_console.database import connect
from drift_console.frame import Frame
from drift_console.ingest import Ingester
from drift_console.metrics import MetricStore
from drift_console.monitoring import EvidenceReader, Monitor, WhatIf, period_of, policy_of
from drift_console.player import Player
from drift_console.scenario_runner import ScenarioRunner
from drift_console.stack_metrics import StackMetrics
from drift_console.state import StateReader
from drift_console.state_cache import ShownState, StateCache
from drift_console.threads import names_of_the_dead
from drift_console.worker import Worker

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable

    from drift_monitor.acknowledgements import Acknowledgement

    from drift_console.app import Acknowledging
    from drift_console.gateway import Handler
    from drift_console.monitoring import Asked
    from drift_console.page_types import (
        ScenarioResult,
        ServiceHealth,
        WhatIfDocument,
    )
    from drift_console.player import Feed
    from drift_console.publishing import AlertPublisher
    from drift_console.served import Served
    from drift_console.settings import Settings
    from drift_console.specification import Specification
    from drift_console.storage import Storage


@dataclass(frozen=True)
class Ending:
    """What became of the events when the console stopped."""

    #: Lines that could not be written.
    lost: int
    #: Whether the log was read to its end.
    finished: bool
    #: Names of the threads that died.
    dead: tuple[str, ...]


class Console:
    """Watches what the edge writes; `read_state`, `replay` and `run_scenario` serve the page."""

    def __init__(  # noqa: PLR0913 - the parts, each by name
        self,
        settings: Settings,
        storage: Storage,
        specification: Specification,
        served: Served,
        handle: Handler,
        publisher: AlertPublisher,
        clock: Callable[[], float],
        feed: Feed | None = None,
    ) -> None:
        """Put the parts together; nothing runs before `start`.

        Args:
            settings: Those of the command line.
            storage: The data folder, which `stop` releases.
            specification: The monitoring spec for the stack.
            served: The models.
            handle: The Lambda edge, which answers scenarios.
            publisher: Sends alerts.
            clock: Gives epoch seconds.
            feed: Past traffic that is played; None for live traffic.
        """
        self._settings = settings
        self._feed = feed
        self._storage = storage
        self._views = served.views
        self._clock = clock
        self._connections: list[sqlite3.Connection] = []
        self._stores: list[SqliteStore] = []
        #: Counts events into windows and decides on drift.
        self.monitor = self._make_monitor(specification, served, publisher)
        #: Takes the log in, and lets monitor and alarms have their turns.
        self.worker = self._make_worker(specification, served, publisher)
        self._sender = WebhookSender(
            self._connect(),
            clock=clock,
            steadiness=Steadiness(clock),
        )
        self._states = StateCache(
            self._make_state_reader(specification, served),
            clock=clock,
            # The clock of past traffic stands still at its end, and documents age all the same.
            timer=clock if feed is None else time.time,
            health=self._health,
        )
        # A what-if takes a second. With a store of its own it neither waits for the page's
        # documents nor blocks them.
        self._what_if = WhatIf(
            self._open_windows(),
            served.references,
            policy=policy_of(settings, specification.document),
        )
        self._replaying = threading.Lock()
        self._alerts = self._open_alerts()
        self._acknowledging = threading.Lock()
        self._scenarios = ScenarioRunner(handle, clock)

    def _connect(self) -> sqlite3.Connection:
        """Return a connection of its own for a thread; `stop` closes it."""
        connection = connect(self._storage.path)
        self._connections.append(connection)
        return connection

    def _open_windows(self) -> SqliteStore:
        """Return a store of windows of its own for a thread; `stop` closes it."""
        store = SqliteStore(self._settings.windows)
        self._stores.append(store)
        return store

    def _open_alerts(self) -> SqliteStore:
        """Return a store of the alerts of its own for a thread; `stop` closes it."""
        store = SqliteStore(self._storage.path)
        self._stores.append(store)
        return store

    def _make_monitor(
        self,
        specification: Specification,
        served: Served,
        publisher: AlertPublisher,
    ) -> Monitor:
        return Monitor(
            self._storage.connection,
            self._open_windows(),
            served.references,
            self._settings,
            specification.document,
            publish=publisher.publish,
            url=publisher.source.console_url,
            acknowledgements=self._open_alerts(),
        )

    def _make_worker(
        self,
        specification: Specification,
        served: Served,
        publisher: AlertPublisher,
    ) -> Worker | Player:
        settings, connection = self._settings, self._storage.connection
        metrics = StackMetrics(MetricStore(connection), specification.namespace, settings.stack)
        evaluator = AlarmEvaluator(
            connection,
            {name: view.alarms for name, view in served.views.items()},
            metrics.reader,
            announce=publisher.announce,
            ever_had_data=metrics.ever_had_data,
        )
        if self._feed is not None:
            return Player(
                self._feed,
                connection,
                Ingester(connection, settings.log),
                self.monitor,
                evaluator,
                settings=settings,
                after_evaluation=publisher.tell_all,
            )
        return Worker(
            Ingester(connection, settings.log),
            self.monitor,
            evaluator,
            clock=self._clock,
            scale=settings.scale,
            retention=settings.retention,
            after_evaluation=publisher.tell_all,
        )

    def _make_state_reader(self, specification: Specification, served: Served) -> StateReader:
        settings, connection = self._settings, self._connect()
        evidence = EvidenceReader(
            connection,
            self._open_windows(),
            served.references,
            period=period_of(settings),
            alerts=self._open_alerts(),
        )
        return StateReader(
            connection,
            namespace=specification.namespace,
            stack=settings.stack,
            threshold=specification.threshold,
            fast=settings.fast,
            models=served.views,
            evidence=evidence,
        )

    def start(self) -> None:
        """Start watching."""
        self.worker.start()
        self._sender.start()

    def dead(self) -> list[str]:
        """Return the names of the threads that died."""
        return names_of_the_dead((self.worker, self._sender))

    def stop(self) -> Ending:
        """Take in what is in the log, end the threads, release the folder."""
        self.worker.stop()
        self._sender.stop()
        # Nothing that was answered may be lost; an alert that is being sent has a limit.
        if self.worker.ident is not None:
            self.worker.join()
        if self._sender.ident is not None:
            self._sender.join(timeout=TIMEOUT + 2)
        ending = Ending(self._storage.writer.lost, self.worker.finished, tuple(self.dead()))
        self._states.close()
        # A what-if that is being made reads one of the stores.
        with self._replaying:
            for connection in self._connections:
                connection.close()
            for store in self._stores:
                store.close()
        self._storage.close()
        return ending

    def _health(self) -> ServiceHealth:
        """Return how the console itself fares."""
        lag = self.worker.lag()
        health: ServiceHealth = {
            "lines_lost": self._storage.writer.lost,
            "lag_seconds": None if lag is None else int(lag),
            "dead": self.dead(),
        }
        if isinstance(self.worker, Player):
            health["replay"] = self.worker.entry()
        return health

    def _name(self, model: str | None) -> str:
        """Return the name of a served model, the first one for None. Raises NotFound."""
        if model is None:
            return next(iter(self._views))
        if model not in self._views:
            raise NotFound(f"model: expected one of {', '.join(self._views)}")
        return model

    async def read_state(self, model: str | None, minutes: int) -> ShownState:
        """Return the state as pages take it.

        Args:
            model: One that is served; None for the first.
            minutes: The span shown.

        Raises:
            NotFound: For a model that is not served.
        """
        return await self._states.read(self._name(model), minutes)

    async def replay(
        self,
        model: str | None,
        minutes: int,
        asked: Asked,
    ) -> WhatIfDocument:
        """Return what the detector would have done with other settings.

        Args:
            model: One that is served; None for the first.
            minutes: The span shown.
            asked: The other settings.

        Raises:
            NotFound: For a model that is not served.
            BadQuery: For a feature that the model does not have.
            Busy: While another one is being made.
            EvidenceError: For settings that cannot be.
        """
        name = self._name(model)
        names = [*self._views[name].feature_set.names, PREDICTION]
        if not {*asked.muted, *asked.minimum_effects} <= {*names}:
            raise BadQuery(f"muted_features, minimum_effects: expected one of {', '.join(names)}")
        return await asyncio.to_thread(self._replay, name, minutes, asked)

    def _replay(
        self,
        model: str,
        minutes: int,
        asked: Asked,
    ) -> WhatIfDocument:
        if not self._replaying.acquire(blocking=False):
            raise Busy("expected one what-if at a time; try again when the other one is shown")
        try:
            frame = Frame.ending(self._clock(), minutes)
            return self._what_if.replay(model, frame, asked)
        finally:
            self._replaying.release()

    async def acknowledge(self, alert_id: str, asked: Acknowledging) -> Acknowledgement:
        """Keep that somebody has seen an alert, or take that back.

        Args:
            alert_id: Of the alert.
            asked: Who, why, and of which model.

        Raises:
            NotFound: For a model that is not served, or an alert or a feature that it does not
                have.
        """
        return await asyncio.to_thread(self._acknowledge, alert_id, asked)

    def _acknowledge(self, alert_id: str, asked: Acknowledging) -> Acknowledgement:
        model = self._name(asked.model)
        with self._acknowledging:
            if alert_id.startswith(PREFIX):
                names = [*self._views[model].feature_set.names, PREDICTION]
                if alert_id.removeprefix(PREFIX) not in names:
                    listed = ", ".join(names)
                    raise NotFound(f"alert: expected {PREFIX} and one of {listed}")
            elif not has_alert(self._storage.path, model, alert_id):
                raise NotFound("alert: expected the id of an alert that the page lists")
            return acknowledge(
                self._alerts,
                model,
                alert_id,
                who=asked.who,
                why=asked.why,
                now=self._clock(),
                undo=asked.undo,
                new_normal=asked.new_normal,
            )

    async def run_scenario(self, name: str, model: str | None) -> ScenarioResult:
        """Send a scenario's requests through the predict path.

        Args:
            name: The scenario's.
            model: One that is served; None for the first.

        Raises:
            NotFound: For a model that is not served, or a scenario that it does not have.
        """
        model = self._name(model)
        return self._scenarios.run(model, self._views[model].suite, name)
