"""How often rows and sessions repeat in traffic, in a state of a fixed size that adds.

Each row has a digest of 64 bits; it adds 1 to, or takes 1 from, one of WIDTH counters, both chosen
by the digest. Equal rows do the same, others cancel out, so that the sum of the squared counters
estimates the sum of m^2 over distinct rows that came m times, with a relative standard error of
sqrt(2 / WIDTH). Over the number of rows this is what repeats multiply a variance by. Sources: Alon,
Matias & Szegedy 1996; Charikar, Chen & Farach-Colton 2002; Thorup & Zhang 2004 (one counter a row).
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from math import nan
from operator import mul
from struct import pack, unpack
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    import numpy.typing as npt
    from drift_contracts.types import WindowStateV2Sketch, WindowStateV2Sketches

    Digests = npt.NDArray[Any]

#: Counters of a sketch; a power of two. Its relative standard error is 1/16.
WIDTH = 512
#: Of the counters.
PLACES = frozenset(range(WIDTH))
#: Squared relative standard error of the estimate of one sketch.
VARIANCE = 2 / WIDTH
MASK = 2**64 - 1
#: Odd multipliers of splitmix64 (Steele, Lea & Flood 2014).
STEP, FIRST, SECOND = 0x9E3779B97F4A7C15, 0xBF58476D1CE4E5B9, 0x94D049BB133111EB
#: The bit of a digest that chooses the sign; those below choose the counter.
SIGN = WIDTH.bit_length() - 1
SHIFT = 32


@dataclass(eq=True)
class Sketch:
    """Signed counts of digests; two add by adding their numbers."""

    #: Digests that were counted.
    events: int = 0
    #: By counter, where it is not 0.
    counters: dict[int, int] = field(default_factory=dict)

    def add(self, digest: int) -> None:
        """Count a digest of 64 bits."""
        place = digest & (WIDTH - 1)
        sign = 1 if digest >> SIGN & 1 else -1
        self.events += 1
        self.counters[place] = self.counters.get(place, 0) + sign

    def add_many(self, digests: Digests) -> None:
        """Count digests, an array of uint64 of shape (rows,)."""
        # Counting single events starts faster without numpy.
        import numpy as np  # noqa: PLC0415

        places = (digests & np.uint64(WIDTH - 1)).astype(np.intp)
        signs = (digests >> np.uint64(SIGN) & np.uint64(1)).astype(np.float64) * 2 - 1
        sums = np.bincount(places, signs, WIDTH)
        counted = {place: int(sums[place]) for place in np.flatnonzero(sums).tolist()}
        self.merge(Sketch(len(digests), counted))

    def merge(self, other: Sketch) -> None:
        """Count what another has counted too."""
        self.events += other.events
        if not self.counters:
            self.counters = dict(other.counters)
            return
        before = self.counters.get
        added = {place: before(place, 0) + count for place, count in other.counters.items()}
        self.counters.update(added)

    def take_off(self, other: Sketch) -> None:
        """Forget what another has counted, which this one has counted too."""
        self.events -= other.events
        for place, count in other.counters.items():
            self.counters[place] = self.counters.get(place, 0) - count

    @property
    def squares(self) -> int:
        """Return the estimate of the sum of m^2 over digests that were counted m times."""
        return sum([count * count for count in self.counters.values()])

    def to_json(self) -> WindowStateV2Sketch:
        """Return the sketch as window.state.v2 holds it: places and counts in turn."""
        flat: list[int] = []
        for place, count in sorted(self.counters.items()):
            if count:
                flat += (place, count)
        return {"events": self.events, "counters": flat}

    @classmethod
    def from_json(cls, document: WindowStateV2Sketch) -> Sketch:
        """Return the sketch in a document. Raises ValueError for counters that are none."""
        flat = document["counters"]
        counters = dict(zip(flat[::2], flat[1::2], strict=True))
        if not counters.keys() <= PLACES:
            raise ValueError(f"expected places below {WIDTH}")
        return cls(document["events"], counters)


@dataclass(eq=True)
class Sketches:
    """The sketches of a window: of its rows, and of the sessions that its events name."""

    rows: Sketch = field(default_factory=Sketch)
    sessions: Sketch = field(default_factory=Sketch)

    def __bool__(self) -> bool:
        """Return whether anything was counted."""
        return bool(self.rows.events or self.sessions.events)

    def merge(self, other: Sketches) -> None:
        """Count what others have counted too."""
        self.rows.merge(other.rows)
        self.sessions.merge(other.sessions)

    def take_off(self, other: Sketches) -> None:
        """Forget what others have counted, which these have counted too."""
        self.rows.take_off(other.rows)
        self.sessions.take_off(other.sessions)

    def to_json(self) -> WindowStateV2Sketches:
        """Return the sketches as window.state.v2 holds them."""
        return {"rows": self.rows.to_json(), "sessions": self.sessions.to_json()}

    @classmethod
    def from_json(cls, document: WindowStateV2Sketches | None) -> Sketches:
        """Return the sketches in a document, empty ones for None. Raises ValueError, KeyError."""
        if document is None:
            return cls()
        return cls(
            Sketch.from_json(document["rows"]),
            Sketch.from_json(document["sessions"]),
        )


def digest_of_text(text: str) -> int:
    """Return the digest of a session's name, 64 bits."""
    data = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(data, "little")


@lru_cache(maxsize=16)
def multipliers(features: int) -> tuple[int, ...]:
    """Return an odd number of 64 bits for each feature."""
    return tuple([_stirred(STEP * (place + 1) & MASK) | 1 for place in range(features)])


def digest_of_row(
    values: Sequence[float],
    factors: Sequence[int],
) -> int:
    """Return the digest of a row, 64 bits: equal rows have equal digests.

    Args:
        values: of its features; -0 equals 0, every NaN equals every other.
        factors: as `multipliers` returns them.
    """
    data = [value + 0.0 if value == value else nan for value in values]  # noqa: PLR0124 - NaN
    bits = unpack(f"<{len(data)}Q", pack(f"<{len(data)}d", *data))
    # The low bits of most doubles are 0: folded in, every bit of the sum depends on the high ones.
    return _stirred(sum(map(mul, [word ^ word >> SHIFT for word in bits], factors)) & MASK)


def _stirred(number: int) -> int:
    number = (number ^ number >> 30) * FIRST & MASK
    number = (number ^ number >> 27) * SECOND & MASK
    return number ^ number >> 31


def digests_of_rows(
    columns: Sequence[npt.NDArray[Any]],
    factors: Sequence[int],
) -> Digests:
    """Return the digest of each row, uint64 of shape (rows,), as `digest_of_row` does.

    Args:
        columns: at least one vector of float64, shape (rows,).
        factors: as `multipliers` returns them.
    """
    # As in `Sketch.add_many`.
    import numpy as np  # noqa: PLC0415

    total = np.zeros(len(columns[0]), dtype=np.uint64)
    for column, factor in zip(columns, factors, strict=True):
        bits = np.where(np.isnan(column), np.nan, column + 0.0).view(np.uint64)
        total += (bits ^ bits >> np.uint64(SHIFT)) * np.uint64(factor)
    total = (total ^ total >> np.uint64(30)) * np.uint64(FIRST)
    total = (total ^ total >> np.uint64(27)) * np.uint64(SECOND)
    stirred: Digests = total ^ total >> np.uint64(31)
    return stirred


def tie_rate(columns: Sequence[npt.NDArray[Any]]) -> float:
    """Return the chance that two different rows are equal, as these rows tell it.

    Args:
        columns: one vector of float64 for each feature, shape (rows,).

    >>> import numpy as np
    >>> tie_rate([np.array([1.0, 1.0, 2.0, 3.0])])
    0.16666666666666666
    """
    # As in `Sketch.add_many`.
    import numpy as np  # noqa: PLC0415

    rows = len(columns[0])
    if rows < 2:  # noqa: PLR2004 - a pair has two
        return 0.0
    digests = digests_of_rows(columns, multipliers(len(columns)))
    counts = np.unique(digests, return_counts=True)[1].astype(np.float64)
    return float((counts * (counts - 1)).sum() / (rows * (rows - 1.0)))
