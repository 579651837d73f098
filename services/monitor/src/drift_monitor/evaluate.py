"""Evaluate closed minutes: gather evidence, alert once per drift, and tell when it has ended."""

from __future__ import annotations

import contextlib
import logging
from dataclasses import replace
from math import inf
from typing import TYPE_CHECKING

from drift_contracts.timestamps import utc_text_of_seconds
from drift_ml.evidence import (
    Budget,
    EvidenceError,
    MixtureDetector,
    Settings,
    observe_window,
)
from drift_ml.figures import plain_number
from drift_ml.left_out import is_left_out
from drift_ml.psi_blocks import muted_at
from drift_ml.window import Window

from drift_monitor import alerts
from drift_monitor.acknowledgements import acknowledged
from drift_monitor.bases import bases_in_words
from drift_monitor.callers import Callers, NetWindows, Watched, caller_segment, callers_in_words
from drift_monitor.compact import compact
from drift_monitor.differences import (
    JUDGED_DAYS,
    differing,
    keep_differences,
    with_acknowledgements,
)
from drift_monitor.digests import add_window, document_digest
from drift_monitor.errors import BadStore, Conflict
from drift_monitor.evaluation import Evaluation, Run
from drift_monitor.event_search import NOT_SEARCHED, is_searched_for
from drift_monitor.formats import WINDOW, refuse_newer
from drift_monitor.grounds import GroundsOfAlerts
from drift_monitor.held import HeldWindows, rhythms_of, standing_alerts
from drift_monitor.keys import Series
from drift_monitor.policy import DAY, Policy
from drift_monitor.psi_meter import PsiMeter
from drift_monitor.rhythm_archive import keep_rhythm
from drift_monitor.rhythms import Rhythms
from drift_monitor.segments import SegmentState, reconcile
from drift_monitor.state import SeriesState
from drift_monitor.sums import HOUR_S, HOURS_A_DAY

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from drift_contracts.types import AlertV2
    from drift_ml.evidence import DriftFinding, StandingAlarm
    from drift_ml.rhythm import Rhythm
    from drift_ml.segments import Segment

    from drift_monitor.acknowledgements import Acknowledgement
    from drift_monitor.alerts import Alert, AlertSource
    from drift_monitor.differences import Differing
    from drift_monitor.event_search import SegmentSearch
    from drift_monitor.reference import Reference
    from drift_monitor.rhythms import Memory
    from drift_monitor.stores import Revision, Store, StoredState, StoredWindow

#: Days after which a drift that began before the rhythm was known is the new normal, once it is.
FIRST_NORMAL_DAYS = 3
#: Minutes over which the traffic of a new series is measured, at least.
LEAST_MINUTES = 60
#: Windows that are read and evaluated between two savings of the state: they bound the memory.
SLICE = 120
#: Slices of one run: a day of minutes. What is left waits for the next run.
MOST_SLICES = 12
#: Days that one run looks through at most: a clock may be years ahead, and older events are
#: refused.
RETAINED_DAYS = 36
#: Stands for a version where the store remembers, for a model, that it was ever asked; versions
#: are hex digits.
ASKED = "asked"

UNREADABLE_WINDOW = (
    "the window of %s at minute %d cannot be read, is not evaluated and stays as it is: %s"
)
JUMPED = "%s was evaluated %d minutes ahead of the clock; evaluation goes on from the clock"
HIGH_PSI = "PSI of %s in the traffic of %s is %s over %d events"
OTHER_SETTINGS = "the state of %s's detector is of other settings; it starts anew"

_log = logging.getLogger("drift_monitor")


class Evaluator:
    """Evaluates every series that has a reference."""

    def __init__(  # noqa: PLR0913 - the parts it works with, each by name
        self,
        references: Mapping[Series, Reference],
        store: Store,
        publish: Callable[[Alert], None],
        now: Callable[[], float],
        *,
        stack: str,
        policy: Policy | None = None,
        links: Mapping[str, str] | None = None,
        acknowledgements: Store | None = None,
        shown: Callable[[str], Sequence[Alert]] | None = None,
    ) -> None:
        """Make an evaluator; it reads nothing yet.

        Args:
            references: baseline and feature set by series.
            store: has fragments, windows and states.
            publish: sends one alert, or raises. An alert that could not be sent stays in the
                outbox and is tried again at the next run, under the same alert_id.
            now: seconds since 1970.
            stack: the deployment's name, for alerts.
            policy: how often the detector may be wrong.
            links: addresses by name, for alerts.
            acknowledgements: where alerts are acknowledged; `store` if absent.
            shown: returns the alerts of a model that are shown though they may have ended; none
                by default.
        """
        self._references = references
        #: Without the callers that are left out of the whole.
        self._net = NetWindows(store)
        self._store: Store = self._net
        self._acknowledgements = store if acknowledgements is None else acknowledgements
        self._publish = publish
        self._now = now
        self._stack = stack
        self._policy = policy or Policy()
        self._rhythms = Rhythms(
            self._store, self._policy.period, self._policy.left_out, self._policy.references
        )
        self._held = HeldWindows(store, self._policy.period)
        self._callers = Callers(store, self._rhythms, self._policy.windows_a_day)
        #: First minute of which fragments of callers may be left, by the series of all traffic.
        self._callers_whole_before: dict[Series, float] = {}
        self._grounds = GroundsOfAlerts(self._net, self._policy, self._rhythms, self._differing)
        self._shown = shown or _none_shown
        self._links = dict(links or {})
        # Versions of one model share its traffic, so that they are one.
        self._models = len({series.model for series in references})
        #: Events to one false alarm of each series with its segments, as of this run.
        self._budgets: dict[Series, float] = {}
        #: Of segments, in this run.
        self._failures: list[Exception] = []
        #: Models that were ever asked, as far as this process knows.
        self._asked: set[str] = set()

    def run(self, search: SegmentSearch | None = None) -> Iterator[Evaluation]:
        """Evaluate what has closed since the last run, and yield it series by series.

        A series that fails does not keep the others from being evaluated; its error is raised at
        the end. A run that has much to do (the last one was long ago) does the oldest part, and
        leaves the rest to the next.

        Args:
            search: looks for the segment of an alert of all traffic before it is sent, once; none
                is looked for by default. It takes its time after all series were evaluated.

        Raises:
            Conflict: another run is at work.
            BadStore: a stored document is damaged, or newer than this code.
        """
        failures: list[Exception] = []
        self._failures = failures
        unsearched: list[Series] = []
        for series, reference in self._references.items():
            try:
                callers = self._look_at_callers(series, reference)
                evaluation = self._evaluate_parts(series, reference)
                apart = self._evaluate_callers(evaluation, reference, callers)
                yield self._with_memory(apart)
                # After the metrics are written: they are measured also if the alert cannot be sent.
                # What waits for its search stays in the outbox until all series are evaluated.
                if not self._send(series, is_to_search=search is not None):
                    unsearched.append(series)
                for part in (*reference.parts(series), *callers.series(series)):
                    self._send(part)
            except BadStore as error:
                # Without a traceback: the message has the cause and the way out.
                _log.error("the evaluation of %s failed: %s", series, error)
                failures.append(error)
            except Exception as error:
                _log.exception("the evaluation of %s failed", series)
                failures.append(error)
        if search is not None:
            self._search(unsearched, search)
        if failures:
            raise failures[0]

    def _search(
        self,
        unsearched: Sequence[Series],
        search: SegmentSearch,
    ) -> None:
        """Look for the segments of what waits in the outboxes of some series, and send it."""
        for series in unsearched:
            try:
                self._search_segments(series, search)
                self._send(series)
            except Exception as error:
                _log.exception("the alerts of %s could not be sent", series)
                self._failures.append(error)

    def _search_segments(
        self,
        series: Series,
        search: SegmentSearch,
    ) -> None:
        """Look for the segment of each alert of a series that none was looked for yet.

        That a search has begun is saved before it, with words that say so: a process that dies of
        it leaves an alert that the next run sends as it is.
        """
        stored = self._store.state(series)
        state = SeriesState.from_json(stored.state or {}, series)
        waiting = _unsearched(state)
        for alert in waiting:
            state.searched.append(alert["alert_id"])
            state.reword(alert, NOT_SEARCHED)
        self._store.save(series, stored.revision, state.to_json())
        for alert in waiting:
            try:
                words = search(alert, self._references[series])
            except Exception:
                # The alert says what is known; why no segment is named is for the log.
                _log.exception("the segment of an alert of %s could not be searched for", series)
                continue
            state.reword(alert, words)
        self._store.save(series, stored.revision + 1, state.to_json())

    def _evaluate_parts(
        self,
        series: Series,
        reference: Reference,
    ) -> Evaluation:
        """Evaluate a series, and each segment of it that is watched, by a detector of its own."""
        whole = self._evaluate(series, reference)
        parts = reference.parts(series)
        if reference.segments is None or not parts:
            listed = reference.segments or ()
            return replace(whole, segments=tuple(map(SegmentState, listed)))
        evaluated: dict[Series, Evaluation] = {}
        for part, segment in parts.items():
            self._budgets[part] = reference.shares.segment(self._budgets[series])
            # A segment that fails must not keep the whole and its alerts from being told.
            try:
                evaluated[part] = self._evaluate(part, reference.of_part(segment), segment)
            except Exception as error:
                _log.error("the evaluation of %s of %s failed: %s", segment, series, error)
                self._failures.append(error)
        findings = {part: evaluation.finding for part, evaluation in evaluated.items()}
        states = reconcile(self._store, series, {part: parts[part] for part in evaluated}, findings)
        segments = []
        for segment in reference.segments:
            part = series.part(segment.code)
            if part in evaluated:
                segments.append(_segment_state(segment, evaluated[part], states[part].events))
            else:
                segments.append(SegmentState(segment))
        return replace(
            whole,
            alarm=whole.alarm or any(evaluation.alarm for evaluation in evaluated.values()),
            alerts=tuple(alert for state in states.values() for alert in state.alerts.values()),
            muted=tuple(alert for state in states.values() for alert in state.muted.values()),
            segments=tuple(segments),
        )

    def _look_at_callers(
        self,
        series: Series,
        reference: Reference,
    ) -> Watched:
        """Return what is known of the callers of a series, and leave out those that are apart."""
        rules = self._policy.references
        watched = Watched({})
        # A caller that is apart is held against its own traffic, where that may be learned.
        if reference.has_callers and self._policy.learns_rhythm and rules.is_rolling:
            closed = int(self._now() // self._policy.period) - self._policy.lateness_minutes
            watched = self._callers.look(series, reference.baseline, closed)
        self._callers_whole_before[series] = watched.whole_before
        self._net.leave_out(series, reference.baseline, watched.spans)
        return watched

    def _evaluate_callers(
        self,
        whole: Evaluation,
        reference: Reference,
        watched: Watched,
    ) -> Evaluation:
        """Return an evaluation with the callers that are left out, each by a detector of its own.

        Args:
            whole: of the series, with its segments.
            reference: of the series.
            watched: its callers.
        """
        if not watched.out:
            return whole
        series, ready = whole.series, {}
        cursor = SeriesState.from_json(self._store.state(series).state or {}, series).cursor
        alarm, listed, muted = whole.alarm, list(whole.alerts), list(whole.muted)
        for name, population in watched.out.items():
            segment = caller_segment(name, rows=population.events, share=population.share)
            part = series.part(segment.code)
            self._budgets[part] = reference.shares.segment(self._budgets[series])
            # As for segments.
            try:
                of_caller = reference.of_part(segment)
                ready[name] = self._callers.is_ready(part, of_caller.baseline, population, cursor)
                if ready[name]:
                    evaluation = self._evaluate(part, of_caller, segment)
                    alarm = alarm or evaluation.alarm
                    listed += evaluation.alerts
                    muted += evaluation.muted
            except Exception as error:
                _log.error("the evaluation of %s of %s failed: %s", segment, series, error)
                self._failures.append(error)
        words = callers_in_words(watched, ready, self._policy.windows_a_day)
        return replace(
            whole,
            alarm=alarm,
            alerts=tuple(listed),
            muted=tuple(muted),
            rhythm=f"{whole.rhythm}{words}" if words else whole.rhythm,
        )

    def _with_memory(self, evaluation: Evaluation) -> Evaluation:
        """Return the evaluation, `asked` also where an earlier version of its model was."""
        model = evaluation.series.model
        if model not in self._asked:
            place = Series(model, ASKED)
            stored = self._store.state(place)
            if stored.state is None:
                if not evaluation.asked:
                    return evaluation
                with contextlib.suppress(Conflict):  # another run has just noted it
                    self._store.save(place, stored.revision, {ASKED: True})
            self._asked.add(model)
        return replace(evaluation, asked=True)

    def _evaluate(
        self,
        series: Series,
        reference: Reference,
        segment: Segment | None = None,
    ) -> Evaluation:
        closed = int(self._now() // self._policy.period) - self._policy.lateness_minutes
        stored = self._store.state(series)
        state = self._state(series, stored, closed)
        compacted = compact(
            self._store,
            series,
            reference.baseline,
            before=closed,
            evaluated=state.cursor,
            evaluated_ahead=frozenset(state.judged_ahead),
        )
        most = state.cursor + 1 + RETAINED_DAYS * self._policy.windows_a_day
        source = alerts.AlertSource(
            self._stack, series, reference, self._links, self._policy.period, segment
        )
        memory = None
        if self._policy.learns_rhythm:
            memory = self._rhythms.memory(series, reference.baseline, state.first)
        detector = self._detector(series, state, reference, memory)
        if memory is not None and self._policy.references.is_rolling:
            renewed = self._take_as_normal(source, state, detector, memory)
            if renewed is not memory:
                state.detector = detector.to_json()
                memory = renewed
                detector = self._detector(series, state, reference, memory)
        run = Run(
            source,
            state,
            detector,
            Window.empty(reference.baseline, series.release),
            compacted.counts,
            self._first_day_over(memory, reference),
            psi=self._psi_meter(state, reference, series),
            memory=memory,
            rhythm=self._rhythm(memory, reference),
        )
        callers_before = self._callers_whole_before.get(series, inf)
        whole_before = int(min(compacted.whole_before, callers_before, most))
        self._catch_up(run, stored.revision, whole_before)
        if memory is not None:
            memory = self._rhythms.collect(
                series,
                reference.baseline,
                memory,
                state.cursor,
                state.detector,
                reference.rhythm,
                run.detector.explained_channels,
            )
            if segment is None and memory.has_whole_day:
                self._keep_differences(run, memory)
        self._held.renew(series, standing_alerts(state), self._now())
        self._callers.hold(series, standing_alerts(state), self._net.spans(series), self._now())
        left = max(0, closed - 1 - state.cursor)
        evaluation = run.evaluation(float(left * self._policy.period))
        words = self._rhythm_in_words(memory, reference)
        differs: tuple[Differing, ...] | None = None
        if memory is not None:
            differs = self._differing(series) if memory.has_whole_day else ()
        quiet = evaluation.window is None and self._is_usually_quiet(series, state, memory)
        return replace(evaluation, rhythm=words, differs=differs, is_usually_quiet=quiet)

    def _is_usually_quiet(
        self,
        series: Series,
        state: SeriesState,
        memory: Memory | None,
    ) -> bool:
        """Return whether a silence up to the cursor is no longer than its hours usually have.

        Args:
            series: in which nothing came in this run.
            state: of the series.
            memory: what is stored of its rhythm.
        """
        if memory is None or memory.usual is None or series.segment:
            return False
        since_s = memory.usual.missing_since((state.cursor + 1) * self._policy.period)
        if since_s == -inf:
            return True
        begin = int(since_s // self._policy.period)
        windows = self._store.windows(series, begin, state.cursor)
        # One without events is left where its only callers are counted apart.
        return any(stored.window["events"] for stored in windows)

    def _keep_differences(
        self,
        run: Run,
        memory: Memory,
    ) -> None:
        """Find what differs from training where another day is over."""
        source, baseline = run.source, run.source.reference.baseline
        standing = [*run.state.alerts.values(), *run.state.muted.values()]
        keep_differences(
            self._store,
            source.series,
            baseline,
            # The last whole days, and that under way.
            self._rhythms.windows(source.series, baseline, memory, JUDGED_DAYS + 1),
            days=range(memory.first_day, (memory.last_hour + 1) // HOURS_A_DAY),
            rhythm=memory.reference(baseline, source.reference.rhythm),
            alerts={alert["alert_id"]: alert["drift"]["of"] for alert in standing},
            left_out=self._policy.left_out,
        )

    def _differing(self, series: Series) -> tuple[Differing, ...]:
        """Return what differs from training, with who has acknowledged it."""
        found = differing(self._store, series)
        if not found:
            return ()
        seen = acknowledged(self._acknowledgements, series.model)
        return with_acknowledgements(found, seen)

    def _rhythm(
        self,
        memory: Memory | None,
        reference: Reference,
    ) -> Rhythm | None:
        """Return the rhythm in force, with the bases that the settings ask for."""
        if memory is None:
            return None
        return self._rhythms.reference(memory, reference.baseline, reference.rhythm)

    def _rhythm_in_words(
        self,
        memory: Memory | None,
        reference: Reference,
    ) -> str | None:
        """Return what is known of the rhythm and left out of it; None where neither is."""
        words = None
        if memory is not None:
            rhythm = self._rhythm(memory, reference)
            held = bases_in_words({} if rhythm is None else rhythm.bases)
            quiet = f"; {memory.usual}" if memory.usual and str(memory.usual) else ""
            words = f"{memory.in_words(reference.rhythm)}{held}{quiet}"
        if not self._policy.left_out:
            return words
        listed = ", ".join(map(str, self._policy.left_out))
        return f"{words or 'not learned, as it is switched off'}; left out: {listed}"

    def _first_day_over(
        self,
        memory: Memory | None,
        reference: Reference,
    ) -> int:
        """Return the first minute after the first day of traffic; 0 where that is of no matter."""
        if memory is None or memory.in_force(reference.rhythm) is not None:
            return 0
        return (memory.first_hour + HOURS_A_DAY) * HOUR_S // self._policy.period

    def _state(
        self,
        series: Series,
        stored: StoredState,
        closed: int,
    ) -> SeriesState:
        """Return a series' state, its cursor not ahead of the clock."""
        if not stored.state:
            # A new series may have events of the last day.
            return SeriesState(closed - self._policy.windows_a_day, closed)
        state = SeriesState.from_json(stored.state, series)
        if state.cursor >= closed:
            self._go_back(series, state, closed)
        return state

    def _go_back(
        self,
        series: Series,
        state: SeriesState,
        closed: int,
    ) -> None:
        """Put a cursor that is ahead of the clock back, so that minutes to come are evaluated.

        The clock was ahead at the last run, or it is behind now. Windows between the two were
        evaluated then: they are remembered, so that no event is evidence twice.
        """
        most = RETAINED_DAYS * self._policy.windows_a_day
        # Of a clock that is years away only both ends are looked through.
        windows = self._store.windows(series, closed, min(state.cursor, closed + most))
        windows += self._store.windows(series, max(closed, state.cursor - most), state.cursor)
        minutes = {window.key.minute for window in windows}
        _log.warning(JUMPED, series, state.cursor - closed + 1)
        state.judged_ahead = sorted(minutes | set(state.judged_ahead))
        state.cursor = closed - 1

    def _catch_up(
        self,
        run: Run,
        revision: Revision,
        whole_before: int,
    ) -> None:
        """Evaluate the windows after the cursor, and save the state after each slice.

        Args:
            run: the series.
            revision: of the stored state.
            whole_before: the first minute of which fragments may be left.

        Raises:
            Conflict: another run has saved the state.
            BadStore: a window is newer than this code.
        """
        series, state = run.source.series, run.state
        ahead = frozenset(state.judged_ahead)
        for slice_revision in range(revision, revision + MOST_SLICES):
            windows = self._store.windows(series, state.cursor + 1, whole_before - 1, SLICE)
            for stored in windows:
                if stored.key.minute not in ahead:  # else its events are evidence already
                    self._take(run, stored)
            last = len(windows) < SLICE
            reached = whole_before - 1
            if not last:
                reached = windows[-1].key.minute
            state.cursor = max(state.cursor, reached)
            state.judged_ahead = [minute for minute in state.judged_ahead if minute > state.cursor]
            state.detector = run.detector.to_json()
            state.psi = {} if run.psi is None else run.psi.to_json()
            self._store.save(series, slice_revision, state.to_json())
            if last:
                break

    def _take(
        self,
        run: Run,
        stored: StoredWindow,
    ) -> None:
        """Evaluate a stored window.

        One that cannot be read is counted, logged and left as it is. Raises BadStore for one that
        is newer than this code.
        """
        series, minute = stored.key.series, stored.key.minute
        refuse_newer(stored.window, WINDOW, series, "a window")
        try:
            window = Window.from_json(stored.window, run.source.reference.baseline)
        except Exception as error:
            _log.error(UNREADABLE_WINDOW, series, minute, error)
            run.counts["unreadable"] += 1
            return
        if is_left_out(minute * self._policy.period, self._policy.left_out):
            # It counts in reports, and is no evidence, for a drift or against one.
            run.window += window
            return
        add_window(run.state.digests, minute, document_digest(stored.window))
        self._step(run, window, minute)
        self._measure_psi(run, window, minute)
        run.window += window

    def _psi_meter(
        self,
        state: SeriesState,
        reference: Reference,
        series: Series,
    ) -> PsiMeter | None:
        """Return what measures PSI, as the last run left it; None where no alarm is chosen."""
        if not self._policy.psi_alarm or series.segment:
            return None
        return PsiMeter(reference.baseline, series.version, state.psi)

    def _measure_psi(
        self,
        run: Run,
        window: Window,
        minute: int,
    ) -> None:
        """Take a window into PSI, and log what is above the limit: the metric names no feature."""
        if run.psi is None:
            return
        timestamp_ms = minute * self._policy.period * 1000
        measured = run.psi.take(window, muted_at(self._policy.muted, timestamp_ms))
        if measured is not None and measured.value > self._policy.psi_alarm:
            value, series = plain_number(measured.value), run.source.series
            _log.info(HIGH_PSI, measured.name, series, value, measured.events)

    def _step(
        self,
        run: Run,
        window: Window,
        minute: int,
    ) -> None:
        """Add one window's evidence, and write the alert or the notice that follows from it."""
        state = run.state
        state.first = min(state.first, minute)
        state.events += window.events
        step = observe_window(
            run.detector,
            window.channel_counts(),
            events=window.events,
            timestamp_s=minute * self._policy.period,
            sketches=window.sketches,
        )
        for over in step.recovered:
            self._take_back(run.source.series, state, over.finding.channel, minute)
        for raised in step.raised:
            self._raise(run, raised, minute)
        self._end_mutings(run, minute)
        run.strengths.append(step.evidence)

    def _raise(
        self,
        run: Run,
        alarm: StandingAlarm,
        minute: int,
    ) -> None:
        """Write the alert of a drift; of muted features it is kept and not sent."""
        finding = alarm.finding
        of = run.source.reference.baseline.channel(finding.channel).of
        grounds = self._grounds.of(run, finding, minute, alarm)
        alert = alerts.drift_alert(run.source, finding, grounds)
        until = self._policy.muted_until(of, minute * self._policy.period)
        if until is not None:
            run.state.muted[finding.channel] = alerts.muted(alert, utc_text_of_seconds(until), of)
            _log.info("drift of a muted feature of %s was detected", run.source.series)
            return
        self._send_later(run, finding.channel, alert)

    def _send_later(
        self,
        run: Run,
        channel: str,
        alert: AlertV2,
    ) -> None:
        run.state.alerts[channel] = alert
        run.state.outbox.append(alert)
        _log.info("drift was detected in the traffic of %s", run.source.series)

    def _end_mutings(
        self,
        run: Run,
        minute: int,
    ) -> None:
        """Send alerts whose muting has ended, or whose cause shows in a feature that is heard."""
        standing = {alarm.finding.channel: alarm for alarm in run.detector.alarms}
        for channel in list(run.state.muted):
            finding = self._heard(run, standing[channel], minute)
            if finding is not None:
                del run.state.muted[channel]
                grounds = self._grounds.of(run, finding, minute, standing[channel])
                alert = alerts.drift_alert(run.source, finding, grounds)
                # The detector knows the alarm by the drift that raised it.
                self._send_later(run, channel, alert)

    def _heard(
        self,
        run: Run,
        alarm: StandingAlarm,
        minute: int,
    ) -> DriftFinding | None:
        """Return the first drift of an alarm that is not muted, None where all are.

        The answers, and all features together, follow the muted feature; so does its pair.
        """
        baseline = run.source.reference.baseline
        timestamp_s = minute * self._policy.period
        for drift in alarm.drifts:
            channel = baseline.channel(drift.finding.channel)
            if drift.finding.channel == alarm.finding.channel:
                is_heard = self._policy.muted_until(channel.of, timestamp_s) is None
            else:
                muted = [self._policy.muted_until([name], timestamp_s) for name in channel.of]
                is_heard = channel.answer is None and not any(muted)
            if is_heard:
                return drift.finding
        return None

    def _take_back(
        self,
        series: Series,
        state: SeriesState,
        channel: str,
        minute: int,
        reason: str = alerts.ENDED,
    ) -> None:
        """Write the notice that a drift has ended, where its alert was sent."""
        state.muted.pop(channel, None)
        state.joined.pop(channel, None)
        alert = state.alerts.pop(channel, None)
        if alert is not None:
            others = list(state.alerts.values())
            period = self._policy.period
            notice = alerts.recovery(alert, minute, others, period=period, reason=reason)
            state.outbox.append(notice)
        _log.info("a drift in the traffic of %s has ended", series)

    def _take_as_normal(
        self,
        source: AlertSource,
        state: SeriesState,
        detector: MixtureDetector,
        memory: Memory,
    ) -> Memory:
        """Return the memory with what has become the new normal, and end the alarms of it.

        Args:
            source: the series.
            state: its alerts and its outbox are changed.
            detector: its alarms are changed.
            memory: of the series.
        """
        baseline = source.reference.baseline
        if not detector.alarms and not memory.taken:
            return memory
        seen = acknowledged(self._acknowledgements, source.series.model)
        for alert_id in memory.taken.keys() - seen.keys():
            digest = detector.settings.digest
            memory = self._rhythms.give_back(source.series, memory, alert_id, digest)
        for alarm in detector.alarms:
            decision = self._decision(state, alarm, seen, memory)
            # Asked once a day too: where days differ, the evidence of an end takes many of them.
            if decision is None and not memory.is_day_over:
                continue
            names, onset_s = detector.changed(alarm)
            channel = alarm.finding.channel
            is_by_word = decision is not None and decision.entry is not None
            if not is_by_word and not self._rhythms.lasts(
                source.series, baseline, memory, channel, onset_s
            ):
                # It is over, if not yet by the evidence that an end takes: no new normal.
                detector.end([channel])
                self._take_back(source.series, state, channel, state.cursor, alerts.FADED)
                continue
            if decision is None:
                continue
            since = dict.fromkeys(names, onset_s)
            bases = self._rhythms.bases_since(source.series, baseline, memory, since)
            if not bases:
                continue
            digest = detector.settings.digest
            alert_id = "" if decision.entry is None else decision.entry["alert_id"]
            memory = self._rhythms.take_as_normal(
                source.series, memory, since, bases, digest, alert_id
            )
            detector.end([channel])
            self._end_as_normal(state, channel, decision)
        return memory

    def _decision(
        self,
        state: SeriesState,
        alarm: StandingAlarm,
        seen: Mapping[str, Acknowledgement],
        memory: Memory,
    ) -> alerts.NewNormal | None:
        """Return why the change of an alarm is the new normal; None where it is not."""
        channel = alarm.finding.channel
        alert = state.alerts.get(channel) or state.muted.get(channel)
        entry = None if alert is None else seen.get(alert["alert_id"])
        if entry is not None and entry.get("new_normal"):
            return alerts.NewNormal(entry=entry)
        most = self._policy.references.new_normal_days
        stood = ((state.cursor + 1) * self._policy.period - alarm.raised_s) / DAY
        if most and stood >= most:
            return alerts.NewNormal(after_days=most)
        # What the traffic was like before it was known is a difference from training, no change.
        if most and stood >= FIRST_NORMAL_DAYS and memory.was_unknown(alarm.raised_s):
            return alerts.NewNormal(after_days=float(int(stood)), is_of_first_weeks=True)
        return None

    def _end_as_normal(
        self,
        state: SeriesState,
        channel: str,
        decision: alerts.NewNormal,
    ) -> None:
        """Write the notice that a change is the new normal, where its alert was sent."""
        state.muted.pop(channel, None)
        state.joined.pop(channel, None)
        alert = state.alerts.pop(channel, None)
        if alert is not None:
            others, period = list(state.alerts.values()), self._policy.period
            notice = alerts.taken_as_normal(alert, state.cursor, decision, others, period=period)
            state.outbox.append(notice)

    def _detector(
        self,
        series: Series,
        state: SeriesState,
        reference: Reference,
        memory: Memory | None,
    ) -> MixtureDetector:
        """Return the detector as it was left; the state gets the budget of today.

        A new budget moves its threshold and keeps its evidence. A new rhythm, or other channels
        that are held against whole days, keep the alarms that stand and begin the evidence anew. A
        state of other settings (of another release, or another minimum effect) is no evidence
        under these: the detector starts anew, and with it the alert.
        """
        old_budget = state.budget
        observed = self._observed_per_day(state)
        state.budget = self._budget(series, reference, observed)
        rhythm: Rhythm | None = None
        whole_days: tuple[str, ...] = ()
        if memory is not None:
            rhythm = self._rhythm(memory, reference)
            whole_days = memory.held(reference.rhythm, reference.baseline.channels)
        settings = self._settings(reference, state.budget, rhythm, whole_days)
        if state.detector is None:
            return self._new_detector(series, state, settings, rhythm)
        document = state.detector.copy()
        # A week's reference takes long to digest, so that settings that stay are made once.
        old_settings = settings
        if old_budget not in (0, state.budget):
            old_settings = replace(settings, budget=Budget(old_budget))
        learned_anew = memory is not None and document["settings"] == memory.superseded
        if learned_anew or document["settings"] == old_settings.digest:
            document["settings"] = settings.digest
        try:
            detector = MixtureDetector.from_json(document, settings, is_renewed=learned_anew)
        except EvidenceError:
            _log.warning(OTHER_SETTINGS, series)
            state.alerts, state.muted, state.joined = {}, {}, {}
            return self._new_detector(series, state, settings, rhythm)
        if learned_anew:
            detector.forget_evidence()
            if detector.alarms and memory is not None:
                # What stands is held against the last whole day at once, where it is to be.
                detector.review_day(self._rhythms.last_day(series, reference.baseline, memory))
            state.start = detector.to_json()["alarms"]
            self._begin_grounds(series, state, rhythm)
        if state.over:
            # The evidence begins anew, so that what is left of the drift is no quick new alarm.
            detector.end(state.over)
            detector.forget_evidence()
            state.start, state.over = detector.to_json()["alarms"], []
            self._begin_grounds(series, state, rhythm)
        # Without any, the evidence is of an earlier release, and cannot be gathered again.
        if state.budgets and state.budgets[-1][1] != state.budget:
            state.budgets.append((state.cursor + 1, state.budget))
        return detector

    def _budget(
        self,
        series: Series,
        reference: Reference,
        observed: float | None,
    ) -> float:
        """Return the events to one false alarm of the detector of a series.

        Args:
            series: of all traffic, or of a segment, whose budget follows from that of the whole.
            reference: of the series.
            observed: events of a day, None before the first one.
        """
        if series.segment:
            return self._budgets[series]
        self._budgets[series] = self._policy.events(observed, self._models)
        return reference.shares.whole(self._budgets[series])

    def _new_detector(
        self,
        series: Series,
        state: SeriesState,
        settings: Settings,
        rhythm: Rhythm | None,
    ) -> MixtureDetector:
        """Return a detector without evidence, and begin to note what it will rest on."""
        state.start = []
        self._begin_grounds(series, state, rhythm)
        return MixtureDetector(settings)

    def _begin_grounds(
        self,
        series: Series,
        state: SeriesState,
        rhythm: Rhythm | None,
    ) -> None:
        """Note what the evidence rests on from now on; it has none yet."""
        state.digests = []
        state.budgets = [(state.cursor + 1, state.budget)]
        # The evaluator itself keeps the newest rhythm alone.
        state.rhythm = ""
        if rhythm is not None:
            in_use = rhythms_of([*standing_alerts(state), *self._shown(series.model)])
            state.rhythm = keep_rhythm(self._store, series, rhythm, in_use)

    def _observed_per_day(self, state: SeriesState) -> float | None:
        """Return the events of a day at the traffic so far, None before the first event."""
        if not state.events:
            return None
        # A few minutes of a new series are no measure of a day.
        minutes = max(state.cursor - state.first + 1, LEAST_MINUTES)
        return state.events * self._policy.windows_a_day / minutes

    def _settings(
        self,
        reference: Reference,
        budget: float,
        rhythm: Rhythm | None,
        whole_days: tuple[str, ...],
    ) -> Settings:
        channels = reference.baseline.channels
        return Settings(
            channels,
            Budget(budget),
            self._policy.minimum_effect,
            None if rhythm is None else rhythm.seasonality(channels),
            minimum_effects=self._policy.minimum_effects,
            whole_days=whole_days,
            repeats=self._policy.allows_for_repeats,
            tie_rate=reference.baseline.tie_rate,
        )

    def _send(
        self,
        series: Series,
        *,
        is_to_search: bool = False,
    ) -> bool:
        """Publish what waits in the outbox, and return whether that may be done.

        Each alert once, unless the process dies between sending and noting it. Raises what
        `publish` raises; what was sent before is noted all the same.

        Args:
            series: whose outbox it is.
            is_to_search: whether nothing is sent where the segment of an alert is still to be
                looked for: notices stay in their order.
        """
        stored = self._store.state(series)
        if stored.state is None:
            # A caller whose own traffic is not known yet.
            return True
        state = SeriesState.from_json(stored.state, series)
        if is_to_search and _unsearched(state):
            return False
        sent = 0
        try:
            for alert in state.outbox:
                self._publish(alert)
                sent += 1
        finally:
            if sent:
                state.outbox = state.outbox[sent:]
                state.forget_searches()
                self._store.save(series, stored.revision, state.to_json())
        return True


def _unsearched(state: SeriesState) -> list[Alert]:
    """Return the alerts in an outbox whose segment is still to be looked for."""
    return [
        alert
        for alert in state.outbox
        if is_searched_for(alert) and alert["alert_id"] not in state.searched
    ]


def _none_shown(_model: str) -> Sequence[Alert]:
    """Return no alert: where nothing shows those that have ended."""
    return ()


def _segment_state(
    segment: Segment,
    evaluation: Evaluation,
    events: int,
) -> SegmentState:
    """Return what is known of a segment.

    Args:
        segment: that was evaluated.
        evaluation: of it.
        events: that were evaluated so far.
    """
    strength = max(evaluation.evidence, 0.0) / evaluation.needed
    return SegmentState(segment, events, evaluation.alarm, strength, evaluation.finding)
