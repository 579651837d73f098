"""What the monitor has found to differ from training, beside a report's own finding."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts.timestamps import utc_text_of_seconds

from drift_ml.report import Difference

if TYPE_CHECKING:
    from drift_contracts.json_types import JsonObject


@dataclass(frozen=True)
class Seen:
    """Who has seen a difference, and why it is left alone."""

    who: str
    why: str
    #: When, in UTC.
    at: str


@dataclass(frozen=True)
class TrainingDifference(Difference):
    """A channel that differs from training over the last whole days: a state, no alarm.

    Its words are a line, with size, interval and since when.
    """

    #: When it was first seen, in seconds since 1970.
    since_s: float
    #: Ids of the alerts of its features since then.
    alerts: tuple[str, ...] = ()
    #: None where nobody has acknowledged it.
    acknowledged: Seen | None = None

    def to_json(self) -> JsonObject:
        """Return the difference as the report's document has it."""
        seen: JsonObject | None = None
        if self.acknowledged is not None:
            entry = self.acknowledged
            seen = {"who": entry.who, "why": entry.why, "at": entry.at}
        return {
            "channel": self.channel,
            "of": list(self.of),
            "level": self.level,
            "words": self.words,
            "size": self.size,
            "low": self.low,
            "high": self.high,
            "unit": self.unit,
            "since": utc_text_of_seconds(self.since_s),
            "alerts": list(self.alerts),
            "acknowledged": seen,
        }
