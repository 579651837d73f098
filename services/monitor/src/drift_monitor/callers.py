"""Callers: each has windows of its own, and one that is another population is watched by itself.

A nightly job asks for other rows than everybody else. What is left of the traffic without it is
held against what the whole is held against, and the job against its own former traffic. Windows
add, so that those of a caller can be taken off those of the whole.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from math import inf
from typing import TYPE_CHECKING, Any

from drift_contracts import DriftError
from drift_ml.figures import plain_number
from drift_ml.left_out import day_in_words
from drift_ml.populations import CALLER, MOST_PARTS, OTHER, Part, Verdict, verdicts
from drift_ml.segments import Segment
from drift_ml.window import Window

from drift_monitor.compact import compact
from drift_monitor.errors import BadEvent, BadStore, Conflict, Unanswered
from drift_monitor.formats import DAMAGED
from drift_monitor.held import HeldWindows
from drift_monitor.keys import Series
from drift_monitor.state import SeriesState
from drift_monitor.stores import StoredWindow

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.events import PredictionEvent
    from drift_contracts.types import AlertV2DetectorCaller
    from drift_ml.baseline import Baseline

    from drift_monitor.alerts import Alert
    from drift_monitor.keys import WindowKey
    from drift_monitor.rhythms import Memory, Rhythms
    from drift_monitor.stores import (
        Document,
        Fragment,
        Revision,
        Store,
        StoredState,
    )

#: Of the digest that an event names its caller by; more say nothing more among twenty.
DIGITS = 8
#: Callers that have windows of their own, the first that are seen.
MOST_CALLERS = MOST_PARTS
#: Whole days that one run looks at, at most.
MOST_DAYS = 7
#: Days after which a caller that has not asked gives its windows to another, where all are taken: a
#: monthly job keeps its own.
ABSENT_DAYS = 35
#: Times that a name is noted again where another process was first.
ATTEMPTS = 5
DAY_S = 86_400
WHAT = "what is known of callers"


def caller_segment(
    name: str,
    *,
    rows: int = 0,
    share: float = 0.0,
) -> Segment:
    """Return a caller as the part of the traffic that it is.

    Args:
        name: the first digits of its digest, or `OTHER`.
        rows: events that were counted.
        share: of all events, 0 to 1.
    """
    return Segment(CALLER, name, rows, share, None)


def caller_series(
    store: Store,
    series: Series,
) -> dict[Series, str]:
    """Return the names of the callers that have windows, by their series.

    Args:
        store: of the windows.
        series: of all traffic.
    """
    names = _roster(store.state(_place(series, "callers")).state)
    if not names:
        return {}
    return {series.part(caller_segment(name).code): name for name in (*names, OTHER)}


class Roster:
    """Says in which caller's window an event is counted: the first callers have one each."""

    def __init__(self, store: Store) -> None:
        """Read nothing yet; store: keeps the names."""
        self._store = store
        self._names: dict[Series, list[str]] = {}
        #: When the names were read last, in hours since 1970.
        self._read_hour: dict[Series, int] = {}

    def part(
        self,
        event: PredictionEvent,
        series: Series,
        hour: int = 0,
    ) -> Series | None:
        """Return the series of an event's caller; None where the event names none.

        Args:
            event: that is counted.
            series: of all traffic.
            hour: since 1970, by the clock: the names are read again each hour, as the evaluator
                takes those off that have not asked for long.

        Raises:
            BadEvent: the caller is no text.
            Unanswered: the store did not answer.
        """
        # Any: no schema has been held against the event.
        caller: Any = event.get("caller")
        if not caller:
            return None
        if not isinstance(caller, str):
            raise BadEvent("caller: expected a text")
        name = caller[:DIGITS]
        names = self._names.get(series, [])
        is_old = hour > self._read_hour.get(series, -1)
        if is_old or (name not in names and len(names) < MOST_CALLERS):
            names = self._names[series] = self._note(series, name)
            self._read_hour[series] = hour
        return series.part(caller_segment(name if name in names else OTHER).code)

    def _note(
        self,
        series: Series,
        name: str,
    ) -> list[str]:
        """Return the names that are stored, with another one where there is room."""
        place = _place(series, "callers")
        for _ in range(ATTEMPTS):
            try:
                stored = self._store.state(place)
                names = _roster(stored.state)
                if name in names or len(names) >= MOST_CALLERS:
                    return names
                names = [*names, name]
                self._store.save(place, stored.revision, {"names": names})
            except Conflict:
                continue
            except Exception as error:
                # The record is not at fault: its delivery comes again.
                raise Unanswered("the callers of the model could not be noted") from error
            return names
        raise Unanswered("the callers of the model are being noted by others")


@dataclass
class Population:
    """What is known of one caller."""

    #: The first and the last day on which it was seen, since 1970.
    first_day: int
    last_day: int
    #: Whole days that the two sums are of.
    days: int = 0
    #: Windows of the caller, and of everybody else on the same days; empty for none.
    by_caller: Document = field(default_factory=dict)
    by_others: Document = field(default_factory=dict)
    #: Events and share of all traffic, when it was decided last.
    events: int = 0
    share: float = 0.0
    #: Whether it is the same population as the rest, so that what changes in it is drift.
    is_alike: bool = False
    #: First and last minute of each time that it was left out; None for the one under way.
    left: list[list[int | None]] = field(default_factory=list)

    @property
    def is_out(self) -> bool:
        """Return whether it is left out of the whole now."""
        return bool(self.left) and self.left[-1][1] is None

    def part(self, baseline: Baseline) -> Part | None:
        """Return the caller beside everybody else; None where nothing is summed.

        Args:
            baseline: whose bins are counted.
        """
        counted = _sum_of(self.by_caller, baseline)
        if counted is None:
            return None
        others = Window.from_json(self.by_others, baseline)
        return Part(counted, others, self.days, self.is_out)

    def forget(self) -> None:
        """Begin both sums anew."""
        self.days, self.by_caller, self.by_others = 0, {}, {}


@dataclass(frozen=True)
class Span:
    """Minutes in which a caller is left out of the whole."""

    caller: str
    first: int
    #: Included; None while it is left out.
    last: int | None = None

    def to_json(self) -> AlertV2DetectorCaller:
        """Return the span as an alert has it."""
        document: AlertV2DetectorCaller = {"caller": self.caller, "first": self.first}
        if self.last is not None:
            document["last"] = self.last
        return document


def spans_of_alert(alert: Mapping[str, Any]) -> list[Span]:
    """Return what was left out of the windows that an alert rests on; alert: of drift."""
    listed = alert.get("drift", {}).get("detector", {}).get("callers", [])
    return [Span(item["caller"], item["first"], item.get("last")) for item in listed]


class NetWindows:
    """A store that returns the windows of all traffic without callers that are left out.

    Everything else is that of the store itself.
    """

    def __init__(self, store: Store) -> None:
        """Leave nobody out yet; store: has the windows."""
        self._store = store
        self._spans: dict[Series, tuple[Baseline, Sequence[Span]]] = {}

    def add(
        self,
        batch: str,
        fragments: Sequence[Fragment],
    ) -> bool:
        """See `Store.add`."""
        return self._store.add(batch, fragments)

    def fragments(
        self,
        series: Series,
        before: int,
        limit: int,
    ) -> list[Fragment]:
        """See `Store.fragments`."""
        return self._store.fragments(series, before, limit)

    def compact(
        self,
        read: StoredWindow,
        window: Document,
        fragments: Sequence[Fragment],
    ) -> None:
        """See `Store.compact`."""
        self._store.compact(read, window, fragments)

    def window(self, key: WindowKey) -> StoredWindow | None:
        """See `Store.window`: with every caller, as fragments are added to it."""
        return self._store.window(key)

    def keep(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int,
    ) -> int:
        """See `Store.keep`."""
        return self._store.keep(series, first, last, limit)

    def state(self, series: Series) -> StoredState:
        """See `Store.state`."""
        return self._store.state(series)

    def save(
        self,
        series: Series,
        read: Revision,
        state: Document,
    ) -> None:
        """See `Store.save`."""
        self._store.save(series, read, state)

    def leave_out(
        self,
        series: Series,
        baseline: Baseline,
        spans: Sequence[Span],
    ) -> None:
        """Leave callers out of a series from now on.

        Args:
            series: of all traffic.
            baseline: whose bins are counted.
            spans: that callers are left out in.
        """
        self._spans[series] = (baseline, spans)

    def spans(self, series: Series) -> Sequence[Span]:
        """Return what is left out of a series."""
        return self._spans[series][1] if series in self._spans else ()

    def windows(
        self,
        series: Series,
        first: int,
        last: int,
        limit: int | None = None,
    ) -> list[StoredWindow]:
        """Return the windows of some minutes, in order, without what is left out of them.

        Args:
            series: whose windows.
            first: the first minute, included.
            last: the last minute, included.
            limit: how many to return at most, None for all.
        """
        windows = self._store.windows(series, first, last, limit)
        if not windows or not self.spans(series):
            return windows
        baseline, spans = self._spans[series]
        last = windows[-1].key.minute
        net = {stored.key.minute: stored for stored in windows}
        for span in spans:
            end = last if span.last is None else min(span.last, last)
            begin, part = max(span.first, first), series.part(caller_segment(span.caller).code)
            for stored in self._store.windows(part, begin, end) if begin <= end else ():
                whole = net.get(stored.key.minute)
                if whole is not None:
                    net[stored.key.minute] = _without(whole, stored, baseline)
        return list(net.values())


def evaluated_windows(
    store: Store,
    series: Series,
    baseline: Baseline,
    alert: Mapping[str, Any],
) -> list[StoredWindow]:
    """Return the windows that an alert rests on, without the callers that were left out of them.

    Args:
        store: of the windows.
        series: of the alert.
        baseline: whose bins are counted.
        alert: of drift, which says what it rests on.
    """
    net = NetWindows(store)
    net.leave_out(series, baseline, spans_of_alert(alert))
    grounds = alert["drift"]["windows"]
    return net.windows(series, grounds["first"], grounds["last"])


@dataclass(frozen=True)
class Watched:
    """The callers of a series, as of one run."""

    populations: Mapping[str, Population]
    #: Fragments of callers may be left from this minute on, so that nothing can be taken off.
    whole_before: float = inf

    @property
    def spans(self) -> list[Span]:
        """Return what is left out of the whole, the oldest first."""
        spans = []
        for name, population in self.populations.items():
            for first, last in population.left:
                spans.append(Span(name, first or 0, last))
        return sorted(spans, key=lambda span: (span.first, span.caller))

    def series(self, whole: Series) -> list[Series]:
        """Return the series of the callers that are left out now.

        Args:
            whole: the series of all traffic.
        """
        return [whole.part(caller_segment(name).code) for name in self.out]

    @property
    def out(self) -> dict[str, Population]:
        """Return the callers that are left out now."""
        return {name: entry for name, entry in self.populations.items() if entry.is_out}


class Callers:
    """Decides which callers are populations of their own, and gets their own traffic ready."""

    def __init__(
        self,
        store: Store,
        rhythms: Rhythms,
        windows_a_day: int,
    ) -> None:
        """Read nothing yet.

        Args:
            store: of the windows, nothing left out.
            rhythms: learns what callers are held against.
            windows_a_day: how many a day has.
        """
        self._store = store
        self._rhythms = rhythms
        self._a_day = windows_a_day

    def look(
        self,
        series: Series,
        baseline: Baseline,
        closed: int,
    ) -> Watched:
        """Sum the windows of callers, and decide about those with enough events on whole days.

        Args:
            series: of all traffic.
            baseline: whose bins are counted.
            closed: the first minute that is not.

        Raises:
            Conflict: another run has saved.
            BadStore: what is stored is damaged.
        """
        parts = caller_series(self._store, series)
        if not parts:
            return Watched({})
        # Any: as any state.
        state: Any = self._store.state(series).state or {}
        cursor = int(state.get("cursor", closed - self._a_day))
        whole_before: float = inf
        for part in parts:
            summed = compact(self._store, part, baseline, before=closed, evaluated=cursor)
            whole_before = min(whole_before, summed.whole_before)
        stored = self._store.state(_place(series, "populations"))
        today = (cursor + 1) // self._a_day
        day, populations = _read(stored.state, series, today)
        if day < today or stored.state is None:
            for number in range(max(day, today - MOST_DAYS), today):
                self._add_day(series, baseline, parts, populations, number)
            self._decide(series, baseline, populations, cursor)
            self._give_up(series, populations, today, cursor)
            _save(self._store, series, stored.revision, today, populations)
        return Watched(populations, whole_before)

    def _add_day(
        self,
        series: Series,
        baseline: Baseline,
        parts: Mapping[Series, str],
        populations: dict[str, Population],
        day: int,
    ) -> None:
        """Add the windows of a whole day to what is known of each caller.

        Args:
            series: of all traffic.
            baseline: whose bins are counted.
            parts: names of callers by series.
            populations: by name, which are changed.
            day: since 1970.
        """
        days = {name: self._day(part, baseline, day) for part, name in parts.items()}
        seen = {name: window for name, window in days.items() if window.events}
        for name in seen:
            if name in populations:
                populations[name].last_day = day
        undecided = [
            name for name in seen if name not in populations or not populations[name].is_alike
        ]
        if not undecided:
            return
        remaining = self._day(series, baseline, day)
        for name, window in seen.items():
            if name in populations and populations[name].is_out:
                remaining -= window
        for name in undecided:
            population = populations.setdefault(name, Population(day, day))
            others = remaining if population.is_out else remaining - seen[name]
            population.days += 1
            population.by_caller = _sum(population.by_caller, seen[name], baseline)
            population.by_others = _sum(population.by_others, others, baseline)

    def _day(
        self,
        series: Series,
        baseline: Baseline,
        day: int,
    ) -> Window:
        """Return the sum of a day's windows; those that cannot be read are left out."""
        total = Window.empty(baseline, series.release)
        begin = day * self._a_day
        for stored in self._store.windows(series, begin, begin + self._a_day - 1):
            window = _window(stored.window, baseline)
            if window is not None:
                total += window
        return total

    def _decide(
        self,
        series: Series,
        baseline: Baseline,
        populations: Mapping[str, Population],
        cursor: int,
    ) -> None:
        """Decide about every caller with enough events.

        Args:
            series: of all traffic.
            baseline: whose bins are counted.
            populations: by name, which are changed.
            cursor: the last minute of the whole that was evaluated.
        """
        parts = {}
        for name, population in populations.items():
            part = population.part(baseline)
            if part is not None and part.is_enough:
                parts[name] = part
        decided = verdicts(baseline, parts)
        for name, verdict in decided.items():
            population, part = populations[name], parts[name]
            population.events = part.of_part.events
            population.share = population.events / (population.events + part.of_others.events)
            if verdict is Verdict.ANOTHER:
                population.left.append([cursor + 1, None])
            elif verdict is Verdict.ALIKE and not population.is_out:
                population.is_alike = True
            elif verdict is Verdict.ALIKE and not self._stands(series, name):
                population.left[-1][1] = cursor
                population.is_alike = True
            population.forget()
        if Verdict.ANOTHER in decided.values():
            for population in populations.values():
                population.forget()

    def _give_up(
        self,
        series: Series,
        populations: dict[str, Population],
        today: int,
        cursor: int,
    ) -> None:
        """Let callers that have not asked for long have no windows any more, where all are taken.

        What was left out stays known for as long again: evidence may rest on it. A caller that
        comes back is as one that is new. One of which an alert stands is not given up, as nobody
        would tell its end.

        Args:
            series: of all traffic.
            populations: by name, which are changed.
            today: the day under way, since 1970.
            cursor: the last minute of the whole that was evaluated.
        """
        stored = self._store.state(_place(series, "callers"))
        names = _roster(stored.state)
        last_days = {name: population.last_day for name, population in populations.items()}
        for name, last_day in last_days.items():
            is_counted = name in names or name == OTHER
            if not is_counted and last_day < today - 2 * ABSENT_DAYS:
                del populations[name]
        absent = []
        for name in names:
            is_absent = last_days.get(name, today) < today - ABSENT_DAYS
            if is_absent and not self._stands(series, name):
                absent.append(name)
        if len(names) < MOST_CALLERS or not absent:
            return
        remaining = [name for name in names if name not in absent]
        try:
            self._store.save(_place(series, "callers"), stored.revision, {"names": remaining})
        except Conflict:
            # A caller was noted meanwhile; tomorrow is early enough.
            return
        for name in absent:
            population = populations[name]
            if population.is_out:
                population.left[-1][1] = cursor
            population.forget()

    def _stands(
        self,
        series: Series,
        name: str,
    ) -> bool:
        """Return whether an alert of a caller stands: then it is not like the rest."""
        part = series.part(caller_segment(name).code)
        # Any: as any state.
        state: Any = self._store.state(part).state or {}
        return bool(state.get("alerts") or state.get("muted"))

    def is_ready(
        self,
        part: Series,
        baseline: Baseline,
        population: Population,
        cursor: int,
    ) -> bool:
        """Return whether a caller's own traffic is known, so that it can be held against it.

        Before it is, the hours of the caller are summed; when it is, its evaluation begins behind
        them.

        Args:
            part: the series of the caller.
            baseline: whose bins are counted.
            population: of the caller.
            cursor: the last minute of the whole that was evaluated.

        Raises:
            Conflict: another run has saved.
            BadStore: what is stored is damaged.
        """
        stored = self._store.state(part)
        if stored.state is not None:
            return True
        first = population.first_day * self._a_day
        memory = self._rhythms.memory(part, baseline, first)
        if memory.last_hour < memory.first_hour or not memory.new_normals:
            memory = self._collected(part, baseline, memory, cursor)
        if not memory.new_normals:
            return False
        end = int(memory.end_s * self._a_day // DAY_S)
        self._store.save(part, stored.revision, SeriesState(end - 1, end).to_json())
        return True

    def _collected(
        self,
        part: Series,
        baseline: Baseline,
        memory: Memory,
        cursor: int,
    ) -> Memory:
        """Return the memory with the hours that have closed, and the base that they make."""
        before = memory.last_hour
        memory = self._rhythms.collect(part, baseline, memory, cursor, None)
        if memory.last_hour == before:
            return memory
        memory = self._rhythms.memory(part, baseline, memory.first_hour)
        since = dict.fromkeys([channel.name for channel in baseline.channels], 0.0)
        bases = self._rhythms.bases_since(part, baseline, memory, since)
        return self._rhythms.take_as_normal(part, memory, since, bases, "") if bases else memory

    def hold(
        self,
        series: Series,
        alerts: Sequence[Alert],
        spans: Sequence[Span],
        now: float,
    ) -> None:
        """Give the windows that were taken off those of alerts more time, as those have.

        Args:
            series: of all traffic.
            alerts: of it that stand.
            spans: that are left out.
            now: seconds since 1970.
        """
        for name in sorted({span.caller for span in spans}):
            part = series.part(caller_segment(name).code)
            # One for each: each remembers how far it has come, by alert.
            held = HeldWindows(self._store, DAY_S // self._a_day)
            held.renew(part, alerts, now, place="held-whole")


def callers_in_words(
    watched: Watched,
    ready: Mapping[str, bool],
    a_day: int,
) -> str:
    """Return which callers are left out and what they are held against; "" for none.

    Args:
        watched: the callers.
        ready: by name, whether its own traffic is known.
        a_day: windows of a day.
    """
    listed = []
    for name, population in watched.out.items():
        begin = (population.left[-1][0] or 0) * DAY_S / a_day
        held = "held against its own former traffic"
        if not ready.get(name):
            held = "not watched until a day and 500 events of its own are known"
        listed.append(
            f"{CALLER} {name} since {day_in_words(begin)}"
            f" ({plain_number(100 * population.share)} % of the events), {held}"
        )
    if not listed:
        return ""
    return f"; left out, as another population than the rest: {'; '.join(listed)}"


def _without(
    whole: StoredWindow,
    part: StoredWindow,
    baseline: Baseline,
) -> StoredWindow:
    """Return a window of all traffic without that of a caller; as it is where one is unreadable."""
    total, less = _window(whole.window, baseline), _window(part.window, baseline)
    if total is None or less is None:
        return whole
    return StoredWindow(whole.key, whole.revision, (total - less).to_json())


# Any: a document of whoever wrote it.
def _window(
    document: Any,
    baseline: Baseline,
) -> Window | None:
    try:
        return Window.from_json(document, baseline)
    except (DriftError, TypeError, ValueError):
        return None


def _sum_of(
    document: Document,
    baseline: Baseline,
) -> Window | None:
    return Window.from_json(document, baseline) if document else None


def _sum(
    document: Document,
    window: Window,
    baseline: Baseline,
) -> Document:
    """Return a stored sum with one window more."""
    before = _sum_of(document, baseline)
    return (window if before is None else before + window).to_json()


def _roster(document: Document | None) -> list[str]:
    names: Any = (document or {}).get("names", [])
    return [str(name) for name in names]


def _read(
    document: Document | None,
    series: Series,
    today: int,
) -> tuple[int, dict[str, Population]]:
    """Return the first day that was not looked at, and what is known of each caller by name."""
    if document is None:
        return today, {}
    # Any: what is stored may be of another release.
    members: Any = document
    try:
        populations = {name: Population(**entry) for name, entry in members["callers"].items()}
        return int(members["day"]), populations
    except (AttributeError, KeyError, TypeError, ValueError):
        item = f"state#{_place(series, 'populations')}"
        raise BadStore(str(series), DAMAGED.format(what=WHAT, item=item)) from None


def _save(
    store: Store,
    series: Series,
    revision: int,
    day: int,
    populations: Mapping[str, Population],
) -> None:
    callers = {name: asdict(population) for name, population in populations.items()}
    store.save(_place(series, "populations"), revision, {"day": day, "callers": callers})


def _place(
    series: Series,
    what: str,
) -> Series:
    # Versions are hex digits.
    return Series(series.model, f"{series.version}-{what}")
