"""Prediction events under running numbers, read by cursor: what windows are built from."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

from drift_contracts.events import names_event

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from drift_contracts.events import PredictionEvent

    from drift_console.emf import Line


@dataclass(frozen=True)
class Event:
    """One stored event."""

    #: From 1, without gaps, in the order of ingestion.
    number: int
    #: The line of the event log.
    line: bytes

    def document(self) -> PredictionEvent:
        """Return the parsed line; no contract was checked, so a member may be missing or wrong."""
        return cast("PredictionEvent", json.loads(self.line))


@dataclass(frozen=True)
class Run:
    """Events of one model that were stored together; never changed afterwards."""

    #: Number of the first event.
    first: int
    #: Number of the last event.
    last: int
    model: str
    lines: tuple[bytes, ...]


class EventStore:
    """Events in compressed runs, one run per batch and model; the caller owns the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, lines: Iterable[tuple[bytes, Line]]) -> int:
        """Store the prediction events among lines of the log; return how many there were."""
        runs: dict[str, list[tuple[bytes, float]]] = {}
        for text, line in lines:
            # also those of a later version, which the monitor sets aside with a reason
            if names_event(line.document.get("contract")):
                model = str(line.document.get("Model"))
                runs.setdefault(model, []).append((text, line.timestamp))
        before = number = self.last()
        for model, run in runs.items():
            packed = zlib.compress(b"\n".join(text for text, _ in run), 1)
            latest = max(timestamp for _, timestamp in run)
            self._connection.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?)",
                (number + 1, len(run), model, latest, packed),
            )
            number += len(run)
        self._connection.execute(
            "INSERT OR REPLACE INTO counters VALUES ('events', ?)",
            (number,),
        )
        return number - before

    def last(self) -> int:
        """Return the newest event's number; as none is skipped, also how many there ever were."""
        row = self._connection.execute(
            "SELECT value FROM counters WHERE name = 'events'",
        ).fetchone()
        return int(row[0]) if row else 0

    def after(self, number: int, *, limit: int = 10_000) -> list[Event]:
        """Return events with a greater number, oldest first.

        A consumer keeps the number of the last event it has dealt with and asks again with it.

        Args:
            number: The cursor; 0 for the beginning.
            limit: Runs are read until there are so many events; the last run is returned whole.
        """
        rows = self._connection.execute(
            "SELECT first, lines FROM events WHERE first >="
            " IFNULL((SELECT MAX(first) FROM events WHERE first <= ?), 0) ORDER BY first",
            (number + 1,),
        )
        events: list[Event] = []
        for first, packed in rows:
            # The cursor may lie inside of the first run.
            events.extend(event for event in _unpack(first, packed) if event.number > number)
            if len(events) >= limit:
                break
        return events

    def next_run(self, number: int) -> Run | None:
        """Return the run that begins after a number; None if there is none yet.

        The `last` of the run asks for the one after it.
        """
        row = self._connection.execute(
            "SELECT first, count, model, lines FROM events WHERE first > ? ORDER BY first LIMIT 1",
            (number,),
        ).fetchone()
        if row is None:
            return None
        first, count, model, packed = row
        lines = tuple(event.line for event in _unpack(first, packed))
        return Run(first, first + count - 1, model, lines)

    def newest(self, model: str, count: int) -> list[Event]:
        """Return the newest events of a model, newest first.

        Args:
            model: Whose events.
            count: How many at most.
        """
        rows = self._connection.execute(
            "SELECT first, lines FROM events WHERE model = ? ORDER BY first DESC",
            (model,),
        )
        events: list[Event] = []
        for first, packed in rows:
            events.extend(reversed(_unpack(first, packed)))
            if len(events) >= count:
                break
        return events[:count]

    def prune(self, *, now: float, retention: float) -> None:
        """Forget runs whose newest event is too old; their numbers stay used.

        Args:
            now: Epoch seconds.
            retention: Seconds that events are kept.
        """
        self._connection.execute("DELETE FROM events WHERE latest < ?", (now - retention,))


def _unpack(first: int, packed: bytes) -> list[Event]:
    lines = zlib.decompress(packed).split(b"\n")
    return [Event(number, line) for number, line in enumerate(lines, first)]
