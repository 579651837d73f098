"""Past traffic from a file: chunk by chunk into windows and named detectors, then the replay."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, cast

import numpy as np
from drift_engine.forest import BadRow

from drift_ml.baseline import Baseline
from drift_ml.descriptions import units_of
from drift_ml.evidence import Budget
from drift_ml.replay.allowance import allowance_of
from drift_ml.replay.answering import column_answers, count_answered, joined, model_answers
from drift_ml.replay.caller_replays import left_out_in_words
from drift_ml.replay.callers import CallerWindows
from drift_ml.replay.errors import ReplayError
from drift_ml.replay.evidence import (
    MINIMUM_EFFECT,
    Replay,
    budget_of,
    plain_settings,
    replay_windows,
)
from drift_ml.replay.marks import check_marks, mark_column, names_in
from drift_ml.replay.reference_detectors import Detection, ReferenceDetectors
from drift_ml.replay.segments import SegmentReplay, SegmentWindows, replay_segments
from drift_ml.replay.training_rows import TrainingRows
from drift_ml.segments import BudgetShares
from drift_ml.tables import Layout, ReadOptions, Table, column_names, count_rows, read_chunks
from drift_ml.tables.row_digests import RowSample, as_seen, hash_rows
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_engine.bundle import Bundle
    from drift_engine.forest import Forest
    from drift_engine.model import PackedModel
    from drift_engine.onnx._model import OnnxModel

    from drift_ml.left_out import LeftOut
    from drift_ml.replay.allowance import Allowance
    from drift_ml.replay.answering import Answers
    from drift_ml.replay.caller_replays import CallerReplay
    from drift_ml.replay.marks import Names
    from drift_ml.rhythm import Rhythm
    from drift_ml.segments import Segments
    from drift_ml.tables import Chunk, Unlabelled
    from drift_ml.tables.row_digests import RowDigests

    Floats = npt.NDArray[np.float64]
    Times = npt.NDArray[np.int64]
    Progress = Callable[[str, int, int], None]
    """(what is being done, done, in all)."""

MOST_WINDOWS = 500
HOUR_S = 3_600
FEWEST_ROWS = 50
#: Rows that one thread predicts at a time.
PREDICTED_TOGETHER = 2**13
PREDICTION_COLUMN = "prediction"


@dataclass(frozen=True)
class Request:
    """What to replay, and how."""

    path: Path
    #: The column of times.
    time: str | None = None
    #: The column of predictions. Without one, the column named `prediction` is taken if it is
    #: there, else the bundle's model predicts.
    prediction: str | None = None
    #: The column that names sessions. Without one, the feature that does by the feature set.
    session: str | None = None
    #: The same for who asked.
    caller: str | None = None
    #: Whether callers that are another population are left out and watched by themselves, where
    #: rows have times and cycles are allowed for.
    tells_callers: bool = True
    #: Rows to a window, None for the file's 500th part, rounded up.
    window: int | None = None
    #: One false alarm in so many; 100,000 events by default.
    budget_events: float | None = None
    budget_days: float | None = None
    #: Standard deviations.
    minimum_effect: float = MINIMUM_EFFECT
    #: Minimum effects of single features, by name.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: Whether rows that repeat each other count for less.
    repeats: bool = True
    #: Of the bundle; it holds where the file has times.
    rhythm: Rhythm | None = None
    #: Whether the cycles of a file with times are allowed for.
    cycles: bool = True
    #: Days of a file with times that nothing is learned from, and that are no evidence.
    left_out: tuple[LeftOut, ...] = ()
    #: Of the bundle, to be watched beside all rows; None for none of them.
    segments: Segments | None = None
    #: How to read the file.
    reading: ReadOptions = field(default_factory=ReadOptions)
    #: Counts the rows without target, which are left out where the model predicts; None for none.
    unlabelled: Unlabelled | None = None


@dataclass(frozen=True)
class Backtest:
    """What a file holds."""

    windows: tuple[Window, ...]
    replay: Replay
    detections: tuple[Detection, ...]
    #: Whether the bundle's model gave the predictions.
    predicted: bool
    training_rows: TrainingRows
    #: What was allowed for.
    allowance: Allowance
    #: Of each segment, watched or not; empty where the bundle has none.
    segments: tuple[SegmentReplay, ...] = ()
    #: Of each caller that was left out of all rows.
    callers: tuple[CallerReplay, ...] = ()


@dataclass(frozen=True)
class _Predicted:
    """A chunk with what was answered to it."""

    chunk: Chunk
    answers: Answers
    #: Returns the encoded rows, shape (rows, features), which not everybody needs.
    encode: Callable[[], Floats]


def backtest(
    bundle: Bundle,
    request: Request,
    progress: Progress | None = None,
    *,
    digests: RowDigests | None = None,
) -> Backtest:
    """Replay a file against a bundle.

    Memory is bounded by a chunk of rows, the windows, at most about 500, and the digests of 240,000
    rows.

    Args:
        bundle: What was trained.
        request: The file, and how it is replayed.
        progress: Called after each chunk and window.
        digests: Of the bundle's training rows, by which rows of them are recognised.

    Raises:
        DataError: the file breaks the feature set, or cannot be read.
        ReplayError: the settings do not fit the file.
        EvidenceError: no detector keeps such settings.
    """
    if request.budget_days is not None and request.time is None:
        raise ReplayError("a budget in days: expected a column of times (--time-column)")
    show = progress or _silent
    column = _prediction_column(request)
    baseline = Baseline.from_json(bundle.baseline)
    rows = count_rows(request.path)
    size = request.window or rows_per_window(rows)
    version, counted = bundle.manifest["model_version"], None
    if request.segments is not None:
        counted = SegmentWindows(request.segments, bundle.feature_set, version)
    caller = _caller_column(bundle, request)
    callers = None if caller is None else CallerWindows(baseline, version)
    cutter = _Cutter(baseline, version, size, step_s=_step_of(request), parts=(counted, callers))
    detectors = ReferenceDetectors(baseline)
    sample = RowSample() if digests is None else RowSample(limit=digests.limit)
    done = 0
    with ExitStack() as stack:
        # numpy lets two threads count at a time.
        thread = stack.enter_context(ThreadPoolExecutor(1))
        layout = _layout(bundle, request, column)
        check_marks(layout)
        session = mark_column(bundle.feature_set, "session", request.session)
        unlabelled = request.unlabelled if column is None else None
        reader = read_chunks(request.path, layout, request.reading, unlabelled=unlabelled)
        chunks = stack.enter_context(closing(reader))
        for part in _predicted(chunks, column, bundle):
            names = bundle.feature_set.names
            columns = {name: part.chunk.columns[name] for name in names}
            detecting = thread.submit(detectors.take, columns, part.answers.predictions)
            marks = _Marks(names_in(part.chunk, session), names_in(part.chunk, caller))
            cutter.take(columns, part.answers, part.chunk.times_ms, marks)
            if digests is not None:
                sample.add(hash_rows(as_seen(part.encode())))
            detecting.result()
            done += part.chunk.rows
            show("rows", done, max(rows, done))
    windows = cutter.finish()
    units = units_of(bundle.feature_set)
    budget = budget_of(request.budget_events, request.budget_days, windows)
    shares = _shares(request, callers)
    of_part = Budget(shares.segment(budget.events))
    rest, apart = _without_callers(callers, windows, request, of_part, units)
    remaining = [window for window in rest if window.events]
    allowance = allowance_of(
        baseline, remaining, request.rhythm, is_on=request.cycles, left_out=request.left_out
    )
    callers_out = left_out_in_words(apart, sum(window.events for window in windows))
    allowance = replace(allowance, words=f"{allowance.words}{callers_out}")
    replay = replay_windows(
        baseline,
        remaining,
        budget=Budget(shares.whole(budget.events)),
        minimum_effect=request.minimum_effect,
        minimum_effects=request.minimum_effects,
        phases=allowance.phases,
        progress=partial(show, "evidence"),
        units=units,
        repeats=request.repeats,
        left_out=allowance.left_out,
    )
    segments: tuple[SegmentReplay, ...] = ()
    if counted is not None:
        segments = replay_segments(
            counted,
            baseline,
            rest,
            replay,
            budget=of_part,
            minimum_effects=request.minimum_effects,
            cycles=request.cycles,
            units=units,
            repeats=request.repeats,
            left_out=request.left_out,
        )
    return Backtest(
        tuple(remaining),
        replay,
        detectors.detections(),
        column is None,
        TrainingRows(None if digests is None else digests.compare(sample)),
        allowance,
        segments,
        apart,
    )


def answered_chunks(
    bundle: Bundle, request: Request
) -> Iterator[tuple[Mapping[str, npt.NDArray[np.generic]], Answers, Times]]:
    """Yield the columns, the answers and the times, in milliseconds since 1970, of a file's chunks.

    Args:
        bundle: Whose model answers where the file has no column of predictions.
        request: The file, with a column of times.

    Raises:
        DataError: the file breaks the feature set, or cannot be read.
    """
    column = _prediction_column(request)
    layout = _layout(bundle, request, column)
    with closing(read_chunks(request.path, layout, request.reading)) as chunks:
        for part in _predicted(chunks, column, bundle):
            columns = {name: part.chunk.columns[name] for name in bundle.feature_set.names}
            # The layout names a column of times, so that every chunk has them.
            yield columns, part.answers, cast("Times", part.chunk.times_ms)


def rows_per_window(rows: int) -> int:
    """Return the least of 50, 100, 200, 500... that makes at most 500 windows of so many rows.

    >>> rows_per_window(10_000), rows_per_window(30_000), rows_per_window(1_000_000)
    (50, 100, 2000)
    """
    size, factors = FEWEST_ROWS, (2.0, 2.0, 2.5)
    turn = 0
    while rows > size * MOST_WINDOWS:
        size = int(size * factors[turn % 3])
        turn += 1
    return size


def _prediction_column(request: Request) -> str | None:
    """Return the column of predictions, None where the model predicts."""
    if request.prediction:
        return request.prediction
    names = column_names(request.path, request.reading)
    return PREDICTION_COLUMN if PREDICTION_COLUMN in names else None


def _layout(
    bundle: Bundle,
    request: Request,
    column: str | None,
) -> Layout:
    # Some models answer complete rows only; where none predicts, a row may miss values.
    width = len(bundle.feature_set.names)
    complete = column is None and not takes_missing(bundle.model, width)
    # The target is read where rows without it are left out.
    is_labelled = column is None and request.unlabelled is not None
    number = bundle.feature_set.target.name if is_labelled else column
    names = tuple(filter(None, (request.session, request.caller)))
    return Layout(bundle.feature_set, number, request.time, complete=complete, names=names)


def _caller_column(bundle: Bundle, request: Request) -> str | None:
    """Return the column that names callers; None where none is told apart."""
    # They are decided about by whole days, which windows must not span.
    if not request.tells_callers or request.time is None or not request.cycles:
        return None
    return mark_column(bundle.feature_set, "caller", request.caller)


def _without_callers(
    callers: CallerWindows | None,
    windows: list[Window],
    request: Request,
    budget: Budget,
    units: Mapping[str, str],
) -> tuple[list[Window], tuple[CallerReplay, ...]]:
    """Return the windows without callers that are another population, and what these did.

    Args:
        callers: Their windows; None where none is told apart.
        windows: Of all rows.
        request: How the file is replayed.
        budget: Of each caller, in its own rows.
        units: Of the features, by name.
    """
    if callers is None or not windows:
        return windows, ()
    effects = (request.minimum_effect, request.minimum_effects)
    settings = plain_settings(callers.baseline, budget, *effects, repeats=request.repeats)
    return callers.replay(windows, settings, units, request.left_out)


def _shares(
    request: Request,
    callers: CallerWindows | None,
) -> BudgetShares:
    """Return how the whole, its segments and its callers share one budget, as in the service."""
    cuts = 0 if request.segments is None else request.segments.shares.cuts
    # Callers share out the traffic as the segments of one feature do.
    return BudgetShares(cuts + int(callers is not None))


def _step_of(request: Request) -> int | None:
    """Return the seconds of a slice of time whose end no window spans; None for any."""
    if request.time is None or not (request.cycles or request.left_out):
        return None
    return HOUR_S if request.rhythm is None else request.rhythm.step_s


@dataclass(frozen=True, eq=False)
class _Marks:
    """What sessions and callers of some rows are called, each of shape (rows,)."""

    sessions: Names | None
    callers: Names | None

    def part(self, start: int, end: int) -> _Marks:
        """Return the rows from `start` up to `end`."""
        return _Marks(
            None if self.sessions is None else self.sessions[start:end],
            None if self.callers is None else self.callers[start:end],
        )


class _Cutter:
    """Cuts chunks into windows of equally many rows, or of fewer where a slice of time ends."""

    def __init__(
        self,
        baseline: Baseline,
        version: str,
        size: int,
        *,
        step_s: int | None = None,
        parts: tuple[SegmentWindows | None, CallerWindows | None] = (None, None),
    ) -> None:
        """Begin with an empty window.

        Args:
            baseline: That rows are counted against.
            version: Of the model.
            size: Rows of a window.
            step_s: Seconds of a slice of time whose end no window spans, as cycles have a
                reference for each; None for any.
            parts: Take the same rows in, by segment and by caller.
        """
        self._segments, self._callers = parts
        self._baseline, self._version, self._size = baseline, version, size
        self._step_ms = None if step_s is None else step_s * 1000
        self._slice: int | None = None
        self._windows: list[Window] = []
        self._open = Window.empty(baseline, version)

    def take(
        self,
        columns: Mapping[str, npt.NDArray[np.generic]],
        answers: Answers,
        times: Times | None,
        marks: _Marks,
    ) -> None:
        """Take a chunk in: vectors of shape (rows,), times in milliseconds since 1970."""
        start = 0
        ends = self._slice_ends(len(answers.predictions), times)
        while start < len(answers.predictions):
            if self._step_ms is not None and times is not None:
                self._begin_slice(int(times[start] // self._step_ms))
            end = min(
                start + self._size - self._open.events,
                int(ends[np.searchsorted(ends, start, side="right")]),
            )
            part = answers.part(start, end)
            some = {name: values[start:end] for name, values in columns.items()}
            moments = None if times is None else times[start:end]
            names = marks.part(start, end)
            if self._segments is not None:
                self._segments.take(some, part, moments, names.sessions)
            if self._callers is not None and names.callers is not None:
                self._callers.take(some, part, moments, names.callers, names.sessions)
            count_answered(self._open, slice(None), some, part, moments, names.sessions)
            start = end
            if self._open.events == self._size:
                self._close()

    def _slice_ends(
        self,
        rows: int,
        times: Times | None,
    ) -> npt.NDArray[np.intp]:
        """Return behind which rows of a chunk a window ends at the latest, the last one included.

        Args:
            rows: Of the chunk.
            times: In milliseconds since 1970, shape (rows,).
        """
        if self._step_ms is None or times is None:
            return np.array([rows])
        return np.append(np.flatnonzero(np.diff(times // self._step_ms)) + 1, rows)

    def _begin_slice(self, number: int) -> None:
        """Close the open window where its slice of time is another one."""
        if number != self._slice and self._open.events:
            self._close()
        self._slice = number

    def finish(self) -> list[Window]:
        """Return all windows; the last may hold fewer rows."""
        if self._open.events:
            self._close()
        return self._windows

    def _close(self) -> None:
        for counted in (self._segments, self._callers):
            if counted is not None:
                counted.close()
        self._windows.append(self._open)
        self._open = Window.empty(self._baseline, self._version)


def _predicted(
    chunks: Iterator[Chunk],
    column: str | None,
    bundle: Bundle,
) -> Iterator[_Predicted]:
    """Yield each chunk with its answers: the column's, or the model's on all cores."""
    if column is not None:
        for chunk in chunks:
            encode = partial(_matrix, bundle.feature_set, chunk)
            yield _Predicted(chunk, column_answers(bundle, chunk.columns[column]), encode)
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for chunk in chunks:
            rows = _matrix(bundle.feature_set, chunk)
            starts = range(0, len(rows), PREDICTED_TOGETHER)
            parts = [rows[start : start + PREDICTED_TOGETHER] for start in starts]
            answers = joined(list(pool.map(partial(model_answers, bundle), parts)))
            yield _Predicted(chunk, answers, partial(np.asarray, rows))


def _matrix(
    feature_set: FeatureSet,
    chunk: Chunk,
) -> Floats:
    return Table("", chunk.columns, np.empty(chunk.rows)).matrix(feature_set)


def takes_missing(
    model: Forest | PackedModel | OnnxModel,
    width: int,
) -> bool:
    """Return whether a model answers rows with missing values, as those fitted on some do."""
    try:
        model.predict([math.nan] * width)
    except BadRow:
        return False
    return True


def _silent(
    _what: str,
    _done: int,
    _total: int,
) -> None:
    """Show nothing."""
