"""How much less repeated requests say: measured by the sketches of windows, from the first on."""

from __future__ import annotations

from dataclasses import dataclass, field
from math import sqrt
from typing import TYPE_CHECKING

from drift_ml.sketches import VARIANCE, Sketches

if TYPE_CHECKING:
    from drift_contracts.types import DetectorStateV2Repeats, DetectorStateV2Repetition

#: What repeats may cost: events never count as fewer than one in so many.
MOST_INFLATION = 25.0
#: Sketches are summed for so long, since a session spans several windows.
BLOCK_S = 3600.0
#: And until so many events, or chance ties a row: of many ties the sketch can tell no repeats.
BLOCK_EVENTS = 4096
MOST_TIES = 4.0
#: Blocks that are remembered, on average.
MEMORY = 24.0
#: Repeats within so many standard errors of none count as none.
ERRORS = 3.0


@dataclass
class Repetition:
    """Repeats over some blocks, of rows or of sessions."""

    events: float = 0.0
    #: Ordered pairs of events that repeat each other, beyond those that chance makes.
    pairs: float = 0.0
    #: Of the estimate of these pairs.
    variance: float = 0.0

    def __add__(self, other: Repetition) -> Repetition:
        """Return the repeats of both."""
        return Repetition(
            self.events + other.events,
            self.pairs + other.pairs,
            self.variance + other.variance,
        )

    def faded(self) -> Repetition:
        """Return the same, remembered less by one block."""
        share = 1 - 1 / MEMORY
        return Repetition(self.events * share, self.pairs * share, self.variance * share**2)

    @property
    def inflation(self) -> float:
        """Return what these repeats multiply a variance by, from 1 to MOST_INFLATION.

        >>> Repetition(100.0, 400.0, 9.0).inflation, Repetition(100.0, 8.0, 9.0).inflation
        (5.0, 1.0)
        """
        if self.pairs <= ERRORS * sqrt(self.variance):
            return 1.0
        return min(1 + self.pairs / self.events, MOST_INFLATION)

    def to_json(self) -> DetectorStateV2Repetition:
        """Return the repeats as detector.state.v2 holds them."""
        return {"events": self.events, "pairs": self.pairs, "variance": self.variance}


@dataclass
class Repeats:
    """Repeats of the block under way and of those before, of rows and of sessions."""

    #: Chance that two different rows of the training data are equal.
    tie_rate: float
    #: When the block began, in seconds since the epoch; None before the first window.
    from_s: float | None = None
    #: Events of the block so far.
    events: int = 0
    block: Sketches = field(default_factory=Sketches)
    rows_before: Repetition = field(default_factory=Repetition)
    sessions_before: Repetition = field(default_factory=Repetition)

    def take(
        self,
        sketches: Sketches,
        events: int,
        timestamp_s: float,
    ) -> None:
        """Take a window in.

        Args:
            sketches: of the window.
            events: of the window.
            timestamp_s: of its beginning, in seconds since the epoch.
        """
        if self._is_full(timestamp_s):
            self.rows_before = self.rows_before.faded() + self._rows()
            self.sessions_before = self.sessions_before.faded() + self._sessions()
            self.events, self.block, self.from_s = 0, Sketches(), None
        if self.from_s is None:
            self.from_s = timestamp_s
        self.events += events
        self.block.merge(sketches)

    def _is_full(self, timestamp_s: float) -> bool:
        if self.from_s is None:
            return False
        is_over = timestamp_s >= self.from_s + BLOCK_S
        ties = self.events * self.tie_rate
        return is_over or self.events >= BLOCK_EVENTS or ties >= MOST_TIES

    def _rows(self) -> Repetition:
        sketch = self.block.rows
        ties = sketch.events * (sketch.events - 1) * self.tie_rate
        squares = sketch.squares
        pairs = squares - sketch.events - ties
        # A pair that chance makes is two ordered ones, so that their variance is twice their sum.
        return Repetition(sketch.events, pairs, VARIANCE * squares**2 + 2 * ties)

    def _sessions(self) -> Repetition:
        sketch = self.block.sessions
        squares = sketch.squares
        return Repetition(self.events, squares - sketch.events, VARIANCE * squares**2)

    @property
    def rows(self) -> float:
        """Return what repeated rows multiply a variance by."""
        return (self.rows_before + self._rows()).inflation

    @property
    def sessions(self) -> float:
        """Return what sessions multiply a variance by whose requests are all alike."""
        return (self.sessions_before + self._sessions()).inflation

    def to_json(self) -> DetectorStateV2Repeats:
        """Return the repeats as detector.state.v2 holds them."""
        return {
            "from_s": self.from_s,
            "events": self.events,
            "block": self.block.to_json(),
            "rows": self.rows_before.to_json(),
            "sessions": self.sessions_before.to_json(),
        }

    @classmethod
    def from_json(
        cls,
        document: DetectorStateV2Repeats | None,
        tie_rate: float,
    ) -> Repeats:
        """Return the repeats of a state.

        Args:
            document: None where the state has none.
            tie_rate: chance that two different rows are equal.
        """
        if document is None:
            return cls(tie_rate)
        return cls(
            tie_rate,
            document["from_s"],
            document["events"],
            Sketches.from_json(document["block"]),
            Repetition(**document["rows"]),
            Repetition(**document["sessions"]),
        )
