"""The named detectors over vectors, by numpy: chunks of one column, up to the first alarm.

A million values one by one take the detectors in plain Python most of a minute. Each scan here
raises the alarm that its detector raises, at the same value and with the same default parameters;
tests hold the two against each other.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import (
    TYPE_CHECKING,
    ClassVar,
    Protocol,
)

import numpy as np

from drift_ml import effects
from drift_ml.detectors.cusum import CusumParameters
from drift_ml.detectors.ks import WindowedKs
from drift_ml.detectors.mean_z import MeanAbsoluteZParameters
from drift_ml.detectors.page_hinkley import PageHinkleyParameters
from drift_ml.detectors.psi import WindowedPsi

if TYPE_CHECKING:
    from collections.abc import (
        Callable,
        Iterator,
        Sequence,
    )

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]

#: Values at a time: Page-Hinkley's forgetting, undone by powers, then costs less than two digits.
PIECE = 2**15

_CUSUM = CusumParameters(mean=0.0, std=1.0)
_PAGE = PageHinkleyParameters()
_PSI = WindowedPsi(edges=[], reference=[1]).parameters
_KS = WindowedKs(edges=[], reference=[1]).parameters
_SCORE = MeanAbsoluteZParameters(means=(0.0,), stds=(1.0,))
#: Values in a window of PSI, and its threshold in nats.
PSI_SIZE, PSI_THRESHOLD = _PSI.size, _PSI.threshold
#: Values in a window of KS.
KS_SIZE = _KS.size


@dataclass(frozen=True)
class Hit:
    """An alarm within a chunk."""

    #: Of the value in the chunk that raised it.
    place: int
    #: Of the onset; negative before the chunk.
    since: int
    #: `up`, `down` or `away`.
    direction: str


class Scan(Protocol):
    """A detector over chunks; it raises its alarm once."""

    #: Whether it takes bins instead of values.
    binned: ClassVar[bool]

    def take(self, values: Floats, /) -> Hit | None:
        """Take a chunk in; return the alarm if it is in it."""


class CusumScan:
    """`drift_ml.detectors.Cusum` on standardised values.

    G <- max(0, G + x) is the path of the sums of x less its lowest point so far.
    """

    binned: ClassVar[bool] = False

    def __init__(self) -> None:
        self._heights = {"up": 0.0, "down": 0.0}
        # Where each sum was last at zero, relative to the next chunk.
        self._zeros = {"up": 0, "down": 0}

    @staticmethod
    def settings() -> str:
        """Return the parameters in words."""
        return f"shift {_CUSUM.shift:g} sd, threshold {_CUSUM.threshold:g}"

    def take(self, values: Floats) -> Hit | None:
        """Take a chunk in; see `Scan`."""
        if not len(values):
            return None
        sides = (self._side("up", values), self._side("down", -values))
        hits = [hit for hit in sides if hit is not None]
        return min(
            hits,
            key=lambda hit: hit.place,
            default=None,
        )

    def _side(
        self,
        side: str,
        values: Floats,
    ) -> Hit | None:
        path = np.cumsum(_CUSUM.shift * (values - _CUSUM.shift / 2))
        path += self._heights[side]
        lowest = np.minimum(np.minimum.accumulate(path), 0.0)
        height = path - lowest
        above = height >= _CUSUM.threshold
        if above.any():
            place = int(above.argmax())
            return Hit(
                place,
                _after_last(height[: place + 1] <= 0, self._zeros[side]),
                side,
            )
        self._zeros[side] = _after_last(height <= 0, self._zeros[side]) - len(values)
        self._heights[side] = float(height[-1])
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
        """Return the parameters in words."""
        return f"threshold {_PAGE.threshold:g} sd, delta {_PAGE.delta:g}"

    def take(self, values: Floats) -> Hit | None:
        """Take a chunk in; see `Scan`."""
        for start in range(
            0,
            len(values),
            PIECE,
        ):
            hit = self._piece(values[start : start + PIECE])
            if hit is not None:
                return Hit(
                    hit.place + start,
                    hit.since + start,
                    hit.direction,
                )
        return None

    def _piece(self, values: Floats) -> Hit | None:
        size = len(values)
        seen = np.arange(self._seen + 1, self._seen + size + 1)
        totals = np.cumsum(values) + self._total
        deviations = values - totals / seen
        # S <- alpha S + x is a plain cumulated sum once each x is divided by alpha^n.
        fading = _PAGE.alpha ** np.arange(1, size + 1)
        up = fading * (self._up + np.cumsum((deviations - _PAGE.delta) / fading))
        down = fading * (self._down + np.cumsum((deviations + _PAGE.delta) / fading))
        least = np.minimum(np.minimum.accumulate(up), self._least)
        most = np.maximum(np.maximum.accumulate(down), self._most)
        rises, falls = up - least, most - down
        heights = np.maximum(rises, falls)
        above = (heights > _PAGE.threshold) & (seen >= _PAGE.fewest)
        raised = bool(above.any())
        place = int(above.argmax()) if raised else size - 1
        least_at = _after_last(up[: place + 1] <= least[: place + 1], self._least_at)
        most_at = _after_last(down[: place + 1] >= most[: place + 1], self._most_at)
        if raised:
            if rises[place] >= falls[place]:
                return Hit(place, least_at, "up")
            return Hit(place, most_at, "down")
        self._seen += size
        self._total = float(totals[-1])
        self._up, self._down = float(up[-1]), float(down[-1])
        self._least, self._most = float(least[-1]), float(most[-1])
        self._least_at, self._most_at = least_at - size, most_at - size
        return None


def _after_last(
    marks: npt.NDArray[np.bool_],
    otherwise: int,
) -> int:
    """Return the place after the last mark, where a sum began to grow; `otherwise` without one."""
    places = np.flatnonzero(marks)
    return int(places[-1]) + 1 if len(places) else otherwise


class _Blocks:
    """Cuts chunks into blocks of `size` values; what is left over waits for the next chunk."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left: Floats = np.empty(0)

    def cut(self, values: Floats) -> Iterator[tuple[int, Floats]]:
        """Yield each full block, and the place of its first value, negative before the chunk."""
        begin = -len(self._left)
        whole = np.concatenate([self._left, values]) if len(self._left) else values
        full = len(whole) // self._size * self._size
        # A copy: a view would keep the caller's whole chunk in memory.
        self._left = whole[full:].copy()
        for low, high in pairwise(
            range(
                0,
                full + 1,
                self._size,
            )
        ):
            yield begin + low, whole[low:high]


class _Binned:
    """What PSI and KS share: blocks of bins, decided by their counts."""

    binned: ClassVar[bool] = True

    def __init__(
        self,
        reference: Sequence[int],
        size: int,
        differs: Callable[[list[int]], bool],
    ) -> None:
        self._reference = list(reference)
        self._differs = differs
        self._blocks = _Blocks(size)

    def take(self, values: Floats) -> Hit | None:
        """Take a chunk of bins in; see `Scan`."""
        bins = len(self._reference)
        for begin, block in self._blocks.cut(values):
            counts = np.bincount(block.astype(np.intp), minlength=bins).tolist()
            if self._differs(counts):
                return Hit(
                    begin + len(block) - 1,
                    begin,
                    moved(self._reference, counts),
                )
        return None


def moved(
    reference: Sequence[int],
    counts: Sequence[int],
) -> str:
    """Return `up` or `down`, by the mean bin.

    Args:
        reference: counts per bin, in the order of the values.
        counts: of what is compared with it.
    """
    return "up" if _mean_bin(counts) > _mean_bin(reference) else "down"


def _mean_bin(counts: Sequence[int]) -> float:
    return sum(place * count for place, count in enumerate(counts)) / sum(counts)


class PsiScan(_Binned):
    """`drift_ml.detectors.WindowedPsi`."""

    def __init__(self, reference: Sequence[int]) -> None:
        def differs(counts: list[int]) -> bool:
            return effects.psi(reference, counts) > PSI_THRESHOLD

        super().__init__(reference, PSI_SIZE, differs)

    @staticmethod
    def settings() -> str:
        """Return the parameters in words."""
        return f"above {PSI_THRESHOLD:g} over {PSI_SIZE:,} values"


class KsScan(_Binned):
    """`drift_ml.detectors.WindowedKs`."""

    def __init__(
        self,
        reference: Sequence[int],
        level: float,
    ) -> None:
        rows = sum(reference)

        def differs(counts: list[int]) -> bool:
            return (
                effects.ks_p(
                    effects.ks(reference, counts),
                    rows,
                    KS_SIZE,
                )
                < level
            )

        super().__init__(reference, KS_SIZE, differs)

    @staticmethod
    def settings(level: float) -> str:
        """Return the parameters in words."""
        return f"p below {level:.2g} over {KS_SIZE:,} values"


class MeanScoreScan:
    """`drift_ml.detectors.MeanAbsoluteZ` on scores: the mean |z| of a row's features."""

    name = "mean |z|"

    def __init__(self) -> None:
        self._blocks = _Blocks(_SCORE.size)
        self._above = 0

    @staticmethod
    def settings() -> str:
        """Return the parameters in words."""
        windows = f"{_SCORE.windows} windows of {_SCORE.size:,} rows"
        return f"average above {_SCORE.threshold:g} in {windows}"

    def take(self, values: Floats) -> Hit | None:
        """Take a chunk in; see `Scan`."""
        for begin, block in self._blocks.cut(values):
            is_above = block.mean() > _SCORE.threshold
            self._above = self._above + 1 if is_above else 0
            if self._above >= _SCORE.windows:
                end = begin + len(block)
                return Hit(
                    end - 1,
                    end - self._above * len(block),
                    "away",
                )
        return None
