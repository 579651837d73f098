"""The metric store: distributions per series, by second (for three hours) and minute (for the retention)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_console.histogram import Distribution

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from drift_console.emf import Line, Series

SECONDS_KEPT = 3 * 3600
_RESOLUTIONS = (1, 60)
_COLUMNS = "count, total, minimum, maximum, cells"


@dataclass(frozen=True)
class Summary:
    """Count, sum, minimum and maximum of one period: what needs no histogram."""

    count: int
    total: float
    minimum: float
    maximum: float

    @property
    def average(self) -> float:
        """The mean; a summary is never of nothing."""
        return self.total / self.count


class MetricStore:
    """Datapoints in a SQLite file; the caller owns the connection and the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[Series, int] = {}

    def add(self, lines: Iterable[Line]) -> None:
        """Add the lines' datapoints to the seconds and minutes that they fall in."""
        seconds: dict[tuple[Series, int], list[float]] = {}
        for line in lines:
            second = int(line.timestamp // 1)
            for identity, value in line.datapoints:
                seconds.setdefault((identity, second), []).append(value)
        minutes: dict[tuple[Series, int], list[Distribution]] = {}
        for (identity, second), values in seconds.items():
            seen = Distribution.of(values)
            self._merge(identity, 1, second, [seen])
            minutes.setdefault((identity, second - second % 60), []).append(seen)
        for (identity, minute), parts in minutes.items():
            self._merge(identity, 60, minute, parts)

    def _merge(self, identity: Series, resolution: int, start: int, parts: list[Distribution]) -> None:
        key = (self._id(identity), resolution, start)
        stored = self._connection.execute(
            f"SELECT {_COLUMNS} FROM points WHERE series = ? AND resolution = ? AND start = ?",  # noqa: S608 - constants
            key,
        ).fetchone()
        merged = Distribution.merge([*parts, *([Distribution.from_cells(*stored)] if stored else [])])
        if merged is not None:
            row = (*key, merged.count, merged.total, merged.minimum, merged.maximum, merged.cells())
            self._connection.execute("INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)", row)

    def _id(self, identity: Series) -> int:
        known = self._ids.get(identity)
        if known is None:
            text = (identity.namespace, identity.metric, json.dumps(identity.dimensions))
            self._connection.execute(
                "INSERT OR IGNORE INTO series (namespace, metric, dimensions) VALUES (?, ?, ?)", text
            )
            known = self._find(text)
            self._ids[identity] = known
        return known

    def _find(self, text: tuple[str, str, str]) -> int:
        row = self._connection.execute(
            "SELECT id FROM series WHERE namespace = ? AND metric = ? AND dimensions = ?", text
        ).fetchone()
        return int(row[0]) if row else -1

    def _known(self, identity: Series) -> int:
        """The id for reading; -1, which matches no row, for a series that has no data yet."""
        return self._ids.get(identity) or self._find(
            (identity.namespace, identity.metric, json.dumps(identity.dimensions))
        )

    def distributions(self, identity: Series, start: int, period: int, count: int) -> list[Distribution | None]:
        """One distribution per period from `start` (epoch seconds) on, oldest first; None where no data is.

        period: seconds, at least 1. Whole minutes are read from the minutes, everything else from the
        seconds, which are kept for SECONDS_KEPT.
        """
        rows = self._connection.execute(
            f"SELECT start, {_COLUMNS} FROM points"  # noqa: S608 - constants
            " WHERE series = ? AND resolution = ? AND start >= ? AND start < ?",
            (self._known(identity), _resolution(start, period), start, start + period * count),
        )
        parts: list[list[Distribution]] = [[] for _ in range(count)]
        for at, *row in rows:
            parts[(at - start) // period].append(Distribution.from_cells(*row))
        return [Distribution.merge(part) for part in parts]

    def summaries(self, identity: Series, start: int, period: int, count: int) -> list[Summary | None]:
        """As `distributions`, without the histograms: cheap for long spans."""
        rows = self._connection.execute(
            "SELECT (start - ?) / ?, SUM(count), SUM(total), MIN(minimum), MAX(maximum) FROM points"
            " WHERE series = ? AND resolution = ? AND start >= ? AND start < ? GROUP BY 1",
            (start, period, self._known(identity), _resolution(start, period), start, start + period * count),
        )
        result: list[Summary | None] = [None] * count
        for index, *row in rows:
            result[index] = Summary(*row)
        return result

    def exists(self, identity: Series) -> bool:
        """Return whether the metric has any datapoint."""
        query = "SELECT 1 FROM points WHERE series = ? LIMIT 1"
        return self._connection.execute(query, (self._known(identity),)).fetchone() is not None

    def prune(self, *, now: float, retention: float) -> None:
        """Forget seconds older than SECONDS_KEPT and minutes older than `retention` seconds."""
        for resolution, kept in zip(_RESOLUTIONS, (min(SECONDS_KEPT, retention), retention), strict=True):
            self._connection.execute(
                "DELETE FROM points WHERE resolution = ? AND start < ?", (resolution, int(now - kept))
            )


def _resolution(start: int, period: int) -> int:
    return 60 if start % 60 == 0 and period % 60 == 0 else 1
