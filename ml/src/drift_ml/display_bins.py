"""Bins to draw a feature in, derived from the baseline's frozen channel, and shares of both sides in them."""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

INNER_BINS = 22  # and one at each end for what lies outside
_TAIL = 0.005  # share of the baseline that an end bin holds where the values are continuous


@dataclass(frozen=True)
class Bins:
    """labels and shares: one per bin, k of each; edges: the k - 1 borders between them, ascending."""

    labels: tuple[str, ...]
    edges: tuple[float, ...]
    shares: tuple[float, ...]

    def to_json(self) -> list[dict[str, Any]]:
        """Label, borders (null where open) and the baseline's share of each bin."""
        lows: list[float | None] = [None, *self.edges]
        highs: list[float | None] = [*self.edges, None]
        return [
            {"label": label, "low": low, "high": high, "share": share}
            for label, low, high, share in zip(self.labels, lows, highs, self.shares, strict=True)
        ]


def display_bins(channel: Mapping[str, Any], summary: Mapping[str, Any]) -> Bins:
    """Bins for one feature.

    channel: of kind `quantiles` (`edges`), `values` or `categories`, with `counts`. summary: the feature's
    `min` and `max`. Few values become a bin each, many are put together, and what is continuous is cut into
    equal widths, the baseline's shares read off its distribution function (straight between frozen edges).
    """
    counts = channel["counts"]
    if channel["kind"] == "categories":
        return _categories(channel["categories"], counts)
    if channel["kind"] == "values":
        listed = channel["values"]
        return _values(listed, counts) if len(listed) <= INNER_BINS else _ranges(listed, counts)
    return _equal_widths([summary["min"], *channel["edges"], summary["max"]], counts)


def _values(values: Sequence[float], counts: Sequence[int]) -> Bins:
    borders = [(low + high) / 2 for low, high in pairwise(values)]
    half = min((high - low for low, high in pairwise(values)), default=1) / 2
    edges = (values[0] - half, *borders, values[-1] + half)
    labels = (f"below {values[0]:g}", *(f"{value:g}" for value in values), f"above {values[-1]:g}")
    return Bins(labels, edges, (0.0, *_shares(counts), 0.0))


def _ranges(values: Sequence[float], counts: Sequence[int]) -> Bins:
    """Many listed values, as many of them to a bin as it takes; whole numbers stay whole."""
    whole = all(value == int(value) for value in values)
    span = values[-1] - values[0]
    width = math.ceil((span + 1) / INNER_BINS) if whole else span / INNER_BINS * (1 + 1e-9)
    first = values[0] - whole / 2
    bins = math.ceil((span + 1) / width) if whole else INNER_BINS
    edges = [first + width * index for index in range(bins + 1)]
    shares = [0.0] * (len(edges) + 1)
    for value, share in zip(values, _shares(counts), strict=True):
        shares[bisect_right(edges, value)] += share
    shown = [(low + whole / 2, high - whole / 2) for low, high in pairwise(edges)]
    inner = (f"{low:g} to {high:g}" if low != high else f"{low:g}" for low, high in shown)
    return Bins((f"below {shown[0][0]:g}", *inner, f"above {shown[-1][1]:g}"), tuple(edges), tuple(shares))


def _categories(names: Sequence[Any], counts: Sequence[int]) -> Bins:
    """A category's value is its index, so that borders lie half way; what is new comes last."""
    if all(isinstance(name, bool) for name in names):
        return Bins(("false", "true"), (0.5,), tuple(_shares(counts)))
    edges = tuple(index + 0.5 for index in range(len(names)))
    return Bins((*map(str, names), "other"), edges, (*_shares(counts), 0.0))


def _equal_widths(points: Sequence[float], counts: Sequence[int]) -> Bins:
    """points: the least value, the inner edges and the greatest, one more than counts."""
    below = [0.0, *accumulate(_shares(counts))]
    low, high = _inverse(points, below, _TAIL), _inverse(points, below, 1 - _TAIL)
    if not low < high:
        half = abs(low) / 2 or 0.5
        low, high = low - half, low + half
    edges = [low + (high - low) * index / INNER_BINS for index in range(INNER_BINS + 1)]
    cumulated = [0.0, *(_cumulated(points, below, edge) for edge in edges), 1.0]
    digits = max(0, 2 - math.floor(math.log10(high - low)))
    inner = (f"{left:,.{digits}f} to {right:,.{digits}f}" for left, right in pairwise(edges))
    labels = (f"below {low:,.{digits}f}", *inner, f"{high:,.{digits}f} and above")
    return Bins(labels, tuple(edges), tuple(after - before for before, after in pairwise(cumulated)))


def _shares(counts: Sequence[int]) -> list[float]:
    total = sum(counts) or 1
    return [count / total for count in counts]


def _cumulated(points: Sequence[float], below: Sequence[float], at: float) -> float:
    if at <= points[0]:
        return 0.0
    for (left, before), (right, after) in pairwise(zip(points, below, strict=True)):
        if at < right:
            return before + (after - before) * (at - left) / (right - left)
    return 1.0


def _inverse(points: Sequence[float], below: Sequence[float], share: float) -> float:
    for (left, before), (right, after) in pairwise(zip(points, below, strict=True)):
        if share <= after:
            return left + (right - left) * ((share - before) / (after - before) if after > before else 0.0)
    return points[-1]
