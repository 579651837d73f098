"""Segments of a replayed file: each has windows and a detector of its own, as in the service."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from drift_ml.replay.allowance import allowance_of
from drift_ml.replay.answering import count_answered
from drift_ml.replay.evidence import replay_windows
from drift_ml.replay.file_rows import FileRows, alarm_document
from drift_ml.segments import Told
from drift_ml.segments.fit import level_places
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.json_types import JsonObject

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Budget
    from drift_ml.left_out import LeftOut
    from drift_ml.replay.answering import Answers
    from drift_ml.replay.evidence import Alarm, Replay
    from drift_ml.replay.marks import Names
    from drift_ml.segments import Segment, Segments

    Columns = Mapping[str, npt.NDArray[np.generic]]
    Times = npt.NDArray[np.int64]


#: Times the effect in all rows, from which on a segment is named as where it is strongest.
STRONGER = 1.5


@dataclass(frozen=True)
class SegmentAlarm:
    """An alarm of a segment, its rows those of the file."""

    alarm: Alarm
    #: Whether another alarm, of all rows or of a segment, says it already.
    joins: bool


@dataclass(frozen=True)
class SegmentReplay:
    """What the detector of one segment would have said."""

    segment: Segment
    events: int
    alarms: tuple[SegmentAlarm, ...] = ()

    def to_json(self) -> JsonObject:
        """Return the segment with its alarms as a document."""
        return {
            "feature": self.segment.feature,
            "value": self.segment.value,
            "training_rows": self.segment.rows,
            "watched": self.segment.baseline is not None,
            "events": self.events,
            "alarms": [
                {**alarm_document(entry.alarm), "joins": entry.joins} for entry in self.alarms
            ],
        }


class Counted(Protocol):
    """Windows of segments, from wherever they come."""

    @property
    def segments(self) -> Segments:
        """Return the segments of the bundle."""

    def windows(self, segment: Segment) -> list[Window]:
        """Return the windows of a watched segment, one for each of the whole; some are empty."""


class SegmentWindows:
    """Counts the rows of each segment, a window for each window of the whole."""

    def __init__(
        self,
        segments: Segments,
        feature_set: FeatureSet,
        version: str,
    ) -> None:
        """Begin with empty windows.

        Args:
            segments: Of the bundle.
            feature_set: Of the bundle.
            version: Of the model.
        """
        self.segments = segments
        self._features = feature_set
        self._version = version
        self._open: dict[str, Window] = {}
        self._windows: list[dict[str, Window]] = []

    def take(
        self,
        columns: Columns,
        answers: Answers,
        times: Times | None,
        sessions: Names | None = None,
    ) -> None:
        """Take rows of one window in.

        Args:
            columns: By feature, each of shape (rows,).
            answers: To these rows.
            times: In milliseconds since 1970, shape (rows,).
            sessions: What the session of each row is called, shape (rows,).
        """
        for cut in self.segments.cuts:
            places = level_places(cut.levels, self._features[cut.levels.feature], columns)
            for place, segment in enumerate(cut.segments):
                chosen = places == place
                if segment.baseline is None or not chosen.any():
                    continue
                window = self._open.setdefault(segment.code, self._empty(segment.baseline))
                count_answered(window, chosen, columns, answers, times, sessions)

    def close(self) -> None:
        """Close the windows, as that of the whole is full."""
        self._windows.append(self._open)
        self._open = {}

    def windows(self, segment: Segment) -> list[Window]:
        """Return the windows of a watched segment, one for each of the whole; some are empty."""
        baseline = segment.baseline
        if baseline is None:
            return []
        empty = self._empty(baseline)
        return [windows.get(segment.code, empty) for windows in self._windows]

    def _empty(self, baseline: Baseline) -> Window:
        return Window.empty(baseline, self._version)


def replay_segments(  # noqa: PLR0913 - as `replay_windows`
    counted: Counted,
    baseline: Baseline,
    windows: Sequence[Window],
    whole: Replay,
    *,
    budget: Budget,
    minimum_effects: Mapping[str, float],
    cycles: bool,
    units: Mapping[str, str],
    repeats: bool = True,
    left_out: tuple[LeftOut, ...] = (),
) -> tuple[SegmentReplay, ...]:
    """Return what the detectors of all segments would have said, and which alarms join others.

    Args:
        counted: The windows of the segments.
        baseline: Of all training rows.
        windows: Of all rows.
        whole: The replay of all rows.
        budget: Of each segment, in its own events.
        minimum_effects: Of single features, by name.
        cycles: Whether cycles are allowed for, where rows have times.
        units: Of the features, by name, for words.
        repeats: Whether rows that repeat count for less.
        left_out: Spans of days, where rows have times.
    """
    replayed = []
    for segment in counted.segments:
        filled = counted.windows(segment)
        occupied = [window for window in filled if window.events]
        if segment.baseline is None or not occupied:
            replayed.append(SegmentReplay(segment, 0))
            continue
        allowance = allowance_of(segment.baseline, occupied, is_on=cycles, left_out=left_out)
        replay = replay_windows(
            segment.baseline,
            occupied,
            budget=budget,
            minimum_effect=whole.minimum_effect,
            phases=allowance.phases,
            minimum_effects=minimum_effects,
            units=units,
            repeats=repeats,
            left_out=allowance.left_out,
        )
        rows = FileRows.of(filled, windows)
        alarms = [SegmentAlarm(rows.of_file(alarm, str(segment)), False) for alarm in replay.alarms]
        replayed.append(SegmentReplay(segment, replay.events, tuple(alarms)))
    heard = [_told(alarm, baseline, None) for alarm in whole.alarms]
    return _joined(replayed, heard)


def strongest_of(
    replayed: Sequence[SegmentReplay],
    whole: Replay,
) -> Segment | None:
    """Return the segment in which the drift of all rows is strongest; None where none stands out.

    Args:
        replayed: Of each segment.
        whole: Of all rows.
    """
    largest = STRONGER * max([alarm.finding.effect for alarm in whole.alarms], default=0.0)
    strongest = None
    for part in replayed:
        for entry in part.alarms:
            if entry.joins and entry.alarm.finding.effect > largest:
                largest, strongest = entry.alarm.finding.effect, part.segment
    return strongest


def _joined(
    replayed: Sequence[SegmentReplay],
    heard: list[Told],
) -> tuple[SegmentReplay, ...]:
    """Return the replays with each alarm that says nothing new marked.

    Args:
        replayed: Of each segment.
        heard: The alarms of all rows.
    """
    waiting: list[tuple[Alarm, int]] = []
    for place, part in enumerate(replayed):
        waiting += [(entry.alarm, place) for entry in part.alarms]
    # The earliest first, and of one window the largest effect.
    waiting.sort(key=lambda pair: (pair[0].row, -pair[0].finding.effect))
    joining: dict[int, list[SegmentAlarm]] = {}
    for alarm, place in waiting:
        segment = replayed[place].segment
        drift = _told(alarm, segment.baseline, segment.share)
        joins = any(standing.explains(drift) for standing in heard)
        if not joins:
            heard.append(drift)
        joining.setdefault(place, []).append(SegmentAlarm(alarm, joins))
    return tuple(
        replace(part, alarms=tuple(joining.get(place, ()))) for place, part in enumerate(replayed)
    )


def _told(
    alarm: Alarm,
    baseline: Baseline | None,
    share: float | None,
) -> Told:
    # Segments without a baseline have no alarm.
    of = () if baseline is None else baseline.channel(alarm.finding.channel).of
    return Told(of, alarm.finding.effect, alarm.since_row, alarm.row, share)
