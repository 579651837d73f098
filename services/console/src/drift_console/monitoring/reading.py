"""What the page shows of the evidence: its progress, what it points at, effect sizes, alerts."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from drift_contracts.timestamps import utc_text_of_seconds
from drift_ml.baseline import PREDICTION
from drift_ml.report import window_report
from drift_monitor.acknowledgements import acknowledged

from drift_console.alerts import shown_alerts
from drift_console.monitoring.class_mix import class_mix_entry
from drift_console.monitoring.effects import effects_document
from drift_console.monitoring.judgements import read_judgement
from drift_console.monitoring.references import baselines_of
from drift_console.monitoring.verdicts import verdict_entry
from drift_console.monitoring.windows import WindowReader
from drift_console.stack_metrics import bucket_values

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import DetectorStateV2Finding, WindowReportV1
    from drift_ml.baseline import Baseline, Channel
    from drift_monitor.keys import Series
    from drift_monitor.reference import Reference
    from drift_monitor.stores import SqliteStore

    from drift_console.frame import Frame
    from drift_console.metrics import Summary
    from drift_console.page_types import (
        ClassMixEntry,
        EffectEntry,
        EffectsDocument,
        EvidenceDocument,
        FindingEntry,
        LeadingChannel,
    )

#: Evidence is shown as a share of what an alarm needs.
THRESHOLD = 1.0


@dataclass(frozen=True)
class _MadeEffects:
    """Effects that were computed, and what they are of."""

    #: Numbers of the first window shown and of the last one that was decided on.
    span: tuple[int, int]
    report: WindowReportV1
    document: EffectsDocument


@dataclass(frozen=True)
class _MadeMix:
    """A class mix that was read, and what it is of."""

    #: The frame's first second, and the last window that was decided on.
    span: tuple[int, int]
    mix: ClassMixEntry | None


class EvidenceReader:
    """Reads what the monitor decided; used by one thread at a time, with connections of its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        store: SqliteStore,
        references: Mapping[Series, Reference],
        *,
        period: int,
        alerts: SqliteStore | None = None,
    ) -> None:
        """Prepare to read.

        Args:
            connection: Of the console's store, to read.
            store: Where the monitor keeps its windows.
            references: What each series is compared with; one version of each model is shown.
            period: Seconds that a window spans.
            alerts: Where alerts are acknowledged; with the windows if absent.
        """
        self._connection = connection
        self._acknowledgements = store if alerts is None else alerts
        self._windows = WindowReader(store, period=period)
        self._series = {series.model: series for series in references}
        self._baselines = baselines_of(references)
        self._effects: dict[str, _MadeEffects] = {}
        self._mixes: dict[str, _MadeMix] = {}

    def document(
        self,
        model: str,
        frame: Frame,
        evidence: Sequence[Summary | None],
    ) -> EvidenceDocument | None:
        """Return the member `evidence` of the state; None for a model that is not monitored.

        Args:
            model: Whose evidence.
            frame: The span shown.
            evidence: Of each of the frame's buckets, as shares of what an alarm needs.
        """
        if model not in self._series:
            return None
        judgement = read_judgement(self._connection, self._series[model])
        finding = judgement["finding"]
        needed = judgement["needed"]
        made = self._effects_of(model, frame, judgement["judged"])
        effects = made.document
        return {
            "threshold": THRESHOLD,
            "times": frame.times,
            "value": bucket_values(evidence, lambda bucket: bucket.maximum),
            "alarm": judgement["alarm"],
            "since": utc_text_of_seconds(finding["since"])
            if finding and judgement["alarm"]
            else None,
            "finding": _finding_entry(self._baselines[model], finding),
            "standing": self._standing(model, judgement["standing"]),
            "top": _leading_channels(self._baselines[model], finding, effects["effects"]),
            "budget": exp(needed) if needed else None,
            "window": effects["window"],
            "effects": effects["effects"],
            "alerts": shown_alerts(self._connection, model),
            "rhythm": judgement["rhythm"],
            "repeats": judgement["repeats"],
            "differs": judgement["differs"],
            "segments": judgement["segments"],
            "acknowledged": acknowledged(self._acknowledgements, model),
            "verdict": verdict_entry(judgement["alerts"], made.report, judgement["moving"]),
        }

    def _standing(
        self, model: str, findings: Sequence[DetectorStateV2Finding]
    ) -> list[FindingEntry]:
        """Return what raised each alarm that is on, the oldest first."""
        entries = [_finding_entry(self._baselines[model], finding) for finding in findings]
        return [entry for entry in entries if entry is not None]

    def class_mix(self, model: str, frame: Frame) -> ClassMixEntry | None:
        """Return the mix of labels over a span; None for what is no classifier, or not monitored.

        Args:
            model: Whose labels.
            frame: The span shown.
        """
        if model not in self._series:
            return None
        series, baseline = self._series[model], self._baselines[model]
        judged = read_judgement(self._connection, series)["judged"]
        # A window is read again only when there may be more in it.
        span = (frame.start, judged)
        made = self._mixes.get(model)
        if made is None or made.span != span:
            period = self._windows.period
            numbers = range(frame.start // period, min(judged, frame.end // period) + 1)
            windows = self._windows.windows(series, baseline, numbers)
            made = self._mixes[model] = _MadeMix(span, class_mix_entry(baseline, windows, frame))
        return made.mix

    def _effects_of(self, model: str, frame: Frame, judged: int) -> _MadeEffects:
        """Return the effects, computed when another window was decided on or the frame moved."""
        period = self._windows.period
        first = frame.start // period
        # What a clock that was ahead has decided lies beyond the frame, perhaps by years.
        last = min(judged, frame.end // period)
        made = self._effects.get(model)
        if made is not None and made.span == (first, last):
            return made
        baseline = self._baselines[model]
        window = self._windows.total(self._series[model], baseline, first, last)
        report = window_report(baseline, window)
        made = _MadeEffects((first, last), report, effects_document(report))
        self._effects[model] = made
        return made


def features_of(baseline: Baseline, channel: str) -> list[str]:
    """Return the features that a channel is counted of.

    Args:
        baseline: The model's.
        channel: The channel's name.
    """
    return list(baseline.channel(channel).of)


def _finding_entry(
    baseline: Baseline, finding: DetectorStateV2Finding | None
) -> FindingEntry | None:
    if finding is None:
        return None
    return {
        **finding,
        "since": utc_text_of_seconds(finding["since"]),
        "of": features_of(baseline, finding["channel"]),
    }


def _leading_channels(
    baseline: Baseline,
    finding: DetectorStateV2Finding | None,
    effects: list[EffectEntry],
) -> list[LeadingChannel]:
    """Return the channels that hold the evidence, with a direction where there is one."""
    if finding is None:
        return []
    directions = {effect["feature"]: _direction(effect) for effect in effects}
    entries: list[LeadingChannel] = []
    for name, share in finding["shares"].items():
        channel = baseline.channel(name)
        direction = directions.get(name)
        # The leading chart has estimated its direction since the onset, not over the span shown.
        if name == finding["channel"]:
            direction = finding["direction"]
        entries.append(
            {
                "channel": name,
                "feature": _feature_of(channel),
                "direction": direction,
                "share": share,
            }
        )
    return entries


def _feature_of(channel: Channel) -> str | None:
    """Return the column that a channel is named by, None where its own name says more."""
    is_part = channel.answer is not None and channel.name != PREDICTION
    return None if is_part or len(channel.of) != 1 else channel.of[0]


def _direction(effect: EffectEntry) -> str | None:
    shift = effect["mean_shift"]
    if shift is None:
        return None
    return "up" if (shift["value"] or 0.0) > 0 else "down"
