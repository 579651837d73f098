"""The data folder, held by one process at a time: the log's writer and the store's path."""

from __future__ import annotations

import fcntl
import os
from typing import TYPE_CHECKING

from drift_contracts import SettingsError

from drift_console.database import connect
from drift_console.ingest import position
from drift_console.linelog import LineWriter

if TYPE_CHECKING:
    from pathlib import Path

    from drift_console.settings import Settings


class Storage:
    """Everything that a console holds of its data folder."""

    def __init__(self, settings: Settings) -> None:
        """Take the folder.

        Raises:
            SettingsError: Where it cannot be used, or another console holds it.
            BadStore: Where its store is damaged or newer.
        """
        self._lock = _lock(settings.data, settings.log)
        #: The SQLite file, which each thread opens for itself.
        self.path = settings.database
        try:
            #: For the thread that writes to the store.
            self.connection = connect(self.path)
        except BaseException:
            os.close(self._lock)
            raise
        #: Appends to the event log.
        self.writer = LineWriter(settings.log, after=position(self.connection).segment)

    def close(self) -> None:
        """Release everything."""
        self.writer.close()
        self.connection.close()
        os.close(self._lock)


def _lock(data: Path, log: Path) -> int:
    """Return the descriptor of the data folder's lock. Raises SettingsError."""
    try:
        log.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(data / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        message = f"another console is using {data}; choose another with --data-dir"
        fault = {"--data-dir": "a folder that no other console uses"}
        raise SettingsError(fault, message) from error
    except OSError as error:
        message = f"cannot use {data}: {error.strerror}. Choose another with --data-dir"
        fault = {"--data-dir": "a folder that can be written to"}
        raise SettingsError(fault, message) from error
    return descriptor
