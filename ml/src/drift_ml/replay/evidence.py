"""What the detector says of windows that are past: a pure function over them, for any settings."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import asdict, dataclass, field, replace
from math import exp
from typing import TYPE_CHECKING, Any

from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import DriftFinding, Seasonality
    from drift_ml.window import Window

    Progress = Callable[[int, int], None]
    """(windows done, windows in all)."""

MINIMUM_EFFECT = 0.1
DAY_MS = 86_400_000


@dataclass(frozen=True)
class Step:
    """One window as the detector took it in.

    row: events before it. events: in it. at_ms: its earliest event, None without times. evidence: ln of the
    odds after it, at least 0; where an alarm was raised, what raised it. crossed: whether the bar was reached.
    """

    row: int
    events: int
    at_ms: int | None
    evidence: float
    crossed: bool


@dataclass(frozen=True)
class Alarm:
    """An alarm that the detector would have raised.

    row, at_ms: the end of the window that raised it. since_row, since_ms: the estimated onset. recovered_row,
    recovered_ms: when it was taken back, None if it stood at the end.
    """

    row: int
    at_ms: int | None
    since_row: int
    since_ms: int | None
    finding: DriftFinding
    recovered_row: int | None = None
    recovered_ms: int | None = None


@dataclass(frozen=True)
class Replay:
    """Evidence over time under some settings, and the alarms. needed: ln of the bar."""

    budget: Budget
    minimum_effect: float
    steps: tuple[Step, ...]
    alarms: tuple[Alarm, ...]

    @property
    def events(self) -> int:
        """How many events there were."""
        return self.steps[-1].row + self.steps[-1].events if self.steps else 0

    @property
    def standing(self) -> Alarm | None:
        """The alarm that stood at the end, if one did."""
        last = self.alarms[-1] if self.alarms else None
        return last if last is not None and last.recovered_row is None else None

    def at(self, row: int) -> int | None:
        """The earliest time of the window that holds a row (from 0), None without times."""
        place = bisect_right(self.steps, row, key=lambda step: step.row) - 1
        return self.steps[max(place, 0)].at_ms if self.steps else None

    def to_json(self) -> dict[str, Any]:
        """The replay as a JSON document; evidence as odds for drift, the bar beside it."""
        return {
            "budget_events": self.budget.events,
            "minimum_effect": self.minimum_effect,
            "events": self.events,
            "alarms": [asdict(alarm) for alarm in self.alarms],
            "evidence": [
                {"row": step.row, "events": step.events, "at_ms": step.at_ms, "odds": exp(min(step.evidence, 700))}
                for step in self.steps
            ],
        }


@dataclass
class _Course:
    """What has been found on the way."""

    steps: list[Step] = field(default_factory=list)
    alarms: list[Alarm] = field(default_factory=list)


def events_per_day(windows: Sequence[Window]) -> float | None:
    """The traffic over the windows' own span, None without times or over less than a minute.

    >>> events_per_day([]) is None
    True
    """
    firsts = [each.first_ms for each in windows if each.first_ms is not None]
    lasts = [each.last_ms for each in windows if each.last_ms is not None]
    span = max(lasts) - min(firsts) if firsts and lasts else 0
    return sum(each.events for each in windows) * DAY_MS / span if span >= DAY_MS / 1440 else None


def replay_windows(
    baseline: Baseline,
    windows: Iterable[Window],
    *,
    budget: Budget | None = None,
    minimum_effect: float = MINIMUM_EFFECT,
    seasonality: Seasonality | None = None,
    progress: Progress | None = None,
) -> Replay:
    """What the mixture detector would have said of these windows, oldest first.

    windows: counted against the baseline; empty ones are passed over. budget: one false alarm per so many
    events at most, 100,000 by default. minimum_effect: in standard deviations. seasonality: of the traffic, or
    None. An alarm is taken back, and the detector begins anew, as the monitoring service does it: when there is
    as much evidence that its drift is over as an alarm takes. Raises EvidenceError for settings that cannot
    be. Depends on its arguments alone.
    """
    seen = [window for window in windows if window.events]
    chosen = budget or Budget()
    detector = MixtureDetector(Settings(baseline.channels, chosen, minimum_effect, seasonality))
    timed = all(window.first_ms is not None for window in seen)
    course, row = _Course(), 0
    for done, window in enumerate(seen, 1):
        _take(detector, window, row, course, timed=timed)
        row += window.events
        if progress is not None:
            progress(done, len(seen))
    return Replay(chosen, minimum_effect, tuple(course.steps), tuple(course.alarms))


def _take(detector: MixtureDetector, window: Window, row: int, course: _Course, *, timed: bool) -> None:
    """Take one window in. Without times the detector's clock counts events."""
    first = window.first_ms if timed else None
    timestamp_s = float(row) if first is None else first / 1000
    change = observe_window(detector, window.channel_counts(), events=window.events, timestamp_s=timestamp_s)
    evidence = max(change.evidence, 0.0)
    end, end_ms = row + window.events, window.last_ms if timed else None
    course.steps.append(Step(row, window.events, first, evidence, change.crossed))
    if change.raised is not None:
        course.alarms.append(_alarm(change.raised, course.steps, end, end_ms, timed=timed))
    elif change.recovered is not None:
        course.alarms[-1] = replace(course.alarms[-1], recovered_row=end, recovered_ms=end_ms)


def _alarm(finding: DriftFinding, steps: Sequence[Step], end: int, end_ms: int | None, *, timed: bool) -> Alarm:
    """The alarm, its onset put at the window that holds it."""
    starts = [step.at_ms / 1000 if timed and step.at_ms is not None else float(step.row) for step in steps]
    onset = steps[max(bisect_right(starts, finding.since) - 1, 0)]
    return Alarm(end, end_ms, onset.row, onset.at_ms, finding)


def window_since(windows: Iterable[Window], row: int) -> Window:
    """The sum of the windows from the one that begins at a row; there must be one."""
    seen = 0
    total: Window | None = None
    for window in windows:
        if seen >= row and window.events:
            total = window if total is None else total + window
        seen += window.events
    if total is None:
        raise ValueError("expected a window at or after the row")
    return total
