"""Where an event falls in the channels: the frozen bins as tables, for plain Python and numpy.

Each source (a feature or the prediction) maps a value to a *code*, fine enough to tell everything
that its channels ask: its bin, whether it is out of range, new or missing. Counting is then adding
one at the code's positions in one flat list of counts. Products and sums of squares depend on the
bins alone, so they are tables too, computed once in integers: events one by one and rows at once
give the same counts bit for bit.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from itertools import accumulate
from math import inf, nextafter
from typing import TYPE_CHECKING

from drift_engine import scale

from drift_ml.baseline._concordance import CONCORDANCE, paired_names
from drift_ml.baseline._parts import ANSWER_PREFIX, PREDICTION

if TYPE_CHECKING:
    from collections.abc import (
        Collection,
        Mapping,
        Sequence,
    )

    from drift_ml.baseline._parts import Answer, Channel, Summary

    #: What an event holds of a feature; what is of another type has no code.
    Value = str | float | bool | None

#: Deviations are whole numbers, this many to a standard deviation.
UNITS = 4096

#: A single value counts as at most 100 standard deviations from the mean, in the same unit.
FARTHEST = int(scale.FARTHEST) * UNITS

THOUSANDTHS = 1000


@dataclass(frozen=True, eq=False)
class Source:
    """A feature or a part of the answer, with its tables by code.

    The codes of numbers are how many of `edges` lie below them, those of categories are in
    `labels`. After these come a code for an unknown category (unused for numbers) and `missing`.
    """

    name: str
    #: What of the answer it is, None for a feature.
    answer: Answer | None
    #: The code of each category; None for numbers.
    labels: Mapping[str | bool, int] | None
    edges: tuple[float, ...]
    #: The code of a missing value.
    missing: int
    #: Per code, indices into the flat counts.
    positions: tuple[tuple[int, ...], ...]
    #: Per code, the bin of the source's channel; the number of bins where it is in none.
    bins: tuple[int, ...]
    #: Per code, the square of its score, in thousandths.
    squares: tuple[int, ...]
    #: Per code, its score, in thousandths; 0 where it has none.
    scores: tuple[int, ...]
    #: Per code, 1 where its score is above 0, -1 where it is not, 0 where it has none.
    signs: tuple[int, ...]
    mean: float
    #: UNITS per standard deviation, 0 where there is none.
    scale: float

    def code(self, value: Value) -> int:
        """Return the code of one value; None and NaN are missing.

        Raises TypeError, ValueError or OverflowError for what is of another type.
        """
        if value is None or value != value:  # noqa: PLR0124 - only NaN differs from itself
            return self.missing
        if self.labels is not None:
            # A number is no category, and so has no label.
            return self.labels.get(value, self.missing - 1)  # type: ignore[arg-type]
        return bisect_left(self.edges, float(value))

    def deviation(self, value: float) -> int:
        """Return how far a value is from the mean, in 1/4096 standard deviations."""
        deviation = (float(value) - self.mean) * self.scale
        return round(max(min(deviation, FARTHEST), -FARTHEST))


@dataclass(frozen=True, eq=False)
class Pair:
    """Two sources and, per pair of their bins (row by row), the position to count at."""

    #: Index of the first source.
    first: int
    #: Index of the second source.
    second: int
    #: Bins of the second source, no bin included.
    width: int
    table: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Plan:
    """Everything that observing needs."""

    sources: tuple[Source, ...]
    pairs: tuple[Pair, ...]
    #: Indices of the sources whose squares are summed.
    summed: tuple[int, ...]
    sum_edges: tuple[float, ...]
    #: Where the counts of the sum of squares begin.
    sum_offset: int
    #: Indices of the sources whose scores are summed.
    added: tuple[int, ...]
    added_edges: tuple[float, ...]
    #: Where the counts of that sum begin.
    added_offset: int
    #: Indices of the sources of which all pairs are counted that lie on one side.
    paired: tuple[int, ...]
    #: Where the counts of these pairs begin.
    paired_offset: int
    #: Of the flat counts; position `size` is for what is in no bin.
    size: int


@dataclass(frozen=True)
class _Placed:
    """A channel and where its counts begin."""

    channel: Channel
    offset: int


class _Newcomer:
    """Stands for any category that the baseline does not have."""


_NEW = _Newcomer()


def compile_plan(
    channels: Sequence[Channel],
    features: Mapping[str, Summary],
    answers: Mapping[Answer, Summary],
) -> Plan:
    """Return the plan of a baseline's parts.

    Args:
        channels: in the order in which windows count them.
        features: the summary of each feature, by its name.
        answers: the summaries of the held-out answers.
    """
    offsets = [0, *accumulate(len(channel.counts) for channel in channels)]
    size = offsets[-1]
    placed = [
        _Placed(*pair)
        for pair in zip(
            channels,
            offsets,
            strict=False,
        )
    ]
    sources = [_source(name, summary, placed) for name, summary in features.items()]
    # Products and sums are of features alone.
    index = {name: place for place, name in enumerate(features)}
    names = {channel.answer: channel.name for channel in channels}
    for answer, summary in answers.items():
        # Where no held-out row has a value there are moments and no channel.
        unbinned = PREDICTION if answer == "score" else f"{ANSWER_PREFIX}{answer}"
        name = names.get(answer, unbinned)
        sources.append(_source(name, summary, placed, answer))
    scores = {channel.name: channel.scores for channel in channels}
    pairs = []
    summed: tuple[int, ...] = ()
    sum_edges: tuple[float, ...] = ()
    sum_offset = 0
    added: tuple[int, ...] = ()
    added_edges: tuple[float, ...] = ()
    added_offset = 0
    for item in placed:
        channel = item.channel
        if channel.kind == "product":
            first, second = channel.of
            table = _product_table(
                item,
                size,
                scores[first],
                scores[second],
            )
            pairs.append(
                Pair(
                    index[first],
                    index[second],
                    len(scores[second]) + 1,
                    table,
                )
            )
        elif channel.kind == "sum_of_squares":
            summed = tuple(index[name] for name in channel.of)
            sum_edges, sum_offset = channel.edges, item.offset
        elif channel.kind == "sum":
            added = tuple(index[name] for name in channel.of)
            added_edges, added_offset = channel.edges, item.offset
    pair_offsets = [item.offset for item in placed if item.channel.kind == CONCORDANCE]
    return Plan(
        tuple(sources),
        tuple(pairs),
        summed,
        sum_edges,
        sum_offset,
        added,
        added_edges,
        added_offset,
        tuple(index[name] for name in paired_names(channels)),
        min(pair_offsets, default=0),
        size,
    )


def _source(
    name: str,
    summary: Summary,
    placed: Sequence[_Placed],
    answer: Answer | None = None,
) -> Source:
    """Return a column's tables.

    A value stands for each code: an edge for the numbers up to it, infinity for those above all
    edges, `_NEW` for an unknown category, None for missing.
    """
    mine = [item for item in placed if item.channel.source == name]
    channel = _channel_of_values(mine)
    labels: dict[str | bool, int] | None = None
    edges: tuple[float, ...] = ()
    representatives: list[Value | _Newcomer]
    if summary.type in ("category", "boolean"):
        categories = channel.categories if channel else ()
        labels = {value: code for code, value in enumerate(categories)}
        representatives = [*categories, _NEW, None]
    else:
        edges = _fine_edges([item.channel for item in mine])
        representatives = [*edges, inf, None]
    bins = tuple(_bin(channel, value) for value in representatives)
    scores = channel.scores if channel else ()
    std = summary.usable_std
    return Source(
        name=name,
        answer=answer,
        labels=labels,
        edges=edges,
        missing=len(representatives) - 1,
        positions=tuple(_positions(mine, value) for value in representatives),
        bins=bins,
        squares=tuple(_square(scores, place) for place in bins),
        scores=tuple(_score(scores, place) for place in bins),
        signs=tuple(_sign(scores, place) for place in bins),
        mean=summary.mean or 0.0,
        # A subnormal standard deviation has no reciprocal.
        scale=UNITS / std if std > 0 and UNITS / std < inf else 0.0,
    )


def _channel_of_values(placed: Sequence[_Placed]) -> Channel | None:
    """Return the channel that counts a column's values, None where it has none."""
    for item in placed:
        if item.channel.kind in ("values", "quantiles", "categories"):
            return item.channel
    return None


def _fine_edges(channels: Sequence[Channel]) -> tuple[float, ...]:
    """Return edges between any two numbers that some channel tells apart.

    The numbers between two edges, the upper one included, are alike.
    """
    edges: set[float] = set()
    for channel in channels:
        edges.update(channel.cuts)
        if channel.bounds is not None:
            low, high = channel.bounds
            # Bounds are inclusive: the lower one itself belongs to what is above the edge.
            edges.update((nextafter(low, -inf), high))
        for value in channel.values:
            # Only the value itself is not new: an edge on either side sets it apart.
            edges.update((nextafter(value, -inf), value))
    return tuple(sorted(edges))


def _bin(
    channel: Channel | None,
    value: Value | _Newcomer,
) -> int:
    """Return the bin in a channel of values, or the number of its bins where it is in none."""
    if channel is None:
        return 0
    if channel.kind == "categories":
        return channel.codes.get(value, len(channel.counts))
    if isinstance(value, int | float):
        return channel.bin(value)
    return len(channel.counts)


def _positions(
    placed: Sequence[_Placed],
    value: Value | _Newcomer,
) -> tuple[int, ...]:
    """Return where a value counts: in its bin and in each indicator that it answers."""
    known_values = _known_values(placed)
    places = []
    for item in placed:
        channel, offset = item.channel, item.offset
        if channel.kind == "missing":
            places.append(offset + (value is None))
        elif value is None:
            continue
        elif channel.kind == "out_of_range" and channel.bounds is not None:
            low, high = channel.bounds
            is_inside = isinstance(value, int | float) and low <= value <= high
            places.append(offset + (not is_inside))
        elif channel.kind == "new":
            places.append(offset + (value not in known_values))
        else:
            place = _bin(channel, value)
            if place < len(channel.counts):
                places.append(offset + place)
    return tuple(places)


def _known_values(placed: Sequence[_Placed]) -> Collection[object]:
    for item in placed:
        if item.channel.values or item.channel.codes:
            return item.channel.codes or item.channel.values
    return ()


def _square(
    scores: Sequence[int],
    place: int,
) -> int:
    """Return a score's square in thousandths; of what is in no bin the expectation, 1000."""
    if place >= len(scores):
        return THOUSANDTHS
    return scores[place] * scores[place] // THOUSANDTHS


def _score(
    scores: Sequence[int],
    place: int,
) -> int:
    """Return a bin's score; of what is in no bin the expectation, 0."""
    return scores[place] if place < len(scores) else 0


def _sign(
    scores: Sequence[int],
    place: int,
) -> int:
    """Return on which side of 0 a bin's score lies, 1 or -1; 0 of what is in no bin."""
    if place >= len(scores):
        return 0
    return 1 if scores[place] > 0 else -1


def _product_table(
    product: _Placed,
    nowhere: int,
    first: Sequence[int],
    second: Sequence[int],
) -> tuple[int, ...]:
    """Return the position of each pair of bins, row by row.

    Args:
        product: the channel.
        nowhere: the position of what is in no bin; each row and the table end with it.
        first: scores of the first source's bins, in thousandths.
        second: scores of the second source's bins.
    """
    table = []
    for score in first:
        for factor in second:
            place = product.channel.bin(score * factor // THOUSANDTHS)
            table.append(product.offset + place)
        table.append(nowhere)
    return (*table, *[nowhere] * (len(second) + 1))
