"""Sum the fragments of closed minutes into windows, each fragment once."""

from __future__ import annotations

from collections import Counter
from itertools import groupby
from typing import TYPE_CHECKING

from drift_ml.window import Window

from .stores import StoredWindow

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline

    from .keys import Series
    from .stores import Fragment, Store

TOGETHER = 90
"""Fragments in one step: DynamoDB's transactions hold 100 items."""


def compact(store: Store, series: Series, baseline: Baseline, *, before: int, evaluated: int) -> Counter[str]:
    """Sum every fragment of a minute before `before`.

    Minutes up to `evaluated` were judged already: what still comes for them counts in reports, not as
    evidence, and is told as `late`. Raises Conflict if somebody else compacts the same minute.
    """
    counts: Counter[str] = Counter()
    while fragments := store.fragments(series, before, TOGETHER):
        for key, group in groupby(fragments, key=lambda fragment: fragment.key):
            added = _sum_into(store, StoredWindow(key, 0, {}), list(group), baseline)
            counts["events"] += added
            if key.minute <= evaluated:
                counts["late"] += added
    return counts


def _sum_into(store: Store, missing: StoredWindow, fragments: list[Fragment], baseline: Baseline) -> int:
    read = store.window(missing.key) or missing
    window = (
        Window.from_json(read.window, baseline) if read.window else Window.empty(baseline, missing.key.series.version)
    )
    before = window.events
    for fragment in fragments:
        window += Window.from_json(fragment.window, baseline)
    store.compact(read, window.to_json(), fragments)
    return window.events - before
