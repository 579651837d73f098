"""Alarms of a part of the rows, told by the rows of the file."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.json_types import JsonObject

    from drift_ml.replay.evidence import Alarm
    from drift_ml.window import Window


@dataclass(frozen=True)
class FileRows:
    """Finds the rows of the file by those of a part of it."""

    #: Rows of the part up to the end of each window that holds any.
    ends: list[int]
    #: Rows of the file before that window, and up to its end.
    spans: list[tuple[int, int]]

    @classmethod
    def of(
        cls,
        own: Sequence[Window],
        windows: Sequence[Window],
    ) -> FileRows:
        """Return the rows of windows that stand beside each other.

        Args:
            own: Of the part; some are empty.
            windows: Of all rows, as many.
        """
        file_ends = list(accumulate(window.events for window in windows))
        filled = [place for place, window in enumerate(own) if window.events]
        ends = list(accumulate(own[place].events for place in filled))
        spans = [(file_ends[place] - windows[place].events, file_ends[place]) for place in filled]
        return cls(ends, spans)

    def of_file(
        self,
        alarm: Alarm,
        part: str,
    ) -> Alarm:
        """Return an alarm with the rows of the file, its words naming the part.

        Args:
            alarm: With the rows of the part.
            part: In words.
        """
        recovered = alarm.recovered_row
        since = min(bisect_right(self.ends, alarm.since_row), len(self.spans) - 1)
        return replace(
            alarm,
            row=self._end(alarm.row),
            since_row=self.spans[since][0],
            recovered_row=None if recovered is None else self._end(recovered),
            words=f"{alarm.words}, in {part}",
        )

    def _end(self, row: int) -> int:
        return self.spans[min(bisect_left(self.ends, row), len(self.spans) - 1)][1]


def alarm_document(alarm: Alarm) -> JsonObject:
    """Return an alarm of a part of the rows as a document; alarm: with the rows of the file."""
    return {
        "row": alarm.row,
        "at_ms": alarm.at_ms,
        "since_row": alarm.since_row,
        "recovered_row": alarm.recovered_row,
        "words": alarm.words,
    }
