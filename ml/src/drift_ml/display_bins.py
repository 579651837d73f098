"""Bins to draw a feature in, made from the baseline's frozen channel, and the shares in them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, TypedDict

from drift_ml.figures import plain_label

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import BaselineV1Channel, BaselineV2Channel

    AnyChannel = BaselineV1Channel | BaselineV2Channel

#: Between the ends; one more at each end holds what lies outside.
INNER_BINS = 22
#: The share of the baseline that an end holds where the values are continuous.
_TAIL = 0.005


class DisplayBin(TypedDict):
    """One bin as a page reads it."""

    label: str
    low: float | None
    high: float | None
    share: float


class Limits(TypedDict):
    """The ends of what a feature's values are; a summary of baseline.v1 is one."""

    min: float | None
    max: float | None


@dataclass(frozen=True)
class DisplayBins:
    """Bins of a chart, and the baseline's shares in them."""

    #: One per bin, k in all.
    labels: tuple[str, ...]
    #: The k - 1 borders between bins, ascending.
    edges: tuple[float, ...]
    #: One per bin; they sum to 1.
    shares: tuple[float, ...]

    def to_json(self) -> list[DisplayBin]:
        """Return label, borders (None where open) and the baseline's share of each bin."""
        lows = [None, *self.edges]
        highs = [*self.edges, None]
        bins: list[DisplayBin] = []
        for label, low, high, share in zip(
            self.labels,
            lows,
            highs,
            self.shares,
            strict=True,
        ):
            bins.append({"label": label, "low": low, "high": high, "share": share})
        return bins


def display_bins(channel: AnyChannel, limits: Limits) -> DisplayBins:
    """Return the bins of one feature.

    Few values become a bin each, many are put together, and what is continuous is cut into equal
    widths, the baseline's shares read off its distribution function (straight between edges).

    Args:
        channel: of kind `quantiles`, `values` or `categories`, with its counts.
        limits: of the feature in the baseline.
    """
    counts = channel["counts"]
    if channel["kind"] == "categories":
        return _categories(channel["categories"], counts)
    if channel["kind"] == "values":
        values = channel["values"]
        return _values(values, counts) if len(values) <= INNER_BINS else _ranges(values, counts)
    # A channel of quantiles has values, and so its feature has a least and a greatest.
    points = [limits["min"] or 0.0, *channel["edges"], limits["max"] or 0.0]
    return _equal_widths(points, counts)


def _values(
    values: Sequence[float],
    counts: Sequence[int],
) -> DisplayBins:
    borders = [(low + high) / 2 for low, high in pairwise(values)]
    half = min((high - low for low, high in pairwise(values)), default=1) / 2
    edges = (values[0] - half, *borders, values[-1] + half)
    inner = [plain_label(value) for value in values]
    labels = (f"below {plain_label(values[0])}", *inner, f"above {plain_label(values[-1])}")
    return DisplayBins(
        labels,
        edges,
        (0.0, *_shares(counts), 0.0),
    )


def _ranges(
    values: Sequence[float],
    counts: Sequence[int],
) -> DisplayBins:
    """Return bins of many listed values; whole numbers stay whole."""
    is_whole = all(value == int(value) for value in values)
    span = values[-1] - values[0]
    if is_whole:
        width: float = math.ceil((span + 1) / INNER_BINS)
        bins = math.ceil((span + 1) / width)
        # Borders lie half way between whole numbers.
        margin = 0.5
    else:
        # A little wider, so that the greatest value is not beyond the last border.
        width = span / INNER_BINS * (1 + 1e-9)
        bins, margin = INNER_BINS, 0.0
    edges = [values[0] - margin + width * index for index in range(bins + 1)]
    shares = [0.0] * (len(edges) + 1)
    for value, share in zip(
        values,
        _shares(counts),
        strict=True,
    ):
        shares[bisect_right(edges, value)] += share
    ranges = [(low + margin, high - margin) for low, high in pairwise(edges)]
    inner = [_range_label(low, high) for low, high in ranges]
    least, most = plain_label(ranges[0][0]), plain_label(ranges[-1][1])
    labels = (f"below {least}", *inner, f"above {most}")
    return DisplayBins(
        labels,
        tuple(edges),
        tuple(shares),
    )


def _range_label(low: float, high: float) -> str:
    least, most = plain_label(low), plain_label(high)
    return least if low == high else f"{least} to {most}"


def _categories(
    names: Sequence[str | bool],
    counts: Sequence[int],
) -> DisplayBins:
    """Return a bin for each category; its value is its index, and what is new comes last."""
    if all(isinstance(name, bool) for name in names):
        return DisplayBins(
            ("false", "true"),
            (0.5,),
            tuple(_shares(counts)),
        )
    edges = tuple(index + 0.5 for index in range(len(names)))
    return DisplayBins(
        (*map(str, names), "other"),
        edges,
        (*_shares(counts), 0.0),
    )


def _equal_widths(
    points: Sequence[float],
    counts: Sequence[int],
) -> DisplayBins:
    """Return bins of equal widths over the middle of a distribution.

    Args:
        points: the least value, the inner edges and the greatest value, shape (k + 1,).
        counts: between the points, shape (k,).
    """
    below = [0.0, *accumulate(_shares(counts))]
    low = _inverse(points, below, _TAIL)
    high = _inverse(points, below, 1 - _TAIL)
    if not low < high:
        # Nearly all values are equal: some width around them.
        half = abs(low) / 2 or 0.5
        low, high = low - half, low + half
    edges = [low + (high - low) * index / INNER_BINS for index in range(INNER_BINS + 1)]
    cumulated = [
        0.0,
        *[
            _cumulated(
                points,
                below,
                edge,
            )
            for edge in edges
        ],
        1.0,
    ]
    digits = max(0, 2 - math.floor(math.log10(high - low)))
    inner = [f"{left:,.{digits}f} to {right:,.{digits}f}" for left, right in pairwise(edges)]
    labels = (f"below {low:,.{digits}f}", *inner, f"{high:,.{digits}f} and above")
    shares = tuple(after - before for before, after in pairwise(cumulated))
    return DisplayBins(labels, tuple(edges), shares)


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def _cumulated(
    points: Sequence[float],
    below: Sequence[float],
    value: float,
) -> float:
    """Return the share below a value, straight between the points."""
    if value <= points[0]:
        return 0.0
    for (left, before), (right, after) in pairwise(
        zip(
            points,
            below,
            strict=True,
        )
    ):
        if value < right:
            return before + (after - before) * (value - left) / (right - left)
    return 1.0


def _inverse(
    points: Sequence[float],
    below: Sequence[float],
    share: float,
) -> float:
    """Return the value below which a share lies, straight between the points."""
    # Both shares that are asked for lie between the first point's, 0, and the last one's, 1.
    place = bisect_left(below, share)
    left, right = points[place - 1], points[place]
    part = (share - below[place - 1]) / (below[place] - below[place - 1])
    return left + (right - left) * part
