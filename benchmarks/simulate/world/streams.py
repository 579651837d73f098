"""What a service sees: batches of rows in the order of time, after the rows it was trained on."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts import FeatureSet
from drift_ml.baseline.fit import fit_baseline

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt
    from drift_ml.baseline import Baseline

    Columns = dict[str, npt.NDArray[Any]]

HOUR, DAY = 60, 1_440
#: Standard deviations by which a planted feature moves.
SHIFT = 0.5
#: Deviations between the quartiles of a normal feature.
QUARTILES = 1.349


@dataclass(frozen=True)
class Batch:
    """The rows of one window."""

    #: When the window begins, in minutes since 1970.
    minute: int
    columns: Columns
    #: Of each row its session, where the feature set names what tells it.
    sessions: tuple[str, ...] = ()

    @property
    def rows(self) -> int:
        """Return how many rows there are."""
        return len(next(iter(self.columns.values())))


@dataclass(frozen=True)
class Stream:
    """A service's rows."""

    features: FeatureSet
    training: Columns
    batches: Sequence[Batch]
    #: Minutes that a batch spans.
    step: int
    #: The first minute of it, and the one after its last.
    begin: int
    end: int

    @cached_property
    def baseline(self) -> Baseline:
        """Return the baseline of the training rows."""
        return fit_baseline(self.features, self.training)

    @cached_property
    def numbers(self) -> tuple[str, ...]:
        """Return the names of the numeric features that vary."""
        named = [each.name for each in self.features.features if each.type == "number"]
        return tuple(name for name in named if np.nanstd(self.training[name]) > 0)

    @cached_property
    def _seen(self) -> tuple[list[int], list[int]]:
        """Return the minute at which each batch is over, and the rows seen by then."""
        ends = [batch.minute + self.step for batch in self.batches]
        return ends, np.cumsum([batch.rows for batch in self.batches]).tolist()

    def rows_until(self, minute: int) -> int:
        """Return how many rows came in batches that were over by a minute."""
        ends, seen = self._seen
        place = bisect_right(ends, minute)
        return seen[place - 1] if place else 0

    def between(self, first: int, last: int) -> Stream:
        """Return the same service with the batches from `first` to before `last` alone."""
        chosen = [batch for batch in self.batches if first <= batch.minute < last]
        return replace(self, batches=chosen, begin=max(first, self.begin), end=min(last, self.end))

    def shifted(self, feature: str, since: int) -> Stream:
        """Return the same service with a feature moved by SHIFT deviations of its training rows.

        A deviation is measured by the quartiles, 1.349 of a normal feature
        apart: a few large values must not make the shift large.

        Args:
            feature: a numeric one.
            since: the first minute of it.
        """
        low, high = np.nanquantile(self.training[feature], (0.25, 0.75))
        size = SHIFT * float((high - low) / QUARTILES or np.nanstd(self.training[feature]))
        moved = [
            replace(batch, columns={**batch.columns, feature: batch.columns[feature] + size})
            if batch.minute >= since
            else batch
            for batch in self.batches
        ]
        return replace(self, batches=moved)


def feature_set(
    name: str,
    numbers: Sequence[str],
    categories: Mapping[str, Sequence[str]],
    **places: dict[str, str],
) -> FeatureSet:
    """Return a feature set of columns that may be missing.

    Args:
        name: of the model.
        numbers: names of columns.
        categories: levels by name of column.
        places: what tells sessions and callers, as feature-set.v2 has them.
    """
    number = {"type": "number", "unit": "1", "example": 0.0}
    features: list[dict[str, object]] = [{"name": each, **number} for each in numbers]
    for each, levels in categories.items():
        listed = {"type": "category", "unit": "1", "categories": list(levels), "other": True}
        features.append({"name": each, **listed, "example": levels[0]})
    common = {"description": "a column of the table", "nullable": True}
    return FeatureSet.from_json(
        {
            "contract": "feature-set.v2",
            "name": name,
            "version": "1.0.0",
            "description": "Columns in the order of time",
            "target": {"name": "y", "unit": "1", "description": "nothing"},
            "features": [{**each, **common} for each in features],
            **places,
        }
    )
