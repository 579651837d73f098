"""Results to tables and plots."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
from scipy.stats import chi2

if TYPE_CHECKING:
    from pathlib import Path

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "evidence", "svg.fonttype": "none"})

import matplotlib.pyplot as plt  # noqa: E402 - the backend is chosen first

from benchmarks.simulate.bars import Results, answers  # noqa: E402 - as above
from benchmarks.simulate.cells import (  # noqa: E402 - as above
    DRIFTS,
    LASTING,
    OF_CATEGORIES,
    OF_LAWS,
    OF_WIDTHS,
    TUNED,
    WIDTHS,
)
from benchmarks.simulate.rivals import rivals  # noqa: E402 - as above
from benchmarks.simulate.streams import FEATURES, LAWS  # noqa: E402 - as above

BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
TRAFFIC = {
    "ar": "autocorrelation .3",
    "daily": "daily cycle of .4 sd, 24 strata",
    "weekly": "weekly cycle of .4 sd, 168 strata",
}
OURS = "mixture (ours), nominal budget"


def rate(result: dict[str, Any]) -> tuple[float, float, float]:
    """Alarms per 10,000 events, and the ends of a 95 % Poisson interval."""
    count, per = result["alarms"], 10_000 / result["events"]
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    return count * per, low * per, chi2.ppf(0.975, 2 * count + 2) / 2 * per


def interval(count: int, events: int) -> str:
    """The same as text."""
    value, low, high = rate({"alarms": count, "events": events})
    return f"{value:.3g} ({low:.2g} to {high:.2g})"


def delay(found: list[float]) -> str:
    """Mean delay with a 95 % interval; what was never found is said, and not in the mean."""
    values = np.array(found, dtype=float)
    seen = values[~np.isnan(values)]
    if len(seen) < len(values) / 2:
        return f"found in {len(seen)} of {len(values)}"
    half = 1.96 * seen.std(ddof=1) / np.sqrt(len(seen)) if len(seen) > 1 else 0.0
    lost = f", {len(values) - len(seen)} of {len(values)} missed" if len(seen) < len(values) else ""
    return f"{seen.mean():.0f} +- {half:.0f}{lost}"


def table(head: list[str], rows: list[list[str]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(row) + " |" for row in rows])


def nulls(results: Results) -> str:
    """False alarms of ours by law and reference size."""
    found = [(cell, result) for cell, result in results if cell["task"] == "null" and cell["columns"] == FEATURES]
    sizes = sorted({cell["rows"] for cell, _ in found})
    rows = []
    laws = sorted({cell["law"] for cell, _ in found})
    for label, law, exact, batch in [(law, law, False, 20) for law in laws] + [
        ("normal, the reference's error ignored", "normal", True, 20),
        ("normal, event by event", "normal", False, 1),
    ]:
        row = [label]
        for size in sizes:
            hit = [r for c, r in found if (c["law"], c["exact"], c["batch"], c["rows"]) == (law, exact, batch, size)]
            row.append(interval(sum(r["alarms"] for r in hit), sum(r["events"] for r in hit)) if hit else "")
        rows.append(row)
    return table(["law", *(f"{size:,} reference rows" for size in sizes)], rows)


def reals(results: Results) -> str:
    """False alarms of ours on real rows in random order."""
    rows = [
        [
            cell["data"],
            f"{result['rows']:,}",
            f"{result['events']:,}",
            interval(result["alarms"], result["events"]),
        ]
        for cell, result in results
        if cell["task"] == "real" and result["events"]
    ]
    return table(["data", "reference rows", "events", "false alarms per 10,000 events"], sorted(rows))


def comparison(results: Results) -> str:
    """The one table: every detector, false alarms and delays."""
    drifts = [(kind, size) for kind, size, _ in DRIFTS]
    rows = []
    for label, batch, size in (
        ("event by event", 1, 100_000),
        ("event by event, 10,000 reference rows", 1, 10_000),
        ("event by event, 1,000 reference rows", 1, 1000),
        ("batches of 60", 60, 100_000),
    ):
        found = _delays(results, batch, size)
        rows.append(
            [f"**{OURS}**, {label}", _quiet(results, batch, size), *(delay(found[drift]["delays"]) for drift in drifts)]
        )
    found = _delays(results, 1, 100_000)
    limits = [delay(found[drift]["limit"]) if found[drift]["limit"] else "-" for drift in drifts]
    rows.append(["limit: ten CUSUMs tuned to the shift, same streams", "0.1 (Siegmund's threshold)", *limits])
    silent = [result for cell, result in results if cell["task"] == "rivals-null"]
    facts = {(c["kind"], c["size"]): r["delays"] for c, r in results if c["task"] == "rivals"}
    for name in rivals(TUNED):
        count = sum(result["alarms"][name] for result in silent)
        wrong = interval(count, sum(result["events"] for result in silent))
        rows.append([name, wrong, *(delay(facts[drift][name]) if name in facts[drift] else "-" for drift in drifts)])
    return table(["detector", "false alarms per 10,000 events", *(f"{kind} {size:g}" for kind, size in drifts)], rows)


def _delays(results: Results, batch: int, rows: int) -> dict[tuple[str, float], dict[str, Any]]:
    """Our delays by drift, five normal features."""
    return {
        (cell["kind"], cell["size"]): result
        for cell, result in results
        if cell["task"] == "delay"
        and (cell["batch"], cell["rows"], cell["law"], cell["columns"]) == (batch, rows, "normal", FEATURES)
    }


def _quiet(results: Results, batch: int, rows: int) -> str:
    """Our false alarms on normal rows: event by event where that was simulated, else in batches of 20."""
    found = {
        cell["batch"]: result
        for cell, result in results
        if cell["task"] == "null"
        and (cell["law"], cell["rows"], cell["exact"], cell["columns"]) == ("normal", rows, False, FEATURES)
    }
    chosen = found[1] if batch == 1 and 1 in found else found[20]
    return interval(chosen["alarms"], chosen["events"])


def laws(results: Results) -> str:
    """Delays of ours by law of the values."""
    drifts = [(kind, size) for kind, size, _ in (*OF_LAWS, *OF_CATEGORIES)]
    found = {
        (cell["law"], cell["kind"], cell["size"]): result["delays"]
        for cell, result in results
        if cell["task"] == "delay" and (cell["rows"], cell["batch"], cell["columns"]) == (10_000, 1, FEATURES)
    }
    rows = [[law, *(delay(found[law, *drift]) if (law, *drift) in found else "-" for drift in drifts)] for law in LAWS]
    return table(["law", *(f"{kind} {size:g}" for kind, size in drifts)], rows)


def widths(results: Results) -> str:
    """False alarms and delays of ours by number of features, in batches of 20."""
    drifts = [(kind, size) for kind, size, _ in OF_WIDTHS]
    rows = []
    for columns, references in WIDTHS.items():
        found = {
            (cell["task"], cell.get("kind"), cell.get("size")): result
            for cell, result in results
            if cell["task"] in ("null", "delay")
            and (cell["columns"], cell["law"], cell["rows"], cell["batch"]) == (columns, "normal", 10_000, 20)
            and not cell.get("exact")
        }
        quiet = found["null", None, None]
        delays = [delay(found["delay", *drift]["delays"]) for drift in drifts]
        rows.append([str(columns), str(references), interval(quiet["alarms"], quiet["events"]), *delays])
    head = ["features", "references drawn", "false alarms per 10,000 events"]
    return table([*head, *(f"{kind} {size:g}" for kind, size in drifts)], rows)


def ends(results: Results) -> str:
    """How alarms end: falsely while the drift lasts, and once it is over."""
    found = {
        (cell["kind"], cell["size"], cell["rows"]): result for cell, result in results if cell["task"] == "recovery"
    }
    rows = []
    for kind, size in LASTING:
        for size_of_reference in (1000, 100_000):
            result = found[kind, size, size_of_reference]
            false, runs = sum(result["false"]), len(result["false"])
            rate = interval(false, runs * result["events"])
            label = f"{kind} {size:g}"
            rows.append([label, f"{size_of_reference:,}", f"{false} in {runs} runs", rate, delay(result["delays"])])
    return table(["drift", "reference rows", "false ends", "per 10,000 events", "events to the true end"], rows)


def times(results: Results) -> str:
    """Autocorrelation and daily cycles."""
    rows = [
        [
            TRAFFIC[cell["structure"]],
            {"none": "no", "learned": "yes"}[cell["remedy"]],
            interval(result["alarms"], result["events"]),
            delay(result["delays"]),
            f"{np.mean(result['spread']):.2f}",
        ]
        for cell, result in results
        if cell["task"] == "time"
    ]
    return table(
        ["traffic", "rhythm learned", "false alarms per 10,000 events", "delay at .5 sd", "spread"],
        sorted(rows),
    )


def plot(results: Results, folder: Path) -> None:
    """False alarms and delays by size of the reference, false alarms under time structure, delays by features."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, ((top_left, top_right), (low_left, low_right)) = plt.subplots(2, 2, figsize=(9, 6.8), layout="constrained")
    _plot_nulls(top_left, results)
    top_right.set(xscale="log", yscale="log", xlabel="reference rows", ylabel="mean delay, events", title="delay")
    for kind, size in (("mean", 0.25), ("mean", 0.5), ("mean", 1.0), ("variance", 1.5), ("correlation", 0.6)):
        found = {rows: _delays(results, 1, rows)[kind, size]["delays"] for rows in (1000, 10_000, 100_000)}
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
    low_right.set_ylim(bottom=0)
    low_right.set_xticks(list(WIDTHS), [str(columns) for columns in WIDTHS])
    for axes in (top_left, top_right, low_left, low_right):
        axes.legend(fontsize=7)
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
    axes.set_ylim(bottom=0)
    axes.set(ylabel="false alarms per 10,000 events", title="time structure")
    axes.set_xticks(range(len(TRAFFIC)), ["autocorrelation", "daily cycle", "weekly cycle"])


def write(results: Results, docs: Path, scale: float) -> None:
    """Put the tables between the marks of docs/evidence.md, and the plots into docs/evidence/."""
    parts = [
        BEGIN,
        f"Written by `python -m benchmarks.simulate` (scale {scale:g}); means with 95 % intervals.",
        "### What it amounts to",
        table(["question", "measured", "bar"], answers(results)),
        "### Every detector",
        comparison(results),
        "### False alarms of the mixture per 10,000 events (nominal: 0.1)",
        nulls(results),
        "### Delay by law of the values (10,000 reference rows, event by event)",
        laws(results),
        "### Many features (10,000 reference rows, batches of 20)",
        widths(results),
        "### The end of an alarm (batches of 60)",
        ends(results),
        "### Real rows in random order",
        reals(results),
        "### Time structure",
        times(results),
        "![False alarms and delays by reference size, time structure and number of features](evidence/rates.svg)",
        END,
    ]
    path = docs / "evidence.md"
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    plot(results, docs / "evidence")
    path.write_text(before + "\n\n".join(parts) + after)
