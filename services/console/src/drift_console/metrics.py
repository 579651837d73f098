"""The metric store: distributions by second (for three hours) and minute (for the retention)."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_console.histogram import Distribution

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Iterable

    from drift_console.emf import Line, MetricId

#: For how many seconds datapoints are kept by second.
SECONDS_KEPT = 3 * 3600
SECOND, MINUTE = 1, 60
#: An id that no row has, for a metric without data.
_NO_ROW = -1
_COLUMNS = "count, total, minimum, maximum, cells"


@dataclass(frozen=True)
class Summary:
    """Count, sum, minimum and maximum of one period: what needs no histogram."""

    #: At least 1: a period without values has no summary.
    count: int
    total: float
    minimum: float
    maximum: float

    @property
    def average(self) -> float:
        """Return the mean."""
        return self.total / self.count


class MetricStore:
    """Datapoints in a SQLite file; the caller owns the connection and the transaction."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self._ids: dict[MetricId, int] = {}

    def add(self, lines: Iterable[Line]) -> None:
        """Add the lines' datapoints to the seconds and minutes that they fall in."""
        seconds: dict[tuple[MetricId, int], list[float]] = {}
        for line in lines:
            second = int(line.timestamp // 1)
            for identity, value in line.datapoints:
                seconds.setdefault((identity, second), []).append(value)
        minutes: dict[tuple[MetricId, int], list[Distribution]] = {}
        for (identity, second), values in seconds.items():
            distribution = Distribution.of(values)
            self._merge(identity, SECOND, second, [distribution])
            minute = second - second % MINUTE
            minutes.setdefault((identity, minute), []).append(distribution)
        for (identity, minute), parts in minutes.items():
            self._merge(identity, MINUTE, minute, parts)

    def _merge(
        self,
        identity: MetricId,
        resolution: int,
        start: int,
        parts: list[Distribution],
    ) -> None:
        """Add the parts to what is stored for the period."""
        key = (self._id_to_write(identity), resolution, start)
        stored = self._connection.execute(
            f"SELECT {_COLUMNS} FROM points"  # noqa: S608 - constants
            " WHERE series = ? AND resolution = ? AND start = ?",
            key,
        ).fetchone()
        if stored:
            parts = [*parts, Distribution.from_cells(*stored)]
        merged = Distribution.merge(parts)
        if merged is None:
            return
        row = (
            *key,
            merged.count,
            merged.total,
            merged.minimum,
            merged.maximum,
            merged.cells(),
        )
        self._connection.execute(
            "INSERT OR REPLACE INTO points VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            row,
        )

    def _id_to_write(self, identity: MetricId) -> int:
        """Return the metric's id, made now if there is none yet."""
        stored = self._ids.get(identity)
        if stored is None:
            self._connection.execute(
                "INSERT OR IGNORE INTO series (namespace, metric, dimensions) VALUES (?, ?, ?)",
                _texts(identity),
            )
            stored = self._find(identity)
            self._ids[identity] = stored
        return stored

    def _id_to_read(self, identity: MetricId) -> int:
        """Return the metric's id, _NO_ROW for a metric that never had data."""
        return self._ids.get(identity) or self._find(identity)

    def _find(self, identity: MetricId) -> int:
        row = self._connection.execute(
            "SELECT id FROM series WHERE namespace = ? AND metric = ? AND dimensions = ?",
            _texts(identity),
        ).fetchone()
        return int(row[0]) if row else _NO_ROW

    def distributions(
        self,
        identity: MetricId,
        start: int,
        period: int,
        count: int,
    ) -> list[Distribution | None]:
        """Return one distribution for each period, oldest first; None where no data is.

        Whole minutes are read from the minutes, everything else from the seconds, which are kept
        for SECONDS_KEPT.

        Args:
            identity: The metric.
            start: Epoch seconds at which the first period begins.
            period: Seconds that a period lasts, at least 1.
            count: How many periods.
        """
        rows = self._connection.execute(
            f"SELECT start, {_COLUMNS} FROM points"  # noqa: S608 - constants
            " WHERE series = ? AND resolution = ? AND start >= ? AND start < ?",
            (
                self._id_to_read(identity),
                _resolution(start, period),
                start,
                start + period * count,
            ),
        )
        parts: list[list[Distribution]] = [[] for _ in range(count)]
        for at, *row in rows:
            index = (at - start) // period
            parts[index].append(Distribution.from_cells(*row))
        return [Distribution.merge(part) for part in parts]

    def summaries(
        self,
        identity: MetricId,
        start: int,
        period: int,
        count: int,
    ) -> list[Summary | None]:
        """Return one summary for each period, oldest first; None where no data is.

        Cheaper than `distributions`, whose arguments it has: no histogram is read.

        Args:
            identity: The metric.
            start: Epoch seconds at which the first period begins.
            period: Seconds that a period lasts, at least 1.
            count: How many periods.
        """
        rows = self._connection.execute(
            "SELECT (start - ?) / ?, SUM(count), SUM(total), MIN(minimum), MAX(maximum) FROM points"
            " WHERE series = ? AND resolution = ? AND start >= ? AND start < ? GROUP BY 1",
            (
                start,
                period,
                self._id_to_read(identity),
                _resolution(start, period),
                start,
                start + period * count,
            ),
        )
        result: list[Summary | None] = [None] * count
        for index, *row in rows:
            result[index] = Summary(*row)
        return result

    def ever_had_data(self, identity: MetricId) -> bool:
        """Return whether the metric ever had a datapoint, over restarts and the retention."""
        # Pruning forgets datapoints, never the metric itself.
        return self._id_to_read(identity) != _NO_ROW

    def prune(self, *, now: float, retention: float) -> None:
        """Forget old datapoints: by second after SECONDS_KEPT, by minute after the retention.

        Args:
            now: Epoch seconds.
            retention: Seconds that datapoints by minute are kept; no datapoint is kept longer.
        """
        ages = {SECOND: min(SECONDS_KEPT, retention), MINUTE: retention}
        for resolution, age in ages.items():
            self._connection.execute(
                "DELETE FROM points WHERE resolution = ? AND start < ?",
                (resolution, int(now - age)),
            )


def _texts(identity: MetricId) -> tuple[str, str, str]:
    """Return the columns that identify a metric in the store."""
    return identity.namespace, identity.name, json.dumps(identity.dimensions)


def _resolution(start: int, period: int) -> int:
    whole_minutes = start % MINUTE == 0 and period % MINUTE == 0
    return MINUTE if whole_minutes else SECOND
