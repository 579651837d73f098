"""Windows that the monitor stored, read back for a report."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from drift_ml.replay.errors import ReplayError
from drift_ml.window import Window
from drift_monitor.keys import MINUTE, Series
from drift_monitor.stores import SqliteStore

if TYPE_CHECKING:
    from pathlib import Path

    from drift_ml.baseline import Baseline

_LAST = re.compile(r"last-([1-9][0-9]{0,4})([hmd])")
_MINUTES = {"m": 1, "h": 60, "d": 1440}
EXPECTED = "last-24h, last-7d, last-90m, or FROM..TO as 2026-11-22..2026-11-23T12:00"
MOST_FRAGMENTS = 100_000
"""Far more than a store keeps between two runs of the evaluation."""


class Span(NamedTuple):
    """Minutes since 1970, both included."""

    first: int
    last: int


def read_span(text: str, now: float) -> Span:
    """The minutes that a text names. now: seconds since 1970. Times are UTC. Raises ReplayError.

    >>> read_span("last-1h", 7200.0)
    Span(first=60, last=120)
    >>> read_span("1970-01-01..1970-01-02", 0.0)
    Span(first=0, last=1439)
    """
    if found := _LAST.fullmatch(text):
        last = int(now // MINUTE)
        return Span(last - int(found[1]) * _MINUTES[found[2]], last)
    start, dots, end = text.partition("..")
    try:
        first, after = _minute(start), _minute(end)
    except ValueError:
        raise ReplayError(f"--window: expected {EXPECTED}") from None
    if not dots or not first < after:
        raise ReplayError("--window: expected FROM to be before TO")
    return Span(first, after - 1)


def _minute(text: str) -> int:
    moment = datetime.fromisoformat(text)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() // MINUTE)


def stored_windows(path: Path, baseline: Baseline, version: str, span: Span) -> list[Window]:
    """The windows of a store, oldest first, with what has come but was not summed yet. Raises ReplayError.

    No window in the store is changed.
    """
    if not path.is_file():
        raise ReplayError(f"--store: expected a file of stored windows: {path}")
    store = SqliteStore(path)
    series = Series(baseline.model, version)
    try:
        found = [(kept.key.minute, kept.window) for kept in store.windows(series, *span)]
        found += [
            (each.key.minute, each.window)
            for each in store.fragments(series, span.last + 1, MOST_FRAGMENTS)
            if each.key.minute >= span.first
        ]
    finally:
        store.close()
    if not found:
        raise ReplayError(f"the store holds no window of {series} in that time")
    by_minute: dict[int, Window] = {}
    for minute, document in sorted(found, key=lambda each: each[0]):
        window = Window.from_json(document, baseline)
        by_minute[minute] = by_minute[minute] + window if minute in by_minute else window
    return list(by_minute.values())
