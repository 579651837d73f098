"""What the report draws of a classifier: its classes over time, its calibration.

As in `plots`, drawings are 1,000 wide and 100 high, and y grows downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_ml.class_mix import class_mix, label_channel
from drift_ml.replay.plots import HIGH, WIDE
from drift_ml.replay.texts import events, percent, tick, time_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_ml.baseline import Baseline, CalibrationBin
    from drift_ml.class_mix import ClassMix
    from drift_ml.window import Window

#: Columns of a drawing at most; neighbouring windows are put together.
MOST_COLUMNS = 100
#: The part of its place that a column takes.
FILLED = 0.9
#: A bin of few rows must still have a whisker.
LEAST_WHISKER = 1.0


@dataclass(frozen=True)
class ClassShare:
    """One class: its colour's number, and its share before and now."""

    name: str
    hue: int
    before: str
    now: str


@dataclass(frozen=True)
class Block:
    """The share of one class in some windows."""

    hue: int
    x: float
    y: float
    width: float
    height: float
    words: str


@dataclass(frozen=True)
class MixPlot:
    """Classes over time as stacked columns, the first class below."""

    words: str
    classes: tuple[ClassShare, ...]
    blocks: tuple[Block, ...]
    #: Where the columns begin and end: times, or rows where there are none.
    ticks: tuple[str, ...]


@dataclass(frozen=True)
class CalibrationPoint:
    """One bin: predicted to the right, observed upwards, with its interval."""

    x: float
    y: float
    low: float
    high: float
    words: str


@dataclass(frozen=True)
class CalibrationPlot:
    """Predicted against observed on held-out rows; on the diagonal they are equal."""

    words: str
    points: tuple[CalibrationPoint, ...]
    #: Of the line through the points, as SVG has them.
    line: str


def mix_plot(
    baseline: Baseline,
    windows: Sequence[Window],
) -> MixPlot | None:
    """Return the classes over time, None where no label was counted.

    Args:
        baseline: That the windows were counted against.
        windows: In the order of time.
    """
    channel = label_channel(baseline)
    if channel is None:
        return None
    size = -(-len(windows) // MOST_COLUMNS)
    groups = [windows[start : start + size] for start in range(0, len(windows), max(size, 1))]
    buckets = []
    for group in groups:
        counted = [window.channel_counts()[channel.name] for window in group]
        buckets.append([sum(counts) for counts in zip(*counted, strict=True)])
    mix = class_mix(channel, buckets)
    if not mix.events:
        return None
    shares = []
    for hue, name in enumerate(mix.names):
        before, now = percent(mix.baseline[hue]), percent(mix.live[hue])
        shares.append(ClassShare(name, hue, before, now))
    words = ", ".join(f"{share.name} {share.now}" for share in shares)
    return MixPlot(
        words=f"Classes over time; in all {words}",
        classes=tuple(shares),
        blocks=tuple(_blocks(mix, [_when(group) for group in groups])),
        ticks=_ticks(windows),
    )


def _blocks(
    mix: ClassMix,
    when: Sequence[str],
) -> list[Block]:
    width = WIDE / len(mix.course)
    blocks = []
    for place, shares in enumerate(mix.course):
        below = 0.0
        for hue, share in enumerate(shares or ()):
            below += share
            if share:
                blocks.append(
                    Block(
                        hue=hue,
                        x=place * width + width * (1 - FILLED) / 2,
                        y=HIGH * (1 - below),
                        width=width * FILLED,
                        height=HIGH * share,
                        words=f"{when[place]}{mix.names[hue]} {percent(share)}",
                    )
                )
    return blocks


def _when(windows: Sequence[Window]) -> str:
    first_ms = windows[0].first_ms
    return "" if first_ms is None else f"{time_text(first_ms)}: "


def _ticks(windows: Sequence[Window]) -> tuple[str, ...]:
    first_ms, last_ms = windows[0].first_ms, windows[-1].last_ms
    if first_ms is None or last_ms is None:
        rows = sum(window.events for window in windows)
        return ("0", events(rows))
    return (tick(first_ms, last_ms - first_ms), tick(last_ms, last_ms - first_ms))


def calibration_plot(bins: Sequence[CalibrationBin]) -> CalibrationPlot | None:
    """Return the calibration curve, None where nobody measured it."""
    if not bins:
        return None
    points = []
    for filled in bins:
        low, high = HIGH * (1 - filled.observed_low), HIGH * (1 - filled.observed_high)
        between = f"{percent(filled.observed_low)} to {percent(filled.observed_high)}"
        words = f"predicted {percent(filled.predicted)}, observed {percent(filled.observed)}"
        points.append(
            CalibrationPoint(
                x=WIDE * filled.predicted,
                y=HIGH * (1 - filled.observed),
                low=max(low, high + LEAST_WHISKER),
                high=high,
                words=f"{words} ({between}) over {events(filled.count)} rows",
            )
        )
    line = " ".join(f"{point.x:.1f},{point.y:.2f}" for point in points)
    rows = events(sum(filled.count for filled in bins))
    return CalibrationPlot(f"Calibration over {rows} held-out rows", tuple(points), line)
