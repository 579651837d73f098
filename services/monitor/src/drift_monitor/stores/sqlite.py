"""The store in a SQLite file: one machine, several processes, nothing lost by a crash."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drift_monitor.errors import Conflict
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores.files import open_store
from drift_monitor.stores.packing import pack, unpack
from drift_monitor.stores.protocol import Document, Fragment, Revision, StoredState, StoredWindow

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator, Sequence
    from pathlib import Path

TABLES = """
CREATE TABLE IF NOT EXISTS monitor_batches (batch TEXT PRIMARY KEY) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS monitor_fragments (
    model TEXT, version TEXT, minute INTEGER, batch TEXT, window BLOB,
    PRIMARY KEY (model, version, minute, batch)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS monitor_windows (
    model TEXT, version TEXT, minute INTEGER, revision INTEGER, window BLOB,
    PRIMARY KEY (model, version, minute)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS monitor_states (
    model TEXT, version TEXT, revision INTEGER, state BLOB,
    PRIMARY KEY (model, version)) WITHOUT ROWID;
"""
SERIES = "model = ? AND version = ?"
ADD_BATCH = "INSERT OR IGNORE INTO monitor_batches VALUES (?)"
ADD_FRAGMENT = "INSERT INTO monitor_fragments VALUES (?, ?, ?, ?, ?)"
READ_FRAGMENTS = (
    f"SELECT minute, batch, window FROM monitor_fragments WHERE {SERIES} AND minute < ?"  # noqa: S608
    " ORDER BY minute, batch LIMIT ?"
)
REMOVE_FRAGMENT = f"DELETE FROM monitor_fragments WHERE {SERIES} AND minute = ? AND batch = ?"  # noqa: S608
READ_REVISION = f"SELECT revision FROM monitor_windows WHERE {SERIES} AND minute = ?"  # noqa: S608
WRITE_WINDOW = "INSERT OR REPLACE INTO monitor_windows VALUES (?, ?, ?, ?, ?)"
READ_WINDOWS = (
    f"SELECT minute, revision, window FROM monitor_windows WHERE {SERIES}"  # noqa: S608
    " AND minute BETWEEN ? AND ? ORDER BY minute LIMIT ?"
)
FORGET_WINDOWS = f"DELETE FROM monitor_windows WHERE {SERIES} AND minute >= ? AND minute < ?"  # noqa: S608
FORGET_BATCHES = "DELETE FROM monitor_batches WHERE batch < ?"
READ_STATE = f"SELECT revision, state FROM monitor_states WHERE {SERIES}"  # noqa: S608
WRITE_STATE = "INSERT OR REPLACE INTO monitor_states VALUES (?, ?, ?, ?)"
#: SQLite's LIMIT for all rows.
NO_LIMIT = -1
#: Seconds to wait for another process that writes.
TIMEOUT = 30


class SqliteStore:
    """A `Store` in one file, shared by threads and processes."""

    def __init__(self, path: Path) -> None:
        """Open the file, or make it. Raises BadStore if it is damaged or newer."""
        self._lock = threading.Lock()
        self._connection = open_store(path, TABLES, timeout=TIMEOUT)

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        """Hold the file for writing; what was written is kept only if the block ends well."""
        with self._lock:
            # At once, not at the first write: two readers that both want to write would block.
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add(
        self,
        batch: str,
        fragments: Sequence[Fragment],
    ) -> bool:
        """See `Store.add`."""
        rows = [
            (*_columns(fragment.key), fragment.batch, pack(fragment.window))
            for fragment in fragments
        ]
        with self._transaction() as connection:
            if not connection.execute(ADD_BATCH, (batch,)).rowcount:
                return False
            connection.executemany(ADD_FRAGMENT, rows)
            return True

    def fragments(
        self,
        series: Series,
        before: int,
        limit: int,
    ) -> list[Fragment]:
        """See `Store.fragments`."""
        rows = self._read(READ_FRAGMENTS, (series.model, series.version, before, limit))
        return [
            Fragment(WindowKey(series, minute), batch, unpack(window))
            for minute, batch, window in rows
        ]

    def compact(
        self,
        read: StoredWindow,
        window: Document,
        fragments: Sequence[Fragment],
    ) -> None:
        """See `Store.compact`."""
        place = _columns(read.key)
        with self._transaction() as connection:
            revision = _revision(connection, READ_REVISION, place)
            deleted = 0
            for fragment in fragments:
                deleted += connection.execute(REMOVE_FRAGMENT, (*place, fragment.batch)).rowcount
            if revision != read.revision or deleted != len(fragments):
                raise Conflict(f"the window of {read.key.series} changed since it was read")
            connection.execute(WRITE_WINDOW, (*place, read.revision + 1, pack(window)))

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        return next(iter(self.windows(key.series, key.minute, key.minute)), None)

    def windows(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int | None = None,
    ) -> list[StoredWindow]:
        """See `Store.windows`."""
        if limit is None:
            limit = NO_LIMIT
        rows = self._read(READ_WINDOWS, (series.model, series.version, first, last, limit))
        return [
            StoredWindow(WindowKey(series, minute), revision, unpack(window))
            for minute, revision, window in rows
        ]

    def keep(self, series: Series, first: int, last: int, limit: int) -> int:  # noqa: ARG002 - nothing expires here
        """See `Store.keep`."""
        return last + 1

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        rows = self._read(READ_STATE, (series.model, series.version))
        if not rows:
            return StoredState(0, None)
        revision, state = rows[0]
        return StoredState(revision, unpack(state))

    def save(
        self,
        series: Series,
        read: Revision,
        state: Document,
    ) -> None:
        """See `Store.save`."""
        place = (series.model, series.version)
        with self._transaction() as connection:
            if _revision(connection, READ_STATE, place) != read:
                raise Conflict(f"the state of {series} changed since it was read")
            connection.execute(WRITE_STATE, (*place, read + 1, pack(state)))

    def forget(
        self,
        series: Series,
        *,
        before: int,
        batches_below: str,
        kept: Sequence[tuple[int, int]] = (),
    ) -> None:
        """Delete a series' old windows, and the markers of batches that can never come again.

        On AWS items expire by themselves.

        Args:
            series: whose windows.
            before: the first minute whose window stays.
            batches_below: the first name, in order of names, whose marker stays.
            kept: first and last minute of spans that stay too, in order, none within another.
        """
        begin = 0
        with self._transaction() as connection:
            for first, last in (*kept, (before, before)):
                end = min(first, before)
                connection.execute(FORGET_WINDOWS, (series.model, series.version, begin, end))
                begin = max(begin, last + 1)
            connection.execute(FORGET_BATCHES, (batches_below,))

    def _read(
        self,
        query: str,
        values: tuple[object, ...],
    ) -> list[tuple[Any, ...]]:
        with self._lock:
            rows: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
        return rows


def _columns(key: WindowKey) -> tuple[str, str, int]:
    """Return the columns that begin the primary key of fragments and windows."""
    return key.series.model, key.series.version, key.minute


def _revision(
    connection: sqlite3.Connection,
    query: str,
    place: tuple[object, ...],
) -> Revision:
    """Return the first column of the row at a place, 0 if there is none."""
    row = connection.execute(query, place).fetchone()
    if row is None:
        return 0
    return int(row[0])
