"""Keep the rhythms that evidence was gathered under, so that an alert can be checked later.

The evaluator itself needs the newest alone, and overwrites it each week.
"""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from drift_ml.rhythm import Rhythm, RhythmError

from drift_monitor.digests import document_digest
from drift_monitor.errors import Conflict
from drift_monitor.keys import Series

if TYPE_CHECKING:
    from collections.abc import Set as AbstractSet

    from drift_ml.baseline import Baseline

    from drift_monitor.stores import Document, Store

#: A rhythm is learned once a week, and what a channel is held against changes in between where a
#: change becomes the new normal: these last longer than windows are retained.
SLOTS = 24


def keep_rhythm(
    store: Store,
    series: Series,
    rhythm: Rhythm,
    in_use: AbstractSet[str] = frozenset(),
) -> str:
    """Keep a rhythm beside the states in place of the oldest, and return its digest.

    Args:
        store: of the windows and states.
        series: whose traffic it was learned from.
        rhythm: in force from now on.
        in_use: digests of rhythms that alerts name, which stay as long as others can go.
    """
    kept: Document = rhythm.to_json()
    digest = document_digest(kept)
    listed = [store.state(_slot(series, place)) for place in range(SLOTS)]
    # Any: what is stored may be damaged, or of a release that did not count them.
    documents: list[Any] = [stored.state or {} for stored in listed]
    if any(document.get("digest") == digest for document in documents):
        return digest
    orders = [_order(document) for document in documents]
    # Behind all others.
    last = max(orders) + 1
    ages = [
        order + last * (document.get("digest") in in_use)
        for order, document in zip(orders, documents, strict=True)
    ]
    place = ages.index(min(ages))
    document = {"digest": digest, "rhythm": kept, "order": max(orders) + 1}
    # Another run that learned the same one was quicker.
    with contextlib.suppress(Conflict):
        store.save(_slot(series, place), listed[place].revision, document)
    return digest


# Any: as it is stored.
def _order(document: Any) -> int:
    """Return the how manieth a document is that was kept; earlier than all for an empty place."""
    order = document.get("order")
    if isinstance(order, int):
        return order
    return 0 if document else -1


def kept_rhythm(
    store: Store,
    series: Series,
    digest: str,
    baseline: Baseline,
) -> Rhythm | None:
    """Return the rhythm of a digest; None where the store has it no more, or not as it was.

    Args:
        store: of the windows and states.
        series: whose traffic it was learned from.
        digest: as an alert names it.
        baseline: whose bins are counted.
    """
    for place in range(SLOTS):
        # Any: what is stored may be damaged; its digest is computed again.
        document: Any = store.state(_slot(series, place)).state or {}
        if document.get("digest") != digest:
            continue
        try:
            rhythm = Rhythm.from_json(
                document.get("rhythm"), baseline=baseline.digest, channels=baseline.channels
            )
        except RhythmError:
            return None
        return rhythm if document_digest(rhythm.to_json()) == digest else None
    return None


def _slot(
    series: Series,
    place: int,
) -> Series:
    return Series(series.model, f"{series.version}-rhythm-{place}")
