"""What the evaluator remembers of a series between two runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


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
    detector: dict[str, Any] | None = None
    alert: dict[str, Any] | None = None
    outbox: list[dict[str, Any]] = field(default_factory=list)
    judged_ahead: list[int] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the state as a document; `judged_ahead` only where there is some, which older releases cannot read."""
        document = asdict(self)
        if not self.judged_ahead:
            del document["judged_ahead"]
        return document
