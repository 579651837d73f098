"""From the log to the store, exactly once: what a batch adds and where it ended commit together."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from drift_console import linelog
from drift_console.database import transaction
from drift_console.emf import parse_line
from drift_console.events import EventStore
from drift_console.linelog import Position
from drift_console.metrics import MetricStore

if TYPE_CHECKING:
    import sqlite3
    from pathlib import Path

DAMAGED = (
    "%d damaged lines of the event log are not counted, between events-%06d.log at byte %d and"
    " events-%06d.log at byte %d; what is left of them stays in the files"
)
_log = logging.getLogger("drift_console.ingest")


def _is_whole(line: bytes) -> bool:
    """Return whether a line that holds no metrics is one of the console's own all the same."""
    return line.startswith(b"{") and line.endswith(b"}")


def position(connection: sqlite3.Connection) -> Position:
    """Where in the log everything before is in the store."""
    return Position(*connection.execute("SELECT segment, offset FROM position").fetchone())


class Ingester:
    """Reads the log where the store says it ended; used by one thread."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder

    def ingest(self) -> bool:
        """Take in one batch; False at the end of the log."""
        start = position(self._connection)
        batch = linelog.read_lines(self._folder, start)
        if batch.next == start:
            return False
        parsed = [(line, parse_line(line)) for line in batch.lines]
        damaged = sum(entry is None and not _is_whole(line) for line, entry in parsed) + batch.torn
        if damaged:
            end = batch.next
            _log.warning(DAMAGED, damaged, start.segment, start.offset, end.segment, end.offset)
        known = [(line, entry) for line, entry in parsed if entry is not None]
        with transaction(self._connection):
            MetricStore(self._connection).add(entry for _, entry in known)
            EventStore(self._connection).add((line, entry.timestamp, entry.document) for line, entry in known)
            self._connection.execute(
                "UPDATE position SET segment = ?, offset = ?, torn = torn + ?",
                (batch.next.segment, batch.next.offset, batch.torn),
            )
        return True

    def prune(self, *, now: float, retention: float) -> None:
        """Forget what is older than `retention` seconds, in the store and in the log."""
        with transaction(self._connection):
            MetricStore(self._connection).prune(now=now, retention=retention)
            EventStore(self._connection).prune(now=now, retention=retention)
        linelog.remove_before(self._folder, position(self._connection), older_than=now - min(retention, 3600))
