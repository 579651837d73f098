"""Prediction events, kept in order under running numbers, read by cursor: what windows are built from."""

from __future__ import annotations

import json
import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable, Mapping

CONTRACT = "prediction.event.v1"


class Event(NamedTuple):
    """An event's number (from 1, without gaps, in the order of ingestion) and its log line."""

    number: int
    line: bytes

    def document(self) -> dict[str, Any]:
        """The line, parsed."""
        parsed: dict[str, Any] = json.loads(self.line)
        return parsed


class Run(NamedTuple):
    """Events of one model that were stored together: numbers first to last, never changed afterwards."""

    first: int
    last: int
    model: str
    lines: tuple[bytes, ...]


class EventStore:
    """Events in compressed runs, one run per batch and model; the caller owns the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    def add(self, lines: Iterable[tuple[bytes, float, Mapping[str, Any]]]) -> int:
        """Store the prediction events among (line, timestamp, document); returns how many."""
        runs: dict[str, list[tuple[bytes, float]]] = {}
        for line, timestamp, document in lines:
            if document.get("contract") == CONTRACT:
                runs.setdefault(str(document.get("Model")), []).append((line, timestamp))
        number = self.last()
        for model, run in runs.items():
            packed = zlib.compress(b"\n".join(line for line, _ in run), 1)
            row = (number + 1, len(run), model, max(at for _, at in run), packed)
            self._connection.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?)", row)
            number += len(run)
        self._connection.execute("INSERT OR REPLACE INTO counters VALUES ('events', ?)", (number,))
        return sum(map(len, runs.values()))

    def last(self) -> int:
        """The number of the newest event; as nothing is skipped, also how many there ever were."""
        row = self._connection.execute("SELECT value FROM counters WHERE name = 'events'").fetchone()
        return int(row[0]) if row else 0

    def after(self, number: int, *, limit: int = 10_000) -> list[Event]:
        """Events with a greater number, oldest first, at least `limit` of them if there are.

        A consumer keeps the number of the last event it has dealt with and asks again with it.
        """
        rows = self._connection.execute(
            "SELECT first, lines FROM events WHERE first >="
            " IFNULL((SELECT MAX(first) FROM events WHERE first <= ?), 0) ORDER BY first",
            (number + 1,),
        )
        found: list[Event] = []
        for first, packed in rows:
            found.extend(event for event in _unpack(first, packed) if event.number > number)
            if len(found) >= limit:
                break
        return found

    def next_run(self, number: int) -> Run | None:
        """The run that begins after `number`, None if there is none yet; its `last` asks for the one after it."""
        row = self._connection.execute(
            "SELECT first, count, model, lines FROM events WHERE first > ? ORDER BY first LIMIT 1", (number,)
        ).fetchone()
        if row is None:
            return None
        first, count, model, packed = row
        return Run(first, first + count - 1, model, tuple(event.line for event in _unpack(first, packed)))

    def newest(self, model: str, count: int) -> list[Event]:
        """The newest events of a model, newest first."""
        rows = self._connection.execute("SELECT first, lines FROM events WHERE model = ? ORDER BY first DESC", (model,))
        found: list[Event] = []
        for first, packed in rows:
            found.extend(reversed(_unpack(first, packed)))
            if len(found) >= count:
                break
        return found[:count]

    def prune(self, *, now: float, retention: float) -> None:
        """Forget runs whose newest event is older than `retention` seconds; their numbers stay used."""
        self._connection.execute("DELETE FROM events WHERE latest < ?", (now - retention,))


def _unpack(first: int, packed: bytes) -> list[Event]:
    return [Event(number, line) for number, line in enumerate(zlib.decompress(packed).split(b"\n"), first)]
