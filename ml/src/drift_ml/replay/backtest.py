"""Past traffic from a file: chunk by chunk into windows, the named detectors beside, then the replay."""

from __future__ import annotations

import math
import os
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_engine.forest import BadRow

from drift_ml.baseline import Baseline
from drift_ml.evidence import Budget
from drift_ml.replay.detectors import Firing, Rivals
from drift_ml.replay.errors import ReplayError
from drift_ml.replay.evidence import Replay, events_per_day, replay_windows
from drift_ml.replay.training_rows import TrainingRows
from drift_ml.tables import Layout, ReadOptions, Table, column_names, count_rows, read_chunks
from drift_ml.tables.row_digests import RowSample, as_seen, hash_rows
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_engine.bundle import Bundle
    from drift_engine.forest import Forest

    from drift_ml.tables import Chunk
    from drift_ml.tables.row_digests import RowDigests

    Floats = npt.NDArray[np.float64]
    Progress = Callable[[str, int, int], None]
    """(what is being done, done, in all)."""

MOST_WINDOWS = 500
FEWEST_ROWS = 50
PREDICTED_TOGETHER = 2**13
PREDICTION_COLUMN = "prediction"


@dataclass(frozen=True)
class Request:
    """What to replay, and how.

    time, prediction: names of columns; without a prediction column the one named `prediction` is taken if it
    is there, else the bundle's forest predicts. window: rows to a window, None for the file's 500th part,
    rounded up. budget_events or budget_days: one false alarm in so many; 100,000 events by default.
    reading: how to read the file.
    """

    path: Path
    time: str | None = None
    prediction: str | None = None
    window: int | None = None
    budget_events: float | None = None
    budget_days: float | None = None
    minimum_effect: float = 0.1
    reading: ReadOptions = field(default_factory=ReadOptions)


@dataclass(frozen=True)
class Backtest:
    """What was found. predicted: whether the bundle's forest gave the predictions."""

    windows: tuple[Window, ...]
    replay: Replay
    firings: tuple[Firing, ...]
    predicted: bool
    training_rows: TrainingRows


def backtest(
    bundle: Bundle, request: Request, progress: Progress | None = None, *, digests: RowDigests | None = None
) -> Backtest:
    """Replay a file against a bundle. Raises DataError for the file, ReplayError and EvidenceError for settings.

    digests: of the bundle's training rows, by which rows of them are told. Memory is bounded by a
    chunk of rows, the windows, at most about 500, and the digests of 240,000 rows.
    """
    if request.budget_days is not None and request.time is None:
        raise ReplayError("a budget in days: expected a column of times (--time-column)")
    show = progress or _silent
    names = column_names(request.path, request.reading)
    number = request.prediction or (PREDICTION_COLUMN if PREDICTION_COLUMN in names else None)
    complete = number is None and not _takes_missing(bundle.forest, len(bundle.feature_set.names))
    layout = Layout(bundle.feature_set, number, request.time, complete=complete)
    rows = count_rows(request.path)
    baseline = Baseline.from_json(bundle.baseline)
    cutter = _Cutter(baseline, bundle.manifest["model_version"], request.window or rows_per_window(rows))
    rivals = Rivals(baseline)
    sample = RowSample() if digests is None else RowSample(limit=digests.limit)
    done = 0
    with ExitStack() as stack:
        other = stack.enter_context(ThreadPoolExecutor(1))  # numpy lets two threads count at a time
        chunks = stack.enter_context(closing(read_chunks(request.path, layout, request.reading)))
        for chunk, rows_of, predictions in _predicted(chunks, number, bundle):
            columns = {name: chunk.columns[name] for name in bundle.feature_set.names}
            beside = other.submit(rivals.take, columns, predictions)
            cutter.take(columns, predictions, chunk.times_ms)
            if digests is not None:
                sample.add(hash_rows(as_seen(rows_of())))
            beside.result()
            done += chunk.rows
            show("rows", done, max(rows, done))
    windows = cutter.finish()
    replay = replay_windows(
        baseline,
        windows,
        budget=budget_of(request.budget_events, request.budget_days, windows),
        minimum_effect=request.minimum_effect,
        progress=lambda done, total: show("evidence", done, total),
    )
    compared = TrainingRows(None if digests is None else digests.compare(sample))
    return Backtest(tuple(windows), replay, rivals.firings(), number is None, compared)


def rows_per_window(rows: int) -> int:
    """The least of 50, 100, 200, 500, 1,000... that makes at most 500 windows of so many rows.

    >>> rows_per_window(10_000), rows_per_window(30_000), rows_per_window(1_000_000)
    (50, 100, 2000)
    """
    size, factors = FEWEST_ROWS, (2.0, 2.0, 2.5)
    turn = 0
    while rows > size * MOST_WINDOWS:
        size = int(size * factors[turn % 3])
        turn += 1
    return size


def budget_of(events: float | None, days: float | None, windows: list[Window]) -> Budget:
    """The budget, of days at the traffic of the windows. Raises ReplayError, EvidenceError."""
    if days is None:
        return Budget() if events is None else Budget(events)
    traffic = events_per_day(windows)
    if traffic is None:
        raise ReplayError("a budget in days: expected events over a minute or more; give it in events")
    return Budget.per_days(days, traffic)


class _Cutter:
    """Cuts chunks into windows of equally many rows."""

    def __init__(self, baseline: Baseline, version: str, size: int) -> None:
        self._baseline, self._version, self._size = baseline, version, size
        self._windows: list[Window] = []
        self._open = Window.empty(baseline, version)

    def take(self, columns: dict[str, Any], predictions: Floats, times: npt.NDArray[np.int64] | None) -> None:
        start = 0
        while start < len(predictions):
            end = start + self._size - self._open.events
            self._open.observe_rows(
                {name: values[start:end] for name, values in columns.items()},
                predictions[start:end],
                None if times is None else times[start:end],
            )
            start = end
            if self._open.events == self._size:
                self._close()

    def _close(self) -> None:
        self._windows.append(self._open)
        self._open = Window.empty(self._baseline, self._version)

    def finish(self) -> list[Window]:
        """All windows; the last may hold fewer rows."""
        if self._open.events:
            self._close()
        return self._windows


def _predicted(
    chunks: Iterator[Chunk], number: str | None, bundle: Bundle
) -> Iterator[tuple[Chunk, Callable[[], Floats], Floats]]:
    """Yield each chunk, what gives its encoded rows, and its predictions.

    Predictions are the column's, or the forest's on all cores, which needs the rows encoded anyway.
    """
    if number is not None:
        for chunk in chunks:
            yield chunk, partial(_matrix, bundle.feature_set, chunk), chunk.columns[number]
        return
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for chunk in chunks:
            rows = _matrix(bundle.feature_set, chunk)
            parts = [rows[start : start + PREDICTED_TOGETHER] for start in range(0, len(rows), PREDICTED_TOGETHER)]
            predictions = np.concatenate(list(pool.map(partial(_predict, bundle.forest), parts)))
            yield chunk, partial(np.asarray, rows), predictions


def _matrix(feature_set: FeatureSet, chunk: Chunk) -> Floats:
    return Table("", chunk.columns, np.empty(chunk.rows)).matrix(feature_set)


def _takes_missing(forest: Forest, width: int) -> bool:
    """Return whether the forest answers rows with missing values, as those fitted on some do."""
    try:
        forest.predict([math.nan] * width)
    except BadRow:
        return False
    return True


def _predict(forest: Forest, rows: Floats) -> Floats:
    return np.array(forest.predict_many(rows.tolist()), dtype=np.float64)


def _silent(_what: str, _done: int, _total: int) -> None:
    """Nobody watches."""
