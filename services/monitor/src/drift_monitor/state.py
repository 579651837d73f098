"""What the evaluator remembers of a series between two runs."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class SeriesState:
    """cursor: the last minute that was judged. first: the first. events: judged so far.

    budget: events to one false alarm. detector: a `detector.state.v1` document. alert: the alarm that is on,
    as it was sent. outbox: alerts not yet known to be published.
    """

    cursor: int
    first: int
    events: int = 0
    budget: float = 0.0
    detector: dict[str, Any] | None = None
    alert: dict[str, Any] | None = None
    outbox: list[dict[str, Any]] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """The state as a document."""
        return asdict(self)
