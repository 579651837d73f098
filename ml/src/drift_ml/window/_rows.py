"""Counting many rows at once: the plan's tables as arrays, in chunks that stay in the cache."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.baseline import (
    FARTHEST,
    Baseline,
    Plan,
    Source,
)
from drift_ml.columns import as_codes, as_numbers
from drift_ml.concordance import concordance
from drift_ml.sketches import Sketch, digests_of_rows, multipliers
from drift_ml.window._errors import WindowError
from drift_ml.window._ladder import Ladder
from drift_ml.window._moments import Moments

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy.typing as npt

    from drift_ml.baseline import Answer

    Floats = npt.NDArray[np.float64]
    Integers = npt.NDArray[np.intp]
    Mask = npt.NDArray[np.bool_]

#: Rows at a time: vectors stay in the cache, and sums of their squared deviations below 2^53, so
#: that they are exact.
CHUNK = 2**15


@dataclass
class Counted:
    """What some rows add to a window."""

    rows: int
    #: One flat list over all channels, and what is in no bin last.
    counts: list[int]
    #: Of each source.
    moments: list[Moments]
    first_ms: int | None
    last_ms: int | None
    #: Of the rows' features; empty where the baseline does not ask for it.
    sketch: Sketch


def count_rows(
    baseline: Baseline,
    columns: Mapping[str, npt.ArrayLike],
    answers: Mapping[Answer, npt.ArrayLike | None],
    timestamps_ms: npt.ArrayLike | None,
) -> Counted:
    """Return what rows add to a window.

    Args:
        baseline: whose bins are counted.
        columns: per feature, as `Window.observe_rows` takes them.
        answers: by part of the answer, each of shape (rows,) or None.
        timestamps_ms: shape (rows,), or None.

    Raises:
        WindowError: lengths differ, or a column is not of its feature's type.
    """
    plan = baseline.plan
    vectors = _vectors(baseline, columns, answers)
    times = None if timestamps_ms is None else np.asarray(timestamps_ms, dtype=np.int64)
    lengths = {len(vector) for vector in vectors.values()}
    if times is not None:
        lengths.add(len(times))
    if len(lengths) > 1:
        raise WindowError("expected columns, predictions and timestamps of one length")
    rows = lengths.pop() if lengths else 0
    counter = _Counter(plan, has_sketch=baseline.tie_rate is not None)
    absent = np.full(min(rows, CHUNK), np.nan)
    for start in range(0, rows, CHUNK):
        end = min(start + CHUNK, rows)
        chunk = []
        for source in plan.sources:
            vector = vectors.get(source.name)
            chunk.append(absent[: end - start] if vector is None else vector[start:end])
        counter.add(chunk)
    first_ms = last_ms = None
    if times is not None and rows:
        first_ms, last_ms = int(times.min()), int(times.max())
    return Counted(
        rows,
        counter.counts(),
        counter.moments,
        first_ms,
        last_ms,
        counter.sketch,
    )


def _vectors(
    baseline: Baseline,
    columns: Mapping[str, npt.ArrayLike],
    answers: Mapping[Answer, npt.ArrayLike | None],
) -> dict[str, Floats]:
    """Return the columns that are there as vectors, by source."""
    vectors = {}
    for source in baseline.plan.sources:
        part = source.answer
        column = columns.get(source.name) if part is None else answers[part]
        if column is not None:
            vectors[source.name] = _vector(source, column)
    return vectors


def _vector(
    source: Source,
    column: npt.ArrayLike,
) -> Floats:
    """Return numbers, booleans as 0 and 1, categories as codes. Raises WindowError."""
    try:
        if source.labels is None or True in source.labels:
            return as_numbers(column)
        return as_codes([*source.labels], column)
    except (TypeError, ValueError) as error:
        raise WindowError(
            f"column {source.name!r}: expected a vector of the feature's type"
        ) from error


class _Tables:
    """A plan's tables as arrays."""

    def __init__(self, plan: Plan) -> None:
        self.ladders = [Ladder(source.edges) for source in plan.sources]
        self.bins = [np.array(source.bins, dtype=np.intp) for source in plan.sources]
        self.squares = [np.array(source.squares, dtype=np.float64) for source in plan.sources]
        self.scores = [np.array(source.scores, dtype=np.float64) for source in plan.sources]
        self.signs = [np.array(source.signs, dtype=np.int8) for source in plan.sources]
        self.pairs = [np.array(pair.table, dtype=np.intp) for pair in plan.pairs]
        self.sum_ladder = Ladder(plan.sum_edges)
        self.added_ladder = Ladder(plan.added_edges)
        self.places = [_places(source) for source in plan.sources]
        #: The sources whose bins some pair needs.
        self.paired = {pair.first for pair in plan.pairs} | {pair.second for pair in plan.pairs}


def _places(source: Source) -> tuple[Integers, Integers]:
    """Return the flat positions that a source's codes count at, and the code of each."""
    positions: list[int] = []
    codes: list[int] = []
    for code, listed in enumerate(source.positions):
        positions += listed
        codes += [code] * len(listed)
    return np.array(positions, dtype=np.intp), np.array(codes, dtype=np.intp)


_tables = lru_cache(maxsize=16)(_Tables)


class _Counter:
    """Counts of codes, pairs of bins and sums, which become counts of channels at the end."""

    def __init__(self, plan: Plan, *, has_sketch: bool) -> None:
        self.plan = plan
        self.tables = _tables(plan)
        self.sketch = Sketch()
        self.has_sketch = has_sketch
        self.codes = [np.zeros(len(source.bins), dtype=np.intp) for source in plan.sources]
        self.pairs = [np.zeros(len(pair.table), dtype=np.intp) for pair in plan.pairs]
        self.sums = np.zeros(len(plan.sum_edges) + 1, dtype=np.intp)
        self.added = np.zeros(len(plan.added_edges) + 1, dtype=np.intp)
        self.signs = np.zeros(len(plan.paired) * (len(plan.paired) - 1), dtype=np.int64)
        self.moments = [Moments() for _ in plan.sources]

    def add(self, chunk: Sequence[Floats]) -> None:
        """Count some rows: per source a vector of shape (rows,), NaN for missing."""
        plan, tables = self.plan, self.tables
        codes = [self._add_source(place, values) for place, values in enumerate(chunk)]
        bins = {place: tables.bins[place].take(codes[place]) for place in tables.paired}
        # One vector for all pairs: there are up to 45 of them.
        cells = np.empty(len(chunk[0]), dtype=np.intp)
        for pair, counted in zip(
            plan.pairs,
            self.pairs,
            strict=True,
        ):
            np.multiply(
                bins[pair.first],
                pair.width,
                out=cells,
            )
            cells += bins[pair.second]
            np.add(
                counted,
                np.bincount(cells, minlength=len(counted)),
                out=counted,
            )
        if plan.summed:
            total = np.zeros(len(chunk[0]))
            for place in plan.summed:
                total += tables.squares[place].take(codes[place])
            self.sums += np.bincount(tables.sum_ladder(total), minlength=len(self.sums))
        self._add_signed(codes)
        if self.has_sketch:
            self._add_digests(chunk, codes)

    def _add_digests(self, chunk: Sequence[Floats], codes: Sequence[Integers]) -> None:
        """Count the rows in the sketch: numbers as they are, categories by their codes."""
        columns = []
        for source, values, coded in zip(self.plan.sources, chunk, codes, strict=True):
            if source.answer is None:
                columns.append(values if source.labels is None else coded.astype(np.float64))
        self.sketch.add_many(digests_of_rows(columns, multipliers(len(columns))))

    def _add_signed(self, codes: Sequence[Integers]) -> None:
        """Count the sum of scores, and the pairs of signs."""
        plan, tables = self.plan, self.tables
        if plan.added:
            total = np.zeros(len(codes[0]))
            for place in plan.added:
                total += tables.scores[place].take(codes[place])
            self.added += np.bincount(tables.added_ladder(total), minlength=len(self.added))
        if plan.paired:
            signs = [tables.signs[place].take(codes[place]) for place in plan.paired]
            self.signs += concordance(np.array(signs))

    def _add_source(
        self,
        place: int,
        values: Floats,
    ) -> Integers:
        """Count one source; return the code of each of its values."""
        source = self.plan.sources[place]
        missing = np.isnan(values)
        any_missing = bool(missing.any())
        codes = _codes(
            source,
            self.tables.ladders[place],
            values,
            missing if any_missing else None,
        )
        self.codes[place] += np.bincount(codes, minlength=len(source.bins))
        present = values[~missing] if any_missing else values
        total, squares = _sums(source, present)
        self.moments[place].add(
            len(present),
            total,
            squares,
        )
        return codes

    def counts(self) -> list[int]:
        """Return the flat counts, with the one for no bin last."""
        plan, tables = self.plan, self.tables
        total = np.zeros(plan.size + 1, dtype=np.intp)
        for (positions, codes), counted in zip(
            tables.places,
            self.codes,
            strict=True,
        ):
            np.add.at(
                total,
                positions,
                counted[codes],
            )
        for table, counted in zip(
            tables.pairs,
            self.pairs,
            strict=True,
        ):
            np.add.at(total, table, counted)
        if plan.summed:
            total[plan.sum_offset : plan.sum_offset + len(self.sums)] += self.sums
        if plan.added:
            total[plan.added_offset : plan.added_offset + len(self.added)] += self.added
        if plan.paired:
            total[plan.paired_offset : plan.paired_offset + len(self.signs)] += self.signs
        counts: list[int] = total.tolist()
        return counts


def _codes(
    source: Source,
    ladder: Ladder,
    values: Floats,
    missing: Mask | None,
) -> Integers:
    """Return each value's code, as `Source.code` has it.

    Args:
        source: of the values.
        ladder: over its edges.
        values: shape (rows,).
        missing: which of them are NaN, None where none is.
    """
    if source.labels is None:
        codes = ladder(
            values
            if missing is None
            else np.where(
                missing,
                0.0,
                values,
            )
        )
    else:
        new = source.missing - 1
        is_known = (values >= 0) & (values < new) & (values == np.floor(values))
        codes = np.where(
            is_known,
            values,
            new,
        ).astype(np.intp)
    if missing is not None:
        codes[missing] = source.missing
    return codes


def _sums(
    source: Source,
    values: Floats,
) -> tuple[int, int]:
    """Return the sums of the deviations and of their squares.

    They are whole numbers, exact below 2^53 in any order.
    """
    if not source.scale:
        return 0, 0
    with np.errstate(over="ignore"):
        deviations = values - source.mean
        deviations *= source.scale
    np.clip(
        deviations,
        -FARTHEST,
        FARTHEST,
        out=deviations,
    )
    np.rint(deviations, out=deviations)
    return int(deviations.sum()), int(
        np.einsum(
            "i,i",
            deviations,
            deviations,
        )
    )
