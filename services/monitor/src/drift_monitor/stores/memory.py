"""The store in memory: for tests, and the shortest statement of what the others do."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from drift_monitor.errors import Conflict
from drift_monitor.stores.protocol import Document, Fragment, Revision, StoredState, StoredWindow

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_monitor.keys import Series, WindowKey

#: What of JSON can change; a tuple is stored as a list.
CONTAINERS = (dict, list, tuple)
#: What of JSON cannot.
PLAIN = {int, float, str, bool, type(None)}


class MemoryStore:
    """A `Store` that forgets everything with the process."""

    def __init__(self) -> None:
        self._batches: set[str] = set()
        #: By window and batch.
        self._fragments: dict[tuple[WindowKey, str], Document] = {}
        self._windows: dict[WindowKey, StoredWindow] = {}
        self._states: dict[Series, StoredState] = {}

    # Documents are copied on their way in and out: as with the other stores, what a caller changes
    # afterwards does not change what is stored.

    def add(
        self,
        batch: str,
        fragments: Sequence[Fragment],
    ) -> bool:
        """See `Store.add`."""
        if batch in self._batches:
            return False
        self._batches.add(batch)
        for fragment in fragments:
            self._fragments[fragment.key, fragment.batch] = _copied(fragment.window)
        return True

    def fragments(
        self,
        series: Series,
        before: int,
        limit: int,
    ) -> list[Fragment]:
        """See `Store.fragments`."""
        places = sorted(
            (key, batch)
            for key, batch in self._fragments
            if key.series == series and key.minute < before
        )
        return [
            Fragment(key, batch, _copied(self._fragments[key, batch]))
            for key, batch in places[:limit]
        ]

    def compact(
        self,
        read: StoredWindow,
        window: Document,
        fragments: Sequence[Fragment],
    ) -> None:
        """See `Store.compact`."""
        revision = 0
        stored = self._windows.get(read.key)
        if stored is not None:
            revision = stored.revision
        places = [(fragment.key, fragment.batch) for fragment in fragments]
        if revision != read.revision or not self._fragments.keys() >= set(places):
            raise Conflict(f"the window of {read.key.series} changed since it was read")
        for place in places:
            del self._fragments[place]
        self._windows[read.key] = StoredWindow(read.key, revision + 1, _copied(window))

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`."""
        stored = self._windows.get(key)
        return None if stored is None else _copied_window(stored)

    def windows(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int | None = None,
    ) -> list[StoredWindow]:
        """See `Store.windows`."""
        keys = sorted(
            key for key in self._windows if key.series == series and first <= key.minute <= last
        )
        return [_copied_window(self._windows[key]) for key in keys[:limit]]

    def keep(self, series: Series, first: int, last: int, limit: int) -> int:  # noqa: ARG002 - nothing expires here
        """See `Store.keep`."""
        return last + 1

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        stored = self._states.get(series, StoredState(0, None))
        return replace(stored, state=None if stored.state is None else _copied(stored.state))

    def save(
        self,
        series: Series,
        read: Revision,
        state: Document,
    ) -> None:
        """See `Store.save`."""
        if self._states.get(series, StoredState(0, None)).revision != read:
            raise Conflict(f"the state of {series} changed since it was read")
        self._states[series] = StoredState(read + 1, _copied(state))


def _copied(document: Document) -> Document:
    return cast("Document", _copy(document))


def _copy(value: object) -> object:
    # `copy.deepcopy` asks each of thousands of numbers whether it can be copied.
    if isinstance(value, dict):
        return {
            name: _copy(member) if isinstance(member, CONTAINERS) else member
            for name, member in value.items()
        }
    if isinstance(value, CONTAINERS):
        # Most lists are of numbers: they are looked through and copied without a step of Python.
        if PLAIN.issuperset(map(type, value)):
            return list(value)
        return [_copy(item) if isinstance(item, CONTAINERS) else item for item in value]
    return value


def _copied_window(stored: StoredWindow) -> StoredWindow:
    return replace(stored, window=_copied(stored.window))
