"""The result of a replay: the report over the right events, as a page, as JSON, as an exit code."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, cast

from drift_contracts.exits import FINDING, SUCCESS

from drift_ml.baseline import PREDICTION
from drift_ml.days import day_of
from drift_ml.descriptions import units_of
from drift_ml.replay.caller_replays import callers_in_words
from drift_ml.replay.class_plots import mix_plot
from drift_ml.replay.evidence import Replay, window_since
from drift_ml.replay.row_order import explain_alarms, sentences
from drift_ml.replay.segments import SegmentReplay, strongest_of
from drift_ml.replay.texts import place
from drift_ml.replay.training_rows import KIND
from drift_ml.report import window_report
from drift_ml.verdict import Drift, Verdict, decide, moving_features

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts import FeatureSet
    from drift_contracts.json_types import JsonObject, JsonValue
    from drift_contracts.types import WindowReportV1

    from drift_ml.baseline import Baseline
    from drift_ml.psi_blocks import PsiCheck
    from drift_ml.replay.allowance import Allowance
    from drift_ml.replay.caller_replays import CallerReplay
    from drift_ml.replay.class_plots import MixPlot
    from drift_ml.replay.differing import TrainingDifference
    from drift_ml.replay.evidence import Alarm
    from drift_ml.replay.reference_detectors import Detection
    from drift_ml.replay.row_order import Explained
    from drift_ml.replay.training_rows import TrainingRows
    from drift_ml.window import Window

MS_PER_SECOND = 1000


@dataclass(frozen=True)
class Outcome:
    """A replay with its report."""

    #: With the alarms that are of a drift.
    replay: Replay
    #: Of the named detectors, empty where they were not run.
    detections: tuple[Detection, ...]
    #: Over the events since the onset of the drift that stands at the end; over all if none does.
    report: WindowReportV1
    #: Which events those are, in words.
    compared: str
    #: What is decided; headline, exit code, page and document all come from it.
    verdict: Verdict
    #: Why some detectors are missing, "" if none is.
    not_run: str = ""
    #: What the file has in common with the training data, None where there is no file.
    training_rows: TrainingRows | None = None
    #: A classifier's classes over time; None where no label was counted.
    class_mix: MixPlot | None = None
    #: Channels whose alarms are no drift, and why.
    explained: Mapping[str, Explained] = field(default_factory=dict)
    #: PSI against a limit; None where none was chosen. It decides nothing.
    psi: PsiCheck | None = None
    #: Of each segment; empty where the bundle has none, or none is watched.
    segments: tuple[SegmentReplay, ...] = ()
    #: Of each caller that was left out of all rows; empty where callers are not told apart.
    callers: tuple[CallerReplay, ...] = ()
    #: Which cycles were allowed for; None where nobody asked.
    allowance: Allowance | None = None
    #: What the monitor has found to differ from training, the largest first. It decides nothing;
    #: None where no monitor was asked, as in the replay of a file.
    differs: tuple[TrainingDifference, ...] | None = None

    @property
    def warnings(self) -> list[str]:
        """Return what a careful colleague would say of this replay, each in sentences."""
        if self.training_rows is None or not self.training_rows.warns:
            return []
        return [f"{self.training_rows.words}."]

    @property
    def asides(self) -> list[str]:
        """Return what is said beside the verdict, of segments, callers and PSI, in sentences."""
        psi = "" if self.psi is None else self.psi.words
        words = [self.segment_words, callers_in_words(self.callers), psi]
        return [each for each in words if each]

    @property
    def segment_words(self) -> str:
        """Return what became of the segments, in a sentence; "" where there are none."""
        watched = [part for part in self.segments if part.segment.baseline is not None]
        if not watched:
            return ""
        drifted = [
            f"{part.segment} (from row {part.alarms[0].alarm.row:,} on)"
            for part in watched
            if any(not entry.joins for entry in part.alarms)
        ]
        words = f"drift of their own in {', '.join(drifted)}" if drifted else "none drifts alone"
        words = f"{len(watched)} segments were watched: {words}."
        strongest = strongest_of(watched, self.replay)
        if strongest is not None:
            words += f" The drift of all rows is strongest in {strongest}."
        return words

    @property
    def exit_code(self) -> int:
        """Return 1 if an alarm was raised, also one that was taken back later; else 0."""
        return FINDING if self.verdict.is_drift else SUCCESS

    def to_json(self) -> JsonObject:
        """Return everything as one document."""
        training_rows = None if self.training_rows is None else self.training_rows.to_json()
        differs: list[JsonValue] | None = None
        if self.differs is not None:
            differs = [difference.to_json() for difference in self.differs]
        return {
            "drift": self.verdict.is_drift,
            "verdict": cast("JsonValue", asdict(self.verdict)),
            "compared": self.compared,
            "detectors": [self._detection_document(detection) for detection in self.detections],
            "not_run": self.not_run,
            "warnings": [{"kind": KIND, "words": words} for words in self.warnings],
            "training_rows": training_rows,
            "explained": {name: why.name.lower() for name, why in self.explained.items()},
            "rhythm": None if self.allowance is None else self.allowance.to_json(),
            "psi_alarm": None if self.psi is None else self.psi.to_json(),
            "segments": [part.to_json() for part in self.segments],
            "callers": [caller.to_json() for caller in self.callers],
            "differs": differs,
            "replay": self.replay.to_json(),
            "report": cast("JsonValue", self.report),
        }

    def _detection_document(self, detection: Detection) -> JsonObject:
        at_ms = None if detection.row is None else self.replay.time_at(detection.row)
        return {**asdict(detection), "at_ms": at_ms}


def conclude(  # noqa: PLR0913 - what a replay has found, each by name
    baseline: Baseline,
    windows: Sequence[Window],
    replay: Replay,
    detections: tuple[Detection, ...] = (),
    not_run: str = "",
    training_rows: TrainingRows | None = None,
    *,
    muted: Mapping[str, float] | None = None,
    allowance: Allowance | None = None,
    segments: Sequence[SegmentReplay] = (),
    callers: Sequence[CallerReplay] = (),
) -> Outcome:
    """Return the outcome of a replay.

    Args:
        baseline: That the windows were counted against.
        windows: That were replayed, with an event in them.
        replay: The evidence over them.
        detections: Of the named detectors.
        not_run: Why some of those are missing.
        training_rows: What the file has in common with the training data.
        muted: When the muting of a feature ends, by name, in seconds since 1970.
        allowance: Which cycles the replay allows for.
        segments: What the detectors of segments would have said.
        callers: The same of callers that were left out of the windows.

    Raises:
        ValueError: there is no event in the windows.
    """
    explained = explain_alarms(baseline, windows, replay, training_rows, allowance)
    alarms = (alarm for alarm in replay.alarms if alarm.finding.channel not in explained)
    replay = replace(replay, alarms=tuple(alarms))
    alarm = replay.standing
    row = alarm.since_row if alarm else 0
    compared = f"{replay.events - row:,} events"
    compared = f"{compared} since {place(row, alarm.since_ms)}" if alarm else f"all {compared}"
    report = window_report(baseline, window_since(windows, row))
    mix = mix_plot(baseline, windows)
    verdict = verdict_of(baseline, replay, report, muted, segments, callers)
    timed = replay.time_at(0) is not None
    others = (*verdict.others, *sentences(explained, is_timed=timed))
    return Outcome(
        replay,
        detections,
        report,
        compared,
        replace(verdict, others=others),
        not_run,
        training_rows,
        mix,
        explained,
        allowance=allowance,
        segments=tuple(segments),
        callers=tuple(callers),
    )


def mutable_names(baseline: Baseline) -> list[str]:
    """Return what can be muted: the features, and the answers."""
    return [*baseline.features, PREDICTION]


def verdict_of(
    baseline: Baseline,
    replay: Replay,
    report: WindowReportV1,
    muted: Mapping[str, float] | None = None,
    segments: Sequence[SegmentReplay] = (),
    callers: Sequence[CallerReplay] = (),
) -> Verdict:
    """Return the verdict on a replay.

    Args:
        baseline: That the windows were counted against.
        replay: The evidence over them.
        report: Of the effect sizes.
        muted: When the muting of a feature ends, by name, in seconds since 1970.
        segments: Whose alarms count where they join no other.
        callers: That were left out, whose alarms count each.
    """
    drifts = [_drift(baseline, replay, alarm, muted or {}) for alarm in replay.alarms]
    for part in segments:
        held = part.segment.baseline or baseline
        heard = [entry.alarm for entry in part.alarms if not entry.joins]
        drifts += [_drift(held, replay, alarm, muted or {}) for alarm in heard]
    for caller in callers:
        drifts += [_drift(baseline, replay, alarm, muted or {}) for alarm in caller.alarms]
    joined = [name for alarm in replay.alarms for name in alarm.joined]
    return decide(drifts, report, moving_features(baseline, joined))


def _drift(
    baseline: Baseline,
    replay: Replay,
    alarm: Alarm,
    muted: Mapping[str, float],
) -> Drift:
    """Return an alarm as a verdict takes it."""
    ended = None
    if alarm.recovered_row is not None:
        ended = place(alarm.recovered_row, alarm.recovered_ms)
    of = baseline.channel(alarm.finding.channel).of
    until: str | None = None
    end_s = min(muted.get(name, 0.0) for name in of)
    # Where rows have no times, nothing says that the muting has ended.
    last_ms = alarm.recovered_ms or replay.time_at(replay.events)
    if end_s and (last_ms is None or last_ms / MS_PER_SECOND < end_s):
        until = day_of(end_s)
    since = place(alarm.since_row, alarm.since_ms)
    return Drift(alarm.words, of, since, ended, until)


def page(
    outcome: Outcome,
    baseline: Baseline,
    feature_set: FeatureSet,
    *,
    source: str,
    made: str,
    predicted: bool = False,
) -> str:
    """Return an outcome as HTML.

    Args:
        outcome: Of `conclude`.
        baseline: That it was concluded with.
        feature_set: Gives the units, and a classifier's classes.
        source: Name of the file or the store.
        made: When the page is made, as text.
        predicted: Whether the bundle's model gave the predictions.
    """
    # A report in the terminal needs no templates.
    from drift_ml.replay.page import Facts, render_report  # noqa: PLC0415

    facts = Facts(
        source,
        outcome.compared,
        made,
        outcome.verdict,
        predicted,
        units=units_of(feature_set),
        not_run=outcome.not_run,
        training_rows=outcome.training_rows,
        target=feature_set.target if feature_set.target.is_class else None,
        class_mix=outcome.class_mix,
        psi=outcome.psi,
        segments=outcome.segment_words,
        callers=outcome.callers,
        rhythm="" if outcome.allowance is None else outcome.allowance.words,
        differs=outcome.differs or (),
    )
    return render_report(outcome.report, outcome.replay, outcome.detections, baseline, facts)
