"""One budget of false alarms for the whole and all of its segments."""

from __future__ import annotations

from dataclasses import dataclass

#: The part of the budget that all segments have together.
SEGMENTS_SHARE = 1 / 11


@dataclass(frozen=True)
class BudgetShares:
    """What of one budget the detector of the whole has, and those of segments.

    A detector with a budget of b events is wrong once in b of its own events at most. The segments
    of one feature share out the traffic, so that with b each they are wrong once in b events of
    the whole together; with `cuts` features, once in b / cuts. The whole has 10 of 11 parts:
    1 / (1.1 budget) + cuts / (11 cuts budget) = 1 / budget, whatever depends on whatever, since
    rates add.

    >>> shares = BudgetShares(cuts=2)
    >>> round(shares.whole(100_000)), round(shares.segment(100_000))
    (110000, 2200000)
    """

    #: By how many features the traffic is cut; 0 where the whole has all of the budget.
    cuts: int

    def whole(self, events: float) -> float:
        """Return the budget of the whole's detector in its events.

        Args:
            events: To one false alarm of the whole or any segment.
        """
        return events / (1 - SEGMENTS_SHARE) if self.cuts else events

    def segment(self, events: float) -> float:
        """Return the budget of each segment's detector in the segment's own events.

        Args:
            events: As for `whole`.
        """
        return events * max(self.cuts, 1) / SEGMENTS_SHARE
