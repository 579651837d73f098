"""Detectors as scans over vectors: each takes chunks of one column and gives its first alarm."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np

from drift_ml import effects
from drift_ml.detectors import Cusum, MeanAbsoluteZ, PageHinkley, WindowedKs, WindowedPsi

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

PIECE = 2**15
"""Values at a time: Page-Hinkley's forgetting, undone by powers, then costs less than two digits."""

_CUSUM = Cusum(mean=0.0, std=1.0).parameters
_PAGE = PageHinkley().parameters
_PSI = WindowedPsi(edges=[], reference=[1]).parameters
_KS = WindowedKs(edges=[], reference=[1]).parameters
PSI_SIZE, PSI_THRESHOLD, KS_SIZE = int(_PSI["size"]), float(_PSI["threshold"]), int(_KS["size"])
_SCORE = MeanAbsoluteZ(means=[0.0], stds=[1.0]).parameters


@dataclass(frozen=True)
class Hit:
    """place: of the value in the chunk that raised the alarm; since: of the onset, negative before the chunk."""

    place: int
    since: int
    direction: str


class Scan(Protocol):
    """Takes vectors in, and gives the alarm once; `binned` ones take bins instead of values."""

    binned: ClassVar[bool]

    def take(self, values: Floats, /) -> Hit | None:
        """Take a chunk in; the alarm if it is in it."""


class CusumScan:
    """`drift_ml.detectors.Cusum` on standardised values: G = max(0, G + x) is the path less its lowest."""

    binned: ClassVar[bool] = False

    def __init__(self) -> None:
        self._held = {"up": 0.0, "down": 0.0}
        self._zero = {"up": 0, "down": 0}

    @staticmethod
    def settings() -> str:
        """The parameters in words."""
        return f"shift {_CUSUM['shift']:g} sd, bar {_CUSUM['threshold']:g}"

    def take(self, values: Floats) -> Hit | None:
        """See `Scan`."""
        hits = [self._side("up", values), self._side("down", -values)] if len(values) else []
        return min((hit for hit in hits if hit), key=lambda hit: hit.place, default=None)

    def _side(self, side: str, values: Floats) -> Hit | None:
        shift = _CUSUM["shift"]
        path = np.cumsum(shift * (values - shift / 2))
        path += self._held[side]
        lowest = np.minimum(np.minimum.accumulate(path), 0.0)
        height = path - lowest
        above = height >= _CUSUM["threshold"]
        if above.any():
            place = int(above.argmax())
            zeros = np.flatnonzero(height[: place + 1] <= 0)
            return Hit(place, int(zeros[-1]) + 1 if len(zeros) else self._zero[side], side)
        zeros = np.flatnonzero(height <= 0)
        self._zero[side] = (int(zeros[-1]) + 1 if len(zeros) else self._zero[side]) - len(values)
        self._held[side] = float(height[-1])
        return None


class PageHinkleyScan:
    """`drift_ml.detectors.PageHinkley` on standardised values."""

    binned: ClassVar[bool] = False

    def __init__(self) -> None:
        self._seen = 0
        self._total = self._up = self._down = 0.0
        self._least, self._most = np.inf, -1.0
        self._least_at = self._most_at = 0

    @staticmethod
    def settings() -> str:
        """The parameters in words."""
        return f"bar {_PAGE['threshold']:g} sd, delta {_PAGE['delta']:g}"

    def take(self, values: Floats) -> Hit | None:
        """See `Scan`."""
        for start in range(0, len(values), PIECE):
            hit = self._piece(values[start : start + PIECE])
            if hit is not None:
                return Hit(hit.place + start, hit.since + start, hit.direction)
        return None

    def _piece(self, values: Floats) -> Hit | None:
        size = len(values)
        counted = np.arange(self._seen + 1, self._seen + size + 1)
        totals = np.cumsum(values) + self._total
        apart = values - totals / counted
        fading = _PAGE["alpha"] ** np.arange(1, size + 1)
        up = fading * (self._up + np.cumsum((apart - _PAGE["delta"]) / fading))
        down = fading * (self._down + np.cumsum((apart + _PAGE["delta"]) / fading))
        least = np.minimum(np.minimum.accumulate(up), self._least)
        most = np.maximum(np.maximum.accumulate(down), self._most)
        rises, falls = up - least, most - down
        above = (np.maximum(rises, falls) > _PAGE["threshold"]) & (counted >= _PAGE["fewest"])
        place = int(above.argmax()) if above.any() else size - 1
        least_at = _last(up[: place + 1] <= least[: place + 1], self._least_at)
        most_at = _last(down[: place + 1] >= most[: place + 1], self._most_at)
        if above.any():
            rising = rises[place] >= falls[place]
            return Hit(place, least_at if rising else most_at, "up" if rising else "down")
        self._seen += size
        self._total, self._up, self._down = float(totals[-1]), float(up[-1]), float(down[-1])
        self._least, self._most = float(least[-1]), float(most[-1])
        self._least_at, self._most_at = least_at - size, most_at - size
        return None


def _last(marks: npt.NDArray[np.bool_], otherwise: int) -> int:
    """The place after the last mark, where the extreme was."""
    places = np.flatnonzero(marks)
    return int(places[-1]) + 1 if len(places) else otherwise


class _Blocks:
    """Cuts chunks into blocks of `size` values, with what is left over kept for the next chunk."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left: Floats = np.empty(0)

    def cut(self, values: Floats) -> Iterator[tuple[int, Floats]]:
        """Each full block and the place in the chunk of its first value (negative before the chunk)."""
        begin = -len(self._left)
        whole = np.concatenate([self._left, values]) if len(self._left) else values
        full = len(whole) // self._size * self._size
        self._left = whole[full:].copy()
        for low, high in pairwise(range(0, full + 1, self._size)):
            yield begin + low, whole[low:high]


class _Binned:
    """What PSI and KS share: blocks of bins, judged by their counts."""

    binned: ClassVar[bool] = True

    def __init__(self, reference: Sequence[int], size: int, judge: Callable[[list[int]], bool]) -> None:
        self._reference = list(reference)
        self._judge = judge
        self._blocks = _Blocks(size)

    def take(self, values: Floats) -> Hit | None:
        """See `Scan`; values are bins."""
        for begin, block in self._blocks.cut(values):
            counts = np.bincount(block.astype(np.intp), minlength=len(self._reference)).tolist()
            if self._judge(counts):
                return Hit(begin + len(block) - 1, begin, moved(self._reference, counts))
        return None


def moved(reference: Sequence[int], counts: Sequence[int]) -> str:
    """Up or down, by the mean bin."""
    means = [sum(place * count for place, count in enumerate(own)) / sum(own) for own in (reference, counts)]
    return "up" if means[1] > means[0] else "down"


class PsiScan(_Binned):
    """`drift_ml.detectors.WindowedPsi`."""

    def __init__(self, reference: Sequence[int]) -> None:
        super().__init__(reference, _PSI["size"], lambda counts: effects.psi(reference, counts) > _PSI["threshold"])

    @staticmethod
    def settings() -> str:
        """The parameters in words."""
        return f"above {_PSI['threshold']:g} over {_PSI['size']:,} values"


class KsScan(_Binned):
    """`drift_ml.detectors.WindowedKs`."""

    def __init__(self, reference: Sequence[int], level: float) -> None:
        rows, size = sum(reference), _KS["size"]

        def differs(counts: list[int]) -> bool:
            return effects.ks_p(effects.ks(reference, counts), rows, size) < level

        super().__init__(reference, size, differs)

    @staticmethod
    def settings(level: float) -> str:
        """The parameters in words."""
        return f"p below {level:.2g} over {_KS['size']:,} values"


class MeanScoreScan:
    """`drift_ml.detectors.MeanAbsoluteZ` on scores: the mean |z| of a row's features."""

    name = "mean |z|"

    def __init__(self) -> None:
        self._blocks = _Blocks(_SCORE["size"])
        self._above = 0

    @staticmethod
    def settings() -> str:
        """The parameters in words."""
        return f"average above {_SCORE['threshold']:g} in {_SCORE['windows']} windows of {_SCORE['size']:,} rows"

    def take(self, values: Floats) -> Hit | None:
        """See `Scan`."""
        for begin, block in self._blocks.cut(values):
            self._above = self._above + 1 if block.mean() > _SCORE["threshold"] else 0
            if self._above >= _SCORE["windows"]:
                return Hit(begin + len(block) - 1, begin + len(block) - self._above * len(block), "away")
        return None
