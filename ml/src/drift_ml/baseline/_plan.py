"""Where an event falls in the channels: the frozen bins compiled into tables, for plain Python and numpy.

Each source (a feature or the prediction) maps a value to a *code*, fine enough to tell everything that its
channels ask: its bin, whether it is out of range, new or missing. Counting is then adding one at the code's
positions in one flat list of counts. Products and sums of squares depend on the bins alone, so they are
tables too, computed once in integers: both roads of a window give the same counts bit for bit.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from math import inf, nextafter
from typing import TYPE_CHECKING, Any

from drift_engine import scale

from drift_ml.baseline._parts import PREDICTION, Channel

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_ml.baseline._parts import Summary

UNITS = 4096
"""Deviations are kept in integers, this many to a standard deviation."""

FARTHEST = int(scale.FARTHEST) * UNITS
"""A single value counts as at most 100 standard deviations from the mean."""

THOUSANDTHS = 1000


@dataclass(frozen=True, eq=False)
class Source:
    """A feature or the prediction.

    labels: code of each category, or None for numbers, whose code is the number of `edges` below them.
    Then come a code for a category that is not known (unused for numbers) and `missing`. Per code:
    positions (indices into the flat counts), bins (of the own channel; its number of bins where there is
    none) and squares (of the score, in thousandths). scale: UNITS per standard deviation, 0 if there is none.
    """

    name: str
    labels: Mapping[Any, int] | None
    edges: tuple[float, ...]
    missing: int
    positions: tuple[tuple[int, ...], ...]
    bins: tuple[int, ...]
    squares: tuple[int, ...]
    mean: float
    scale: float

    def code(self, value: Any) -> int:
        """The code of one value; None and NaN are missing."""
        if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
            return self.missing
        if self.labels is not None:
            return self.labels.get(value, self.missing - 1)
        return bisect_left(self.edges, float(value))

    def deviation(self, value: Any) -> int:
        """How far a value is from the mean, in units of 1/4096 standard deviation, rounded half to even."""
        return round(max(min((float(value) - self.mean) * self.scale, FARTHEST), -FARTHEST))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sources and, per pair of their bins (row by row), the position to count at."""

    first: int
    second: int
    width: int
    table: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that observing needs. size: of the flat counts; position `size` is for what is in no bin."""

    sources: tuple[Source, ...]
    pairs: tuple[Pair, ...]
    summed: tuple[int, ...]
    sum_edges: tuple[float, ...]
    sum_offset: int
    size: int


def compile_plan(channels: Sequence[Channel], features: Mapping[str, Summary], prediction: Summary | None) -> Plan:
    """Return the plan of a baseline's parts.

    Args:
        channels: in the order in which windows count them.
        features: the summary of each feature, by its name.
        prediction: the summary of the held-out predictions, None where there are none.
    """
    offsets = [0, *accumulate(len(channel.counts) for channel in channels)]
    placed = list(zip(channels, offsets, strict=False))
    summaries = dict(features)
    if prediction is not None:
        summaries[PREDICTION] = prediction
    sources = tuple(_source(name, summary, placed) for name, summary in summaries.items())
    place = {name: index for index, name in enumerate(summaries)}
    scores = {channel.name: channel.scores for channel in channels}
    pairs = []
    summed: tuple[int, ...] = ()
    sum_edges: tuple[float, ...] = ()
    sum_offset = 0
    for channel, offset in placed:
        if channel.kind == "product":
            first, second = channel.of
            table = _product_table(channel, offset, offsets[-1], [scores[first], scores[second]])
            pairs.append(Pair(place[first], place[second], len(scores[second]) + 1, table))
        elif channel.kind == "sum_of_squares":
            summed, sum_edges, sum_offset = (
                tuple(place[name] for name in channel.of),
                channel.edges,
                offset,
            )
    return Plan(sources, tuple(pairs), summed, sum_edges, sum_offset, offsets[-1])


def _source(name: str, summary: Summary, placed: Sequence[tuple[Channel, int]]) -> Source:
    mine = [(channel, offset) for channel, offset in placed if channel.of == (name,)]
    own = next(
        (channel for channel, _ in mine if channel.kind in ("values", "quantiles", "categories")),
        None,
    )
    labels = None
    edges: tuple[float, ...] = ()
    values: list[Any]
    if summary.type in ("category", "boolean"):
        values = list(own.categories) if own else []
        labels = {value: code for code, value in enumerate(values)}
        values.append(_NEW)
    else:
        edges = _fine_edges([channel for channel, _ in mine])
        values = [*edges, inf]
    values.append(None)
    bins = tuple(_bin(own, value) for value in values)
    scores = own.scores if own else ()
    mean, std = summary.mean or 0.0, summary.usable_std
    return Source(
        name=name,
        labels=labels,
        edges=edges,
        missing=len(values) - 1,
        positions=tuple(_positions(mine, value) for value in values),
        bins=bins,
        squares=tuple(_square(scores[place]) if place < len(scores) else THOUSANDTHS for place in bins),
        mean=mean,
        scale=UNITS / std if std > 0 and UNITS / std < inf else 0.0,
    )


_NEW = object()
"""Stands for any category that the baseline does not know."""


def _fine_edges(channels: Sequence[Channel]) -> tuple[float, ...]:
    """Edges between any two numbers that some channel tells apart; the numbers up to an edge are alike."""
    edges: set[float] = set()
    for channel in channels:
        edges.update(channel.cuts)
        if channel.bounds is not None:
            edges.update((nextafter(channel.bounds[0], -inf), channel.bounds[1]))
        for value in channel.values:
            edges.update((nextafter(value, -inf), value))
    return tuple(sorted(edges))


def _bin(channel: Channel | None, value: Any) -> int:
    """The bin of the own channel, or the number of its bins where the value is in none."""
    if channel is None:
        return 0
    if channel.kind == "categories":
        return channel.categories.index(value) if value in channel.categories else len(channel.counts)
    return len(channel.counts) if value is None else channel.bin(value)


def _positions(channels: Sequence[tuple[Channel, int]], value: Any) -> tuple[int, ...]:
    """Where a value counts: in its own bin and in each indicator that it answers."""
    known: Sequence[Any] = next((c.values or c.categories for c, _ in channels if c.values or c.categories), ())
    places = []
    for channel, offset in channels:
        if channel.kind == "missing":
            places.append(offset + (value is None))
        elif value is None:
            continue
        elif channel.kind == "out_of_range" and channel.bounds is not None:
            places.append(offset + (not channel.bounds[0] <= value <= channel.bounds[1]))
        elif channel.kind == "new":
            places.append(offset + (value not in known))
        elif (place := _bin(channel, value)) < len(channel.counts):
            places.append(offset + place)
    return tuple(places)


def _square(score: int) -> int:
    return score * score // THOUSANDTHS


def _product_table(channel: Channel, offset: int, nowhere: int, scores: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    first, second = scores
    table = []
    for one in first:
        table += [offset + channel.bin(one * other // THOUSANDTHS) for other in second]
        table.append(nowhere)
    return (*table, *[nowhere] * (len(second) + 1))
