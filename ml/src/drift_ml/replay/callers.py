"""Callers of a replayed file: another population than the rest is left out, as in the service.

A caller is decided about after whole days in UTC, as the monitor does. From then on it is left out
of all rows, and held against its own former traffic.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from itertools import groupby
from typing import TYPE_CHECKING

from drift_ml.populations import CALLER, MOST_PARTS, OTHER, Part, Verdict, verdicts
from drift_ml.replay.allowance import relearned_days
from drift_ml.replay.answering import count_answered
from drift_ml.replay.caller_replays import CallerReplay, place_of
from drift_ml.replay.file_rows import FileRows
from drift_ml.replay.own_traffic import OwnTraffic
from drift_ml.window import Window

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy as np
    import numpy.typing as npt

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Settings
    from drift_ml.left_out import LeftOut
    from drift_ml.replay.answering import Answers
    from drift_ml.replay.marks import Names

    Columns = Mapping[str, npt.NDArray[np.generic]]
    Times = npt.NDArray[np.int64]

DAY_MS = 86_400_000


@dataclass
class _Apart:
    """The time in which a caller is left out of all rows."""

    #: Of the windows, the first that it is left out of.
    first: int
    #: Its own detector.
    own: OwnTraffic
    #: That behind the last; None for one that stays out.
    end: int | None = None
    #: Windows that its detector has taken in, by their place.
    taken: dict[int, Window] = field(default_factory=dict)


@dataclass
class _Population:
    """What is known of a caller so far."""

    #: Whole days that the sums are of; None for no sum.
    days: int = 0
    of_caller: Window | None = None
    of_others: Window | None = None
    #: Whether it is the same population as the rest, for good.
    is_alike: bool = False
    #: None for one that was never left out.
    apart: _Apart | None = None

    @property
    def is_out(self) -> bool:
        return self.apart is not None and self.apart.end is None

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
        self.baseline = baseline
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
        return Window.empty(self.baseline, self._version)

    def replay(
        self,
        windows: Sequence[Window],
        settings: Settings,
        units: Mapping[str, str],
        left_out: tuple[LeftOut, ...] = (),
    ) -> tuple[list[Window], tuple[CallerReplay, ...]]:
        """Return the windows without callers that are another population, and what these did.

        Args:
            windows: Of all rows, with times, none of which spans the end of a day.
            settings: Of the detector of each caller, without what is allowed for.
            units: Of the features, by name, for words.
            left_out: Spans of days that are no evidence.

        Returns:
            As many windows, some perhaps empty; and the callers, in the order of their names.
        """
        populations: dict[str, _Population] = {}
        days = [
            list(places)
            for _, places in groupby(range(len(windows)), lambda place: _day_of(windows[place]))
        ]
        span_days = _day_of(windows[-1]) + 1 - _day_of(windows[0])
        make = partial(OwnTraffic, self.baseline, settings, relearned_days(span_days), left_out)
        for places in days:
            self._watch_day(places, populations)
            # The last day is not over.
            if places is not days[-1]:
                self._add_day(windows, places, populations)
                self._decide(populations, places[-1] + 1, make)
        remaining, replayed = list(windows), []
        for name, population in sorted(populations.items()):
            apart = population.apart
            if apart is None:
                continue
            parts = self._parts(name, range(len(windows))[apart.first : apart.end])
            for place, part in parts.items():
                remaining[place] = remaining[place] - part
            rows = sum(part.events for part in parts.values())
            replayed.append(self._replayed(name, apart, windows, rows, units))
        return remaining, tuple(replayed)

    def _parts(
        self,
        name: str,
        places: Sequence[int],
    ) -> dict[int, Window]:
        """Return the windows of a caller that have rows, by their place.

        Args:
            name: Of the caller.
            places: Of windows of all rows.
        """
        parts = {place: self._windows[place].get(name) for place in places}
        return {place: part for place, part in parts.items() if part is not None}

    def _watch_day(
        self,
        places: Sequence[int],
        populations: Mapping[str, _Population],
    ) -> None:
        """Hold the rows of a day against what the callers that are left out had before.

        Args:
            places: Of the windows of the day.
            populations: By name, which are changed.
        """
        for name, population in populations.items():
            apart = population.apart
            if apart is None or not population.is_out:
                continue
            for place, part in self._parts(name, places).items():
                if apart.own.take(part):
                    apart.taken[place] = part

    def _replayed(
        self,
        name: str,
        apart: _Apart,
        windows: Sequence[Window],
        rows: int,
        units: Mapping[str, str],
    ) -> CallerReplay:
        """Return what became of a caller that was left out.

        Args:
            name: Of the caller.
            apart: When it was left out.
            windows: Of all rows.
            rows: That were left out.
            units: Of the features, by name.
        """
        if apart.end is None:
            apart.own.end(windows[-1].last_ms or 0)
        taken = [apart.taken.get(place, self._empty()) for place in range(len(windows))]
        of = FileRows.of(taken, windows)
        alarms = [of.of_file(alarm, f"{CALLER} {name}") for alarm in apart.own.alarms(units)]
        return CallerReplay(
            name,
            place_of(windows, apart.first),
            None if apart.end is None else place_of(windows, apart.end),
            rows,
            place_of(windows, min(apart.taken)) if apart.taken else None,
            sum(part.events for part in apart.taken.values()),
            tuple(alarms),
        )

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

    def _decide(
        self,
        populations: Mapping[str, _Population],
        following: int,
        make: Callable[[], OwnTraffic],
    ) -> None:
        """Decide about every caller with enough events.

        Args:
            populations: By name, which are changed.
            following: The first window of the next day.
            make: Returns what a caller that is left out is watched by.
        """
        enough = {}
        for name, population in populations.items():
            beside = population.part
            if beside is not None and beside.is_enough:
                enough[name] = beside
        decided = verdicts(self.baseline, enough)
        for name, verdict in decided.items():
            population = populations[name]
            apart = population.apart
            if verdict is Verdict.ANOTHER:
                population.apart = _Apart(following, make())
                for part in self._parts(name, range(following)).values():
                    population.apart.own.note(part)
            elif verdict is Verdict.ALIKE and apart is None:
                population.is_alike = True
            elif verdict is Verdict.ALIKE and apart is not None and not apart.own.stands:
                apart.end = following
                population.is_alike = True
            population.forget()
        if Verdict.ANOTHER in decided.values():
            for population in populations.values():
                population.forget()


def _day_of(window: Window) -> int:
    return (window.first_ms or 0) // DAY_MS
