"""Counting many rows at once: the plan's tables as arrays, in chunks that stay in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from drift_ml.baseline import FARTHEST, PREDICTION, Baseline, Plan, Source
from drift_ml.columns import as_codes, as_numbers
from drift_ml.window._errors import WindowError
from drift_ml.window._ladder import Ladder
from drift_ml.window._moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]

CHUNK = 2**15
"""Rows at a time: vectors stay in the cache, and sums of their squared deviations below 2^53, so exact."""


@dataclass
class Counted:
    """What some rows add to a window."""

    rows: int
    counts: list[int]
    moments: list[Moments]
    first_ms: int | None
    last_ms: int | None


def count_rows(
    baseline: Baseline,
    columns: Mapping[str, npt.ArrayLike],
    predictions: npt.ArrayLike | None,
    timestamps_ms: npt.ArrayLike | None,
) -> Counted:
    """What the rows add; see `Window.observe_rows`."""
    plan = baseline.plan
    given = {name: columns[name] for name in baseline.features if name in columns}
    given |= {} if predictions is None else {PREDICTION: predictions}
    vectors = {source.name: _vector(source, given[source.name]) for source in plan.sources if source.name in given}
    times = None if timestamps_ms is None else np.asarray(timestamps_ms, dtype=np.int64)
    lengths = {len(vector) for vector in vectors.values()} | ({len(times)} if times is not None else set())
    if len(lengths) > 1:
        raise WindowError("expected columns, predictions and timestamps of one length")
    rows = lengths.pop() if lengths else 0
    counter = _Counter(plan)
    absent = np.full(min(rows, CHUNK), np.nan)
    for start in range(0, rows, CHUNK):
        size = min(CHUNK, rows - start)
        counter.add(
            [
                vectors[source.name][start : start + size] if source.name in vectors else absent[:size]
                for source in plan.sources
            ]
        )
    timed = times if times is not None and rows else None
    return Counted(
        rows,
        counter.counts(),
        counter.moments,
        None if timed is None else int(timed.min()),
        None if timed is None else int(timed.max()),
    )


def _vector(source: Source, column: npt.ArrayLike) -> Floats:
    """Numbers, booleans as 0 and 1, categories as codes."""
    try:
        if source.labels is None or True in source.labels:
            return as_numbers(column)
        return as_codes([*source.labels], column)
    except (TypeError, ValueError) as error:
        raise WindowError(f"column {source.name!r}: expected a vector of the feature's type") from error


class _Tables:
    """A plan's tables as arrays."""

    def __init__(self, plan: Plan) -> None:
        self.ladders = [Ladder(source.edges) for source in plan.sources]
        self.bins = [np.array(source.bins, dtype=np.intp) for source in plan.sources]
        self.squares = [np.array(source.squares, dtype=np.float64) for source in plan.sources]
        self.pairs = [np.array(pair.table, dtype=np.intp) for pair in plan.pairs]
        self.sum_ladder = Ladder(plan.sum_edges)
        self.places = [_places(source) for source in plan.sources]
        self.paired = {place for pair in plan.pairs for place in (pair.first, pair.second)}


def _places(source: Source) -> tuple[Integers, Integers]:
    """The flat positions that a source's codes count at, and the code of each."""
    flat = [(position, code) for code, positions in enumerate(source.positions) for position in positions]
    pairs = np.array(flat, dtype=np.intp).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


_tables = lru_cache(maxsize=16)(_Tables)


class _Counter:
    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.tables = _tables(plan)
        self.codes = [np.zeros(len(source.bins), dtype=np.intp) for source in plan.sources]
        self.pairs = [np.zeros(len(pair.table), dtype=np.intp) for pair in plan.pairs]
        self.sums = np.zeros(len(plan.sum_edges) + 1, dtype=np.intp)
        self.moments = [Moments() for _ in plan.sources]

    def add(self, chunk: list[Floats]) -> None:
        """Count some rows: per source a vector of shape (rows,), NaN for missing."""
        plan, tables = self.plan, self.tables
        codes = [self._source(place, values) for place, values in enumerate(chunk)]
        bins: dict[int, Integers] = {place: tables.bins[place].take(codes[place]) for place in tables.paired}
        cells = np.empty(len(chunk[0]), dtype=np.intp)
        for pair, joint in zip(plan.pairs, self.pairs, strict=True):
            np.multiply(bins[pair.first], pair.width, out=cells)
            cells += bins[pair.second]
            np.add(joint, np.bincount(cells, minlength=len(joint)), out=joint)
        if plan.summed:
            total = np.zeros(len(chunk[0]))
            for place in plan.summed:
                total += tables.squares[place].take(codes[place])
            self.sums += np.bincount(tables.sum_ladder(total), minlength=len(self.sums))

    def _source(self, place: int, values: Floats) -> Integers:
        source = self.plan.sources[place]
        absent = np.isnan(values)
        gone = int(np.count_nonzero(absent))
        codes = _codes(source, self.tables.ladders[place], values, absent, gone)
        self.codes[place] += np.bincount(codes, minlength=len(source.bins))
        total, squares = _sums(source, values[~absent] if gone else values)
        self.moments[place].add(len(values) - gone, total, squares)
        return codes

    def counts(self) -> list[int]:
        """The flat counts, with the one for no bin last."""
        found = np.zeros(self.plan.size + 1, dtype=np.intp)
        for (positions, codes), counted in zip(self.tables.places, self.codes, strict=True):
            np.add.at(found, positions, counted[codes])
        for table, joint in zip(self.tables.pairs, self.pairs, strict=True):
            np.add.at(found, table, joint)
        if self.plan.summed:
            found[self.plan.sum_offset : self.plan.sum_offset + len(self.sums)] += self.sums
        counts: list[int] = found.tolist()
        return counts


def _codes(source: Source, ladder: Ladder, values: Floats, absent: Any, gone: int) -> Integers:
    """Each value's code, as `Source.code` gives it."""
    if source.labels is None:
        codes = ladder(np.where(absent, 0.0, values) if gone else values)
    else:
        new = source.missing - 1
        known = (values >= 0) & (values < new) & (values == np.floor(values))
        codes = np.where(known, values, new).astype(np.intp)
    if gone:
        codes[absent] = source.missing
    return codes


def _sums(source: Source, values: Floats) -> tuple[int, int]:
    """The sums of the deviations and of their squares: whole numbers, exact below 2^53 in any order."""
    if not source.scale:
        return 0, 0
    with np.errstate(over="ignore"):
        deviations = values - source.mean
        deviations *= source.scale
    np.clip(deviations, -FARTHEST, FARTHEST, out=deviations)
    np.rint(deviations, out=deviations)
    return int(deviations.sum()), int(np.einsum("i,i", deviations, deviations))
