"""Windows that the monitor stored, read back for a report."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from drift_ml.replay.errors import ReplayError
from drift_ml.window import Window
from drift_monitor.keys import MINUTE, Series
from drift_monitor.stores import SqliteStore

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from drift_ml.baseline import Baseline
    from drift_ml.segments import Segment, Segments

_LAST = re.compile(r"last-([1-9][0-9]{0,4})([hmd])")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
EXPECTED = "last-24h, last-7d, last-90m, or FROM..TO as 2026-11-22..2026-11-23T12:00"
#: Far more than a store keeps between two runs of the evaluation.
MOST_FRAGMENTS = 100_000
MINUTE_MS = 60_000


@dataclass(frozen=True)
class Span:
    """Minutes since 1970, both included."""

    first: int
    last: int


def read_span(text: str, now: float) -> Span:
    """Return the minutes that a text names.

    Args:
        text: `last-24h` and the like, or FROM..TO in UTC.
        now: Epoch seconds.

    Raises:
        ReplayError: For any other text, or where FROM is not before TO.

    >>> read_span("last-1h", 7200.0)
    Span(first=60, last=120)
    >>> read_span("1970-01-01..1970-01-02", 0.0)
    Span(first=0, last=1439)
    """
    match = _LAST.fullmatch(text)
    if match:
        last = int(now // MINUTE)
        return Span(last - int(match[1]) * _MINUTES[match[2]], last)
    start, dots, end = text.partition("..")
    try:
        first = _minute(start)
        after = _minute(end)
    except ValueError:
        raise ReplayError(f"--window: expected {EXPECTED}") from None
    if not dots or not first < after:
        raise ReplayError("--window: expected FROM to be before TO")
    return Span(first, after - 1)


def _minute(text: str) -> int:
    """Return the minute of a date or time, UTC where it has no time zone. Raises ValueError."""
    time = datetime.fromisoformat(text)
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return int(time.timestamp() // MINUTE)


def stored_windows(path: Path, baseline: Baseline, version: str, span: Span) -> list[Window]:
    """Return the windows of a store, oldest first, with what has come but was not summed yet.

    No window in the store is changed.

    Args:
        path: The store's SQLite file.
        baseline: Of the model.
        version: Of the model.
        span: The minutes.

    Raises:
        ReplayError: Where there is no such file, or no window in it.
    """
    if not path.is_file():
        raise ReplayError(f"--store: expected a file of stored windows: {path}")
    store = SqliteStore(path)
    series = Series(baseline.model, version)
    try:
        by_minute = _by_minute(store, series, baseline, span)
    finally:
        store.close()
    if not by_minute:
        raise ReplayError(f"the store holds no window of {series} in that time")
    return list(by_minute.values())


@dataclass(frozen=True)
class StoredSegments:
    """The stored windows of segments, beside those of all traffic."""

    segments: Segments
    #: By code of the segment, one for each window of all traffic.
    listed: Mapping[str, list[Window]]

    def windows(self, segment: Segment) -> list[Window]:
        """Return the windows of a segment; none of one that is not watched."""
        return self.listed.get(segment.code, [])


def stored_segments(
    path: Path,
    segments: Segments,
    version: str,
    span: Span,
    windows: Sequence[Window],
) -> StoredSegments:
    """Return the windows of segments in a store; what a console did not watch is empty.

    Args:
        path: The store's SQLite file, which is there.
        segments: Of the bundle.
        version: Of the model.
        span: The minutes.
        windows: Of all traffic in that span.
    """
    minutes = [(window.first_ms or 0) // MINUTE_MS for window in windows]
    listed = {}
    store = SqliteStore(path)
    try:
        for segment in segments.watched:
            # Those that are watched have a baseline.
            if segment.baseline is not None:
                series = Series(segment.baseline.model, version).part(segment.code)
                stored = _by_minute(store, series, segment.baseline, span)
                empty = Window.empty(segment.baseline, version)
                listed[segment.code] = [stored.get(minute, empty) for minute in minutes]
    finally:
        store.close()
    return StoredSegments(segments, listed)


def _by_minute(
    store: SqliteStore,
    series: Series,
    baseline: Baseline,
    span: Span,
) -> dict[int, Window]:
    """Return the windows of a series by minute, oldest first, with what was not summed yet."""
    documents = [
        (stored.key.minute, stored.window)
        for stored in store.windows(series, span.first, span.last)
    ]
    documents += [
        (fragment.key.minute, fragment.window)
        for fragment in store.fragments(series, span.last + 1, MOST_FRAGMENTS)
        if fragment.key.minute >= span.first
    ]
    by_minute: dict[int, Window] = {}
    for minute, document in sorted(documents, key=lambda pair: pair[0]):
        window = Window.from_json(document, baseline)
        earlier = by_minute.get(minute)
        by_minute[minute] = window if earlier is None else earlier + window
    return by_minute
