"""Signs of events that are not counted in pairs yet: a bit for each event, a number per feature."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

#: Events after which the pairs are counted: so many bits are one step of a processor.
MOST_EVENTS = 60


class PendingSigns:
    """On which side of its middle each feature lies, by event.

    A feature of an event costs the same however many pairs it is part of; the pairs are counted
    once in many events, by operations on the bits of all of them.
    """

    def __init__(self, features: int) -> None:
        """Begin without events."""
        self._features = features
        self._forget()

    def _forget(self) -> None:
        self.events = 0
        self._above = [0] * self._features
        self._below = [0] * self._features

    def add(self, signs: Sequence[int]) -> None:
        """Take an event in.

        Args:
            signs: of its features, 1 or -1; 0 for what has no score.
        """
        bit = 1 << self.events
        for place, sign in enumerate(signs):
            if sign > 0:
                self._above[place] |= bit
            elif sign:
                self._below[place] |= bit
        self.events += 1

    def drain(self) -> list[int]:
        """Return the events of each pair on different sides and on one side, and forget them."""
        counts: list[int] = []
        sides = list(zip(self._above, self._below, strict=True))
        for (above, below), (over, under) in combinations(sides, 2):
            apart = (above & under) | (below & over)
            alike = (above & over) | (below & under)
            counts += (apart.bit_count(), alike.bit_count())
        self._forget()
        return counts
