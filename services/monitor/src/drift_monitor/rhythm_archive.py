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
    from drift_ml.baseline import Baseline

    from drift_monitor.stores import Document, Store

#: A rhythm is learned once a week: these last longer than windows are retained.
SLOTS = 8
WEEK_S = 7 * 86_400


def keep_rhythm(store: Store, series: Series, rhythm: Rhythm) -> str:
    """Keep a rhythm beside the states, and return its digest.

    Args:
        store: of the windows and states.
        series: whose traffic it was learned from.
        rhythm: in force from now on.
    """
    kept: Document = rhythm.to_json()
    digest = document_digest(kept)
    place = _slot(series, int(rhythm.to_s // WEEK_S))
    stored = store.state(place)
    if not stored.state or stored.state.get("digest") != digest:
        document = {"digest": digest, "rhythm": kept}
        # Another run that learned the same one was quicker.
        with contextlib.suppress(Conflict):
            store.save(place, stored.revision, document)
    return digest


def kept_rhythm(store: Store, series: Series, digest: str, baseline: Baseline) -> Rhythm | None:
    """Return the rhythm of a digest; None where the store has it no more, or not as it was.

    Args:
        store: of the windows and states.
        series: whose traffic it was learned from.
        digest: as an alert names it.
        baseline: whose bins are counted.
    """
    for week in range(SLOTS):
        # Any: what is stored may be damaged; its digest is computed again.
        document: Any = store.state(_slot(series, week)).state or {}
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


def _slot(series: Series, week: int) -> Series:
    return Series(series.model, f"{series.version}-rhythm-{week % SLOTS}")
