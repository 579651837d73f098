"""One run over one series: what is under way, and what it found."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from drift_ml.verdict import moving_features

from drift_monitor.repeats import repeats_in_words

if TYPE_CHECKING:
    from collections import Counter

    from drift_ml.evidence import DriftFinding, MixtureDetector
    from drift_ml.rhythm import Rhythm
    from drift_ml.window import Window

    from drift_monitor.alerts import Alert, AlertSource
    from drift_monitor.differences import Differing
    from drift_monitor.keys import Series
    from drift_monitor.psi_meter import PsiMeter
    from drift_monitor.reference import Reference
    from drift_monitor.rhythms import Memory
    from drift_monitor.segments import SegmentState
    from drift_monitor.state import SeriesState


@dataclass(frozen=True)
class Evaluation:
    """What one run found for a series."""

    series: Series
    #: Of `events` that were summed, of the `late` among them, of `unreadable` windows.
    counts: Counter[str]
    #: Everything evaluated in this run, None if nothing came.
    window: Window | None
    #: The strongest evidence of this run, in nats.
    evidence: float
    #: The evidence that an alarm takes, in nats.
    needed: float
    #: Whether an alarm is on.
    alarm: bool
    #: The alarm that is on, else what the evidence shows so far, if anything.
    finding: DriftFinding | None = None
    #: What raised each alarm that is on, the oldest first.
    standing: tuple[DriftFinding, ...] = ()
    #: The alerts of the same drifts, as they were sent.
    alerts: tuple[Alert, ...] = ()
    #: Alerts of muted features, which nobody was notified of.
    muted: tuple[Alert, ...] = ()
    #: Every feature that drifts, those included that joined an alarm later.
    moving: tuple[str, ...] = ()
    #: Seconds of closed minutes that are left for the next run.
    behind: float = 0.0
    #: Whether any version of the model ever had an event; before that, silence shows nothing.
    asked: bool = True
    #: Whether nothing came, and the hours of this silence usually have no events.
    is_usually_quiet: bool = False
    #: What is known of the traffic's rhythm, in words; None where it is not learned.
    rhythm: str | None = None
    #: What differs from training, the largest first; None where it is not measured.
    differs: tuple[Differing, ...] | None = None
    #: What the series is compared with.
    reference: Reference | None = None
    #: The largest PSI of the blocks of events that this run filled; None where none was measured.
    psi: float | None = None
    #: What is known of requests that repeat each other, in words.
    repeats: str | None = None
    #: How many requests count as one, as they repeat each other; 1 for none.
    repetition: float = 1.0
    #: Of each segment, watched or not; empty where the traffic is not cut.
    segments: tuple[SegmentState, ...] = ()


@dataclass
class Run:
    """The evaluation of one series, under way."""

    source: AlertSource
    state: SeriesState
    detector: MixtureDetector
    #: Everything evaluated so far.
    window: Window
    counts: Counter[str]
    #: The first minute after the first day of traffic; before it the hours of a day are not known.
    first_day_over: int = 0
    #: The evidence after each window, in nats.
    strengths: list[float] = field(default_factory=list)
    #: Measures PSI; None where no alarm of it is chosen.
    psi: PsiMeter | None = None
    #: What is stored of the rhythm; None where nothing is learned.
    memory: Memory | None = None
    #: The rhythm in force, with what channels are held against; None for none.
    rhythm: Rhythm | None = None

    def evaluation(self, behind: float) -> Evaluation:
        """Return what was found so far; behind: seconds that are left for the next run."""
        window = self.window if self.window.events else None
        raised = [
            alarm.finding
            for alarm in self.detector.alarms
            if alarm.finding.channel not in self.state.muted
        ]
        largest = None if self.psi is None else self.psi.largest
        return Evaluation(
            series=self.source.series,
            counts=self.counts,
            window=window,
            evidence=max(self.strengths, default=self.detector.evidence),
            needed=self.detector.needed,
            alarm=bool(raised),
            finding=raised[0] if raised else self.detector.finding(),
            standing=tuple(raised),
            alerts=tuple(self.state.alerts.values()),
            muted=tuple(self.state.muted.values()),
            moving=self._moving(),
            behind=behind,
            asked=self.state.events > 0 or self.counts["events"] > 0,
            reference=self.source.reference,
            psi=None if largest is None else largest.value,
            repeats=repeats_in_words(self.detector, self.window.sketches),
            repetition=self.detector.repetition,
        )

    def _moving(self) -> tuple[str, ...]:
        """Return every feature that a standing alarm says drifts; `prediction` for an answer."""
        channels = [name for alarm in self.detector.alarms for name in alarm.channels]
        return moving_features(self.source.reference.baseline, channels)
