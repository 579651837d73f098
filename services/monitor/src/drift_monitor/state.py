"""What the evaluator remembers of a series between two runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from .errors import BadStore
from .formats import DAMAGED, DETECTOR, NEWER, refuse_damaged, refuse_newer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.types import DetectorStateV1Mixture

    from .keys import Series

WHAT = "the evaluator's state"


@dataclass
class SeriesState:
    """cursor: the last minute that was judged. first: the first. events: judged so far.

    budget: events to one false alarm. detector: a `detector.state.v1` document. alert: the alarm that is on,
    as it was sent. outbox: alerts not yet known to be published. judged_ahead: minutes after the cursor that were
    judged all the same, while the clock was ahead.
    """

    cursor: int
    first: int
    events: int = 0
    budget: float = 0.0
    detector: DetectorStateV1Mixture | None = None
    alert: dict[str, Any] | None = None
    outbox: list[dict[str, Any]] = field(default_factory=list)
    judged_ahead: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the state as a document; `judged_ahead` only where there is some, which older releases cannot read."""
        document = asdict(self)
        if not self.judged_ahead:
            del document["judged_ahead"]
        return document

    @classmethod
    def from_json(cls, document: Mapping[str, Any], series: Series) -> SeriesState:
        """Return the state in a stored document.

        Raises BadStore if it is damaged, or of a release that keeps more than this one: to go on
        without what this one does not know would lose it.
        """
        item = f"state#{series.model}#{series.version}"
        refuse_damaged(document, series, WHAT, item)
        names = {each.name for each in fields(cls)}
        if document.keys() - names:
            raise BadStore(str(series), NEWER.format(what=WHAT))
        refuse_newer(document.get("detector") or {}, DETECTOR, series, "the detector's state")
        try:
            return cls(**document)
        except TypeError:
            raise BadStore(str(series), DAMAGED.format(what=WHAT, item=item)) from None
