"""The mix of a classifier's labels over time, from the windows of the span shown."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drift_ml.baseline import Baseline, Channel
    from drift_ml.window import Window

    from drift_console.frame import Frame
    from drift_console.page_types import ClassMix

#: Classes that are drawn one by one; the others are drawn together.
DRAWN = 6


def label_channel(baseline: Baseline) -> Channel | None:
    """Return the channel of a classifier's labels, None for a regressor."""
    for channel in baseline.channels:
        if channel.answer == "label":
            return channel
    return None


def class_mix(
    baseline: Baseline,
    windows: Iterable[tuple[int, Window]],
    frame: Frame,
) -> ClassMix | None:
    """Return the share of each class in the baseline, over the span and bucket by bucket.

    Args:
        baseline: Of the model; None is returned where it has no labels.
        windows: The epoch seconds at which each begins, and the window.
        frame: The span shown. A window that is longer than a bucket counts where it begins.
    """
    channel = label_channel(baseline)
    if channel is None:
        return None
    buckets = [[0] * len(channel.counts) for _ in range(frame.count)]
    total = [0] * len(channel.counts)
    for start, window in windows:
        index = frame.index_of(start)
        counts = window.channel_counts()[channel.name]
        total = _sum(total, counts)
        if index is not None:
            buckets[index] = _sum(buckets[index], counts)
    groups = _groups(channel, total)
    course = [_shares(bucket, groups) for bucket in buckets]
    return {
        "names": [name for name, _ in groups],
        "baseline": _shares(channel.counts, groups) or [0.0] * len(groups),
        "live": _shares(total, groups) or [0.0] * len(groups),
        "count": sum(total),
        "times": frame.times,
        "course": [_column(course, place) for place in range(len(groups))],
    }


def _sum(counts: Sequence[int], more: Sequence[int]) -> list[int]:
    return [before + further for before, further in zip(counts, more, strict=True)]


def _groups(channel: Channel, total: Sequence[int]) -> list[tuple[str, list[int]]]:
    """Return what is drawn: a name and the places of its classes, in the model's order."""
    labels = channel.labels
    places = range(len(labels))
    if len(labels) <= DRAWN + 1:
        return [(labels[place], [place]) for place in places]
    before, now = max(sum(channel.counts), 1), max(sum(total), 1)

    def largest_share(place: int) -> float:
        return max(channel.counts[place] / before, total[place] / now)

    drawn = sorted(sorted(places, key=largest_share, reverse=True)[:DRAWN])
    others = [place for place in places if place not in drawn]
    groups = [(labels[place], [place]) for place in drawn]
    return [*groups, (f"{len(others)} other classes", others)]


def _shares(
    counts: Sequence[int],
    groups: Sequence[tuple[str, list[int]]],
) -> list[float] | None:
    """Return the share of each group, None without events."""
    events = sum(counts)
    if not events:
        return None
    shares = []
    for _, places in groups:
        shares.append(sum([counts[place] for place in places]) / events)
    return shares


def _column(course: Sequence[list[float] | None], place: int) -> list[float | None]:
    return [None if shares is None else shares[place] for shares in course]
