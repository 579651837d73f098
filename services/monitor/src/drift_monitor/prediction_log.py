"""Search the prediction log of a stack for the segment of an alert, within bounds."""

from __future__ import annotations

import gzip
import json
import re
import time
import zlib
from dataclasses import dataclass, field
from math import inf
from typing import IO, TYPE_CHECKING, Protocol, cast

from drift_contracts.prediction_log import place
from drift_contracts.timestamps import utc_ms, utc_text_of_seconds
from drift_ml.segments.search import FEWEST_EVENTS

from drift_monitor.errors import BadLog
from drift_monitor.event_search import COMMAND, GatheredEvents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from drift_ml.segments.search import Search

    from drift_monitor.alerts import Alert
    from drift_monitor.event_search import Event
    from drift_monitor.reference import Reference

#: Bytes of a line that are read: more than the log of a function takes.
LONGEST_LINE = 1024 * 1024
DAY_S = 86_400
#: Days before the onset that are looked through.
MOST_DAYS = 7
#: Seconds after which an event has arrived at the stream.
LATE_S = 120
#: Seconds that the stream gathers events for one object, at most.
GATHERED_S = 900
#: When the first event of an object arrived, as Firehose writes it into the name.
ARRIVED = re.compile(r"\d{4}(-\d\d){5}")
#: Ending of the names of packed files.
PACKED = ".gz"


class LogObjects(Protocol):
    """The objects of a prediction log; a bucket, or what stands for one."""

    def folders(self, prefix: str) -> list[str]:
        """Return the folders right below a prefix, whole, each with its last slash."""

    def keys(self, prefix: str) -> list[str]:
        """Return the objects below a prefix, in the order of their names."""

    def open(self, key: str) -> AbstractContextManager[IO[bytes]]:
        """Return an object's bytes. Raises BadLog."""


@dataclass(frozen=True)
class Bounds:
    """How much of a log is read for one search; half of it for either side of the onset."""

    seconds: float = inf
    objects: float = inf
    #: Unpacked.
    bytes: float = inf


@dataclass(frozen=True)
class LogSearch:
    """What a search of the log has found, and what it could not read."""

    search: Search
    #: Objects that could not be read, or not to the end.
    unreadable: int = 0
    #: Whether all was read that would have been looked at.
    is_whole: bool = True

    def __str__(self) -> str:
        """Return the result in a sentence, and what is to be known of it, without a full stop."""
        notes = []
        if self.search.since < FEWEST_EVENTS:
            notes.append("events reach the log within some minutes")
        if self.unreadable:
            objects = "object" if self.unreadable == 1 else "objects"
            notes.append(f"{self.unreadable:,} {objects} of the log could not be read")
        if not self.is_whole:
            notes.append("a part of the log was read, as time and memory allowed")
        if not notes:
            return str(self.search)
        return f"{self.search}. {'; '.join(notes).capitalize()}: {COMMAND} searches again"


@dataclass
class _Reading:
    """The reading of a log, under way."""

    objects: LogObjects
    gathered: GatheredEvents
    clock: Callable[[], float]
    seen: set[str] = field(default_factory=set)
    bytes: int = 0
    unreadable: int = 0
    is_whole: bool = True

    def read(
        self,
        keys: Iterator[str],
        is_enough: Callable[[], bool],
        bounds: Bounds,
    ) -> None:
        """Gather the events of objects until they are enough, or a bound is reached.

        Args:
            keys: of the objects, the newest first.
            is_enough: whether no more events are needed.
            bounds: `seconds` by the clock, the others since the reading began.
        """
        for key in keys:
            if is_enough():
                return
            if self._is_over(bounds):
                self.is_whole = False
                return
            # Those around the onset are of both sides.
            if key not in self.seen:
                self.seen.add(key)
                self._take(key, bounds)

    def _take(
        self,
        key: str,
        bounds: Bounds,
    ) -> None:
        try:
            with self.objects.open(key) as file:
                for line in lines_in(file, is_packed=key.endswith(PACKED)):
                    self.bytes += len(line)
                    event = event_in(line)
                    if event is not None:
                        self.gathered.add(event)
                    if self.bytes >= bounds.bytes or self.clock() >= bounds.seconds:
                        self.is_whole = False
                        return
        except BadLog:
            # What was read before the damage are events as any.
            self.unreadable += 1

    def _is_over(self, bounds: Bounds) -> bool:
        is_late = self.clock() >= bounds.seconds
        return is_late or len(self.seen) >= bounds.objects or self.bytes >= bounds.bytes


def search_log(
    objects: LogObjects,
    alert: Alert,
    reference: Reference,
    bounds: Bounds,
    clock: Callable[[], float] = time.monotonic,
) -> LogSearch:
    """Search a prediction log for the segment that holds the drift of an alert.

    The newest events up to the alert are read, back to the onset, then those from before it.

    Args:
        objects: of the log.
        alert: of drift of all traffic.
        reference: of the alert's model and version.
        bounds: of what is read.
        clock: seconds, of any beginning.

    Raises:
        BadLog: what there is cannot be listed.
    """
    gathered = GatheredEvents(alert, reference)
    reading = _Reading(objects, gathered, clock)
    model, begin = alert["model"], clock()
    onset_s = utc_ms(alert["drift"]["since"]) / 1000
    raised_s = utc_ms(alert["timestamp"]) / 1000
    half = Bounds(begin + bounds.seconds / 2, bounds.objects / 2, bounds.bytes / 2)
    whole = Bounds(begin + bounds.seconds, bounds.objects, bounds.bytes)
    since = _newest_first(objects, model, raised_s, onset_s)
    reading.read(since, lambda: gathered.has_since, half)
    before = _newest_first(objects, model, onset_s, onset_s - MOST_DAYS * DAY_S)
    reading.read(before, lambda: gathered.has_before, whole)
    return LogSearch(gathered.search(), reading.unreadable, reading.is_whole)


def _newest_first(
    objects: LogObjects,
    model: str,
    last_s: float,
    first_s: float,
) -> Iterator[str]:
    """Yield the keys of the objects that may have events of a span, the newest first.

    Args:
        objects: of the log.
        model: whose events they are.
        last_s: the end of the span, in seconds since 1970.
        first_s: its beginning.
    """
    newest_s, oldest_s = last_s + LATE_S, first_s - GATHERED_S
    newest, oldest = _arrival(newest_s), _arrival(oldest_s)
    last_hour, first_hour = _hour(model, newest_s), _hour(model, oldest_s)
    # By day, so that hours without traffic cost nothing.
    for day in range(int(newest_s // DAY_S), int(oldest_s // DAY_S) - 1, -1):
        of_day = place(model, _day(day * DAY_S), "")
        for hour in sorted(objects.folders(of_day), reverse=True):
            # Names of hours are in the order of time.
            if not first_hour <= hour <= last_hour:
                continue
            # So are those of objects, which begin with the stream's.
            for key in sorted(objects.keys(hour), reverse=True):
                arrived = ARRIVED.search(key, len(hour))
                if arrived is None or oldest <= arrived[0] <= newest:
                    yield key


def _hour(
    model: str,
    timestamp_s: float,
) -> str:
    """Return the folder of the hour that a time is in."""
    return place(model, _day(timestamp_s), utc_text_of_seconds(timestamp_s)[11:13])


def _day(timestamp_s: float) -> str:
    return utc_text_of_seconds(timestamp_s).partition("T")[0]


def _arrival(timestamp_s: float) -> str:
    """Return a time as Firehose writes it into a name."""
    return re.sub("[T:]", "-", utc_text_of_seconds(timestamp_s)[:19])


def lines_in(
    file: IO[bytes],
    *,
    is_packed: bool,
) -> Iterator[bytes]:
    """Yield the lines of a file of a prediction log, read as they are asked for.

    Args:
        file: its bytes.
        is_packed: whether they are gzip.

    Raises:
        BadLog: they are not, or end too early.
    """
    unpacked = file
    if is_packed:
        unpacked = cast("IO[bytes]", gzip.GzipFile(fileobj=file))
    try:
        while line := unpacked.readline(LONGEST_LINE):
            yield line
    except (EOFError, OSError, zlib.error) as error:
        raise BadLog(f"a file of the prediction log: {type(error).__name__}") from error


def event_in(line: bytes) -> Event | None:
    """Return the event in a line of a prediction log; None where there is none."""
    try:
        event = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return event if isinstance(event, dict) else None
