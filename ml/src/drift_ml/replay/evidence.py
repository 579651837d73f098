"""What the detector would have said of windows that are past: a pure function, for any settings."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from math import exp
from typing import TYPE_CHECKING

from drift_ml.descriptions import describe
from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_end, observe_window
from drift_ml.left_out import is_left_out
from drift_ml.replay.errors import ReplayError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from drift_contracts.json_types import JsonObject

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import DriftFinding, Transition
    from drift_ml.left_out import LeftOut
    from drift_ml.replay.allowance import Phase
    from drift_ml.window import Window

    Progress = Callable[[int, int], None]
    """(windows done, windows in all)."""

MINIMUM_EFFECT = 0.1
DAY_MS = 86_400_000
#: Traffic over less is no measure of a day's.
SHORTEST_SPAN_MS = DAY_MS / 1440
#: Nats; more would overflow as odds.
MOST_EVIDENCE = 700.0


@dataclass(frozen=True)
class Step:
    """One window as the detector took it in."""

    #: Events before it.
    row: int
    #: Events in it.
    events: int
    #: Its earliest event, in milliseconds since 1970; None without times.
    at_ms: int | None
    #: ln of the odds after it, at least 0; where an alarm was raised, what raised it.
    evidence: float
    #: Whether the threshold was reached.
    crossed: bool


@dataclass(frozen=True)
class Alarm:
    """An alarm that the detector would have raised."""

    #: The end of the window that raised it.
    row: int
    at_ms: int | None
    #: The estimated onset.
    since_row: int
    since_ms: int | None
    finding: DriftFinding
    #: When it was taken back, None if it stood at the end.
    recovered_row: int | None = None
    recovered_ms: int | None = None
    #: What happened, counted while it lasted (`drift_ml.descriptions`).
    words: str = ""
    #: Channels that moved with it, in the order in which they were found.
    joined: tuple[str, ...] = ()


@dataclass(frozen=True)
class Replay:
    """Evidence over time under some settings, and the alarms."""

    budget: Budget
    #: Standard deviations.
    minimum_effect: float
    steps: tuple[Step, ...]
    alarms: tuple[Alarm, ...]

    @property
    def events(self) -> int:
        """Return how many events there were."""
        if not self.steps:
            return 0
        return self.steps[-1].row + self.steps[-1].events

    @property
    def standing(self) -> Alarm | None:
        """Return the oldest alarm that stood at the end, if one did."""
        for alarm in self.alarms:
            if alarm.recovered_row is None:
                return alarm
        return None

    def time_at(self, row: int) -> int | None:
        """Return the earliest time of the window that holds a row (from 0), None without times."""
        if not self.steps:
            return None
        place = bisect_right(self.steps, row, key=lambda step: step.row) - 1
        return self.steps[max(place, 0)].at_ms

    def to_json(self) -> JsonObject:
        """Return the replay as a document; evidence as odds for drift."""
        return {
            "budget_events": self.budget.events,
            "minimum_effect": self.minimum_effect,
            "events": self.events,
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "evidence": [_step_document(step) for step in self.steps],
        }


def _step_document(step: Step) -> JsonObject:
    return {
        "row": step.row,
        "events": step.events,
        "at_ms": step.at_ms,
        "odds": exp(min(step.evidence, MOST_EVIDENCE)),
    }


@dataclass
class _Course:
    """What was seen so far."""

    #: Whether every window has times; else the detector's clock counts events.
    timed: bool
    row: int = 0
    steps: list[Step] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)
    #: The place in `alarms` of each that stands, by its channel: no two stand on one.
    standing: dict[str, int] = field(default_factory=dict)


def events_per_day(windows: Sequence[Window]) -> float | None:
    """Return the traffic over the windows' span, None without times or over less than a minute.

    >>> events_per_day([]) is None
    True
    """
    firsts = [window.first_ms for window in windows if window.first_ms is not None]
    lasts = [window.last_ms for window in windows if window.last_ms is not None]
    if not firsts or not lasts:
        return None
    span = max(lasts) - min(firsts)
    if span < SHORTEST_SPAN_MS:
        return None
    return sum(window.events for window in windows) * DAY_MS / span


def budget_of(
    events: float | None,
    days: float | None,
    windows: Sequence[Window],
) -> Budget:
    """Return the budget of false alarms.

    Args:
        events: One false alarm in so many; 100,000 where both are None.
        days: One false alarm in so many, at the traffic of the windows.
        windows: That are replayed.

    Raises:
        ReplayError: the windows have no times, or span less than a minute.
        EvidenceError: no detector keeps such a budget.
    """
    if days is None:
        return Budget() if events is None else Budget(events)
    traffic = events_per_day(windows)
    if traffic is None:
        raise ReplayError(
            "a budget in days: expected events over a minute or more; give it in events"
        )
    return Budget.per_days(days, traffic)


def replay_windows(  # noqa: PLR0913 - the settings of the detector, each by name
    baseline: Baseline,
    windows: Iterable[Window],
    *,
    budget: Budget | None = None,
    minimum_effect: float = MINIMUM_EFFECT,
    phases: Sequence[Phase] = (),
    minimum_effects: Mapping[str, float] | None = None,
    progress: Progress | None = None,
    units: Mapping[str, str] | None = None,
    repeats: bool = True,
    left_out: Sequence[LeftOut] = (),
) -> Replay:
    """Return what the mixture detector would have said of windows.

    An alarm is taken back, and the detector begins anew, as the monitoring service does it: when
    there is as much evidence that its drift is over as an alarm takes.

    Args:
        baseline: That the windows were counted against.
        windows: Oldest first; empty ones are passed over.
        budget: One false alarm per so many events at most, 100,000 by default.
        minimum_effect: In standard deviations.
        phases: What is allowed for, the earliest first; none for independent events without
            cycles. It takes windows with times.
        minimum_effects: Of single features, by name.
        progress: Called after each window.
        units: Of the features, by name, for words.
        repeats: Whether rows that repeat count for less.
        left_out: Spans of days whose windows are no evidence. It takes windows with times.

    Returns:
        A result that depends on the arguments alone.

    Raises:
        EvidenceError: settings that cannot be.
    """
    counted = [window for window in windows if window.events]
    chosen = budget or Budget()
    plain = plain_settings(baseline, chosen, minimum_effect, minimum_effects, repeats=repeats)
    timed = all(window.first_ms is not None for window in counted)
    waiting = deque(phases if timed else ())
    run = DetectorRun(plain, waiting.popleft() if waiting else None, timed=timed)
    for done, window in enumerate(counted, 1):
        while waiting and _start_s(window) >= waiting[0].from_s:
            run.begin(waiting.popleft())
        if timed and is_left_out(_start_s(window), left_out):
            run.pass_by(window)
        else:
            run.take(window)
        if progress is not None:
            progress(done, len(counted))
    if counted:
        run.end(counted[-1].last_ms)
    alarms = tuple(worded(alarm, baseline, counted, units) for alarm in run.alarms)
    return Replay(chosen, minimum_effect, run.steps, alarms)


def plain_settings(
    baseline: Baseline,
    budget: Budget,
    minimum_effect: float = MINIMUM_EFFECT,
    minimum_effects: Mapping[str, float] | None = None,
    *,
    repeats: bool = True,
) -> Settings:
    """Return the settings of a detector without what a phase allows for.

    Args:
        baseline: That windows are counted against.
        budget: Of false alarms.
        minimum_effect: In standard deviations.
        minimum_effects: Of single features, by name.
        repeats: Whether rows that repeat count for less.

    Raises:
        EvidenceError: settings that cannot be.
    """
    return Settings(
        baseline.channels,
        budget,
        minimum_effect,
        minimum_effects=minimum_effects or {},
        repeats=repeats,
        tie_rate=baseline.tie_rate,
    )


class DetectorRun:
    """A detector that takes past windows in one by one, and what it has said of them."""

    def __init__(
        self,
        plain: Settings,
        phase: Phase | None = None,
        *,
        timed: bool = True,
    ) -> None:
        """Begin with no evidence.

        Args:
            plain: Settings without what a phase allows for.
            phase: What is allowed for at first; None for nothing.
            timed: Whether every window has times; else the clock counts events.
        """
        self._plain = plain
        self._detector = MixtureDetector(plain if phase is None else phase.settings(plain))
        self._course = _Course(timed)

    @property
    def steps(self) -> tuple[Step, ...]:
        """Return the windows as they were taken in."""
        return tuple(self._course.steps)

    @property
    def alarms(self) -> tuple[Alarm, ...]:
        """Return the alarms that were raised, without words."""
        return tuple(self._course.alarms)

    @property
    def stands(self) -> bool:
        """Return whether an alarm stands."""
        return bool(self._detector.alarms)

    @property
    def explained_channels(self) -> frozenset[str]:
        """Return the channels that the alarms that stand explain."""
        return self._detector.explained_channels

    def begin(self, phase: Phase) -> None:
        """Hold what follows against the reference of another phase; alarms stand."""
        self._detector = phase.begin(self._detector, self._plain)

    def take(self, window: Window) -> None:
        """Take a window with events in."""
        _observe(self._detector, window, self._course)

    def pass_by(self, window: Window) -> None:
        """Count the rows of a window that is no evidence."""
        course = self._course
        evidence = course.steps[-1].evidence if course.steps else 0.0
        course.steps.append(Step(course.row, window.events, window.first_ms, evidence, False))
        course.row += window.events

    def end(self, last_ms: int | None) -> None:
        """Take in the last day, if it is a whole one.

        Args:
            last_ms: Of the last event, in milliseconds since 1970; None without times.
        """
        if self._course.timed and last_ms is not None:
            _take_changes(observe_end(self._detector, last_ms / 1000), self._course, last_ms)


def _start_s(window: Window) -> float:
    """Return when a window with times begins, in seconds since 1970."""
    return (window.first_ms or 0) / 1000


def worded(
    alarm: Alarm,
    baseline: Baseline,
    windows: Sequence[Window],
    units: Mapping[str, str] | None,
    usual: Window | None = None,
) -> Alarm:
    """Return an alarm with its words.

    Args:
        alarm: Of these windows.
        baseline: That they were counted against.
        windows: Oldest first, each with events.
        units: Of the features, by name.
        usual: The traffic that the alarm was held against; None for the training rows.
    """
    window = window_since(windows, alarm.since_row, alarm.recovered_row)
    return replace(alarm, words=describe(baseline, alarm.finding, window, units, usual).words)


def _observe(
    detector: MixtureDetector,
    window: Window,
    course: _Course,
) -> None:
    """Take one window in."""
    row, end = course.row, course.row + window.events
    first_ms = window.first_ms if course.timed else None
    end_ms = window.last_ms if course.timed else None
    change = observe_window(
        detector,
        window.channel_counts(),
        events=window.events,
        timestamp_s=float(row) if first_ms is None else first_ms / 1000,
        sketches=window.sketches,
    )
    evidence = max(change.evidence, 0.0)
    course.steps.append(Step(row, window.events, first_ms, evidence, change.crossed))
    course.row = end
    _take_changes(change, course, end_ms)
    for alarm in detector.alarms:
        place = course.standing[alarm.finding.channel]
        before = course.alarms[place]
        # A drift of a cause may end before the cause does.
        channels = dict.fromkeys([*before.joined, *alarm.channels[1:]])
        if len(channels) > len(before.joined):
            course.alarms[place] = replace(before, joined=tuple(channels))


def _take_changes(
    change: Transition,
    course: _Course,
    end_ms: int | None,
) -> None:
    """Note the alarms that were raised, and those that were taken back.

    Args:
        change: What a window changed.
        course: With that window.
        end_ms: When it ended, in milliseconds since 1970; None without times.
    """
    end = course.row
    for over in change.recovered:
        place = course.standing.pop(over.finding.channel)
        course.alarms[place] = replace(course.alarms[place], recovered_row=end, recovered_ms=end_ms)
    for alarm in change.raised:
        onset = _onset(alarm.finding, course)
        course.standing[alarm.finding.channel] = len(course.alarms)
        course.alarms.append(Alarm(end, end_ms, onset.row, onset.at_ms, alarm.finding))


def _onset(
    finding: DriftFinding,
    course: _Course,
) -> Step:
    """Return the window that holds the onset of a finding."""
    starts = []
    for step in course.steps:
        # Where windows have no times, the detector's clock counts events.
        start_s = float(step.row) if step.at_ms is None else step.at_ms / 1000
        starts.append(start_s)
    return course.steps[max(bisect_right(starts, finding.since) - 1, 0)]


def window_since(
    windows: Iterable[Window],
    row: int,
    end: int | None = None,
) -> Window:
    """Return the sum of the windows from the one that begins at a row.

    Args:
        windows: Oldest first.
        row: The first event, from 0.
        end: The event before which the last window begins; None for all that follow.

    Raises:
        ValueError: there is no event from there on.
    """
    before = 0
    total: Window | None = None
    for window in windows:
        if end is not None and before >= end:
            break
        if before >= row and window.events:
            total = window if total is None else total + window
        before += window.events
    if total is None:
        raise ValueError("expected a window at or after the row")
    return total
