"""What PSI and KS over windows share: values counted on frozen edges until a window is full."""

from __future__ import annotations

from abc import abstractmethod
from bisect import bisect_left
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from drift_ml.detectors._base import NamedDetector, expect

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class WindowedParameters:
    """What is counted, and against what."""

    #: Bin k holds values above edges[k-1] and not above edges[k], as in a baseline.
    edges: tuple[float, ...]
    #: Counts per bin, one more than edges.
    reference: tuple[int, ...]
    #: Values in a window.
    size: int


@dataclass
class WindowedState:
    """The window that is being filled."""

    #: Values per bin so far.
    counts: list[int]


ParametersType = TypeVar("ParametersType", bound=WindowedParameters)


class Windowed(NamedDetector[ParametersType, WindowedState, float]):
    """A detector that compares each full window's counts with the reference's."""

    def _initial_state(self) -> WindowedState:
        return WindowedState([0] * len(self.parameters.reference))

    def _observe(self, item: float) -> str | None:
        counts = self.state.counts
        counts[bisect_left(self.parameters.edges, item)] += 1
        if sum(counts) < self.parameters.size:
            return None
        self.state = self._initial_state()
        return self._compare(counts)

    @abstractmethod
    def _compare(self, counts: list[int]) -> str | None:
        """Return the reason of an alarm, if a full window's counts raise one."""


def check_windowed(
    edges: Sequence[float],
    reference: Sequence[int],
    size: int,
) -> None:
    """Raise DetectorError unless counts and edges belong together.

    Args:
        edges: between the bins.
        reference: counts per bin.
        size: values in a window.
    """
    is_reference = len(reference) == len(edges) + 1 and sum(reference) > 0
    expect(is_reference, "reference counts, one more than edges")
    is_rising = list(edges) == sorted(edges)
    expect(is_rising and size > 0, "rising edges and a positive size")
