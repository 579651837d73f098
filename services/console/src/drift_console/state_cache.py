"""State documents that are shown again for a moment, so that many pages cost as much as one."""

from __future__ import annotations

import asyncio
import json
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
class ShownState:
    """A state document as pages take it, written once for all of them."""

    #: UTF-8.
    json: bytes
    #: The same without what changes although nothing has happened; pages are sent what differs.
    timeless: str

    @classmethod
    def of(cls, document: StateDocument) -> ShownState:
        """Return a document as pages take it.

        Args:
            document: Of `GET /console/api/state`.
        """
        timeless = {**document, "now": None, "series": {**document["series"], "times": None}}
        return cls(_json(document).encode(), _json(timeless))


def _json(document: object) -> str:
    return json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


@dataclass(frozen=True)
class _Made:
    """What was made, and when."""

    #: Epoch seconds.
    at: float
    shown: ShownState

    def is_fresh(self, now: float) -> bool:
        # Not "newer than": a document of a clock that was ahead is not fresh until that time.
        return 0 <= now - self.at <= FRESH


class StateCache:
    """Gives states to the pages of one event loop; each is made once, in a thread."""

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
        self._making: dict[tuple[str, int], asyncio.Task[ShownState]] = {}

    async def read(self, model: str, minutes: int) -> ShownState:
        """Return the state of a model, at most FRESH seconds old.

        Args:
            model: One that is served.
            minutes: The span shown.
        """
        key = (model, minutes)
        made = self._made.get(key)
        if made is not None and made.is_fresh(self._timer()):
            return made.shown
        making = self._making.get(key)
        if making is None:
            making = asyncio.create_task(asyncio.to_thread(self._make, model, minutes))
            self._making[key] = making
            making.add_done_callback(lambda _: self._making.pop(key))
        # A page that leaves does not take it from the others.
        return await asyncio.shield(making)

    def _make(self, model: str, minutes: int) -> ShownState:
        # The reader has one connection.
        with self._lock:
            now = self._timer()
            document = self._reader.state(model, minutes, self._clock())
            document["service"] = self._health()
            made = _Made(now, ShownState.of(document))
            fresh = {key: older for key, older in self._made.items() if older.is_fresh(now)}
            self._made = {**fresh, (model, minutes): made}
            return made.shown

    def close(self) -> None:
        """Wait for the document that is being made; afterwards its connection can be closed."""
        with self._lock:
            self._made = {}
