"""What PSI and KS over windows share: values counted on frozen edges until a window is full."""

from __future__ import annotations

from bisect import bisect_left
from typing import TYPE_CHECKING, Any

from drift_ml.detectors._base import Named, expect

if TYPE_CHECKING:
    from collections.abc import Sequence


class Windowed(Named):
    """A detector that compares each full window's counts with the reference's; edges as in a baseline.

    Bin k holds values above edges[k-1] and not above edges[k]. A subclass gives `_judge(counts)`.
    """

    def __init__(self, *, edges: Sequence[float], reference: Sequence[int], size: int, **parameters: Any) -> None:
        expect(
            len(reference) == len(edges) + 1 and sum(reference) > 0,
            "reference counts, one more than edges",
        )
        expect(list(edges) == sorted(edges) and size > 0, "rising edges and a positive size")
        super().__init__(edges=list(edges), reference=list(reference), size=size, **parameters)

    def _fresh(self) -> dict[str, Any]:
        return {"counts": [0] * len(self.parameters["reference"])}

    def _observe(self, item: float) -> str | None:
        counts: list[int] = self.state["counts"]
        counts[bisect_left(self.parameters["edges"], item)] += 1
        if sum(counts) < self.parameters["size"]:
            return None
        self.state = self._fresh()
        return self._judge(counts)

    def _judge(self, counts: list[int]) -> str | None:
        raise NotImplementedError
