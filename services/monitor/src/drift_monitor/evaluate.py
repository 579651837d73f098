"""Judge closed minutes: evidence forward, one alert per drift, a notice when it ends."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

from drift_ml.evidence import Budget, EvidenceError, MixtureDetector, Settings, observe_window
from drift_ml.report import window_report
from drift_ml.window import Window

from . import alerts
from .compact import compact
from .errors import BadStore, Conflict
from .formats import WINDOW, refuse_newer
from .keys import MINUTE, Series
from .state import SeriesState

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable, Iterator, Mapping
    from typing import Any

    from drift_ml.evidence import DriftFinding

    from .reference import Reference
    from .stores import Store, StoredWindow

DAY = 86_400
LATENESS_MINUTES = 2
"""A minute is judged when it has been over for so long: log subscriptions deliver within seconds."""

LEAST_BUDGET = 1_000
SLICE = 120
"""Windows that are read and judged between two savings of the state: they bound the memory."""
MOST_SLICES = 12
"""Slices of one run: a day of minutes. What is left waits for the next run."""
KEPT_DAYS = 36
"""Days that one run looks through at most: a clock may be years ahead, and older events are refused."""

ASKED = "asked"
"""Stands for a version where the store remembers, for a model, that it was ever asked; versions are hex digits."""

UNREADABLE_WINDOW = "the window of %s at minute %d cannot be read, is not judged and stays as it is: %s"

_log = logging.getLogger("drift_monitor")


@dataclass(frozen=True)
class Policy:
    """How often the detector may be wrong, and what it must find to speak.

    budget_days: one false alarm per so many days at the observed traffic; or None, and budget_events holds.
    period: whole seconds that a window spans, 60 but on a scaled clock.
    """

    budget_events: float = 100_000
    budget_days: float | None = None
    minimum_effect: float = 0.1
    lateness_minutes: int = LATENESS_MINUTES
    period: int = MINUTE

    @property
    def day(self) -> int:
        """How many windows a day has."""
        return DAY // self.period

    def events(self, observed_per_day: float | None) -> float:
        """The budget in events. Kept to powers of two, so that traffic may vary without a new bar each day."""
        if self.budget_days is None or not observed_per_day:
            return self.budget_events
        wanted = max(self.budget_days * observed_per_day, LEAST_BUDGET)
        return float(2 ** (int(wanted).bit_length() - 1))


class Evaluation(NamedTuple):
    """What one run found for a series.

    window: everything judged in this run, None if nothing came. evidence, needed: ln of the strongest evidence
    in this run and of its bar. finding: the alarm that is on, else what the evidence says so far, if anything.
    behind: seconds of closed minutes that are left for the next run.
    asked: whether any version of the model ever had an event; before that silence says nothing.
    """

    series: Series
    counts: Counter[str]
    window: Window | None
    report: dict[str, Any] | None
    evidence: float
    needed: float
    alarm: bool
    finding: DriftFinding | None = None
    behind: float = 0.0
    asked: bool = True


@dataclass
class _Course:
    """What one run has come to so far: everything seen, the counts, and the evidence after each window."""

    seen: Window
    counts: Counter[str]
    strengths: list[float] = field(default_factory=list)

    def evaluation(self, series: Series, reference: Reference, detector: MixtureDetector) -> Evaluation:
        window = self.seen if self.seen.events else None
        return Evaluation(
            series,
            self.counts,
            window,
            window_report(reference.baseline, window) if window else None,
            max(self.strengths, default=detector.evidence),
            detector.needed,
            detector.alarm is not None,
            detector.alarm or detector.finding(),
        )


class Evaluator:
    """Runs over every series that has a reference.

    publish: sends one `alert.v1` document, or raises; an alert that could not be sent stays in the outbox and
    is tried again at the next run, under the same alert_id. now: seconds since 1970.
    """

    def __init__(
        self,
        references: Mapping[Series, Reference],
        store: Store,
        publish: Callable[[dict[str, Any]], None],
        now: Callable[[], float],
        *,
        stack: str,
        policy: Policy | None = None,
        links: Mapping[str, str] | None = None,
    ) -> None:
        self._references = references
        self._store = store
        self._publish = publish
        self._now = now
        self._stack = stack
        self._policy = policy or Policy()
        self._links = dict(links or {})
        self._asked: set[str] = set()

    def run(self) -> Iterator[Evaluation]:
        """Judge what has closed since the last run, series by series.

        One series that fails keeps none of the others from being judged; its error is raised at the end. A run that
        has much to do (the last one was long ago) does the oldest part, and leaves the rest to the next.
        Raises Conflict if another run is at work.
        """
        failures: list[Exception] = []
        for series, reference in self._references.items():
            try:
                yield self._with_memory(self._evaluate(series, reference))
                self._send(series)
            except BadStore as error:
                # Without a traceback: it says what is wrong, and the way out.
                _log.error("the evaluation of %s failed: %s", series, error)
                failures.append(error)
            except Exception as error:
                _log.exception("the evaluation of %s failed", series)
                failures.append(error)
        if failures:
            raise failures[0]

    def _with_memory(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation, knowing whether its model was ever asked: also by an earlier version's state."""
        model = evaluation.series.model
        if model not in self._asked:
            place = Series(model, ASKED)
            stored = self._store.state(place)
            if stored.state is None and not evaluation.asked:
                return evaluation
            if stored.state is None:
                with contextlib.suppress(Conflict):  # another run has just noted it
                    self._store.save(place, stored.revision, {ASKED: True})
            self._asked.add(model)
        return evaluation._replace(asked=True)

    def _evaluate(self, series: Series, reference: Reference) -> Evaluation:
        closed = int(self._now() // self._policy.period) - self._policy.lateness_minutes
        stored = self._store.state(series)
        state = SeriesState(closed - self._policy.day, closed)
        if stored.state:
            state = SeriesState.from_json(stored.state, series)
        if state.cursor >= closed:
            self._go_back(series, state, closed)
        counts, whole_before = compact(
            self._store,
            series,
            reference.baseline,
            before=closed,
            evaluated=state.cursor,
            judged_ahead=frozenset(state.judged_ahead),
        )
        whole_before = min(whole_before, state.cursor + 1 + KEPT_DAYS * self._policy.day)
        detector = self._detector(state, reference)
        course = _Course(Window.empty(reference.baseline, series.version), counts)
        ahead = frozenset(state.judged_ahead)
        for revision in range(stored.revision, stored.revision + MOST_SLICES):
            kept = self._store.windows(series, state.cursor + 1, whole_before - 1, SLICE)
            for each in kept:
                if each.key.minute not in ahead:  # else its events are evidence already
                    self._take(state, detector, each, reference, course)
            last = len(kept) < SLICE
            state.cursor = max(state.cursor, whole_before - 1 if last else kept[-1].key.minute)
            state.judged_ahead = [minute for minute in state.judged_ahead if minute > state.cursor]
            state.detector = detector.to_json()
            self._store.save(series, revision, state.to_json())
            if last:
                break
        behind = max(0, closed - 1 - state.cursor) * self._policy.period
        asked = state.events > 0 or counts["events"] > 0
        return course.evaluation(series, reference, detector)._replace(behind=float(behind), asked=asked)

    def _go_back(self, series: Series, state: SeriesState, closed: int) -> None:
        """Put a cursor that is ahead of the clock back, so that minutes to come are judged.

        The clock was ahead when the last run judged, or it is behind now. Windows between the two were judged then:
        they are remembered, so that no event is evidence twice.
        """
        most = KEPT_DAYS * self._policy.day
        windows = self._store.windows(series, closed, min(state.cursor, closed + most))
        windows += self._store.windows(series, max(closed, state.cursor - most), state.cursor)
        judged = {window.key.minute for window in windows}
        minutes = state.cursor - closed + 1
        _log.warning("%s was judged %d minutes ahead of the clock; judging goes on from the clock", series, minutes)
        state.judged_ahead = sorted(judged | set(state.judged_ahead))
        state.cursor = closed - 1

    def _take(
        self,
        state: SeriesState,
        detector: MixtureDetector,
        kept: StoredWindow,
        reference: Reference,
        course: _Course,
    ) -> None:
        """Judge a stored window; one that cannot be read is passed over, told, and stays where it is.

        Raises BadStore for one that is newer than this code.
        """
        refuse_newer(kept.window, WINDOW, kept.key.series, "a window")
        try:
            window = Window.from_json(kept.window, reference.baseline)
        except Exception as error:
            _log.error(UNREADABLE_WINDOW, kept.key.series, kept.key.minute, error)
            course.counts["unreadable"] += 1
            return
        course.strengths.append(self._judge(kept.key.series, state, detector, window, kept.key.minute, reference))
        course.seen += window

    def _judge(
        self,
        series: Series,
        state: SeriesState,
        detector: MixtureDetector,
        window: Window,
        minute: int,
        reference: Reference,
    ) -> float:
        """Take in one window; gives its evidence, which at the bar starts anew."""
        state.first = min(state.first, minute)
        state.events += window.events
        step = observe_window(
            detector,
            window.channel_counts(),
            events=window.events,
            timestamp_s=minute * self._policy.period,
        )
        if step.raised is not None:
            state.alert = alerts.drift_alert(
                self._stack,
                series,
                step.raised,
                reference,
                minute,
                budget=state.budget,
                links=self._links,
                period=self._policy.period,
            )
            state.outbox.append(state.alert)
        elif step.recovered is not None:
            if state.alert is not None:
                state.outbox.append(alerts.recovery(state.alert, minute, period=self._policy.period))
            state.alert = None
        return step.evidence

    def _detector(self, state: SeriesState, reference: Reference) -> MixtureDetector:
        """The detector as it was left; a new budget moves its bar and keeps its evidence.

        A state that is of other settings (of another release, or another minimum effect) is no evidence under these:
        the detector starts anew, and with it the alert.
        """
        observed = state.events * self._policy.day / max(state.cursor - state.first + 1, 60) if state.events else None
        budget = self._policy.events(observed)
        settings = self._settings(reference, budget)
        document = state.detector
        old, state.budget = state.budget, budget
        if document is None:
            return MixtureDetector(settings)
        if document["settings"] == self._settings(reference, old or budget).digest:
            document = document | {"settings": settings.digest}
        try:
            return MixtureDetector.from_json(document, settings)
        except EvidenceError:
            _log.warning("the detector's state is of other settings; it starts anew")
            state.alert = None
            return MixtureDetector(settings)

    def _settings(self, reference: Reference, budget: float) -> Settings:
        return Settings(reference.baseline.channels, Budget(budget), self._policy.minimum_effect)

    def _send(self, series: Series) -> None:
        """Publish what waits in the outbox, each alert once unless the process dies between sending and noting it."""
        stored = self._store.state(series)
        state = SeriesState.from_json(stored.state or {}, series)
        sent = 0
        try:
            for alert in state.outbox:
                self._publish(alert)
                sent += 1
        finally:
            if sent:
                state.outbox = state.outbox[sent:]
                self._store.save(series, stored.revision, state.to_json())
