"""From the log to the store, exactly once: what a batch adds and where it ended commit together."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from drift_console import linelog
from drift_console.database import transaction
from drift_console.emf import parse_line
from drift_console.events import EventStore
from drift_console.linelog import Position
from drift_console.metrics import MetricStore
from drift_console.threads import report

if TYPE_CHECKING:
    from pathlib import Path

    from drift_console.emf import Line

DAMAGED = (
    "%d damaged lines of the event log are not counted, between events-%06d.log at byte %d and"
    " events-%06d.log at byte %d; what is left of them stays in the files"
)
BATCH_BYTES = 1 << 20  # of the log that are taken in together
_log = logging.getLogger("drift_console.ingest")


class _Undo(Exception):
    """Takes a transaction back that only was a trial."""


def _is_whole(line: bytes) -> bool:
    """Return whether a line that holds no metrics is one of the console's own all the same."""
    return line.startswith(b"{") and line.endswith(b"}")


def _parsed(lines: list[bytes]) -> tuple[list[tuple[bytes, Line]], int]:
    """Return the lines that hold metrics, each with what it says, and how many lines are damaged."""
    pairs = [(line, parse_line(line)) for line in lines]
    damaged = sum(entry is None and not _is_whole(line) for line, entry in pairs)
    return [(line, entry) for line, entry in pairs if entry is not None], damaged


def position(connection: sqlite3.Connection) -> Position:
    """Where in the log everything before is in the store."""
    return Position(*connection.execute("SELECT segment, offset FROM position").fetchone())


class Ingester:
    """Reads the log where the store says it ended; used by one thread."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        #: Whether the last batch reached what was the end of the log when it was read.
        self.at_end = False
        #: When the newest event of the last batch happened, in epoch seconds.
        self.newest: float | None = None

    def ingest(self) -> bool:
        """Take in one batch; False at the end of the log."""
        start = position(self._connection)
        batch = linelog.read_lines(self._folder, start, limit=BATCH_BYTES)
        if batch.next == start:
            return False
        size = batch.next.offset - start.offset if batch.next.segment == start.segment else BATCH_BYTES
        lines, damaged = _parsed(batch.lines)
        if damaged + batch.torn:
            end = batch.next
            _log.warning(DAMAGED, damaged + batch.torn, start.segment, start.offset, end.segment, end.offset)
        try:
            self._store(batch, lines)
        except sqlite3.Error:
            raise  # the store is at fault, not a line
        except Exception:
            # One line that nothing can store would hold up all others for good.
            report(_log, "a batch of the log holds lines that cannot be stored; they are passed over")
            self._store(batch, [pair for pair in lines if self._storable(pair)])
        self.at_end = size < BATCH_BYTES // 2
        self.newest = lines[-1][1].timestamp if lines else None
        return True

    def _store(self, batch: linelog.Batch, lines: list[tuple[bytes, Line]]) -> None:
        """Commit the lines together with the position after them."""
        with transaction(self._connection):
            self._add(lines)
            self._connection.execute(
                "UPDATE position SET segment = ?, offset = ?, torn = torn + ?",
                (batch.next.segment, batch.next.offset, batch.torn),
            )

    def _add(self, lines: list[tuple[bytes, Line]]) -> None:
        MetricStore(self._connection).add(entry for _, entry in lines)
        events = EventStore(self._connection)
        events.add((line, entry.timestamp, entry.document) for line, entry in lines)

    def _storable(self, pair: tuple[bytes, Line]) -> bool:
        """Return whether a line can be stored by itself. Raises sqlite3.Error."""
        try:
            with transaction(self._connection):
                self._add([pair])
                raise _Undo
        except _Undo:
            return True
        except sqlite3.Error:
            raise
        except Exception:
            return False

    def last(self) -> int:
        """Return the number of the newest event that is stored."""
        return EventStore(self._connection).last()

    def prune(self, *, now: float, retention: float) -> None:
        """Forget what is older than `retention` seconds, in the store and in the log."""
        with transaction(self._connection):
            MetricStore(self._connection).prune(now=now, retention=retention)
            EventStore(self._connection).prune(now=now, retention=retention)
        linelog.remove_before(self._folder, position(self._connection), older_than=now - min(retention, 3600))
