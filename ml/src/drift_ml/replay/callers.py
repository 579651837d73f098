"""Callers of a replayed file: another population than the rest is left out, as in the service.

A caller is decided about after whole days in UTC, as the monitor does, and left out of all rows
from then on. In the service it is then held against its own former traffic; here nobody watches it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING

from drift_contracts.wording import listed

from drift_ml.left_out import day_in_words
from drift_ml.populations import MOST_PARTS, Part, Verdict, verdicts
from drift_ml.replay.answering import count_answered
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from drift_ml.baseline import Baseline
    from drift_ml.replay.answering import Answers
    from drift_ml.replay.marks import Names

    Columns = Mapping[str, npt.NDArray[np.generic]]
    Times = npt.NDArray[np.int64]

DAY_MS = 86_400_000
#: All callers beyond the first.
OTHER = "any other"
#: Callers that a sentence names.
MOST_NAMED = 4


@dataclass
class _Population:
    """What is known of a caller so far."""

    #: Whole days that the sums are of; None for no sum.
    days: int = 0
    of_caller: Window | None = None
    of_others: Window | None = None
    #: Whether it is the same population as the rest, for good.
    is_alike: bool = False
    #: First and last window of each time that it is left out; None for the one under way.
    left: list[tuple[int, int | None]] = field(default_factory=list)

    @property
    def is_out(self) -> bool:
        return bool(self.left) and self.left[-1][1] is None

    @property
    def part(self) -> Part | None:
        """Return the caller beside the rest; None where neither is summed."""
        if self.of_caller is None or self.of_others is None:
            return None
        return Part(self.of_caller, self.of_others, self.days, self.is_out)

    def forget(self) -> None:
        """Begin both sums anew."""
        self.days, self.of_caller, self.of_others = 0, None, None


class CallerWindows:
    """Counts the rows of each caller, a window for each window of the whole."""

    def __init__(self, baseline: Baseline, version: str) -> None:
        """Begin with empty windows.

        Args:
            baseline: Of all rows, whose bins are counted.
            version: Of the model.
        """
        self._baseline = baseline
        self._version = version
        #: Callers that have windows, in the order in which they were seen.
        self.names: list[str] = []
        self._open: dict[str, Window] = {}
        self._windows: list[dict[str, Window]] = []

    def take(
        self,
        columns: Columns,
        answers: Answers,
        times: Times | None,
        callers: Names,
        sessions: Names | None,
    ) -> None:
        """Take rows of one window in.

        Args:
            columns: By feature, each of shape (rows,).
            answers: To these rows.
            times: In milliseconds since 1970, shape (rows,).
            callers: What the caller of each row is called, None for nobody, shape (rows,).
            sessions: What its session is called, the same shape.
        """
        for name in dict.fromkeys(filter(None, callers.tolist())):
            chosen = callers == name
            window = self._open.setdefault(self._part(name), self._empty())
            count_answered(window, chosen, columns, answers, times, sessions)

    def _part(self, name: str) -> str:
        """Return the name that a caller is counted under: its own, if it is among the first."""
        if name not in self.names and len(self.names) < MOST_PARTS:
            self.names.append(name)
        return name if name in self.names else OTHER

    def close(self) -> None:
        """Close the windows, as that of the whole is full."""
        self._windows.append(self._open)
        self._open = {}

    def _empty(self) -> Window:
        return Window.empty(self._baseline, self._version)

    def without_others(self, windows: Sequence[Window]) -> tuple[list[Window], str]:
        """Return the windows without callers that are another population, and who they are.

        Args:
            windows: Of all rows, with times, none of which spans the end of a day.

        Returns:
            As many windows, some perhaps empty; and words that follow a sentence, "" for nobody.
        """
        populations: dict[str, _Population] = {}
        days = [
            list(places)
            for _, places in groupby(range(len(windows)), lambda place: _day_of(windows[place]))
        ]
        # The last day is not over.
        for places in days[:-1]:
            self._add_day(windows, places, populations)
            self._decide(populations, places[-1] + 1)
        remaining = list(windows)
        for name, population in populations.items():
            for first, last in population.left:
                for place in range(first, len(windows) if last is None else last + 1):
                    part = self._windows[place].get(name)
                    if part is not None:
                        remaining[place] = remaining[place] - part
        return remaining, self._words(windows, remaining, populations)

    def _add_day(
        self,
        windows: Sequence[Window],
        places: Sequence[int],
        populations: dict[str, _Population],
    ) -> None:
        """Add a whole day to what is known of each caller.

        Args:
            windows: Of all rows.
            places: Of those of the day.
            populations: By name, which are changed.
        """
        names = dict.fromkeys(name for place in places for name in self._windows[place])
        seen = {}
        for name in names:
            parts = [self._windows[place] for place in places]
            seen[name] = self._sum(part[name] for part in parts if name in part)
        others_of_all = self._sum(windows[place] for place in places)
        for name, window in seen.items():
            if name in populations and populations[name].is_out:
                others_of_all -= window
        for name, window in seen.items():
            population = populations.setdefault(name, _Population())
            if population.is_alike:
                continue
            others = others_of_all if population.is_out else others_of_all - window
            population.days += 1
            population.of_caller = self._sum(filter(None, (population.of_caller, window)))
            population.of_others = self._sum(filter(None, (population.of_others, others)))

    def _sum(self, windows: Iterable[Window]) -> Window:
        total = self._empty()
        for window in windows:
            total += window
        return total

    def _decide(self, populations: Mapping[str, _Population], following: int) -> None:
        """Decide about every caller with enough events.

        Args:
            populations: By name, which are changed.
            following: The first window of the next day.
        """
        parts = {}
        for name, population in populations.items():
            part = population.part
            if part is not None and part.is_enough:
                parts[name] = part
        decided = verdicts(self._baseline, parts)
        for name, verdict in decided.items():
            population = populations[name]
            if verdict is Verdict.ALIKE:
                if population.is_out:
                    population.left[-1] = (population.left[-1][0], following - 1)
                population.is_alike = True
            elif verdict is Verdict.ANOTHER:
                population.left.append((following, None))
            population.forget()
        if Verdict.ANOTHER in decided.values():
            for population in populations.values():
                population.forget()

    def _words(
        self,
        windows: Sequence[Window],
        remaining: Sequence[Window],
        populations: Mapping[str, _Population],
    ) -> str:
        """Return who is left out since when, and how many rows that are.

        Args:
            windows: Of all rows.
            remaining: Without those that are left out.
            populations: By name.
        """
        gone = []
        for name, population in populations.items():
            for first, _ in population.left:
                begin_s = (windows[first].first_ms or 0) / 1000
                gone.append(f"{name} since {day_in_words(begin_s)}")
        if not gone:
            return ""
        rows = sum(window.events for window in windows)
        left = rows - sum(window.events for window in remaining)
        return (
            f". Left out, as another population than the rest and not watched here: caller"
            f" {listed(gone, MOST_NAMED)}, {left:,} of {rows:,} rows; rows are counted without them"
        )


def _day_of(window: Window) -> int:
    return (window.first_ms or 0) // DAY_MS
