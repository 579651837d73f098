"""Open a SQLite file of stored data; one that is damaged or newer is refused untouched.

The first hundred bytes say what is needed before SQLite may write anything. Source: "Database File
Format", sections 1.3 (header) and 4 (write-ahead log), on sqlite.org.
"""

from __future__ import annotations

import sqlite3
import struct
import threading
from dataclasses import dataclass
from pathlib import Path
from weakref import WeakSet

from drift_monitor.errors import BadStore

#: The version of the tables, stored as `PRAGMA user_version`. Raised when a table changes, with a
#: step in MIGRATIONS. One number for all tables, because the console and the monitor share a file.
FORMAT = 1

#: Statements that make the next format of a file, by the format that it has.
MIGRATIONS: dict[int, tuple[str, ...]] = {
    0: (),  # releases before the number wrote the tables of format 1
}

MAGIC = b"SQLite format 3\x00"
HEADER = struct.Struct(">16s H 6x I I 28x I 28x I 4x")
WAL_HEADER, FRAME_HEADER = 32, 24
LARGEST_PAGE = 65_536
DAMAGED = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}

ASIDE = (
    "Move it aside, with the files whose names begin with its name, and start again: events that"
    " are still in the event log are counted again."
    " `sqlite3 FILE .recover` reads what is left of it"
)
NEWER = (
    f"it is newer than this release, which reads formats up to {FORMAT}. Nothing in it was changed."
    " Start the release that wrote it, or choose another place"
)


_opening = threading.Lock()


class StoreConnection(sqlite3.Connection):
    """A connection whose file this process must not open by other means until it is closed.

    A process that closes any descriptor of a file gives up all its locks on it (POSIX), also those
    of SQLite. Another process that then closed the store would take itself for the last one and
    remove the write-ahead log, and with it all that is written afterwards. Source: "How To Corrupt
    An SQLite Database File", section 2.2, on sqlite.org.
    """

    #: Device and inode of the file; None for a store in memory.
    place: tuple[int, int] | None = None

    def close(self) -> None:
        """Close the connection; with the last one of the process the file may be read again."""
        super().close()
        _connections.discard(self)


_connections: WeakSet[StoreConnection] = WeakSet()


@dataclass(frozen=True)
class Header:
    """What a database file states of itself."""

    #: Bytes.
    page_size: int
    #: How many there are, 0 where the header does not hold.
    pages: int
    #: The version of the tables, see FORMAT.
    format: int


def open_store(
    path: Path | str,
    tables: str,
    *,
    timeout: float,
) -> sqlite3.Connection:
    """Open the file, bring it to FORMAT and make the tables that are missing.

    Args:
        path: the file; one that is missing or empty is made. ":memory:" is a store of this process
            alone.
        tables: SQL that makes every table of the caller, if it is not there.
        timeout: seconds to wait for another writer.

    Raises:
        BadStore: the file is damaged or newer; no byte of it was changed.
    """
    with _opening:
        # A file that this process holds was checked when it was opened first.
        if not _is_held(Path(path)):
            check_file(Path(path))
        connection = sqlite3.connect(
            path,
            timeout=timeout,
            isolation_level=None,
            check_same_thread=False,
            factory=StoreConnection,
        )
        connection.place = _place(Path(path))
        _connections.add(connection)
    try:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        _migrate(connection)
        connection.executescript(tables)
    except BaseException as error:
        connection.close()
        if isinstance(error, sqlite3.DatabaseError) and _is_damage(error):
            raise BadStore(path, f"it is damaged: {error}. {ASIDE}") from None
        raise
    return connection


def _place(path: Path) -> tuple[int, int] | None:
    """Return what names a file whatever its path is; None if there is none."""
    if not path.is_file():
        return None
    status = path.stat()
    return status.st_dev, status.st_ino


def _is_held(path: Path) -> bool:
    """Return whether a connection of this process holds the file."""
    place = _place(path)
    # A copy: another thread may open or close one meanwhile.
    open_places = {connection.place for connection in list(_connections)}
    return place is not None and place in open_places


def check_file(path: Path) -> None:
    """Raise BadStore if the file is damaged at its head, cut short or newer; read it only.

    Only for a file that no connection of this process holds: see `StoreConnection`.
    """
    size = _size(path)
    if size == 0:
        return
    with path.open("rb") as file:
        header = _parse_header(file.read(HEADER.size))
    if header is None:
        raise BadStore(path, f"it is damaged: it does not begin as a SQLite file does. {ASIDE}")
    frames = _frames(path, header.page_size)
    # Pages that are not in the file yet may still be in the write-ahead log, after a crash.
    if size // header.page_size + frames < header.pages:
        raise BadStore(path, f"it is damaged: it is cut short. {ASIDE}")
    if header.format > FORMAT or (frames and _format_in_log(path) > FORMAT):
        raise BadStore(path, NEWER)


def _parse_header(data: bytes) -> Header | None:
    if len(data) < HEADER.size:
        return None
    magic, page_size, change, pages, version, valid_for = HEADER.unpack(data)
    if magic != MAGIC:
        return None
    if page_size == 1:
        # It stands for a size that two bytes cannot hold.
        page_size = LARGEST_PAGE
    if change != valid_for:
        # The file was changed by an old SQLite, which does not write the count of pages.
        pages = 0
    return Header(page_size, pages, version)


def _frames(
    path: Path,
    page_size: int,
) -> int:
    """Return how many pages the write-ahead log beside the file can hold."""
    size = _size(path.with_name(path.name + "-wal"))
    return max(0, size - WAL_HEADER) // (page_size + FRAME_HEADER)


def _size(path: Path) -> int:
    """Return the bytes of a file, 0 if there is none."""
    if not path.is_file():
        return 0
    return path.stat().st_size


def _format_in_log(path: Path) -> int:
    """Return the format as the write-ahead log has it; to read it leaves the log as it is."""
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    try:
        return _format(connection)
    except sqlite3.DatabaseError as error:
        raise BadStore(path, f"it is damaged: {error}. {ASIDE}") from None
    finally:
        connection.close()


def _migrate(connection: sqlite3.Connection) -> None:
    """Bring an older file to FORMAT, one step after the other, each whole or not at all."""
    while _format(connection) < FORMAT:
        connection.execute("BEGIN IMMEDIATE")
        try:
            _step(connection)
        except BaseException:
            connection.execute("ROLLBACK")
            raise
        connection.execute("COMMIT")


def _step(connection: sqlite3.Connection) -> None:
    """Make the next format; the caller owns the transaction."""
    version = _format(connection)  # again: another process may have been quicker
    if version >= FORMAT:
        return
    if connection.execute("SELECT 1 FROM sqlite_schema LIMIT 1").fetchone() is None:
        version = FORMAT - 1  # a new file gets the tables of today
    else:
        for statement in MIGRATIONS[version]:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {version + 1}")


def _format(connection: sqlite3.Connection) -> int:
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    """Return whether the file is at fault, and not a lock or a full disk."""
    code = getattr(error, "sqlite_errorcode", None)
    return code is not None and code & 0xFF in DAMAGED
