"""What a detector did over a stream: when it alarmed, of what, and for how long."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    #: First minute and the one after the last.
    Span = tuple[int, int]


@dataclass
class Course:
    """What a detector did; minutes are those since 1970."""

    #: When each alarm was raised, and its features; () for one that names none.
    raised: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)
    #: When each alarm stood.
    spans: list[Span] = field(default_factory=list)
    #: When a feature was added to an alarm that stood, without one of its own.
    joined: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)

    def count(self, first: int, last: int) -> int:
        """Return how many alarms were raised after `first`, until `last`."""
        return sum(first < at <= last for at, _ in self.raised)

    def share(self, periods: Iterable[Span]) -> float:
        """Return the share of some periods in which an alarm stood."""
        inside = total = 0
        for first, last in periods:
            flags = np.zeros(max(0, last - first), dtype=bool)
            for begin, end in self.spans:
                flags[max(0, begin - first) : max(0, end - first)] = True
            inside += int(flags.sum())
            total += len(flags)
        return inside / total if total else 0.0

    def first_of(self, feature: str, first: int, last: int) -> int | None:
        """Return when a feature's alarm was raised in (first, last]; None where none was.

        One that names no feature counts as one of each.
        """
        times = [
            at
            for at, features in (*self.raised, *self.joined)
            if first < at <= last and (not features or feature in features)
        ]
        return min(times, default=None)


def lasting(raised: list[tuple[int, tuple[str, ...]]], minutes: int) -> Course:
    """Return the course of a detector that knows no end: each alarm stands for some minutes."""
    return Course(raised, [(at, at + minutes) for at, _ in raised])
