"""Sum the fragments of closed minutes into windows, each fragment once."""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import TYPE_CHECKING

from drift_ml.window import Window

from drift_monitor.formats import WINDOW, refuse_newer
from drift_monitor.keys import Series, WindowKey
from drift_monitor.stores import LARGEST_BATCH, Fragment, StoredWindow

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline

    from drift_monitor.stores import Document, Store

#: Steps of one run: some 10 to 20 seconds on AWS. What is left waits for the next run.
MOST_STEPS = 100

UNREADABLE_PART = (
    "a part of a minute of %s cannot be read: %s. It is not counted; fragments that cannot be"
    " summed are retained under %s-unreadable"
)

_log = logging.getLogger("drift_monitor")


@dataclass(frozen=True)
class Compacted:
    """What one run has summed."""

    #: Of `events`, of the `late` among them, of `unreadable` fragments.
    counts: Counter[str]
    #: Every minute before this one has been summed.
    whole_before: int


def compact(
    store: Store,
    series: Series,
    baseline: Baseline,
    *,
    before: int,
    evaluated: int,
    evaluated_ahead: frozenset[int] = frozenset(),
) -> Compacted:
    """Sum the fragments of closed minutes, the oldest first.

    Args:
        store: holds fragments and windows.
        series: whose fragments.
        baseline: of the series.
        before: the first minute that is not closed.
        evaluated: the last minute that was evaluated. What still arrives for it, or for an earlier
            one, counts in reports but not as evidence, and is counted as `late`.
        evaluated_ahead: minutes after it that were evaluated all the same.

    Raises:
        Conflict: another process sums the same minute.
        BadStore: a document is newer than this code.
    """
    counts: Counter[str] = Counter()
    for _ in range(MOST_STEPS):
        fragments = store.fragments(series, before, LARGEST_BATCH)
        if not fragments:
            return Compacted(counts, before)
        for key, group in groupby(fragments, key=attrgetter("key")):
            late = key.minute <= evaluated or key.minute in evaluated_ahead
            counts += _sum_into(store, key, list(group), baseline, late=late)
    # The steps are used up: everything before the oldest fragment that is left is whole.
    left = store.fragments(series, before, 1)
    if not left:
        return Compacted(counts, before)
    return Compacted(counts, left[0].key.minute)


def _sum_into(
    store: Store,
    key: WindowKey,
    fragments: list[Fragment],
    baseline: Baseline,
    *,
    late: bool,
) -> Counter[str]:
    stored = store.window(key) or StoredWindow(key, 0, {})
    total, unreadable = _summed(stored, fragments, baseline)
    for fragment in unreadable:
        _set_aside(store, fragment)
    if total is None:
        # The window itself cannot be read: it stays as it is, and its fragments leave the queue.
        store.compact(stored, stored.window, fragments)
        return Counter(unreadable=len(unreadable))
    store.compact(stored, total.to_json(), fragments)
    added = total.events - _events(stored.window)
    counts = Counter(events=added, unreadable=len(unreadable))
    if late:
        counts["late"] = added
    return counts


def _events(window: Document) -> int:
    events = window.get("events", 0)
    if not isinstance(events, int):
        return 0
    return events


def _summed(
    stored: StoredWindow,
    fragments: list[Fragment],
    baseline: Baseline,
) -> tuple[Window | None, list[Fragment]]:
    """Return the window with the fragments, and the fragments that cannot be added.

    The window is None if it cannot be read itself.
    """
    series = stored.key.series
    total: Window | None = Window.empty(baseline, series.release)
    if stored.window:
        total = _readable(stored.window, baseline, series)
    unreadable = []
    for fragment in fragments:
        window = _readable(fragment.window, baseline, series)
        if total is None or window is None:
            unreadable.append(fragment)
        else:
            total += window
    return total, unreadable


def _readable(
    document: Document,
    baseline: Baseline,
    series: Series,
) -> Window | None:
    """Return the window in a document, None if it cannot be read.

    Raises BadStore if it is newer than this code.
    """
    refuse_newer(document, WINDOW, series, "a window")
    try:
        return Window.from_json(document, baseline)
    except Exception as error:
        # No traceback: the message says all there is.
        _log.error(UNREADABLE_PART, series, error, series)
        return None


def _set_aside(
    store: Store,
    fragment: Fragment,
) -> None:
    """Retain a fragment under a version of its own, so that it does not block the others."""
    series, minute = fragment.key.series, fragment.key.minute
    place = WindowKey(Series(series.model, f"{series.version}-unreadable"), minute)
    # The batch names the fragment, so that it is retained once however often this is repeated.
    store.add(
        f"aside:{fragment.batch}:{minute}", [Fragment(place, fragment.batch, fragment.window)]
    )
