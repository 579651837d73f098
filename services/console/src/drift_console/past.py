"""Past traffic from a file: surveyed once, then read row by row as requests at their own times."""

from __future__ import annotations

import hashlib
import json
from contextlib import closing
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import SettingsError
from drift_ml.tables import Layout, ReadOptions, read_chunks

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path
    from typing import Any, Literal

    from drift_contracts import FeatureSet
    from drift_contracts.features import Feature
    from drift_ml.tables import Chunk

    Kind = Literal["session", "caller"]

DAY_MS = 86_400_000
#: Bytes of a file that are hashed at a time.
BLOCK = 1 << 20
#: Rows that are made into requests at a time.
TOGETHER = 1_000
#: Where a feature set may read names from that no feature has.
PLACES = "from a header or the request context"


@dataclass(frozen=True)
class Asked:
    """Which past traffic is to be shown, and how fast."""

    #: A CSV, TSV or Parquet file, or a folder of such files.
    path: Path
    #: Seconds of traffic a second; None for as fast as it goes.
    speed: float | None = 3_600.0
    #: The column of times.
    time: str | None = None
    #: Days over which rows without times are spread evenly.
    spread_days: float | None = None
    #: The columns that name the session of each row, and who asked.
    session: str | None = None
    caller: str | None = None
    #: Whether to begin again in a store of its own where an earlier start is half-way.
    anew: bool = False
    #: Whether somebody has chosen the folder of the store.
    data_is_chosen: bool = False
    #: How to read the file.
    reading: ReadOptions = field(default_factory=ReadOptions)

    def __post_init__(self) -> None:
        """Refuse rows that have no times, or two.

        Raises:
            SettingsError: neither a column of times is named nor a spread, or both are.
        """
        if (self.time is None) == (self.spread_days is None):
            expected = (
                "the column of times (--time-column NAME), or for rows without times the days over"
                " which they are spread evenly (--spread-days N)"
            )
            raise SettingsError({"--replay": expected})

    @property
    def marks(self) -> dict[Kind, str]:
        """Return the columns of sessions and callers, without those that are not chosen."""
        marks: dict[Kind, str] = {}
        if self.session is not None:
            marks["session"] = self.session
        if self.caller is not None:
            marks["caller"] = self.caller
        return marks

    def check_marks(self, feature_set: FeatureSet) -> None:
        """Refuse a column of sessions or callers that the service has no place for.

        Raises:
            SettingsError: the feature set reads them from a feature, or from nowhere.
        """
        expected = {}
        for kind in self.marks:
            source = feature_set.sources.get(kind)
            if source is None:
                expected[f"--{kind}"] = f"a model whose feature set names a {kind} ({PLACES})"
            elif source.feature is not None:
                expected[f"--{kind}"] = f"none: the feature set names it by {source}, in every row"
        if expected:
            raise SettingsError(expected)


@dataclass(frozen=True)
class Survey:
    """What a file holds, as one pass over it has found."""

    rows: int
    #: Of the first and the last row, in milliseconds since 1970.
    first_ms: int
    last_ms: int


@dataclass(frozen=True)
class PastRow:
    """One row as a request."""

    #: Milliseconds since 1970.
    time_ms: int
    #: JSON of prediction.request.v1.
    body: bytes
    #: What names the session and the caller, without those that are not named.
    marks: Mapping[Kind, str] = field(default_factory=dict)


class PastTraffic:
    """The rows of a file as requests to one model, read again and again in bounded memory."""

    def __init__(self, asked: Asked, feature_set: FeatureSet, *, complete: bool = False) -> None:
        """Look the whole file through.

        Args:
            asked: The file, and how its rows get times.
            feature_set: Of the model that is to answer.
            complete: Whether that model answers complete rows only.

        Raises:
            DataError: the file breaks the feature set, or cannot be read; every finding is named.
            SettingsError: the file has no rows, or a column is named that has no place.
        """
        self._asked = asked
        self._features = feature_set.features
        asked.check_marks(feature_set)
        names = tuple(asked.marks.values())
        self._layout = Layout(feature_set, None, asked.time, complete=complete, names=names)
        #: What the file holds.
        self.survey = self._look()

    def _look(self) -> Survey:
        rows, first_ms, last_ms = 0, 0, 0
        for chunk in self._chunks():
            if chunk.times_ms is not None and chunk.rows:
                first_ms = first_ms if rows else int(chunk.times_ms[0])
                last_ms = int(chunk.times_ms[-1])
            rows += chunk.rows
        if not rows:
            raise SettingsError({"--replay": "a file with at least one row"})
        if self._asked.spread_days is not None:
            last_ms = _end_of_day(self._asked.path)
            first_ms = last_ms - round(self._asked.spread_days * DAY_MS)
        return Survey(rows, first_ms, last_ms)

    def _chunks(self) -> Iterator[Chunk]:
        with closing(read_chunks(self._asked.path, self._layout, self._asked.reading)) as chunks:
            yield from chunks

    def rows(self, skipped: int) -> Iterator[PastRow]:
        """Yield the rows behind the first `skipped`, in the order of their times."""
        before = 0
        for chunk in self._chunks():
            times = self._times(chunk, before)
            begin = max(0, skipped - before)
            before += chunk.rows
            for start in range(begin, chunk.rows, TOGETHER):
                yield from self._requests(chunk, times, slice(start, start + TOGETHER))

    def _times(self, chunk: Chunk, before: int) -> Any:
        """Return the times of a chunk's rows in milliseconds since 1970, shape (rows,).

        Args:
            chunk: As it was read.
            before: Rows before it.
        """
        if chunk.times_ms is not None:
            return chunk.times_ms
        span = self.survey.last_ms - self.survey.first_ms
        places = np.arange(before, before + chunk.rows)
        return self.survey.first_ms + places * span // self.survey.rows

    def _requests(self, chunk: Chunk, times: Any, part: slice) -> Iterator[PastRow]:
        columns = [
            [_value(feature, cell) for cell in chunk.columns[feature.name][part].tolist()]
            for feature in self._features
        ]
        names = [feature.name for feature in self._features]
        marks = self._marks(chunk, part)
        for time_ms, mark, *values in zip(times[part].tolist(), marks, *columns, strict=True):
            document = {"features": dict(zip(names, values, strict=True))}
            yield PastRow(time_ms, json.dumps(document).encode(), mark)

    def _marks(self, chunk: Chunk, part: slice) -> list[dict[Kind, str]]:
        """Return what names the session and the caller of each row.

        Args:
            chunk: As it was read.
            part: The rows of it.
        """
        marks: list[dict[Kind, str]] = [{} for _ in range(*part.indices(chunk.rows))]
        for kind, column in self._asked.marks.items():
            for mark, cell in zip(marks, chunk.columns[column][part].tolist(), strict=True):
                # Missing numbers are not equal to themselves.
                if cell is not None and cell == cell:  # noqa: PLR0124 - NaN
                    mark[kind] = str(cell)
        return marks

    def identity(self, **facts: object) -> str:
        """Return a digest of the file's content, of how it is read, and of further facts."""
        digest = hashlib.sha256()
        path = self._asked.path
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                _hash(file, digest)
        reading = {name: str(value) for name, value in asdict(self._asked.reading).items()}
        how = {"time": self._asked.time, "spread": self._asked.spread_days, **reading}
        parts: list[object] = [how, {name: str(value) for name, value in facts.items()}]
        # Without any, a replay goes on in the store that an earlier release has begun.
        if self._asked.marks:
            parts.append(self._asked.marks)
        digest.update(json.dumps(parts, sort_keys=True).encode())
        return digest.hexdigest()


def _hash(file: Path, digest: Any) -> None:
    with file.open("rb") as opened:
        while block := opened.read(BLOCK):
            digest.update(block)


def _end_of_day(path: Path) -> int:
    """Return the end of the day (UTC) on which a file was last changed, in milliseconds."""
    changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    midnight = changed.replace(hour=0, minute=0, second=0, microsecond=0)
    return round(midnight.timestamp() * 1000) + DAY_MS


def _value(feature: Feature, cell: Any) -> Any:
    """Return a cell as JSON has it: None where it is missing."""
    # Missing numbers are not equal to themselves.
    if cell is None or cell != cell:  # noqa: PLR0124 - NaN
        return None
    if feature.type == "boolean":
        return bool(cell)
    return int(cell) if feature.type == "integer" else cell
