"""CatBoost's statistics of categories (CTRs): what their counts make of a category, in float32."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING

import numpy as np

from .errors import CannotServe

if TYPE_CHECKING:
    from typing import Any

    Counts = tuple[float, ...]

#: The key of a bucket that nothing is in.
EMPTY = (1 << 64) - 1
MEANS = ("BinarizedTargetMeanValue", "FloatTargetMeanValue")
FREQUENCIES = ("Counter", "FeatureFreq")
TARGETS = ("Borders", "Buckets")
#: Kinds of parts that a combination has, in the order in which they are hashed.
CATEGORY, NUMBER, EXACT = "cat_feature_value", "float_feature", "cat_feature_exact_value"


@dataclass(frozen=True)
class Statistic:
    """A statistic of a category, or of a combination of categories and conditions."""

    kind: str
    #: What is combined, each as the document has it.
    parts: tuple[Any, ...]
    #: What was counted in training, by hash of the combination.
    counts: dict[int, Counts]
    #: Rows of training, where frequencies are meant.
    denominator: int
    #: Which border, or which bucket, of the target it is of.
    border: int
    prior: tuple[float, float]
    shift: float
    scale: float
    #: That its values are compared with.
    borders: tuple[float, ...]

    @property
    def category(self) -> int | None:
        """Return the index of the one category that it is of, None for a combination."""
        is_single = len(self.parts) == 1 and self.parts[0]["combination_element"] == CATEGORY
        return int(self.parts[0]["cat_feature_index"]) if is_single else None

    def value(self, counts: Counts | None) -> float:
        """Return the statistic of counts, None for what was not seen in training."""
        good, total = self._ratio(counts)
        numerator = np.float32(good) + np.float32(self.prior[0])
        ratio = numerator / (np.float32(total) + np.float32(self.prior[1]))
        return float((ratio + np.float32(self.shift)) * np.float32(self.scale))

    def _ratio(self, counts: Counts | None) -> tuple[float, float]:
        """Return how many rows are meant, and of how many."""
        if self.kind in FREQUENCIES:
            return (counts or (0.0,))[0], self.denominator
        if counts is None:
            return 0.0, 0.0
        if self.kind in MEANS:
            total, rows = counts
            return total, rows
        if self.kind == "Buckets":
            return counts[self.border], sum(counts)
        return sum(counts[self.border + 1 :]), sum(counts)


class Statistics:
    """The statistics of a document, by the number that splits name them with."""

    def __init__(self, document: Any) -> None:
        info = document["features_info"]
        self._tables = document.get("ctr_data") or {}
        self.listed = [self._statistic(entry) for entry in info.get("ctrs") or ()]
        # Splits are numbered through numbers, values of categories, and statistics.
        before = 0
        for feature in info.get("float_features") or ():
            before += len(feature.get("borders") or ())
        for feature in info.get("categorical_features") or ():
            before += len(feature.get("values") or ())
        sizes = [len(statistic.borders) for statistic in self.listed]
        self._ends = [*accumulate(sizes, initial=before)]

    def place(self, split: Any) -> int:
        """Return the place of the statistic that a split looks at.

        Raises:
            LookupError: its border is none of that statistic.
        """
        number = int(split["split_index"])
        place = bisect_right(self._ends, number) - 1
        if not 0 <= place < len(self.listed):
            raise LookupError
        borders = self.listed[place].borders
        if borders[number - self._ends[place]] != float(split["border"]):
            raise LookupError
        return place

    def _statistic(self, entry: Any) -> Statistic:
        kind = str(entry["ctr_type"])
        if kind not in (*MEANS, *FREQUENCIES, *TARGETS):
            raise CannotServe(f"ctr={kind}", "this statistic is not served", "train without it")
        table = self._tables[entry["identifier"]]
        order = (CATEGORY, NUMBER, EXACT)
        elements = entry["elements"]
        parts = sorted(elements, key=lambda part: order.index(part["combination_element"]))
        return Statistic(
            kind,
            tuple(parts),
            _counts(table),
            int(table["counter_denominator"]),
            int(entry["target_border_idx"]),
            (float(entry["prior_numerator"]), float(entry["prior_denomerator"])),
            float(entry["shift"]),
            float(entry["scale"]),
            tuple(map(float, entry["borders"])),
        )


def _counts(table: Any) -> dict[int, Counts]:
    """Return the counts of a table by hash."""
    stride, numbers = int(table["hash_stride"]), table["hash_map"]
    if stride < 1 or len(numbers) % stride:
        raise ValueError
    counts: dict[int, Counts] = {}
    for start in range(0, len(numbers), stride):
        key = int(numbers[start])
        if key != EMPTY:
            counts[key] = tuple(numbers[start + 1 : start + stride])
    return counts
