"""What a store must do, and what makes counting exact.

A batch of events becomes *fragments*, one for each minute that it touches. Three kinds of atomic
step follow one another, and each can be repeated after a crash without losing or doubling anything:

1. `add`      the batch's marker and its fragments are written together, or not at all if the
              marker is there;
2. `compact`  fragments are deleted and their sum replaces the minute's window, together, only if
              all of them were still there and the window is the one that was read;
3. `save`     a series' state (detectors, cursor, outbox) replaces the one that was read.

No two writers of step 1 touch the same item, so they never wait for each other.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_monitor.keys import Series, WindowKey

#: A JSON object. What is stored may be of another release, so whoever reads it checks its members.
Document = Mapping[str, object]
#: How often an item was written; 0 when it is not there.
Revision = int
#: Fragments that one step may add or delete: DynamoDB's transactions hold 100 items (and 4 MB: a
#: fragment of 90 features takes 11 KB).
LARGEST_BATCH = 99


@dataclass(frozen=True)
class Fragment:
    """What one batch adds to one minute."""

    key: WindowKey
    batch: str
    #: A `window.state.v1` document.
    window: Document


@dataclass(frozen=True)
class StoredWindow:
    """The sum of a minute's fragments so far."""

    key: WindowKey
    revision: Revision
    #: A `window.state.v1` document; empty before the first fragment.
    window: Document


@dataclass(frozen=True)
class StoredState:
    """The state of a series."""

    revision: Revision
    #: None if there is none yet.
    state: Document | None


class Store(Protocol):
    """Windows by series and minute, and a state per series."""

    def add(
        self,
        batch: str,
        fragments: Sequence[Fragment],
    ) -> bool:
        """Store a batch's fragments, all or none.

        Args:
            batch: the same name at every attempt.
            fragments: at most LARGEST_BATCH.

        Returns:
            Whether they were stored; False, and nothing changes, if the batch was there before.
        """

    def fragments(
        self,
        series: Series,
        before: int,
        limit: int,
    ) -> list[Fragment]:
        """Return the fragments of minutes before `before`, the oldest first, at most `limit`."""

    def compact(
        self,
        read: StoredWindow,
        window: Document,
        fragments: Sequence[Fragment],
    ) -> None:
        """Replace a window by its sum with some fragments, and delete these, all or nothing.

        Args:
            read: the window that is there, with its revision.
            window: what takes its place.
            fragments: at most LARGEST_BATCH.

        Raises:
            Conflict: the window or a fragment is not there any more as it was read.
        """

    def window(self, key: WindowKey) -> StoredWindow | None:
        """Return the window of one minute."""

    def windows(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int | None = None,
    ) -> list[StoredWindow]:
        """Return the windows of the minutes from first to last, in order.

        Args:
            series: whose windows.
            first: the first minute, included.
            last: the last minute, included.
            limit: how many to return at most, None for all.
        """

    def keep(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int,
    ) -> int:
        """Retain the windows of some minutes for as long again as new ones.

        Where nothing expires by itself there is nothing to do.

        Args:
            series: whose windows.
            first: the first minute, included.
            last: the last minute, included.
            limit: windows that are written at most.

        Returns:
            The minute to go on from, behind the last one where nothing is left.
        """

    def state(self, series: Series) -> StoredState:
        """Return the state of a series."""

    def save(
        self,
        series: Series,
        read: Revision,
        state: Document,
    ) -> None:
        """Replace the state of a series.

        Args:
            series: whose state.
            read: the revision that is there.
            state: what takes its place.

        Raises:
            Conflict: another revision is there.
        """
