"""Plots as SVG that stretches, with labels as text beside it that does not."""

from __future__ import annotations

from math import exp, log
from typing import TYPE_CHECKING

import numpy as np

from drift_ml.display_bins import Limits, display_bins
from drift_ml.replay.markup import Markup, join, tag
from drift_ml.replay.texts import percent, place, subject, tick

if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_ml.baseline import Baseline
    from drift_ml.replay.evidence import Replay

WIDE, HIGH = 1000.0, 100.0
HEADROOM = 1.18
"""The bar stands at this fraction of the height; what is above is cut off."""
FEW_LABELS = 6
FEWEST_BARS = 2


def evidence_plot(replay: Replay) -> Markup:
    """Evidence over time as odds on a logarithmic axis, the bar dashed, drifts shaded from their onset."""
    needed = log(replay.budget.events)
    top = needed * HEADROOM
    first, span, timed = _axis(replay)

    def across(row: int, at_ms: int | None) -> float:
        return WIDE * ((at_ms if timed and at_ms is not None else row) - first) / span

    points = [(across(step.row, step.at_ms), _height(step.evidence, top)) for step in replay.steps]
    bands, marks = [], []
    for alarm in replay.alarms:
        left = across(alarm.since_row, alarm.since_ms)
        ended = alarm.recovered_row is not None
        right = across(alarm.recovered_row or 0, alarm.recovered_ms) if ended else WIDE
        bands.append(tag("rect", x=left, y=0, width=max(right - left, 2.0), height=HIGH, class_="band"))
        at = min(across(alarm.row, alarm.at_ms), WIDE)
        words = f"alarm: {subject(alarm.finding.channel)}, {place(alarm.row, alarm.at_ms)}"
        marks.append(_mark(at, _height(needed, top), words))
    line = " ".join(f"{x:.1f},{y:.2f}" for x, y in points)
    area = f"0,{HIGH} {line} {points[-1][0]:.1f},{HIGH}" if points else ""
    bar = _height(needed, top)
    drawing = tag(
        "svg",
        *bands,
        *(tag("line", x1=0, x2=WIDE, y1=y, y2=y, class_="grid") for _, y in _decades(needed, top)),
        tag("polygon", points=area, class_="area"),
        tag("polyline", points=line, class_="line"),
        tag("line", x1=0, x2=WIDE, y1=bar, y2=bar, class_="bar"),
        **_frame(f"Evidence over time; the alarm is raised at {replay.budget.events:,.0f} to 1"),
    )
    scale = [_label(text, y) for text, y in _decades(needed, top)]
    scale.append(_label(_short(replay.budget.events), bar, "limit"))
    return tag(
        "div",
        tag("div", *scale, class_="scale"),
        tag("div", drawing, *marks, class_="canvas tall"),
        tag("div", *_ticks(first, span, timed=timed), class_="ticks"),
        class_="plot evidence",
    )


def _axis(replay: Replay) -> tuple[float, float, bool]:
    """Where the axis begins, how long it is, and whether it is one of time."""
    steps = replay.steps
    if len(steps) > 1 and steps[0].at_ms is not None and steps[-1].at_ms is not None:
        span = steps[-1].at_ms - steps[0].at_ms
        if span > 0:
            return float(steps[0].at_ms), float(span), True
    return 0.0, float(max(replay.events, 1)), False


def _height(evidence: float, top: float) -> float:
    return HIGH * (1 - min(max(evidence, 0.0), top) / top)


def _decades(needed: float, top: float) -> list[tuple[str, float]]:
    """Powers of ten below the bar, at most four, with their heights."""
    count = int(needed / log(10) - 0.3)
    every = count // 4 + 1
    return [(_short(10.0**power), _height(power * log(10), top)) for power in range(0, count + 1, every)]


def _short(number: float) -> str:
    """A number in a few letters.

    >>> _short(1.0), _short(100_000.0), _short(2_500_000.0)
    ('1', '100k', '2.5M')
    """
    for unit, name in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if number >= unit:
            return f"{number / unit:.3g}{name}"
    return f"{number:.3g}"


def _label(text: str, y: float, kind: str | None = None) -> Markup:
    return tag("span", text, style=f"top:{y:.2f}%", class_=kind)


def _mark(x: float, y: float, words: str) -> Markup:
    return tag("i", class_="mark", style=f"left:{x / WIDE:.2%};top:{y:.2f}%", title=words)


def _ticks(first: float, span: float, *, timed: bool) -> list[Markup]:
    parts = [0.0, 0.25, 0.5, 0.75, 1.0]
    texts = [tick(int(first + span * part), int(span)) if timed else f"{span * part:,.0f}" for part in parts]
    return [tag("span", text) for text in texts]


def distribution_plot(baseline: Baseline, channel: Mapping[str, Any]) -> Markup:
    """A feature's window (filled) over its baseline (outlined), on the axis of its values."""
    labels, before, now = shares(baseline, channel)
    most = max([*before, *now, 1e-9])
    width = WIDE / len(labels)
    bars = []
    for index, (label, old, new) in enumerate(zip(labels, before, now, strict=True)):
        words = f"{label}: window {percent(new)}, baseline {percent(old)}"
        bars.append(
            tag(
                "g",
                tag("title", words),
                _bar(index * width + width * 0.04, width * 0.92, old / most, "before"),
                _bar(index * width + width * 0.24, width * 0.52, new / most, "now"),
            )
        )
    told = labels if len(labels) <= FEW_LABELS else [labels[0], labels[len(labels) // 2], labels[-1]]
    ends = "ends few" if len(labels) <= FEW_LABELS else "ends"
    return join(
        tag("div", tag("svg", *bars, **_frame(str(channel["words"]))), class_="canvas"),
        tag("div", *(tag("span", label) for label in told), class_=ends),
    )


def shares(baseline: Baseline, channel: Mapping[str, Any]) -> tuple[list[str], list[float], list[float]]:
    """Labels, shares of the baseline and of the window, in bins made for the eye.

    channel: of a window report. Empty ends are left out.
    """
    frozen = baseline.channel(channel["name"])
    document = frozen.to_json()
    summary = baseline.features.get(frozen.name, baseline.prediction)
    limits = Limits(min=summary.min, max=summary.max) if summary else Limits(min=None, max=None)
    bins = display_bins(document, limits)
    if frozen.kind == "quantiles" and summary is not None:
        points = np.array([summary.min, *frozen.edges, summary.max], dtype=np.float64)
        below = np.concatenate([[0.0], np.cumsum(channel["window"])])
        cumulated = [0.0, *np.interp(bins.edges, points, below).tolist(), float(below[-1])]
        window = np.diff(cumulated).tolist()
    else:
        window = list(display_bins({**document, "counts": channel["window"]}, limits).shares)
    rows = list(zip(bins.labels, bins.shares, window, strict=True))
    while len(rows) > FEWEST_BARS and not (rows[0][1] or rows[0][2]):
        rows.pop(0)
    while len(rows) > FEWEST_BARS and not (rows[-1][1] or rows[-1][2]):
        rows.pop()
    return [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]


def _bar(x: float, width: float, height: float, kind: str) -> Markup:
    tall = HIGH * 0.96 * height
    return tag("rect", x=x, y=HIGH - tall, width=width, height=tall, class_=kind)


def interval_plot(low: float, high: float, value: float, reach: float) -> Markup:
    """A mean shift with its interval on a line around zero; reach: standard deviations to either side."""
    spots = [WIDE * (max(min(each, reach), -reach) + reach) / (2 * reach) for each in (low, high, value)]
    return tag(
        "svg",
        tag("line", x1=WIDE / 2, x2=WIDE / 2, y1=0, y2=HIGH, class_="zero"),
        tag("line", x1=spots[0], x2=max(spots[1], spots[0] + 6), y1=HIGH / 2, y2=HIGH / 2, class_="whisker"),
        tag("line", x1=spots[2], x2=spots[2], y1=HIGH * 0.2, y2=HIGH * 0.8, class_="point"),
        **_frame("", "interval"),
    )


def _frame(words: str, kind: str | None = None) -> dict[str, Any]:
    frame: dict[str, Any] = {"viewBox": f"0 0 {WIDE:.0f} {HIGH:.0f}", "preserveAspectRatio": "none", "class_": kind}
    return frame | ({"role": "img", "aria_label": words} if words else {"aria_hidden": "true"})


def odds(evidence: float) -> str:
    """Evidence in nats as odds.

    >>> odds(0.0), odds(11.6), odds(200.0)
    ('1 : 1', '109,098 : 1', 'over 1e+09 : 1')
    """
    return f"{exp(evidence):,.0f} : 1" if evidence < log(1e9) else "over 1e+09 : 1"
