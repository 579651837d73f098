"""Sum the fragments of closed minutes into windows, each fragment once."""

from __future__ import annotations

import logging
from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from drift_ml.window import Window

from .formats import WINDOW, refuse_newer
from .keys import Series, WindowKey
from .stores import LARGEST_BATCH, Fragment, StoredWindow

if TYPE_CHECKING:
    from typing import Any

    from drift_ml.baseline import Baseline

    from .stores import Store

MOST_STEPS = 100
"""Steps of one run: some 10 to 20 seconds on AWS. What is left waits for the next run."""

UNREADABLE_PART = (
    "a part of a minute of %s cannot be read: %s. It is not counted; fragments that cannot be summed"
    " are kept under %s-unreadable"
)

_log = logging.getLogger("drift_monitor")


class Compacted(NamedTuple):
    """counts: of `events`, of the `late` among them, of `unreadable` fragments. whole_before: every minute before this
    one has been summed."""

    counts: Counter[str]
    whole_before: int


def compact(
    store: Store,
    series: Series,
    baseline: Baseline,
    *,
    before: int,
    evaluated: int,
    judged_ahead: frozenset[int] = frozenset(),
) -> Compacted:
    """Sum the fragments of minutes before `before`, oldest first.

    Minutes up to `evaluated`, and those in `judged_ahead`, were judged already: what still comes for them counts in
    reports, not as evidence, and is told as `late`. Raises Conflict if somebody else compacts the same minute.
    """
    counts: Counter[str] = Counter()
    for _ in range(MOST_STEPS):
        fragments = store.fragments(series, before, LARGEST_BATCH)
        if not fragments:
            return Compacted(counts, before)
        for key, group in groupby(fragments, key=lambda fragment: fragment.key):
            late = key.minute <= evaluated or key.minute in judged_ahead
            counts += _sum_into(store, key, list(group), baseline, late=late)
    left = store.fragments(series, before, 1)
    return Compacted(counts, left[0].key.minute if left else before)


def _sum_into(
    store: Store, key: WindowKey, fragments: list[Fragment], baseline: Baseline, *, late: bool
) -> Counter[str]:
    read = store.window(key) or StoredWindow(key, 0, {})
    whole, bad = _summed(read, fragments, baseline)
    for one in bad:
        _set_aside(store, one)
    store.compact(read, whole.to_json() if whole else read.window, fragments)
    added = whole.events - int(read.window.get("events", 0)) if whole else 0
    return Counter(events=added, late=added if late else 0, unreadable=len(bad))


def _summed(read: StoredWindow, fragments: list[Fragment], baseline: Baseline) -> tuple[Window | None, list[Fragment]]:
    """The window with the fragments, None if it cannot be read itself; and the fragments that cannot be added."""
    empty = Window.empty(baseline, read.key.series.version)
    whole = _readable(read.window, baseline, read.key.series) if read.window else empty
    bad = []
    for fragment in fragments:
        window = _readable(fragment.window, baseline, read.key.series)
        if whole is None or window is None:
            bad.append(fragment)
        else:
            whole += window
    return whole, bad


def _readable(document: dict[str, Any], baseline: Baseline, series: Series) -> Window | None:
    """Return the window in a document, None if it cannot be read.

    Raises BadStore if it is newer than this code.
    """
    refuse_newer(document, WINDOW, series, "a window")
    try:
        return Window.from_json(document, baseline)
    except Exception as error:
        _log.error(UNREADABLE_PART, series, error, series)  # no traceback: it says all there is
        return None


def _set_aside(store: Store, fragment: Fragment) -> None:
    """Keep a fragment where nothing sums it, so that it holds nothing up, and people find it: once, however often."""
    series, minute = fragment.key
    place = WindowKey(Series(series.model, f"{series.version}-unreadable"), minute)
    store.add(f"aside:{fragment.batch}:{minute}", [Fragment(place, fragment.batch, fragment.window)])
