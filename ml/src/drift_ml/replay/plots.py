"""What the report draws, as numbers: `templates/parts.html` makes SVG of them that stretches.

Drawings are 1,000 wide and 100 high; y grows downwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log
from typing import TYPE_CHECKING, cast

import numpy as np

from drift_ml.display_bins import Limits, display_bins
from drift_ml.replay.texts import events, percent, place, subject, tick

if TYPE_CHECKING:
    from drift_contracts.types import (
        BaselineV1Channel,
        WindowReportV1Channel,
        WindowReportV1ChannelMean,
    )

    from drift_ml.baseline import Baseline
    from drift_ml.replay.evidence import Alarm, Replay

WIDE, HIGH = 1000.0, 100.0
#: The axis of evidence ends at the threshold times this; what is above is cut off.
HEADROOM = 1.18
#: From here on evidence is shown as "over".
MOST_ODDS = 1e9
FEW_LABELS = 6
FEWEST_BARS = 2
MOST_DECADES = 4
#: A drift of one window must still be seen.
LEAST_BAND = 2.0
LEAST_WHISKER = 6.0
#: Of the height of a drawing, that the highest bar takes.
TALLEST = 0.96


@dataclass(frozen=True)
class Label:
    """A text at a height, in per cent from the top."""

    text: str
    y: float


@dataclass(frozen=True)
class Band:
    """A drift, from its onset to its end."""

    left: float
    width: float


@dataclass(frozen=True)
class Mark:
    """The place of an alarm, in per cent from the left."""

    left: float
    words: str


@dataclass(frozen=True)
class EvidencePlot:
    """Evidence over time as odds on a logarithmic axis, drifts shaded from their onset."""

    words: str
    scale: tuple[Label, ...]
    threshold: Label
    bands: tuple[Band, ...]
    marks: tuple[Mark, ...]
    #: Points of SVG.
    line: str
    area: str
    ticks: tuple[str, ...]


@dataclass(frozen=True)
class Rectangle:
    """A rectangle that stands on the lower edge."""

    x: float
    width: float
    height: float

    @property
    def y(self) -> float:
        """Return the upper edge."""
        return HIGH - self.height


@dataclass(frozen=True)
class Bar:
    """One bin: the baseline's share and the window's."""

    words: str
    before: Rectangle
    now: Rectangle


@dataclass(frozen=True)
class DistributionPlot:
    """A feature's window over its baseline, on the axis of its values."""

    words: str
    bars: tuple[Bar, ...]
    #: Labels under the axis: one per bin where there are `few`, else its ends and middle.
    ends: tuple[str, ...]
    few: bool


@dataclass(frozen=True)
class Interval:
    """A mean shift with its interval on a line around zero, which is in the middle."""

    low: float
    high: float
    value: float


@dataclass(frozen=True)
class _Axis:
    """The axis of evidence: of time in milliseconds, or of rows where there are no times."""

    first: float
    span: float
    timed: bool

    def across(
        self,
        row: int,
        timestamp_ms: int | None,
    ) -> float:
        """Return how far to the right a row is."""
        position = float(row)
        if self.timed and timestamp_ms is not None:
            position = float(timestamp_ms)
        return WIDE * (position - self.first) / self.span

    def ticks(self) -> tuple[str, ...]:
        """Return five labels, evenly spaced."""
        parts = (0.0, 0.25, 0.5, 0.75, 1.0)
        if not self.timed:
            return tuple(events(self.span * part) for part in parts)
        span_ms = int(self.span)
        return tuple(tick(int(self.first + self.span * part), span_ms) for part in parts)


def evidence_plot(replay: Replay) -> EvidencePlot:
    """Return the evidence over time, the threshold, the drifts and the alarms."""
    needed = log(replay.budget.events)
    top = needed * HEADROOM
    axis = _axis(replay)
    points = []
    for step in replay.steps:
        x, y = axis.across(step.row, step.at_ms), _height(step.evidence, top)
        points.append(f"{x:.1f},{y:.2f}")
    line = " ".join(points)
    area = ""
    if points:
        # Closed along the lower edge.
        right = points[-1].partition(",")[0]
        area = f"0,{HIGH} {line} {right},{HIGH}"
    threshold = events(replay.budget.events)
    return EvidencePlot(
        words=f"Evidence over time; the alarm is raised at {threshold} to 1",
        scale=_decades(needed, top),
        threshold=Label(_short(replay.budget.events), _height(needed, top)),
        bands=tuple(_band(alarm, axis) for alarm in replay.alarms),
        marks=tuple(_mark(alarm, axis) for alarm in replay.alarms),
        line=line,
        area=area,
        ticks=axis.ticks(),
    )


def _axis(replay: Replay) -> _Axis:
    steps = replay.steps
    first = steps[0].at_ms if steps else None
    last = steps[-1].at_ms if steps else None
    if first is not None and last is not None and last > first:
        return _Axis(float(first), float(last - first), timed=True)
    return _Axis(0.0, float(max(replay.events, 1)), timed=False)


def _band(
    alarm: Alarm,
    axis: _Axis,
) -> Band:
    left = axis.across(alarm.since_row, alarm.since_ms)
    right = WIDE
    if alarm.recovered_row is not None:
        right = axis.across(alarm.recovered_row, alarm.recovered_ms)
    return Band(left, max(right - left, LEAST_BAND))


def _mark(
    alarm: Alarm,
    axis: _Axis,
) -> Mark:
    x = min(axis.across(alarm.row, alarm.at_ms), WIDE)
    where = place(alarm.row, alarm.at_ms)
    return Mark(100 * x / WIDE, f"alarm: {subject(alarm.finding.channel)}, {where}")


def _height(
    evidence: float,
    top: float,
) -> float:
    return HIGH * (1 - min(max(evidence, 0.0), top) / top)


def _decades(
    needed: float,
    top: float,
) -> tuple[Label, ...]:
    """Return powers of ten below the threshold, at most four after the first."""
    # A label just below the threshold's would overlap it.
    count = int(needed / log(10) - 0.3)
    every = count // MOST_DECADES + 1
    return tuple(
        Label(_short(10.0**power), _height(power * log(10), top))
        for power in range(0, count + 1, every)
    )


def _short(value: float) -> str:
    """Return a number in a few letters.

    >>> _short(1.0), _short(100_000.0), _short(2_500_000.0)
    ('1', '100k', '2.5M')
    """
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if value >= unit:
            return f"{value / unit:.3g}{name}"
    return f"{value:.3g}"


def distribution_plot(
    baseline: Baseline,
    channel: WindowReportV1Channel,
) -> DistributionPlot:
    """Return a feature's window (filled) over its baseline (outlined)."""
    labels, before, now = shares(baseline, channel)
    highest = max([*before, *now, 1e-9])
    width = WIDE / len(labels)
    bars = []
    for index, (label, old, new) in enumerate(zip(labels, before, now, strict=True)):
        left = index * width
        scale = HIGH * TALLEST / highest
        bars.append(
            Bar(
                f"{label}: window {percent(new)}, baseline {percent(old)}",
                # The window's bar is narrower, so that both are seen.
                Rectangle(left + width * 0.04, width * 0.92, old * scale),
                Rectangle(left + width * 0.24, width * 0.52, new * scale),
            )
        )
    few = len(labels) <= FEW_LABELS
    ends = labels if few else [labels[0], labels[len(labels) // 2], labels[-1]]
    return DistributionPlot(channel["words"], tuple(bars), tuple(ends), few)


def shares(
    baseline: Baseline, channel: WindowReportV1Channel
) -> tuple[list[str], list[float], list[float]]:
    """Return labels and shares of baseline and window, in bins made for the eye.

    Args:
        baseline: Of the report.
        channel: Of the report, with its window counts.

    Returns:
        Three lists, one entry per bin; empty ends are left out.
    """
    frozen = baseline.channel(channel["name"])
    document = frozen.to_json()
    summary = baseline.summary_of(frozen)
    low = None if summary is None else summary.min
    high = None if summary is None else summary.max
    limits = Limits(min=low, max=high)
    bins = display_bins(document, limits)
    if frozen.kind == "quantiles" and summary is not None:
        # Between frozen edges the distribution function is straight.
        points = np.array([summary.min, *frozen.edges, summary.max], dtype=np.float64)
        below = np.concatenate([[0.0], np.cumsum(channel["window"])])
        inner = np.interp(bins.edges, points, below).tolist()
        window = np.diff([0.0, *inner, float(below[-1])]).tolist()
    else:
        # Shares are as good as counts: they are divided by their sum.
        in_window = cast("BaselineV1Channel", {**document, "counts": channel["window"]})
        window = list(display_bins(in_window, limits).shares)
    rows = list(zip(bins.labels, bins.shares, window, strict=True))
    while len(rows) > FEWEST_BARS and not any(rows[0][1:]):
        rows.pop(0)
    while len(rows) > FEWEST_BARS and not any(rows[-1][1:]):
        rows.pop()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def interval_plot(
    mean: WindowReportV1ChannelMean,
    reach: float,
) -> Interval:
    """Return a mean shift on its line.

    Args:
        mean: The shift and its interval, in standard deviations.
        reach: Standard deviations to either side that the line shows.
    """
    low, high = _across(mean["low"], reach), _across(mean["high"], reach)
    return Interval(low, max(high, low + LEAST_WHISKER), _across(mean["shift"], reach))


def _across(
    shift: float | None,
    reach: float,
) -> float:
    held = max(min(shift or 0.0, reach), -reach)
    return WIDE * (held + reach) / (2 * reach)


def odds(evidence: float) -> str:
    """Return evidence in nats as odds.

    >>> odds(0.0), odds(11.6), odds(200.0)
    ('1 : 1', '109,098 : 1', 'over 1e+09 : 1')
    """
    if evidence >= log(MOST_ODDS):
        return f"over {MOST_ODDS:.0e} : 1"
    return f"{events(exp(evidence))} : 1"
