"""The mix of a classifier's labels, as pages draw it: over time, and beside the held-out rows'."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.baseline import Baseline, Channel

#: Classes that are drawn one by one; of more, the others are drawn together.
DRAWN = 6


@dataclass(frozen=True)
class ClassMix:
    """Shares of the classes that are drawn; of many the largest, and the others together."""

    #: In the model's order.
    names: tuple[str, ...]
    #: Share of each among the held-out answers; zeros where no row was held out.
    baseline: tuple[float, ...]
    #: Share of each over all buckets; zeros without an answer.
    live: tuple[float, ...]
    #: Answers in all buckets.
    events: int
    #: Per bucket the share of each, None without an answer.
    course: tuple[tuple[float, ...] | None, ...]


@dataclass(frozen=True)
class _Group:
    """What is drawn as one: a class, or the small ones."""

    name: str
    #: Of its classes.
    places: tuple[int, ...]


def label_channel(baseline: Baseline) -> Channel | None:
    """Return the channel of a classifier's labels, None where no label is counted."""
    for channel in baseline.channels:
        if channel.answer == "label":
            return channel
    return None


def class_mix(channel: Channel, buckets: Sequence[Sequence[int]]) -> ClassMix:
    """Return the mix of labels in buckets of time.

    Args:
        channel: of labels, as `label_channel` returns it.
        buckets: answers by class, each of shape (classes,).

    >>> from drift_ml.baseline import Channel
    >>> labels = Channel("label", "categories", ("prediction",), (6, 2), categories=("no", "yes"))
    >>> mix = class_mix(labels, [[3, 1], [0, 0]])
    >>> mix.baseline, mix.live, mix.course
    ((0.75, 0.25), (0.75, 0.25), ((0.75, 0.25), None))
    """
    total = [0] * len(channel.counts)
    for counts in buckets:
        total = [before + more for before, more in zip(total, counts, strict=True)]
    groups = _groups(channel, total)
    nothing = (0.0,) * len(groups)
    return ClassMix(
        names=tuple(group.name for group in groups),
        baseline=_shares(channel.counts, groups) or nothing,
        live=_shares(total, groups) or nothing,
        events=sum(total),
        course=tuple(_shares(counts, groups) for counts in buckets),
    )


def _groups(channel: Channel, total: Sequence[int]) -> list[_Group]:
    labels = channel.labels
    places = range(len(labels))
    # Others that are one class would say less than its name.
    if len(labels) <= DRAWN + 1:
        return [_Group(labels[place], (place,)) for place in places]
    before, now = max(sum(channel.counts), 1), max(sum(total), 1)

    def largest_share(place: int) -> float:
        return max(channel.counts[place] / before, total[place] / now)

    drawn = sorted(sorted(places, key=largest_share, reverse=True)[:DRAWN])
    others = tuple(place for place in places if place not in drawn)
    groups = [_Group(labels[place], (place,)) for place in drawn]
    return [*groups, _Group(f"{len(others)} other classes", others)]


def _shares(
    counts: Sequence[int],
    groups: Sequence[_Group],
) -> tuple[float, ...] | None:
    """Return the share of each group, None without events."""
    events = sum(counts)
    if not events:
        return None
    return tuple(sum(map(counts.__getitem__, group.places)) / events for group in groups)
