"""The contracts of prediction events: those that are read, and those that a later release writes.

A line that names any version of them is about a prediction. One that no code here can read is not
skipped, since a prediction would vanish with it: it is set aside with a reason.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from drift_contracts.types import PredictionEventV1, PredictionEventV2

    PredictionEvent = PredictionEventV1 | PredictionEventV2

#: The versions that are read; the last one is the newest.
EVENTS = ("prediction.event.v1", "prediction.event.v2")
#: What the name of every version begins with.
ANY_EVENT = "prediction.event."


def names_event(contract: object) -> bool:
    """Return whether a document's `contract` is a version of the prediction event, read or not.

    >>> names_event("prediction.event.v1"), names_event("prediction.event.v9"), names_event(None)
    (True, True, False)
    """
    return isinstance(contract, str) and contract.startswith(ANY_EVENT)
