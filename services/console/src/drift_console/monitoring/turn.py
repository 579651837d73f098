"""The monitor's turn: in the worker, what Lambda does on a subscription and a schedule."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NoReturn

from drift_contracts import NotJson
from drift_ml.populations import CALLER
from drift_ml.segments import SegmentsError
from drift_monitor.aggregate import Aggregator, as_message
from drift_monitor.callers import caller_segment, caller_series
from drift_monitor.deliveries import Delivery
from drift_monitor.errors import BadStore
from drift_monitor.evaluate import Evaluator
from drift_monitor.event_search import search_events
from drift_monitor.held import joined_spans, spans_of, standing_alerts
from drift_monitor.metrics import emf_line, evaluation_values
from drift_monitor.policy import Policy
from drift_monitor.reference import with_parts
from drift_monitor.rules import Rules
from drift_monitor.state import SeriesState

from drift_console.alerts import shown_alerts
from drift_console.database import transaction
from drift_console.emf import parse_line
from drift_console.events import EventStore
from drift_console.metrics import MetricStore
from drift_console.monitoring.judgements import write_judgement
from drift_console.monitoring.references import period_of

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Callable, Mapping

    from drift_contracts import MonitoringSpec
    from drift_monitor.aggregate import Rejected
    from drift_monitor.alerts import Alert
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference
    from drift_monitor.stores import SqliteStore

    from drift_console.events import Run
    from drift_console.settings import Settings

#: Runs of events that are counted before the alarms get their turn again.
RUNS = 16
#: Retentions for which windows of evidence under way stay: an alert that rests on them may be next.
RETENTIONS = 2
#: Windows. The log is read to its end before each evaluation, so that nothing comes much later.
LATENESS = 1
#: Events that are looked through for the segment of an alert, the newest: a second at most.
MOST_SEARCHED = 30_000


class Monitor:
    """Counts events and decides on drift; used by the thread that writes to the store.

    A run of stored events never changes once it is stored, so its numbers name the batch: a run
    that is counted again after a crash changes nothing.
    """

    def __init__(  # noqa: PLR0913 - the parts it works with, each by name
        self,
        connection: sqlite3.Connection,
        store: SqliteStore,
        references: Mapping[Series, Reference],
        settings: Settings,
        spec: MonitoringSpec,
        *,
        publish: Callable[[Alert], None],
        url: str,
        acknowledgements: SqliteStore | None = None,
    ) -> None:
        """Prepare aggregator and evaluator.

        Args:
            connection: Of the console's store, to write.
            store: Where windows are kept.
            references: What each series is compared with.
            settings: The console's.
            spec: Names namespace, dimensions and units of the metrics.
            publish: Takes a drift alert, perhaps a second time under the same alert_id.
            url: The console's page, for alerts.
            acknowledgements: Where alerts are acknowledged; `store` if absent.
        """
        self._connection = connection
        self._store = store
        self._references = references
        self._stack = settings.stack
        self._spec = spec
        self._metric_features = settings.metric_features
        self._period = period_of(settings)
        self._counter = f"monitored in windows of {self._period} s"
        self._letters = settings.dead_letters
        self._now = 0.0
        self._aggregator = Aggregator(
            references,
            store,
            self._set_aside,
            lambda: self._now,
            period=self._period,
            parse=_parse,
        )
        self._evaluator = Evaluator(
            references,
            store,
            publish,
            lambda: self._now,
            stack=settings.stack,
            policy=policy_of(settings, spec),
            links={"console": url},
            shown=lambda model: shown_alerts(connection, model),
            acknowledgements=acknowledgements,
        )

    def counted(self) -> int:
        """Return the number of the newest event that is in a window; none before it is missing."""
        row = self._connection.execute(
            "SELECT value FROM counters WHERE name = ?",
            (self._counter,),
        ).fetchone()
        return int(row[0]) if row else 0

    def count(self, now: float) -> bool:
        """Count stored events into windows; return whether more are waiting.

        now: epoch seconds.
        """
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
        lines = tuple(line.decode(errors="replace") for line in run.lines)
        outcome = self._aggregator.take(Delivery(_batch(run.first), lines))
        rejected = float(outcome.counts["rejected"])
        with transaction(self._connection):
            self._connection.execute(
                "INSERT OR REPLACE INTO counters VALUES (?, ?)",
                (self._counter, run.last),
            )
            if rejected:
                self._measure({"DeadLetters": rejected}, run.model, self._now)

    def _set_aside(self, rejected: list[Rejected]) -> None:
        with self._letters.open("a", encoding="utf-8") as file:
            file.writelines(f"{as_message(letter)}\n" for letter in rejected)

    def evaluate(self, complete_to: float, now: float) -> None:
        """Decide on the windows that closed before everything was counted.

        Under load the first argument lies behind the second, by the metric EvaluationLag.

        Args:
            complete_to: Epoch seconds up to which every event is counted.
            now: Epoch seconds.
        """
        self._now = complete_to
        judged = int(complete_to // self._period) - LATENESS - 1
        behind = max(0.0, now - complete_to)
        try:
            for evaluation in self._evaluator.run(self._search):
                values = evaluation_values(evaluation, self._metric_features)
                values["EvaluationLag"] = evaluation.behind + behind
                with transaction(self._connection):
                    self._measure(values, evaluation.series.model, now)
                    write_judgement(self._connection, evaluation, judged)
        except BadStore:
            # The evaluator has logged it and gone on to the other series; the alarms must have
            # their turn.
            return

    def _search(
        self,
        alert: Alert,
        reference: Reference,
    ) -> str:
        """Return which segment holds the drift of an alert, as the stored events say."""
        events = EventStore(self._connection).newest(alert["model"], MOST_SEARCHED)
        return str(search_events(alert, reference, (event.document() for event in events)))

    def _measure(self, values: Mapping[str, float], model: str, now: float) -> None:
        """Store the values as the EMF line that Lambda would write, read as CloudWatch would."""
        line = emf_line(
            values,
            stack=self._stack,
            model=model,
            timestamp_ms=round(now * 1000),
            spec=self._spec,
        )
        parsed = parse_line(line.encode())
        if parsed is not None:
            MetricStore(self._connection).add([parsed])

    def prune(self, *, now: float, retention: float) -> None:
        """Forget old windows, and the names of batches that lie behind the cursor.

        Args:
            now: Epoch seconds.
            retention: Seconds that windows are kept.
        """
        before = int((now - retention) // self._period)
        batches_below = _batch(self.counted())
        spans = self._shown_spans()
        oldest = int((now - RETENTIONS * retention) // self._period)
        wholes = {part: series for series in self._references for part in self._callers(series)}
        for series in [*with_parts(self._references), *wholes]:
            kept = []
            # The windows of a caller may have been taken off those of the whole.
            for holder in {series, wholes.get(series, series)}:
                kept += spans.get(holder, [])
                # The evaluation reports a state that cannot be read.
                with suppress(BadStore):
                    state = SeriesState.from_json(self._store.state(holder).state or {}, holder)
                    kept += spans_of(standing_alerts(state))
                    if state.digests:
                        kept.append((max(state.digests[0]["first"], oldest), before))
            self._store.forget(
                series, before=before, batches_below=batches_below, kept=joined_spans(kept)
            )

    def _callers(self, series: Series) -> list[Series]:
        """Return the series of the callers of a model that have windows of their own."""
        return list(caller_series(self._store, series))

    def _shown_spans(self) -> dict[Series, list[tuple[int, int]]]:
        """Return the minutes that the alerts on the page rest on, by series."""
        spans: dict[Series, list[tuple[int, int]]] = {}
        for series, reference in self._references.items():
            for alert in shown_alerts(self._connection, series.model):
                if alert["model_version"] != series.version:
                    continue
                # Any: an alert of an earlier release is of no segment.
                named: Any = alert.get("segment")
                place = series
                if named is not None and named["name"] == CALLER and reference.has_callers:
                    place = series.part(caller_segment(named["value"]).code)
                elif named is not None and reference.segments is not None:
                    with suppress(SegmentsError):
                        code = reference.segments.named(named["name"], named["value"]).code
                        place = series.part(code)
                spans.setdefault(place, []).extend(spans_of([alert]))
        return spans


def policy_of(settings: Settings, spec: MonitoringSpec) -> Policy:
    """Return how the evaluator decides.

    Args:
        settings: The console's.
        spec: Has the limit of PSI where the settings choose none.
    """
    return Policy(
        learns_rhythm=settings.rhythm,
        allows_for_repeats=settings.repeats,
        references=Rules.of(settings.reference, settings.new_normal_days),
        left_out=settings.left_out,
        budget_days=settings.false_alarm_days,
        minimum_effect=settings.minimum_effect,
        minimum_effects=settings.minimum_effects,
        muted=settings.muted,
        psi_alarm=_psi_alarm(settings, spec),
        lateness_minutes=LATENESS,
        period=period_of(settings),
    )


def _psi_alarm(settings: Settings, spec: MonitoringSpec) -> float:
    """Return the limit of PSI that the spec's alarm has on this machine; 0 for no such alarm."""
    if settings.psi_alarm is not None:
        return settings.psi_alarm
    return float(spec.settings_for(settings.stack)["psi_alarm"])


# Any: the aggregator checks what the line holds. Its lines are of the console's own predictor, so
# a parser that is five times as quick as the one for strangers' texts will do.
def _parse(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse)


def _refuse(name: str) -> NoReturn:
    raise NotJson(f"expected a finite number, not {name}")


def _batch(first: int) -> str:
    """Return the name of the batch that begins with an event, in the order of the numbers.

    The number of its first event names a run: runs never overlap.
    """
    return f"events:{first:016d}"
