"""State documents that are shown again for a moment, so that many pages cost as much as one."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_console.page_types import ServiceHealth, StateDocument
    from drift_console.state import StateReader

#: Seconds for which a document is shown again rather than made again.
FRESH = 0.9


@dataclass(frozen=True)
class _Made:
    """A document and when it was made."""

    #: Epoch seconds.
    at: float
    document: StateDocument

    def is_fresh(self, now: float) -> bool:
        # Not "newer than": a document of a clock that was ahead is not fresh until that time.
        return 0 <= now - self.at <= FRESH


class StateCache:
    """Reads state documents, one at a time; used by any thread."""

    def __init__(
        self,
        reader: StateReader,
        *,
        clock: Callable[[], float],
        timer: Callable[[], float] | None = None,
        health: Callable[[], ServiceHealth],
    ) -> None:
        """Prepare to read.

        Args:
            reader: Builds the documents.
            clock: Gives epoch seconds.
            timer: Gives seconds by which a document ages; the clock if absent.
            health: Gives the member `service`.
        """
        self._reader = reader
        self._clock = clock
        self._timer = timer or clock
        self._health = health
        self._lock = threading.Lock()
        self._made: dict[tuple[str, int], _Made] = {}

    def read(self, model: str, minutes: int) -> StateDocument:
        """Return the document of a model, at most FRESH seconds old.

        Args:
            model: One that is served.
            minutes: The span shown.
        """
        key = (model, minutes)
        with self._lock:
            now = self._timer()
            made = self._made.get(key)
            if made is None or not made.is_fresh(now):
                document = self._reader.state(model, minutes, self._clock())
                document["service"] = self._health()
                made = _Made(now, document)
                fresh = {name: older for name, older in self._made.items() if older.is_fresh(now)}
                self._made = {**fresh, key: made}
            return made.document

    def close(self) -> None:
        """Wait for the document that is being made; afterwards its connection can be closed."""
        with self._lock:
            self._made = {}
