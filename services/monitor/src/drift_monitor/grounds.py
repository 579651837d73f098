"""Gather what an alert rests on, so that a person can judge it and a program check it."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

from drift_contracts import DriftError
from drift_ml.window import Window

from drift_monitor import alerts
from drift_monitor.differences import in_words
from drift_monitor.policy import DAY
from drift_monitor.sums import HOUR_S

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from drift_contracts.types import AlertV2Detector, AlertV2Windows
    from drift_ml.evidence import DriftFinding, StandingAlarm

    from drift_monitor.callers import NetWindows
    from drift_monitor.differences import Differing
    from drift_monitor.evaluation import Run
    from drift_monitor.keys import Series
    from drift_monitor.policy import Policy
    from drift_monitor.rhythms import Rhythms
    from drift_monitor.state import SeriesState

DAYS_A_WEEK = 7
#: Days of a week that begins on a Thursday.
SATURDAY, SUNDAY = 2, 3


class GroundsOfAlerts:
    """Gathers what alerts rest on."""

    def __init__(
        self,
        store: NetWindows,
        policy: Policy,
        rhythms: Rhythms,
        differing: Callable[[Series], Iterable[Differing]],
    ) -> None:
        """Read nothing yet.

        Args:
            store: has the windows, without callers that are left out of them.
            policy: that the evidence is gathered under.
            rhythms: has the traffic that channels are held against.
            differing: what differs from training in a series.
        """
        self._store = store
        self._policy = policy
        self._rhythms = rhythms
        self._differing = differing

    def of(
        self,
        run: Run,
        finding: DriftFinding,
        minute: int,
        alarm: StandingAlarm,
    ) -> alerts.Grounds:
        """Return what an alert rests on."""
        state = run.state
        drifts = [drift.finding for drift in alarm.drifts]
        return alerts.Grounds(
            minute,
            state.budget,
            self._since_onset(run, finding, minute),
            list(state.alerts.values()),
            self._windows_of(state, minute),
            self._detector_of(run),
            is_first_day=minute < run.first_day_over,
            is_unknown_weekend=run.first_day_over > 0 and is_weekend(minute * self._policy.period),
            joined=[drift for drift in drifts if drift.channel != finding.channel],
            usual=self._usual(run, finding.channel),
            differs=self._beside(run, finding),
        )

    def _usual(
        self,
        run: Run,
        channel: str,
    ) -> alerts.Usual | None:
        """Return the traffic that a channel is held against; None for the training rows."""
        if run.rhythm is None or channel not in run.rhythm.bases or run.memory is None:
            return None
        series, baseline = run.source.series, run.source.reference.baseline
        base = run.rhythm.bases[channel]
        total: Window | None = None
        for hour, window in self._rhythms.windows(series, baseline, run.memory):
            if base.from_s <= hour * HOUR_S < base.to_s:
                total = window if total is None else total + window
        return alerts.Usual(base, total)

    def _beside(
        self,
        run: Run,
        finding: DriftFinding,
    ) -> str:
        """Return what differs from training beside a finding, in words."""
        if run.rhythm is None or not run.rhythm.bases:
            return ""
        of = run.source.reference.baseline.channel(finding.channel).of
        others = [
            each for each in self._differing(run.source.series) if set(each.of).isdisjoint(of)
        ]
        return in_words(others)

    def _since_onset(
        self,
        run: Run,
        finding: DriftFinding,
        minute: int,
    ) -> Window | None:
        """Return the events since an onset, of the last day at most; None where none is stored."""
        series, baseline = run.source.series, run.source.reference.baseline
        most = self._policy.windows_a_day
        onset = int(finding.since // self._policy.period)
        first = max(onset, minute - most + 1)
        total: Window | None = None
        for stored in self._store.windows(series, first, minute, most):
            with contextlib.suppress(DriftError):  # one that cannot be read was logged
                window = Window.from_json(stored.window, baseline)
                total = window if total is None else total + window
        return total

    def _windows_of(
        self,
        state: SeriesState,
        minute: int,
    ) -> AlertV2Windows | None:
        """Return the digests of the windows that the evidence rests on.

        None where an earlier release, which kept none, has gathered some of it.
        """
        if not state.digests or not state.budgets:
            return None
        return {
            "period": self._policy.period,
            "first": state.digests[0]["first"],
            "last": minute,
            "windows": sum(group["windows"] for group in state.digests),
            "groups": [group.copy() for group in state.digests],
        }

    def _detector_of(self, run: Run) -> AlertV2Detector | None:
        """Return what the evidence was gathered under; None as for its windows."""
        if not run.state.budgets:
            return None
        detector: AlertV2Detector = {
            "baseline": run.source.reference.baseline.digest,
            "minimum_effect": self._policy.minimum_effect,
            "budgets": [{"first": first, "events": events} for first, events in run.state.budgets],
        }
        if self._policy.minimum_effects:
            detector["minimum_effects"] = dict(self._policy.minimum_effects)
        if not self._policy.allows_for_repeats:
            detector["repeats"] = False
        if run.detector.settings.whole_days:
            detector["whole_days"] = list(run.detector.settings.whole_days)
        spans = self._store.spans(run.source.series)
        if spans:
            detector["callers"] = [span.to_json() for span in spans]
        if run.state.rhythm:
            detector["rhythm"] = run.state.rhythm
        if run.state.start:
            detector["alarms"] = [dict(alarm) for alarm in run.state.start]
        return detector


def is_weekend(timestamp_s: float) -> bool:
    """Return whether a time, in seconds since the epoch, is on a Saturday or Sunday in UTC.

    >>> is_weekend(86_400), is_weekend(2 * 86_400), is_weekend(4 * 86_400)
    (False, True, False)
    """
    # The epoch began on a Thursday.
    return int(timestamp_s // DAY) % DAYS_A_WEEK in (SATURDAY, SUNDAY)
