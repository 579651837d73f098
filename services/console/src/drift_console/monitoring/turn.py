"""The monitor's turn: what Lambda does on a subscription and a schedule, done by the console's worker."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NoReturn

from drift_contracts import NotJson
from drift_ml.baseline import Baseline
from drift_monitor.aggregate import Aggregator, as_message
from drift_monitor.deliveries import Delivery
from drift_monitor.errors import BadStore
from drift_monitor.evaluate import Evaluator, Policy
from drift_monitor.keys import MINUTE, Series
from drift_monitor.metrics import emf_line, evaluation_values
from drift_monitor.reference import Reference

from drift_console.database import transaction
from drift_console.emf import parse_line
from drift_console.events import EventStore
from drift_console.metrics import MetricStore

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from drift_contracts import MonitoringSpec
    from drift_contracts.types import AlertV1
    from drift_engine.bundle import Bundle
    from drift_monitor.aggregate import Rejected
    from drift_monitor.evaluate import Evaluation
    from drift_monitor.stores import SqliteStore

    from drift_console.events import Run
    from drift_console.settings import Settings

RUNS = 16  # counted before the alarms get their turn again
LATENESS = 1  # minutes: the log is read to its end before each evaluation, so that nothing comes much later


def references_of(bundles: Mapping[str, Bundle]) -> dict[Series, Reference]:
    """What each model is compared with, from bundles that are loaded already."""
    return {
        Series(bundle.manifest["model"], bundle.manifest["model_version"]): Reference(
            bundle.feature_set, Baseline.from_json(bundle.baseline)
        )
        for bundle in bundles.values()
    }


def period_of(settings: Settings) -> int:
    """Seconds that the monitor's minute lasts: 60, and 1 with --fast."""
    return max(1, MINUTE // settings.scale)


class Monitor:
    """Counts and judges; used by the thread that owns the writing side of the store.

    A run of stored events never changes once it is stored, so its numbers name the batch: a run that is
    counted again after a crash changes nothing.
    """

    def __init__(
        self,
        connection: sqlite3.Connection,
        store: SqliteStore,
        references: Mapping[Series, Reference],
        settings: Settings,
        spec: MonitoringSpec,
        *,
        publish: Callable[[AlertV1], None],
        url: str,
    ) -> None:
        """publish: takes a drift alert, perhaps a second time under the same alert_id. url: the console's."""
        self._connection = connection
        self._store = store
        self._references = references
        self._stack = settings.stack
        self._spec = spec
        self._period = period_of(settings)
        self._letters = settings.dead_letters
        self._now = 0.0
        self._aggregator = Aggregator(
            references, store, self._set_aside, lambda: self._now, period=self._period, parse=_parse
        )
        self._evaluator = Evaluator(
            references,
            store,
            publish,
            lambda: self._now,
            stack=settings.stack,
            policy=Policy(lateness_minutes=LATENESS, period=self._period),
            links={"console": url},
        )

    @property
    def _counter(self) -> str:
        return f"monitored in windows of {self._period} s"

    def counted(self) -> int:
        """Return the number of the newest event that is in a window; none before it is missing."""
        row = self._connection.execute("SELECT value FROM counters WHERE name = ?", (self._counter,)).fetchone()
        return int(row[0]) if row else 0

    def count(self, now: float) -> bool:
        """Count stored events into windows; returns whether more are waiting. now: epoch seconds."""
        self._now = now
        cursor = self.counted()
        for _ in range(RUNS):
            run = EventStore(self._connection).next_run(cursor)
            if run is None:
                return False
            self._count_run(run)
            cursor = run.last
        return True

    def _count_run(self, run: Run) -> None:
        outcome = self._aggregator.take(
            Delivery(_batch(run.first), tuple(line.decode(errors="replace") for line in run.lines))
        )
        with transaction(self._connection):
            self._connection.execute("INSERT OR REPLACE INTO counters VALUES (?, ?)", (self._counter, run.last))
            if outcome.counts["rejected"]:
                self._measure({"DeadLetters": float(outcome.counts["rejected"])}, run.model, self._now)

    def _set_aside(self, rejected: list[Rejected]) -> None:
        with self._letters.open("a", encoding="utf-8") as file:
            file.writelines(as_message(letter) + "\n" for letter in rejected)

    def evaluate(self, complete_to: float, now: float) -> None:
        """Judge the minutes that closed before `complete_to`, up to which everything is counted.

        Both in epoch seconds; under load the first lies behind the second, by the metric EvaluationLag.
        """
        self._now = complete_to
        judged = int(complete_to // self._period) - LATENESS - 1
        try:
            for evaluation in self._evaluator.run():
                lag = {"EvaluationLag": evaluation.behind + max(0.0, now - complete_to)}
                with transaction(self._connection):
                    self._measure(evaluation_values(evaluation) | lag, evaluation.series.model, now)
                    self._keep(evaluation, judged)
        except BadStore:
            # The evaluator has logged it and judged the other series; the alarms must have their turn.
            return

    def _measure(self, values: Mapping[str, float], model: str, now: float) -> None:
        """Store the values as the EMF line that Lambda would write, read as CloudWatch would."""
        timestamp_ms = round(now * 1000)
        line = emf_line(values, stack=self._stack, model=model, timestamp_ms=timestamp_ms, spec=self._spec)
        parsed = parse_line(line.encode())
        if parsed is not None:
            MetricStore(self._connection).add([parsed])

    def _keep(self, evaluation: Evaluation, judged: int) -> None:
        document = {
            "judged": judged,
            "alarm": evaluation.alarm,
            "needed": evaluation.needed,
            "finding": evaluation.finding.to_json() if evaluation.finding else None,
        }
        series = evaluation.series
        self._connection.execute(
            "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?)", (series.model, series.version, json.dumps(document))
        )

    def prune(self, *, now: float, retention: float) -> None:
        """Forget windows older than `retention` seconds, and the names of batches that lie behind the cursor."""
        before = int((now - retention) // self._period)
        for series in self._references:
            self._store.forget(series, before=before, batches_below=_batch(self.counted()))


def _parse(text: str) -> Any:
    """A line of the console's own predictor: five times as quick as the parser for what strangers send."""
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"expected a finite number, not {name}")


def _batch(first: int) -> str:
    """A batch's name, sorted as its number. A run's first number says which it is: runs never overlap."""
    return f"events:{first:016d}"
