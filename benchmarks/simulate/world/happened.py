"""What happened, by table: the lists in benchmarks/simulate/events."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Any

    from benchmarks.simulate.world.courses import Span

FOLDER = Path(__file__).parents[1] / "events"
#: An alarm that stands on for so many minutes after an event is no false one.
GRACE = 3 * 1_440
SHIFT_KIND, SHORT, SILENCE = KINDS = ("shift", "short", "silence")


def minute_of(time: datetime) -> int:
    """Return minutes since 1970 of a local time, as if it were UTC."""
    return int(time.replace(tzinfo=UTC).timestamp()) // 60


@dataclass(frozen=True)
class Event:
    """Something that a person would want to be told."""

    first: int
    last: int
    kind: str
    features: tuple[str, ...]
    what: str
    source: str

    @property
    def excused(self) -> Span:
        """Return when an alarm is no false one."""
        return self.first, self.last + GRACE

    def concerns(self, feature: str) -> bool:
        """Return whether it shows in a feature."""
        return "*" in self.features or feature in self.features


@dataclass(frozen=True)
class Happened:
    """What happened on a table, and what is no event."""

    title: str
    package: str
    no_event: tuple[str, ...]
    events: tuple[Event, ...]


def happened(name: str) -> Happened:
    """Return the list of a table."""
    document: dict[str, Any] = tomllib.loads((FOLDER / f"{name}.toml").read_text())
    events = tuple(
        Event(
            minute_of(each["from"]),
            minute_of(each["to"]),
            each["kind"],
            tuple(each["features"]),
            each["what"],
            each["source"],
        )
        for each in document.get("event", ())
    )
    return Happened(document["title"], document["package"], tuple(document["no_event"]), events)


def outside(first: int, last: int, spans: list[Span]) -> list[Span]:
    """Return the parts of [first, last) that no span covers.

    >>> outside(0, 10, [(2, 4), (3, 6), (9, 12)])
    [(0, 2), (6, 9)]
    """
    parts = []
    for begin, end in sorted(spans):
        if begin > first:
            parts.append((first, min(begin, last)))
        first = max(first, end)
        if first >= last:
            return parts
    return [*parts, (first, last)]
