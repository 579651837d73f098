"""The console's SQLite file: metrics, events, alarm states, alerts, and the log position."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from drift_monitor.stores import open_store

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterator
    from pathlib import Path

_SCHEMA = """
CREATE TABLE IF NOT EXISTS position (
  id INTEGER PRIMARY KEY CHECK (id = 1), segment INTEGER, offset INTEGER, torn INTEGER);
INSERT OR IGNORE INTO position VALUES (1, 0, 0, 0);
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, namespace TEXT, metric TEXT, dimensions TEXT,
  UNIQUE (namespace, metric, dimensions));
CREATE TABLE IF NOT EXISTS points (
  series INTEGER, resolution INTEGER, start INTEGER, count INTEGER, total REAL, minimum REAL,
  maximum REAL, cells BLOB, PRIMARY KEY (series, resolution, start)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS events (
  first INTEGER PRIMARY KEY, count INTEGER, model TEXT, latest REAL, lines BLOB);
CREATE INDEX IF NOT EXISTS events_of_model ON events (model, first);
CREATE TABLE IF NOT EXISTS counters (name TEXT PRIMARY KEY, value INTEGER);
CREATE TABLE IF NOT EXISTS alarms (
  model TEXT, name TEXT, state TEXT, since REAL, reason TEXT, PRIMARY KEY (model, name));
CREATE TABLE IF NOT EXISTS history (
  id INTEGER PRIMARY KEY, at REAL, model TEXT, name TEXT, before TEXT, after TEXT,
  reason TEXT);
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY, url TEXT, body TEXT, attempts INTEGER, due REAL, created REAL);
CREATE TABLE IF NOT EXISTS drift_alerts (
  alert_id TEXT PRIMARY KEY, at REAL, model TEXT, body TEXT);
CREATE TABLE IF NOT EXISTS judgements (
  model TEXT, version TEXT, body TEXT, PRIMARY KEY (model, version));
"""


def connect(path: Path) -> sqlite3.Connection:
    """Open the file and make what is missing; each thread that writes or reads opens its own.

    A transaction is on disk in the write-ahead log when it commits, and readers never wait for the
    writer. Raises BadStore for a file that is damaged or newer than this code; not a byte of it was
    changed.
    """
    return open_store(path, _SCHEMA, timeout=10.0)


@contextmanager
def transaction(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """Commit all of the block or nothing of it."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        # May fail too: a full disk is often noticed only here.
        connection.execute("COMMIT")
    except BaseException:
        # SQLite ends some failed transactions by itself.
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
