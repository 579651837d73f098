"""What a store must do, and what makes counting exact.

A batch of events becomes *fragments*, one for each minute that it touches. Three kinds of atomic step follow one
another, and each can be repeated after a crash without losing or doubling anything:

1. `add`      the batch's marker and its fragments are written together, or not at all if the marker is there;
2. `compact`  fragments are deleted and their sum replaces the minute's window, together, only if all of them were
              still there and the window is the one that was read;
3. `save`     a series' state (detectors, cursor, outbox) replaces the one that was read.

No two writers of step 1 touch the same item, so they never wait for each other.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_monitor.keys import Series, WindowKey

Document = dict[str, "Any"]
Revision = int
"""How often an item was written; 0 when it is not there."""
LARGEST_BATCH = 99
"""Fragments that one step may add or delete: DynamoDB's transactions hold 100 items (and 4 MB: a fragment of 90
features takes 11 KB)."""


class Fragment(NamedTuple):
    """What one batch adds to one minute. window: a `window.state.v1` document."""

    key: WindowKey
    batch: str
    window: Document


class StoredWindow(NamedTuple):
    """The sum of a minute's fragments so far."""

    key: WindowKey
    revision: Revision
    window: Document


class StoredState(NamedTuple):
    """The state of a series, None if there is none yet."""

    revision: Revision
    state: Document | None


class Store(Protocol):
    """Windows by series and minute, and a state per series."""

    def add(self, batch: str, fragments: Sequence[Fragment]) -> bool:
        """Keep a batch's fragments, at most LARGEST_BATCH, all or none. False, and nothing changes, if the batch was
        kept before."""

    def fragments(self, series: Series, before: int, limit: int) -> list[Fragment]:
        """Fragments of minutes before `before`, oldest minute first, at most `limit`."""

    def compact(self, read: StoredWindow, window: Document, fragments: Sequence[Fragment]) -> None:
        """Put `window` in the place of the one read and delete its fragments, at most LARGEST_BATCH, all or
        nothing. Raises Conflict."""

    def window(self, key: WindowKey) -> StoredWindow | None:
        """The window of one minute."""

    def windows(self, series: Series, first: int, last: int, limit: int | None = None) -> list[StoredWindow]:
        """The windows of the minutes from first to last, both included, in order; the first `limit` of them."""

    def state(self, series: Series) -> StoredState:
        """The state of a series."""

    def save(self, series: Series, read: Revision, state: Document) -> None:
        """Put `state` in the place of the one read. Raises Conflict if that is not there any more."""
