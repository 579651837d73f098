"""What a replay says of callers that were left out of all rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts.wording import listed

from drift_ml.left_out import day_in_words
from drift_ml.populations import CALLER
from drift_ml.replay.file_rows import alarm_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.json_types import JsonObject

    from drift_ml.replay.evidence import Alarm
    from drift_ml.window import Window

#: Callers that a sentence names.
MOST_NAMED = 4


@dataclass(frozen=True)
class Place:
    """Where something begins or ends."""

    #: Of the file.
    row: int
    #: In milliseconds since 1970.
    at_ms: int


def place_of(
    windows: Sequence[Window],
    number: int,
) -> Place:
    """Return where a window begins.

    Args:
        windows: Of all rows, with times, oldest first.
        number: Of the window, from 0.
    """
    return Place(sum(window.events for window in windows[:number]), windows[number].first_ms or 0)


@dataclass(frozen=True)
class CallerReplay:
    """A caller that was left out of all rows, and what its own detector would have said."""

    name: str
    #: Of the first row that was left out.
    begin: Place
    #: Of the first row that was counted again; None for one that stayed out.
    end: Place | None
    #: That were left out.
    rows: int
    #: Of the first row that was held against the caller's own; None where too few were known.
    watched: Place | None
    #: Rows that were.
    events: int
    #: By the rows of the file.
    alarms: tuple[Alarm, ...] = ()

    def __str__(self) -> str:
        """Return the caller in words, as alerts name it."""
        return f"{CALLER} {self.name}"

    def to_json(self) -> JsonObject:
        """Return the caller with its alarms as a document."""
        end, watched = self.end, self.watched
        return {
            "caller": self.name,
            "left_out_row": self.begin.row,
            "left_out_ms": self.begin.at_ms,
            "counted_again_row": None if end is None else end.row,
            "left_out_rows": self.rows,
            "watched_row": None if watched is None else watched.row,
            "watched_ms": None if watched is None else watched.at_ms,
            "events": self.events,
            "alarms": [alarm_document(alarm) for alarm in self.alarms],
        }


def callers_in_words(callers: Sequence[CallerReplay]) -> str:
    """Return what became of the callers that were left out, in sentences; "" for nobody."""
    watched = [caller for caller in callers if caller.watched is not None]
    sentences = []
    if watched:
        drifted = [
            f"{caller} (from row {caller.alarms[0].row:,} on)"
            for caller in watched
            if caller.alarms
        ]
        found = f"drift in {listed(drifted, MOST_NAMED)}" if drifted else "none drifts"
        held = "1 caller was held against its own former traffic"
        if len(watched) > 1:
            held = f"{len(watched)} callers were each held against their own former traffic"
        sentences.append(f"{held}: {found}.")
    others = [str(caller) for caller in callers if caller.watched is None]
    if others:
        names = listed(others, MOST_NAMED)
        sentences.append(f"Not watched, as too little of its own was known: {names}.")
    return " ".join(sentences)


def left_out_in_words(
    callers: Sequence[CallerReplay],
    rows: int,
) -> str:
    """Return who is left out since when, and how many rows that are; "" for nobody.

    Args:
        callers: That were left out.
        rows: Of the file.

    Returns:
        Words that follow a sentence.
    """
    if not callers:
        return ""
    gone = [f"{each.name} since {day_in_words(each.begin.at_ms / 1000)}" for each in callers]
    left = sum(caller.rows for caller in callers)
    return (
        f". Left out, as another population than the rest: {CALLER} {listed(gone, MOST_NAMED)},"
        f" {left:,} of {rows:,} rows; rows are counted without them"
    )
