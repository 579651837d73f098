"""Who has seen which alert, and why it is left alone: kept beside the states, in every store."""

from __future__ import annotations

from typing import TYPE_CHECKING, NotRequired, TypedDict, cast

from drift_contracts.timestamps import utc_text_of_seconds

from drift_monitor.errors import Conflict
from drift_monitor.formats import refuse_damaged
from drift_monitor.keys import Series

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_monitor.stores import Document, Store

#: Stands for a version where the store remembers a model's acknowledgements; versions are hex
#: digits.
PLACE = "acknowledged"
#: The newest of a model are kept.
MOST = 500
#: Characters of a text.
LONGEST = 500
#: Attempts to save while others save too.
ATTEMPTS = 10


class Acknowledgement(TypedDict):
    """That somebody has seen an alert, or has taken that back."""

    alert_id: str
    #: A name as its owner gave it.
    who: str
    why: str
    #: When, in UTC.
    at: str
    #: Whether it takes an earlier one back.
    undone: bool
    #: Whether the change is taken as the new normal.
    new_normal: NotRequired[bool]


def acknowledge(  # noqa: PLR0913 - what is kept, each by its name
    store: Store,
    model: str,
    alert_id: str,
    *,
    who: str,
    why: str,
    now: float,
    undo: bool = False,
    new_normal: bool = False,
) -> Acknowledgement:
    """Keep that somebody has seen an alert, and return it.

    Args:
        store: of the windows and states.
        model: of the alert.
        alert_id: of the alert.
        who: the name of who has seen it.
        why: the reason for leaving it, or for taking that back.
        now: in seconds since 1970.
        undo: whether an earlier one is taken back.
        new_normal: whether the change is taken as the new normal.

    Raises:
        Conflict: others saved at each attempt.
        BadStore: what is stored is damaged.
    """
    entry: Acknowledgement = {
        "alert_id": alert_id,
        "who": who[:LONGEST],
        "why": why[:LONGEST],
        "at": utc_text_of_seconds(now),
        "undone": undo,
    }
    if new_normal:
        entry["new_normal"] = True
    place = Series(model, PLACE)
    for attempt in range(1, ATTEMPTS + 1):
        stored = store.state(place)
        entries = _entries(stored.state, place)
        document: Document = {"entries": [*entries[1 - MOST :], entry]}
        try:
            store.save(place, stored.revision, document)
        except Conflict:
            if attempt == ATTEMPTS:
                raise
        else:
            break
    return entry


def acknowledged(
    store: Store,
    model: str,
) -> dict[str, Acknowledgement]:
    """Return the acknowledgements that hold, by alert.

    Args:
        store: of the windows and states.
        model: of the alerts.

    Raises:
        BadStore: what is stored is damaged.
    """
    place = Series(model, PLACE)
    latest = {entry["alert_id"]: entry for entry in _entries(store.state(place).state, place)}
    return {alert_id: entry for alert_id, entry in latest.items() if not entry["undone"]}


def _entries(
    document: Mapping[str, object] | None,
    place: Series,
) -> list[Acknowledgement]:
    """Return what was kept, the oldest first. Raises BadStore."""
    if not document:
        return []
    refuse_damaged(document, place, "the list of acknowledgements", f"state#{place.model}#{PLACE}")
    return cast("list[Acknowledgement]", document["entries"])
