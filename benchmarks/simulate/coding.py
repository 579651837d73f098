"""Rows to bins, many at a time: the bin of every row in every channel of a baseline."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from benchmarks.simulate.streams import CATEGORIES

if TYPE_CHECKING:
    from drift_ml.baseline import Baseline, Channel


@lru_cache(maxsize=4096)
def _array(edges: tuple[float, ...]) -> np.ndarray:
    """A channel's edges; making an array of them takes longer than looking numbers up in it."""
    return np.array(edges)


def codes(baseline: Baseline, rows: np.ndarray) -> np.ndarray:
    """Bins of numeric rows, shape (rows, channels); -1 where a row is in no bin of a channel."""
    names = list(baseline.features)
    columns = {name: rows[:, i] for i, name in enumerate(names)}
    missing = {name: np.isnan(column) for name, column in columns.items()}
    own = {
        channel.name: np.where(missing[channel.name], -1, np.searchsorted(_array(channel.cuts), columns[channel.name]))
        for channel in baseline.channels
        if channel.kind in ("values", "quantiles") and channel.name in columns
    }
    own |= {c.name: _categories(c, columns[c.name]) for c in baseline.channels if c.kind == "categories"}
    numbers = {c.name for c in baseline.channels if c.scores}
    scores = {
        name: np.array([*baseline.channel(name).scores, 0])[found] for name, found in own.items() if name in numbers
    }
    # Columns are written and read one by one.
    out = np.full((len(rows), len(baseline.channels)), -1, order="F")
    for place, channel in enumerate(baseline.channels):
        name = channel.of[0]
        if channel.name in own:
            out[:, place] = own[channel.name]
        elif channel.kind == "missing":
            out[:, place] = missing[name]
        elif channel.kind == "out_of_range":
            low, high = channel.bounds or (-np.inf, np.inf)
            out[:, place] = np.where(missing[name], -1, (columns[name] < low) | (columns[name] > high))
        elif channel.kind == "new":
            values = baseline.channel(name).values
            known = np.isin(columns[name], values) if values else own[name] >= 0
            out[:, place] = np.where(missing[name], -1, ~known)
        elif channel.kind == "product":
            both = scores[name] * scores[channel.of[1]] // 1000
            unknown = missing[name] | missing[channel.of[1]]
            out[:, place] = np.where(unknown, -1, np.searchsorted(_array(channel.edges), both))
        elif channel.kind == "sum_of_squares":
            squares = [np.where(missing[each], 1000, scores[each] ** 2 // 1000) for each in channel.of]
            out[:, place] = np.searchsorted(_array(channel.edges), np.sum(squares, axis=0))
        elif channel.kind == "sum":
            added = [np.where(missing[each], 0, scores[each]) for each in channel.of]
            out[:, place] = np.searchsorted(_array(channel.edges), np.sum(added, axis=0))
        elif channel.kind == "concordance":
            alike = (scores[name] > 0) == (scores[channel.of[1]] > 0)
            out[:, place] = np.where(missing[name] | missing[channel.of[1]], -1, alike)
    return out


def _categories(channel: Channel, indices: np.ndarray) -> np.ndarray:
    """Bins of a category that comes as its index among CATEGORIES; one past the last is new."""
    bins = [channel.categories.index(name) if name in channel.categories else -1 for name in CATEGORIES]
    return np.array([*bins, -1])[np.where(np.isnan(indices), len(bins), indices).astype(int)]


def counted(baseline: Baseline, rows: np.ndarray, batch: int) -> list[dict[str, list[int]]]:
    """Return counts by channel of each batch of rows, as a window gives them."""
    bins_of_rows = codes(baseline, rows)
    batches = len(rows) // batch
    number = np.repeat(np.arange(batches), batch)
    columns = []
    for place, channel in enumerate(baseline.channels):
        bins = len(channel.counts)
        column = bins_of_rows[: batches * batch, place]
        present = column >= 0
        flat = np.bincount(number[present] * bins + column[present], minlength=batches * bins)
        columns.append(flat.reshape(-1, bins).tolist())
    names = [channel.name for channel in baseline.channels]
    return [dict(zip(names, counts, strict=True)) for counts in zip(*columns, strict=True)]
