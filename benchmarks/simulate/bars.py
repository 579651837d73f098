"""The questions that the document answers first: what was measured, beside the bar that it must reach."""

from __future__ import annotations

from typing import Any

import numpy as np

from benchmarks.simulate.cells import WIDTHS
from benchmarks.simulate.streams import FEATURES

Results = list[tuple[dict[str, Any], dict[str, Any]]]
TUNED_VARIANCE, TUNED_CORRELATION = 40, 42
"""Events that a CUSUM takes that knows feature, direction and size, at one false alarm per 100,000 events."""


def answers(results: Results) -> list[list[str]]:
    """Rows of question, measured, bar."""
    ours = {
        (cell["kind"], cell["size"]): result
        for cell, result in results
        if cell["task"] == "delay" and (cell["rows"], cell["batch"], cell["law"]) == (100_000, 1, "normal")
    }
    others = {(cell["kind"], cell["size"]): result["delays"] for cell, result in results if cell["task"] == "rivals"}
    shifts = [("mean", size) for size in (0.25, 0.5, 1.0)]
    ratios = ", ".join(f"{_mean(ours[each]['delays']) / _mean(ours[each]['limit']):.2f}" for each in shifts)
    together = ours["all", 1.0]
    adwin = " and ".join(f"{_mean(others[each]['ADWIN, matched']):.0f}" for each in shifts[1:])
    mine = " and ".join(f"{_mean(ours[each]['delays']):.0f}" for each in shifts[1:])
    found = {
        kind: float(np.nanmedian(ours[drift]["delays"]))
        for kind, drift in (("variance", ("variance", 1.5)), ("correlation", ("correlation", 0.6)))
    }
    return [
        *_rates(results),
        ["mean delay over the limit at .25, .5 and 1 standard deviation", ratios, "1.2, 1.2, 1.3"],
        [
            f"variance x 1.5: median over the {TUNED_VARIANCE} events of a CUSUM that knows all",
            f"{found['variance'] / TUNED_VARIANCE:.1f}",
            "2",
        ],
        [
            f"correlation 0 to .6: median over the {TUNED_CORRELATION} events of a CUSUM that knows all",
            f"{found['correlation'] / TUNED_CORRELATION:.1f}",
            "2",
        ],
        [
            "all features by 1 standard deviation: ours and the ten CUSUMs",
            f"{_mean(together['delays']):.0f} and {_mean(together['limit']):.0f} events",
            "-",
        ],
        ["ADWIN at the same false-alarm rate, .5 and 1 standard deviation", f"{adwin} events; ours {mine}", "ahead"],
    ]


def _rates(results: Results) -> list[list[str]]:
    nulls = [(cell, result) for cell, result in results if cell["task"] == "null"]
    five = [(cell, result) for cell, result in nulls if cell["columns"] == FEATURES]
    wide = [result for cell, result in nulls if cell["columns"] != FEATURES]
    plain = [_rate(result) for cell, result in five if cell["batch"] > 1 and not cell["exact"]]
    single = [_rate(result) for cell, result in five if cell["batch"] == 1]
    naive = [_rate(result) for cell, result in five if cell["exact"] and cell["rows"] <= 1000]
    real = _total([result for cell, result in results if cell["task"] == "real"])
    cycles = [_rate(result) for cell, result in results if cell["task"] == "time" and cell["remedy"] == "learned"]
    ends = [result for cell, result in results if cell["task"] == "recovery"]
    false = sum(sum(result["false"]) for result in ends)
    lasted = sum(len(result["false"]) * result["events"] for result in ends)
    return [
        ["false alarms per 10,000 events, nominal 0.1, references of 500 to 100,000 rows", _span(plain), "at most 0.1"],
        ["the same event by event", _span(single), "at most 0.1"],
        ["the same with the reference's error ignored, 500 and 1,000 rows", _span(naive), "-"],
        [f"the same with {' and '.join(map(str, list(WIDTHS)[1:]))} features", _span(map(_rate, wide)), "at most 0.1"],
        ["real rows in random order, together", _span([_rate(real)]), "at most 0.1"],
        ["autocorrelation, daily and weekly cycles, with a learned rhythm", _span(cycles), "at most 0.1"],
        ["false ends of alarms per 10,000 events of drifts that last", f"{false / lasted * 1e4:.2g}", "at most 0.1"],
    ]


def _rate(result: dict[str, Any]) -> float:
    return float(result["alarms"] / result["events"] * 1e4)


def _total(results: list[dict[str, Any]]) -> dict[str, Any]:
    return {name: sum(result[name] for result in results) for name in ("alarms", "events")}


def _span(rates: Any) -> str:
    low, high = min(found := list(rates)), max(found)
    return f"{low:.2g}" if low == high else f"{low:.2g} to {high:.2g}"


def _mean(delays: list[float]) -> float:
    return float(np.nanmean(delays))
