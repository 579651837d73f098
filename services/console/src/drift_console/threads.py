"""Threads that do not die unnoticed: each reports whether it lives, and why it ended."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_log = logging.getLogger("drift_console.threads")


class Supervised(threading.Thread):
    """A daemon thread whose `work` must not end before `stop` was called."""

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._stopping = threading.Event()
        self._begun = False
        #: The kind of error that ended the thread, None as long as none did.
        self.failure: str | None = None

    def start(self) -> None:
        """Start; from now on an end that was not asked for is a failure."""
        self._begun = True
        super().start()

    def run(self) -> None:
        """Work, and keep whatever ends the work: nobody sees the exception of a thread."""
        try:
            self.work()
        except BaseException as error:
            self.failure = type(error).__name__
            report(_log, f"the thread {self.name} ended")

    def work(self) -> None:
        """Do the work until `stopping`."""
        raise NotImplementedError

    def stop(self) -> None:
        """Ask the thread to end."""
        self._stopping.set()

    @property
    def stopping(self) -> bool:
        """Return whether the thread was asked to end."""
        return self._stopping.is_set()

    def pause(self, seconds: float) -> bool:
        """Wait, or until the thread is asked to end; return whether it was."""
        return self._stopping.wait(seconds)

    @property
    def died(self) -> bool:
        """Return whether the thread ended although nobody had asked it to, or failed."""
        if self.failure is not None:
            return True
        return self._begun and not self.is_alive() and not self.stopping


def names_of_the_dead(threads: Iterable[Supervised]) -> list[str]:
    """Return the names of the threads that died."""
    return [thread.name for thread in threads if thread.died]


def report(log: logging.Logger, message: str) -> None:
    """Log the exception that is being handled, never raising another one.

    Args:
        log: Where to.
        message: What could not be done, without a value of a user.
    """
    # A handler that cannot write leaves no place to report that to.
    with suppress(Exception):
        log.exception(message)
