"""The what-if of the page: the detector over stored windows, under other settings."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import log
from typing import TYPE_CHECKING

from drift_contracts.timestamps import utc_text_of_seconds
from drift_ml.descriptions import units_of
from drift_ml.evidence import Budget
from drift_ml.left_out import is_left_out
from drift_ml.psi_blocks import check_psi
from drift_ml.replay.evidence import events_per_day, replay_windows
from drift_monitor.policy import Policy

from drift_console.monitoring.held_against import held_against
from drift_console.monitoring.reading import THRESHOLD, features_of
from drift_console.monitoring.references import baselines_of
from drift_console.monitoring.windows import WindowReader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline import Baseline
    from drift_ml.replay.evidence import Alarm
    from drift_ml.window import Window
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference
    from drift_monitor.stores import SqliteStore

    from drift_console.frame import Frame
    from drift_console.page_types import WhatIfAlarm, WhatIfDocument

#: Windows that are replayed at most: about a second.
REPLAYED = 2_000


@dataclass(frozen=True)
class Asked:
    """The settings that a what-if is asked with."""

    #: Events to one false alarm at most; None where the budget is in days.
    budget: float | None
    #: In standard deviations; less raises no alarm.
    minimum_effect: float
    #: The same for single features, by name.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: When the muting of a feature ends, by name, in seconds since 1970; infinity for never.
    muted: Mapping[str, float] = field(default_factory=dict)
    #: Days between two false alarms of all models together; None where the budget is in events.
    false_alarm_days: float | None = None
    #: PSI of each 1,000 events is held against this limit; 0 for no limit.
    psi_alarm: float = 0.0


class WhatIf:
    """Replays stored windows; used by one thread at a time, with a store of its own."""

    def __init__(
        self,
        store: SqliteStore,
        references: Mapping[Series, Reference],
        *,
        policy: Policy,
    ) -> None:
        """Prepare to read.

        Args:
            store: Where the monitor keeps its windows.
            references: What each series is compared with; one version of each model is replayed.
            policy: Of the evaluator.
        """
        self._store = store
        self._references = references
        self._policy = policy
        self._windows = WindowReader(store, period=policy.period)
        self._period = policy.period
        self._series = {series.model: series for series in references}
        self._baselines = baselines_of(references)
        self._units = {
            series.model: units_of(reference.feature_set)
            for series, reference in references.items()
        }

    def replay(
        self,
        model: str,
        frame: Frame,
        asked: Asked,
    ) -> WhatIfDocument:
        """Return the document of `GET /console/api/replay`.

        The detector starts clean at the first window shown, and holds all windows against what the
        evaluator holds traffic against now.

        Args:
            model: One that is monitored.
            frame: The span shown.
            asked: The other settings.

        Raises:
            EvidenceError: For settings that cannot be.
        """
        baseline = self._baselines[model]
        begins, windows = self._windows_of(model, frame)
        budget = self._budget(asked, windows)
        series = self._series[model]
        held = held_against(self._store, series, self._references[series], self._policy)
        replayed = replay_windows(
            baseline,
            windows,
            budget=Budget(budget),
            minimum_effect=asked.minimum_effect,
            phases=held.phases,
            minimum_effects=asked.minimum_effects,
            units=self._units[model],
            repeats=self._policy.allows_for_repeats,
        )
        value: list[float | None] = [None] * frame.count
        needed = log(budget)
        for start, step in zip(begins, replayed.steps, strict=True):
            index = frame.index_of(start)
            if index is not None:
                value[index] = max(value[index] or 0.0, step.evidence / needed)
        return {
            "model": model,
            "budget": budget,
            "false_alarm_days": asked.false_alarm_days,
            "minimum_effect": asked.minimum_effect,
            "threshold": THRESHOLD,
            "times": frame.times,
            "value": value,
            "alarms": [self._alarm(baseline, alarm, asked) for alarm in replayed.alarms],
            "windows": len(windows),
            "events": replayed.events,
            "held": held.words,
            "psi": self._psi(baseline, windows, asked),
            "from": utc_text_of_seconds(begins[0]) if begins else None,
        }

    def _budget(self, asked: Asked, windows: Sequence[Window]) -> float:
        """Return the budget in events, as the evaluator takes days: at the traffic of the span."""
        if asked.budget is not None:
            return asked.budget
        policy = Policy(budget_days=asked.false_alarm_days, period=self._period)
        return policy.events(events_per_day(windows), len(self._series))

    def _psi(self, baseline: Baseline, windows: Sequence[Window], asked: Asked) -> str | None:
        """Return what an alarm of PSI would have said; None where it was not asked for."""
        if not asked.psi_alarm:
            return None
        return check_psi(baseline, windows, asked.psi_alarm, asked.muted).words

    def _windows_of(self, model: str, frame: Frame) -> tuple[list[int], list[Window]]:
        """Return when each window with events begins (epoch seconds), and the windows."""
        last = frame.end // self._period
        first = max(frame.start // self._period, last - REPLAYED)
        numbers = range(first, last + 1)
        stored = self._windows.windows(self._series[model], self._baselines[model], numbers)
        left_out = self._policy.left_out
        seen = [
            (start, window)
            for start, window in stored
            if window.events and not is_left_out(start, left_out)
        ]
        return [start for start, _ in seen], [window for _, window in seen]

    def _alarm(self, baseline: Baseline, alarm: Alarm, asked: Asked) -> WhatIfAlarm:
        finding = alarm.finding.to_json()
        at_s = (alarm.at_ms or 0) / 1000
        of = features_of(baseline, finding["channel"])
        return {
            "channel": finding["channel"],
            "kind": finding["kind"],
            "direction": finding["direction"],
            "size": finding["size"],
            "effect": finding["effect"],
            "of": of,
            "words": alarm.words,
            "muted": at_s < min(asked.muted.get(name, 0.0) for name in of),
            "events": round(finding["events"]),
            "since": utc_text_of_seconds(finding["since"]),
            "at": self._window_end(alarm.at_ms),
            "over": self._window_end(alarm.recovered_ms),
        }

    def _window_end(self, timestamp_ms: int | None) -> str | None:
        """Return when the window that began then ended."""
        return (
            None
            if timestamp_ms is None
            else utc_text_of_seconds(timestamp_ms / 1000 + self._period)
        )
