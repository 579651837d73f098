"""The parts of the proof: one service or one table and some detectors, each run once and kept."""

from __future__ import annotations

import copy
import hashlib
import json
import os
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import process_time
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_monitor.policy import Policy

from benchmarks.simulate.bar_table import ROOT, released_commit
from benchmarks.simulate.world import others
from benchmarks.simulate.world import services as of
from benchmarks.simulate.world.deployed import Deployed
from benchmarks.simulate.world.happened import SHIFT_KIND, happened, outside
from benchmarks.simulate.world.real_tables import BY_NAME, NotInstalled, service_of
from benchmarks.simulate.world.streams import DAY, HOUR

if TYPE_CHECKING:
    from benchmarks.simulate.world.courses import Course, Span
    from benchmarks.simulate.world.happened import Event
    from benchmarks.simulate.world.streams import Stream

    #: Figures of a detector.
    Figures = dict[str, Any]

VERSION = 2
"""Of what a cell holds."""
OURS, RELEASED, OTHERS = GROUPS = ("ours", "released", "others")
NAMES = {
    OURS: ("ours",),
    RELEASED: (others.RELEASED,),
    OTHERS: (others.KS, others.PSI, others.ADWIN, others.EDBH, others.EVERY, others.ALWAYS),
}
#: What the figures of ours hang on.
SOURCES = ("ml/src/drift_ml", "services/monitor/src/drift_monitor")
#: Parts of a table's service at which a feature is moved, each in a copy of it.
PLANTED = (0.3, 0.55, 0.8)
#: Days that a planted shift is watched.
WATCHED = 3


@dataclass(frozen=True)
class Cell:
    """A service of a structure, or a table, and the detectors that run on it."""

    task: str
    name: str
    group: str
    seed: int = 0
    #: Minutes that a window spans; 0 for a table, which has its own.
    step: int = 0
    #: Days of a table's service; 0 for all.
    days: int = 0

    @property
    def digest(self) -> str:
        """Return the name under which it is kept."""
        made_of = {OURS: our_sources, RELEASED: released_commit}.get(self.group, str)()
        table = "" if self.task == "service" else (BY_NAME[self.name].planted)
        facts = [*vars(self).values(), made_of, table, VERSION]
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:20]


@cache
def our_sources() -> str:
    """Return the digest of the sources that decide what ours tells."""
    total = hashlib.sha256()
    for folder in SOURCES:
        for path in sorted((ROOT / folder).rglob("*.py")):
            total.update(path.read_bytes())
    return total.hexdigest()[:16]


def run(cell: Cell) -> dict[str, Any]:
    """Return the figures of each of a cell's detectors, and the processor time they took."""
    begun = process_time()
    try:
        figures = _service(cell) if cell.task == "service" else _table(cell)
    except NotInstalled as missing:
        return {"missing": str(missing), "seconds": 0.0}
    return {"figures": figures, "seconds": round(process_time() - begun, 2)}


def done(cell: Cell, cache_folder: str) -> tuple[Cell, dict[str, Any]]:
    """Return a cell's result, kept in a file.

    Args:
        cell: which.
        cache_folder: of the files.
    """
    path = Path(cache_folder) / f"world-{cell.digest}.json"
    if path.exists():
        return cell, json.loads(path.read_text())
    result = run(cell)
    if "missing" not in result:
        part = path.with_suffix(f".{os.getpid()}")
        part.write_text(json.dumps(result))
        part.replace(path)
    return cell, result


# --- services ---------------------------------------------------------------------------------


def _service(cell: Cell) -> dict[str, Figures]:
    structure = of.BY_KEY[cell.name]
    stream = of.service(structure, cell.seed, cell.step)
    figures = {}
    for name in NAMES[cell.group]:
        if name == OURS:
            policy = Policy(left_out=of.left_out(structure))
            course = Deployed(stream, policy).live(stream).course(stream.end)
        else:
            course = others.course_of(name, stream)
        figures[name] = service_figures(course, stream)
    return figures


def service_figures(course: Course, stream: Stream) -> Figures:
    """Return what a detector did on a simulated service.

    Args:
        course: of the detector.
        stream: the service.
    """
    learned = of.BEGIN + of.LEARNING_DAYS * DAY
    quiet = (learned, of.FIRST_AT)
    watched = of.SECOND_AT - of.FIRST_AT
    luck = course.first_of(of.FIRST, of.FIRST_AT - watched, of.FIRST_AT)
    end = min(stream.end, of.SECOND_AT + watched)
    return {
        "learning": course.count(of.BEGIN - 1, learned),
        "learning_rows": stream.rows_until(learned),
        "learning_in_alarm": course.share([(of.BEGIN, learned)]),
        "false": course.count(*quiet),
        "rows": stream.rows_until(of.FIRST_AT) - stream.rows_until(learned),
        "in_alarm": course.share([quiet]),
        "first": _delay(course, stream, of.FIRST, of.FIRST_AT, of.SECOND_AT),
        "first_most": stream.rows_until(of.SECOND_AT) - stream.rows_until(of.FIRST_AT),
        "luck": luck is not None or course.share([(of.FIRST_AT - 1, of.FIRST_AT)]) == 1.0,
        "alerts": course.count(of.FIRST_AT, of.SECOND_AT),
        "second": _delay(course, stream, of.SECOND, of.SECOND_AT, end),
        "second_most": stream.rows_until(end) - stream.rows_until(of.SECOND_AT),
    }


def _delay(course: Course, stream: Stream, feature: str, since: int, until: int) -> int | None:
    at = course.first_of(feature, since, until)
    return None if at is None else stream.rows_until(at) - stream.rows_until(since)


# --- tables -----------------------------------------------------------------------------------


def _table(cell: Cell) -> dict[str, Figures]:
    stream = service_of(cell.name, most_days=cell.days or None)
    events = [
        event
        for event in happened(cell.name).events
        if event.first >= stream.begin and event.last < stream.end
    ]
    feature = BY_NAME[cell.name].planted
    dates = planted_dates(stream, events)
    figures = {}
    for name in NAMES[cell.group]:
        if name == OURS:
            course, planted = _ours(stream, feature, dates)
        else:
            course = others.course_of(name, stream)
            planted = [
                others.course_of(name, stream.between(0, at + WATCHED * DAY).shifted(feature, at))
                for at in dates
            ]
        told = [
            _delays(each, course, stream, feature, at)
            for each, at in zip(planted, dates, strict=True)
        ]
        figures[name] = {**table_figures(course, stream, events), "planted": told}
    return figures


def planted_dates(stream: Stream, events: list[Event]) -> list[int]:
    """Return the midnights at which a feature is moved, none of them near an event.

    Args:
        stream: the table's service.
        events: that happened in it.
    """
    days = range(stream.begin // DAY + 1, stream.end // DAY - 1)
    calm = np.array([day for day in days if _is_calm(day * DAY, stream, events)])
    if not len(calm):
        return []
    wanted = [(stream.begin + part * (stream.end - stream.begin)) / DAY for part in PLANTED]
    return [int(calm[np.abs(calm - day).argmin()]) * DAY for day in wanted]


def _is_calm(at: int, stream: Stream, events: list[Event]) -> bool:
    """Return whether rows come in the days after a midnight, and no event is near."""
    is_silent = stream.rows_until(at + DAY) == stream.rows_until(at)
    near = [event for event in events if event.first < at + WATCHED * DAY and at < event.excused[1]]
    return not is_silent and not near


def _ours(stream: Stream, feature: str, dates: list[int]) -> tuple[Course, list[Course]]:
    """Return the course of the deployed evaluator, and those of copies in which a feature moves."""
    service = Deployed(stream, every=DAY)
    planted = []
    since = stream.begin
    for at in dates:
        service.live(stream.between(since, at))
        until = min(at + WATCHED * DAY, stream.end)
        moved = stream.between(at, until).shifted(feature, at)
        # Hour by hour, so that what joins an alarm has its hour too.
        branch = copy.deepcopy(service)
        branch.every = HOUR
        planted.append(branch.live(moved).course(until))
        since = at
    return service.live(stream.between(since, stream.end)).course(stream.end), planted


def _delays(moved: Course, course: Course, stream: Stream, feature: str, at: int) -> Figures:
    """Return how a planted shift was told, and whether it would have been without one."""
    until = at + WATCHED * DAY
    told = moved.first_of(feature, at, until)
    by_luck = course.first_of(feature, at, at + DAY)
    rows = stream.rows_until
    return {
        "rows_a_day": rows(at + DAY) - rows(at),
        "hours": None if told is None else (told - at) / HOUR,
        "rows": None if told is None else rows(told) - rows(at),
        "luck": by_luck is not None,
        "stood": course.share([(at - 1, at)]) == 1.0,
    }


def table_figures(course: Course, stream: Stream, events: list[Event]) -> Figures:
    """Return what a detector did on a table.

    Args:
        course: of the detector.
        stream: the table's service.
        events: that happened in it.
    """
    learned = stream.begin + of.LEARNING_DAYS * DAY
    excused: list[Span] = [event.excused for event in events]
    quiet = outside(learned, stream.end, excused)
    days = (stream.end - stream.begin) / DAY
    return {
        "days": days,
        "rows": stream.rows_until(stream.end),
        "quiet_days": sum(last - first for first, last in quiet) / DAY,
        "quiet_rows": sum(
            stream.rows_until(last) - stream.rows_until(first) for first, last in quiet
        ),
        "in_alarm": course.share(quiet),
        "learning_in_alarm": course.share([(stream.begin, learned)]),
        "false": sum(course.count(first, last) for first, last in quiet),
        "events": [_event_figures(course, event) for event in events],
        "raised": [[at, list(features)] for at, features in course.raised][:200],
    }


def _event_figures(course: Course, event: Event) -> Figures:
    """Return whether an event was told, until a day after its last hour."""
    times = [
        at
        for at, names in (*course.raised, *course.joined)
        if event.first < at <= event.last + DAY and (not names or any(map(event.concerns, names)))
    ]
    told = min(times, default=None)
    return {
        "first": event.first,
        "kind": event.kind,
        "counts": event.kind == SHIFT_KIND,
        "what": event.what,
        "hours": None if told is None else (told - event.first) / HOUR,
        "stood": course.share([(event.first - 1, event.first)]) == 1.0,
    }
