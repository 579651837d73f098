"""Compute the evidence of an alert again, from the windows that it rests on."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field
from math import isclose
from typing import TYPE_CHECKING, Any, Literal

from drift_contracts import DriftError
from drift_ml.evidence import Budget, MixtureDetector, Settings, observe_window
from drift_ml.window import Window

from drift_monitor.digests import document_digest, group_digest
from drift_monitor.errors import MonitorError
from drift_monitor.keys import start_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import AlertV2, AlertV2Detector, AlertV2WindowsGroup
    from drift_ml.baseline import Baseline
    from drift_ml.evidence import DriftFinding, Seasonality, Transition
    from drift_ml.rhythm import Rhythm

    from drift_monitor.stores import StoredWindow

#: Relative difference of evidence that another interpreter, numpy or processor may cause.
TOLERANCE = 1e-9

Agreement = Literal["identical", "close", "different"]


class CannotVerify(MonitorError):
    """An alert that says too little, or another bundle than the one it was raised with."""


@dataclass(frozen=True)
class ChangedWindows:
    """Neighbouring windows that are not those that were evaluated."""

    #: When the first one begins and the last one ends, in UTC.
    first: str
    last: str
    #: How many were evaluated, and how many are stored.
    evaluated: int
    stored: int


@dataclass(frozen=True)
class Verification:
    """What the stored windows say of an alert."""

    #: Of the alert, nats.
    expected: float
    #: Computed again, nats; None where the drift is not found again.
    evidence: float | None
    #: What an alarm takes, nats.
    needed: float
    #: Windows that are not those that were evaluated, the oldest first.
    changed: tuple[ChangedWindows, ...]
    #: When each window begins, in UTC, and ln of what each channel of the alert holds, nats.
    course: tuple[tuple[str, dict[str, float]], ...]

    @property
    def agreement(self) -> Agreement:
        """Return how the evidence agrees with the alert's."""
        if self.evidence is None:
            return "different"
        if self.evidence == self.expected:
            return "identical"
        is_close = isclose(self.evidence, self.expected, rel_tol=TOLERANCE)
        return "close" if is_close else "different"

    @property
    def holds(self) -> bool:
        """Return whether the windows are those of the alert and say what it says."""
        return not self.changed and self.agreement != "different"


def verify(
    alert: AlertV2,
    windows: Sequence[StoredWindow],
    baseline: Baseline,
    rhythm: Rhythm | None = None,
) -> Verification:
    """Return what stored windows say of an alert.

    Args:
        alert: of drift.
        windows: of the alert's model and version, from its first window to its last, in order.
        baseline: of the alert's model and version.
        rhythm: of the alert's traffic, where it names one (`rhythm_archive.kept_rhythm`).

    Raises:
        CannotVerify: the alert does not say what it rests on, or baseline or rhythm is another one.
        EvidenceError: settings that cannot be.
        WindowError: a window that cannot be read.
    """
    drift = alert.get("drift", {})
    grounds, detector = drift.get("windows"), drift.get("detector")
    if not drift or grounds is None or detector is None:
        expected = "expected an alert.v2 of drift, with drift.windows and drift.detector"
        raise CannotVerify(f"{expected}; evidence of earlier releases cannot be computed again")
    if detector["baseline"] != baseline.digest:
        raise CannotVerify("expected the bundle of the alert's model_version: another baseline")
    wanted = detector.get("rhythm")
    if wanted is not None and (rhythm is None or document_digest(rhythm.to_json()) != wanted):
        expected = "expected the rhythm that the alert names; the store keeps the newest 24"
        raise CannotVerify(f"{expected}; without it the evidence cannot be computed again")
    seasonality = None
    if wanted is not None and rhythm is not None:
        seasonality = rhythm.seasonality(baseline.channels)
    names = [part["name"] for part in drift["channels"]]
    course = _Course(baseline, detector, names, seasonality)
    for stored in windows:
        course.take(stored.key.minute, Window.from_json(stored.window, baseline), grounds["period"])
    finding = course.findings.get(drift["channel"])
    groups, last = grounds["groups"], grounds["last"]
    return Verification(
        expected=drift["evidence"]["value"],
        evidence=None if finding is None else finding.evidence,
        needed=drift["evidence"]["needed"],
        changed=tuple(_changed(groups, windows, last, grounds["period"])),
        course=tuple(course.steps),
    )


@dataclass
class _Course:
    """The detector of an alert, run again."""

    baseline: Baseline
    settings: AlertV2Detector
    #: The channels whose evidence is noted.
    channels: Sequence[str]
    #: Of the alert's rhythm.
    seasonality: Seasonality | None = None
    detector: MixtureDetector | None = None
    #: The budget of the detector.
    events: float = 0.0
    #: The last finding on each channel.
    findings: dict[str, DriftFinding] = field(default_factory=dict)
    steps: list[tuple[str, dict[str, float]]] = field(default_factory=list)

    def take(
        self,
        minute: int,
        window: Window,
        period: int,
    ) -> None:
        """Take a window in.

        Args:
            minute: of the window.
            window: the events in it.
            period: seconds that it spans.
        """
        detector = self._detector_at(minute)
        step = observe_window(
            detector,
            window.channel_counts(),
            events=window.events,
            timestamp_s=minute * period,
            sketches=window.sketches,
        )
        self._note(step)
        parts = detector.evidence_by_channel()
        for finding in (*(alarm.finding for alarm in step.raised), *step.joined):
            # What an alarm has used is no capital any more.
            parts[finding.channel] = finding.evidence
        named = {name: parts[name] for name in self.channels if name in parts}
        self.steps.append((start_of(minute, period), named))

    def _note(self, step: Transition) -> None:
        for finding in (*(alarm.finding for alarm in step.raised), *step.joined):
            self.findings[finding.channel] = finding

    def _detector_at(self, minute: int) -> MixtureDetector:
        """Return the detector under the budget that held for a window."""
        budgets = self.settings["budgets"]
        firsts = [budget["first"] for budget in budgets]
        events = budgets[max(bisect_right(firsts, minute) - 1, 0)]["events"]
        if self.detector is None or events != self.events:
            settings = Settings(
                self.baseline.channels,
                Budget(events),
                self.settings["minimum_effect"],
                self.seasonality,
                minimum_effects=self.settings.get("minimum_effects", {}),
                whole_days=tuple(self.settings.get("whole_days", ())),
                repeats=self.settings.get("repeats", True),
                tie_rate=self.baseline.tie_rate,
            )
            self.detector = self._under(settings)
            self.events = events
        return self.detector

    def _under(self, settings: Settings) -> MixtureDetector:
        if self.detector is None:
            return _begun(settings, self.settings.get("alarms", []))
        # Another budget moves the threshold and keeps the evidence, as in the evaluator.
        state = {**self.detector.to_json(), "settings": settings.digest}
        return MixtureDetector.from_json(state, settings)  # type: ignore[arg-type]


def _begun(
    settings: Settings,
    alarms: Sequence[Mapping[str, object]],
) -> MixtureDetector:
    """Return a detector without evidence under which some alarms stand.

    Args:
        settings: of the alert.
        alarms: as the alert has them.

    Raises:
        CannotVerify: an alarm is none of detector.state.v2.
    """
    # Any: whatever the alert holds; what is no alarm fails to be read.
    state: Any = {**MixtureDetector(settings).to_json(), "alarms": alarms}
    try:
        return MixtureDetector.from_json(state, settings)
    except (DriftError, KeyError, TypeError, ValueError) as error:
        expected = "drift.detector.alarms: expected alarms as detector.state.v2 has them"
        raise CannotVerify(expected) from error


def _changed(
    groups: Sequence[AlertV2WindowsGroup],
    windows: Sequence[StoredWindow],
    last: int,
    period: int,
) -> list[ChangedWindows]:
    """Return the groups whose stored windows have another digest, or are not all there."""
    changed = []
    ends = [*(group["first"] for group in groups[1:]), last + 1]
    for group, end in zip(groups, ends, strict=True):
        # Minutes before the next group belong to this one: those without events are not stored.
        part = [stored for stored in windows if group["first"] <= stored.key.minute < end]
        is_whole = len(part) == group["windows"]
        digests = [document_digest(stored.window) for stored in part]
        if not is_whole or group_digest(digests) != group["digest"]:
            first, final = start_of(group["first"], period), start_of(end, period)
            changed.append(ChangedWindows(first, final, group["windows"], len(part)))
    return changed
