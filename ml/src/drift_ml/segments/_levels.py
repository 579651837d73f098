"""The levels that a feature cuts the traffic into, and the one that a value belongs to."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import pairwise
from math import isnan
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import Feature

#: Levels of one feature that are segments of their own, the most frequent in training.
MOST_LEVELS = 20
#: What is in no other level: rare and unknown categories, and missing values.
OTHER = "other"
BOOLEANS = ("false", "true")


@dataclass(frozen=True)
class Levels:
    """How one feature cuts the traffic."""

    feature: str
    #: Of a number, where its bins meet, in ascending order.
    cuts: tuple[float, ...]
    #: Names of the levels but for `other`; of a number in the order of its bins.
    names: tuple[str, ...]

    @property
    def all_names(self) -> tuple[str, ...]:
        """Return the names of all levels, `other` last."""
        return (*self.names, OTHER)

    def level(self, value: object) -> str:
        """Return the level of a value, as an event shows it.

        >>> levels_of("sqft", cuts=(1000.0,)).level(1000)
        'from 1000'
        >>> Levels("region", (), ("north", "south")).level("west")
        'other'
        """
        if self.cuts:
            if not isinstance(value, int | float) or isnan(value):
                return OTHER
            return self.names[bisect_right(self.cuts, value)]
        if isinstance(value, bool):
            return BOOLEANS[value]
        return value if isinstance(value, str) and value in self.names else OTHER


def levels_of(
    feature: str,
    *,
    cuts: tuple[float, ...] = (),
    rows: Mapping[str, int] | None = None,
) -> Levels:
    """Return the levels of a feature.

    Args:
        feature: Its name.
        cuts: Of a number, where its bins meet; none of a category or a boolean.
        rows: Of a category or a boolean: training rows by value, of which the most frequent become
            levels.

    >>> levels_of("sqft", cuts=(1000.0, 2000.0)).all_names
    ('below 1000', '1000 to 2000', 'from 2000', 'other')
    >>> levels_of("region", rows={"north": 10, "south": 90}).names
    ('south', 'north')
    """
    if cuts:
        ends = list(map(_end, cuts))
        inner = [f"{low} to {high}" for low, high in pairwise(ends)]
        return Levels(feature, cuts, (f"below {ends[0]}", *inner, f"from {ends[-1]}"))
    counted = rows or {}
    # Stable, so that equal counts stay in the order of the feature set.
    ordered = sorted(counted, key=lambda name: -counted[name])
    names = [name for name in ordered if counted[name] and name != OTHER]
    return Levels(feature, (), tuple(names[:MOST_LEVELS]))


def _end(cut: float) -> str:
    """Return a cut with all its digits: names of bins must differ where the bins do."""
    return str(int(cut)) if float(cut).is_integer() else repr(float(cut))


def values_of(feature: Feature) -> tuple[str, ...]:
    """Return the values of a category or a boolean, as levels are named."""
    return BOOLEANS if feature.type == "boolean" else feature.categories
