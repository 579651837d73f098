"""Results to plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np

from benchmarks.simulate.cells import OF_WIDTHS, WIDTHS
from benchmarks.simulate.streams import FEATURES
from benchmarks.simulate.tables import TRAFFIC, delays_of, rate

if TYPE_CHECKING:
    from pathlib import Path

    from benchmarks.simulate.bars import Results

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "evidence", "svg.fonttype": "none"})

import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first


def plot(results: Results, folder: Path) -> None:
    """False alarms and delays by size of the reference, false alarms under time structure, delays by features."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, ((top_left, top_right), (low_left, low_right)) = plt.subplots(2, 2, figsize=(9, 6.8), layout="constrained")
    _plot_nulls(top_left, results)
    top_right.set(xscale="log", yscale="log", xlabel="reference rows", ylabel="mean delay, events", title="delay")
    for kind, size in (("mean", 0.25), ("mean", 0.5), ("mean", 1.0), ("variance", 1.5), ("correlation", 0.6)):
        found = {rows: delays_of(results, 1, rows)[kind, size]["delays"] for rows in (1000, 10_000, 100_000)}
        _bars(top_right, found, f"{kind} {size:g}")
    _plot_times(low_left, results)
    low_right.set(xscale="log", xlabel="features", ylabel="mean delay, events", title="delay of one feature's shift")
    for kind, size, _ in OF_WIDTHS:
        found = {
            c["columns"]: r["delays"]
            for c, r in results
            if c["task"] == "delay" and (c["kind"], c["size"], c["law"], c["batch"]) == (kind, size, "normal", 20)
        }
        _bars(low_right, dict(sorted(found.items())), f"{kind} {size:g}")
    top_right.set_ylim(10, 1500)
    top_right.set_yticks([10, 30, 100, 300, 1000], ["10", "30", "100", "300", "1,000"])
    low_right.set_ylim(bottom=0)
    low_right.set_xticks(list(WIDTHS), [str(columns) for columns in WIDTHS])
    for axes in (top_left, low_left, low_right):
        axes.legend(fontsize=7)
    top_right.legend(fontsize=7, ncols=3, loc="upper center")
    figure.savefig(folder / "rates.svg", metadata={"Date": None})
    plt.close(figure)


def _bars(axes: Any, found: dict[int, list[float]], label: str) -> None:
    """Mean delays with 95 % intervals."""
    seen = [np.array(values)[~np.isnan(values)] for values in found.values()]
    halves = [1.96 * each.std(ddof=1) / np.sqrt(len(each)) for each in seen]
    axes.errorbar(list(found), [each.mean() for each in seen], yerr=halves, fmt="o-", capsize=3, label=label)


def _plot_nulls(axes: Any, results: Results) -> None:
    found = [(c, r) for c, r in results if c["task"] == "null" and (c["batch"], c["columns"]) == (20, FEATURES)]
    for law, exact in sorted({(c["law"], c["exact"]) for c, _ in found}):
        hit = sorted((c["rows"], *rate(r)) for c, r in found if (c["law"], c["exact"]) == (law, exact))
        sizes, rates, low, high = np.array(hit).T
        label = law + (", error ignored" if exact else "")
        axes.errorbar(
            sizes, rates, yerr=[rates - low, high - rates], fmt="x--" if exact else "o-", capsize=2, label=label
        )
    axes.axhline(0.1, color="black", lw=0.8)
    axes.set(xscale="log", xlabel="reference rows", ylabel="false alarms per 10,000 events", title="nominal: 0.1")
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_ylim(bottom=0)


def _plot_times(axes: Any, results: Results) -> None:
    found = {(c["structure"], c["remedy"]): rate(r) for c, r in results if c["task"] == "time"}
    for shift, remedy in ((-0.1, "none"), (0.1, "learned")):
        rates, low, high = np.array([found[structure, remedy] for structure in TRAFFIC]).T
        label = {"none": "without a rhythm", "learned": "with a learned rhythm"}[remedy]
        places = np.arange(len(TRAFFIC)) + shift
        axes.errorbar(places, rates, yerr=[rates - low, high - rates], fmt="o", capsize=3, label=label)
    axes.axhline(0.1, color="black", lw=0.8)
    axes.set_yscale("symlog", linthresh=0.01)
    axes.set_ylim(0, 100)
    axes.set(ylabel="false alarms per 10,000 events", title="time structure")
    axes.set_xticks(range(len(TRAFFIC)), ["autocorrelation", "daily cycle", "weekly cycle"])
