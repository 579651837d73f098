"""Sums of powers of deviations, in integers."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass
class Moments:
    """How many values, and the sums of their deviations and squared deviations.

    A deviation is (value - mean) / standard deviation of the baseline, in units of 1/4096,
    rounded, and held within 100 standard deviations: integers add exactly in any order.
    """

    count: int = 0
    total: int = 0
    squares: int = 0

    def add(
        self,
        count: int,
        total: int,
        squares: int,
    ) -> None:
        """Add the sums of other values.

        Args:
            count: of the values.
            total: of their deviations.
            squares: of their deviations, squared.
        """
        self.count += count
        self.total += total
        self.squares += squares
