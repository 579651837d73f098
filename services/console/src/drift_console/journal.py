"""The console's own log, console.log: writing to it never raises."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

#: Least level by logger. A request that fails with "the console's log says why" is uvicorn's.
_LOGGERS = {"drift_console": logging.INFO, "uvicorn": logging.ERROR}


class JournalHandler(logging.FileHandler):
    """Writes records to a file that is opened again when it was closed or its disk was full.

    `FileHandler` opens its file outside of any `try`: without descriptors, or with the folder gone,
    the exception would end the thread that only wanted to report another one.
    """

    def emit(self, record: logging.LogRecord) -> None:
        """Write the record, or drop it."""
        # A record that cannot be written has no other place to go.
        with suppress(Exception):
            super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Stay silent: standard error belongs to people, and may be the same full disk."""


def log_to(path: Path) -> None:
    """Send what the console and its server report to the file."""
    handler = JournalHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    for name, level in _LOGGERS.items():
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.setLevel(level)
        logger.propagate = False
