"""The mix of a classifier's labels over the span shown, from its windows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.class_mix import class_mix, label_channel

if TYPE_CHECKING:
    from collections.abc import Iterable

    from drift_ml.baseline import Baseline
    from drift_ml.window import Window

    from drift_console.frame import Frame
    from drift_console.page_types import ClassMixEntry


def class_mix_entry(
    baseline: Baseline,
    windows: Iterable[tuple[int, Window]],
    frame: Frame,
) -> ClassMixEntry | None:
    """Return the share of each class, in the baseline, over the span and bucket by bucket.

    Args:
        baseline: Of the model; None is returned where it has no labels.
        windows: The epoch seconds at which each begins, and the window.
        frame: The span shown. A window that is longer than a bucket counts where it begins.
    """
    channel = label_channel(baseline)
    if channel is None:
        return None
    buckets = [[0] * len(channel.counts) for _ in range(frame.count)]
    for start, window in windows:
        index = frame.index_of(start)
        if index is None:
            continue
        counts = window.channel_counts()[channel.name]
        buckets[index] = [
            before + more for before, more in zip(buckets[index], counts, strict=True)
        ]
    mix = class_mix(channel, buckets)
    course: list[list[float | None]] = [[] for _ in mix.names]
    for shares in mix.course:
        for place, column in enumerate(course):
            column.append(None if shares is None else shares[place])
    return {
        "names": list(mix.names),
        "baseline": list(mix.baseline),
        "live": list(mix.live),
        "count": mix.events,
        "times": frame.times,
        "course": course,
    }
