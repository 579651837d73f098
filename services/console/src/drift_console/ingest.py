"""From the log to the store, exactly once: what a batch adds and where it ended commit together."""

from __future__ import annotations

import logging
import sqlite3
from typing import TYPE_CHECKING

from drift_contracts import DriftError

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

    #: A line of the log, and what it says.
    Parsed = tuple[bytes, Line]

DAMAGED = (
    "%d damaged lines of the event log are not counted, between events-%06d.log at byte %d and"
    " events-%06d.log at byte %d; what is left of them stays in the files"
)
UNSTORABLE = "a batch of the log holds lines that cannot be stored; they are passed over"
#: Bytes of the log that are taken in together.
BATCH_BYTES = 1 << 20
#: Seconds that a segment is kept at most once everything in it is stored.
LOG_SECONDS = 3600
_log = logging.getLogger("drift_console.ingest")


class _Undo(DriftError):
    """Takes a transaction back that only was a trial."""


def _is_whole(line: bytes) -> bool:
    """Return whether a line without metrics is nevertheless as the console wrote it."""
    return line.startswith(b"{") and line.endswith(b"}")


def _parse(lines: list[bytes]) -> tuple[list[Parsed], int]:
    """Return the lines that hold metrics, each with what it says, and how many are damaged."""
    parsed = []
    damaged = 0
    for text in lines:
        line = parse_line(text)
        if line is not None:
            parsed.append((text, line))
        elif not _is_whole(text):
            damaged += 1
    return parsed, damaged


def position(connection: sqlite3.Connection) -> Position:
    """Return the place in the log before which everything is in the store."""
    segment, offset = connection.execute("SELECT segment, offset FROM position").fetchone()
    return Position(segment, offset)


class Ingester:
    """Reads the log where the store says it ended; used by one thread."""

    def __init__(self, connection: sqlite3.Connection, folder: Path) -> None:
        self._connection = connection
        self._folder = folder
        #: Whether the last batch reached what was the end of the log when it was read.
        self.at_end = False
        #: Epoch seconds of the newest event of the last batch; None for a batch without events.
        self.newest: float | None = None

    def ingest(self) -> bool:
        """Take in one batch; return False at the end of the log."""
        start = position(self._connection)
        batch = linelog.read_lines(self._folder, start, limit=BATCH_BYTES)
        if batch.next == start:
            return False
        parsed, damaged = _parse(batch.lines)
        self._report_damage(damaged + batch.torn, start, batch.next)
        try:
            self._store(batch, parsed)
        except sqlite3.Error:
            # The store is at fault, not a line.
            raise
        except Exception:
            # One line that nothing can store would block all others for good.
            report(_log, UNSTORABLE)
            storable = [pair for pair in parsed if self._is_storable(pair)]
            self._store(batch, storable)
        is_same_segment = batch.next.segment == start.segment
        size = batch.next.offset - start.offset if is_same_segment else BATCH_BYTES
        self.at_end = size < BATCH_BYTES // 2
        self.newest = parsed[-1][1].timestamp if parsed else None
        return True

    def _report_damage(self, damaged: int, start: Position, end: Position) -> None:
        if damaged:
            _log.warning(DAMAGED, damaged, start.segment, start.offset, end.segment, end.offset)

    def _store(self, batch: linelog.Batch, lines: list[Parsed]) -> None:
        """Commit the lines together with the position after them."""
        with transaction(self._connection):
            self._add(lines)
            self._connection.execute(
                "UPDATE position SET segment = ?, offset = ?, torn = torn + ?",
                (batch.next.segment, batch.next.offset, batch.torn),
            )

    def _add(self, lines: list[Parsed]) -> None:
        MetricStore(self._connection).add(line for _, line in lines)
        EventStore(self._connection).add(lines)

    def _is_storable(self, pair: Parsed) -> bool:
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
        """Forget what is old, in the store and in the log.

        Args:
            now: Epoch seconds.
            retention: Seconds that data is kept; the log is kept for an hour at most.
        """
        with transaction(self._connection):
            MetricStore(self._connection).prune(now=now, retention=retention)
            EventStore(self._connection).prune(now=now, retention=retention)
        oldest = now - min(retention, LOG_SECONDS)
        linelog.remove_before(self._folder, position(self._connection), older_than=oldest)
