"""The store in a SQLite file: one machine, several processes, nothing lost by a crash."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from drift_monitor.errors import Conflict
from drift_monitor.keys import Series, WindowKey

from .files import open_store
from .packing import pack, unpack
from .protocol import Document, Fragment, Revision, StoredState, StoredWindow

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
REVISION = "SELECT revision FROM monitor_windows WHERE model = ? AND version = ? AND minute = ?"
REMOVE = "DELETE FROM monitor_fragments WHERE model = ? AND version = ? AND minute = ? AND batch = ?"


class SqliteStore:
    """A `Store` in one file, shared by threads and processes."""

    def __init__(self, path: Path) -> None:
        """Raises BadStore for a file that is damaged or newer."""
        self._lock = threading.Lock()
        self._connection = open_store(path, TABLES, timeout=30)

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def add(self, batch: str, fragments: Sequence[Fragment]) -> bool:
        """See `Store.add`."""
        with self._transaction() as connection:
            if not connection.execute("INSERT OR IGNORE INTO monitor_batches VALUES (?)", (batch,)).rowcount:
                return False
            connection.executemany(
                "INSERT INTO monitor_fragments VALUES (?, ?, ?, ?, ?)",
                [(*each.key.series, each.key.minute, each.batch, pack(each.window)) for each in fragments],
            )
            return True

    def fragments(self, series: Series, before: int, limit: int) -> list[Fragment]:
        """See `Store.fragments`."""
        rows = self._read(
            "SELECT minute, batch, window FROM monitor_fragments"
            " WHERE model = ? AND version = ? AND minute < ? ORDER BY minute, batch LIMIT ?",
            (*series, before, limit),
        )
        return [Fragment(WindowKey(series, minute), batch, unpack(window)) for minute, batch, window in rows]

    def compact(self, read: StoredWindow, window: Document, fragments: Sequence[Fragment]) -> None:
        """See `Store.compact`."""
        place = (*read.key.series, read.key.minute)
        with self._transaction() as connection:
            found = connection.execute(REVISION, place).fetchone()
            deleted = sum(connection.execute(REMOVE, (*place, each.batch)).rowcount for each in fragments)
            if (found[0] if found else 0) != read.revision or deleted != len(fragments):
                raise Conflict(f"the window of {read.key.series} changed since it was read")
            connection.execute(
                "INSERT OR REPLACE INTO monitor_windows VALUES (?, ?, ?, ?, ?)",
                (*place, read.revision + 1, pack(window)),
            )

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        found = self.windows(key.series, key.minute, key.minute)
        return found[0] if found else None

    def windows(self, series: Series, first: int, last: int, limit: int | None = None) -> list[StoredWindow]:
        """See `Store.windows`."""
        rows = self._read(
            "SELECT minute, revision, window FROM monitor_windows"
            " WHERE model = ? AND version = ? AND minute BETWEEN ? AND ? ORDER BY minute LIMIT ?",
            (*series, first, last, -1 if limit is None else limit),
        )
        return [StoredWindow(WindowKey(series, minute), revision, unpack(window)) for minute, revision, window in rows]

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        rows = self._read("SELECT revision, state FROM monitor_states WHERE model = ? AND version = ?", series)
        return StoredState(rows[0][0], unpack(rows[0][1])) if rows else StoredState(0, None)

    def save(self, series: Series, read: Revision, state: Document) -> None:
        """See `Store.save`."""
        with self._transaction() as connection:
            found = connection.execute(
                "SELECT revision FROM monitor_states WHERE model = ? AND version = ?", series
            ).fetchone()
            if (found[0] if found else 0) != read:
                raise Conflict(f"the state of {series} changed since it was read")
            connection.execute(
                "INSERT OR REPLACE INTO monitor_states VALUES (?, ?, ?, ?)", (*series, read + 1, pack(state))
            )

    def forget(self, series: Series, *, before: int, batches_below: str) -> None:
        """Drop a series' windows of minutes before `before`, and the markers of batches named below a name.

        Only for batches that can never come again. (On AWS items expire by themselves.)
        """
        with self._transaction() as connection:
            connection.execute(
                "DELETE FROM monitor_windows WHERE model = ? AND version = ? AND minute < ?", (*series, before)
            )
            connection.execute("DELETE FROM monitor_batches WHERE batch < ?", (batches_below,))

    def _read(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            rows: list[tuple[Any, ...]] = self._connection.execute(query, values).fetchall()
        return rows
