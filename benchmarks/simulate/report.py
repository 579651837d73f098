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

from benchmarks.simulate.cells import DRIFTS, TUNED  # noqa: E402 - as above
from benchmarks.simulate.rivals import rivals  # noqa: E402 - as above

Results = list[tuple[dict[str, Any], dict[str, Any]]]
BEGIN, END = "<!-- simulation: begin -->", "<!-- simulation: end -->"
OURS = "mixture (ours), nominal budget"


def interval(count: int, events: int) -> str:
    """False alarms per 10,000 events with a 95 % Poisson interval."""
    low = chi2.ppf(0.025, 2 * count) / 2 if count else 0.0
    high = chi2.ppf(0.975, 2 * count + 2) / 2
    per = 10_000 / events
    return f"{count * per:.3g} ({low * per:.2g} to {high * per:.2g})"


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
    found = [(cell, result) for cell, result in results if cell["task"] == "null"]
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
    """Our delays by drift."""
    return {
        (cell["kind"], cell["size"]): result
        for cell, result in results
        if cell["task"] == "delay" and (cell["batch"], cell["rows"]) == (batch, rows)
    }


def _quiet(results: Results, batch: int, rows: int) -> str:
    """Our false alarms on normal rows: event by event where that was simulated, else in batches of 20."""
    found = {
        cell["batch"]: result
        for cell, result in results
        if cell["task"] == "null" and (cell["law"], cell["rows"], cell["exact"]) == ("normal", rows, False)
    }
    chosen = found[1] if batch == 1 and 1 in found else found[20]
    return interval(chosen["alarms"], chosen["events"])


def times(results: Results) -> str:
    """Autocorrelation and daily cycles."""
    rows = [
        [
            {"ar": "autocorrelation .3", "daily": "daily cycle of .4 sd"}[cell["structure"]],
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
    """False alarms by reference size, and delays by size of the reference."""
    folder.mkdir(parents=True, exist_ok=True)
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.4), layout="constrained")
    found = [(c, r) for c, r in results if c["task"] == "null" and c["batch"] == 20]
    for label in sorted({(c["law"], c["exact"]) for c, _ in found}):
        hit = sorted((c["rows"], r["alarms"] / r["events"] * 1e4) for c, r in found if (c["law"], c["exact"]) == label)
        left.plot(
            *zip(*hit, strict=True),
            "x--" if label[1] else "o-",
            label=label[0] + (", error ignored" if label[1] else ""),
        )
    left.axhline(0.1, color="black", lw=0.8)
    left.set(xscale="log", xlabel="reference rows", ylabel="false alarms per 10,000 events", title="nominal: 0.1")
    left.set_yscale("symlog", linthresh=0.01)
    left.set_ylim(bottom=0)
    left.legend(fontsize=7)
    for kind, size in (("mean", 0.25), ("mean", 0.5), ("mean", 1.0), ("variance", 1.5), ("correlation", 0.6)):
        hit = sorted(
            (c["rows"], float(np.nanmean(r["delays"])))
            for c, r in results
            if c["task"] == "delay" and (c["kind"], c["size"], c["batch"]) == (kind, size, 1)
        )
        right.plot(*zip(*hit, strict=True), "o-", label=f"{kind} {size:g}")
    right.set(xscale="log", yscale="log", xlabel="reference rows", ylabel="mean delay, events", title="delay")
    right.legend(fontsize=7)
    figure.savefig(folder / "rates.svg", metadata={"Date": None})
    plt.close(figure)


def write(results: Results, docs: Path, scale: float) -> None:
    """Put the tables between the marks of docs/evidence.md, and the plots into docs/evidence/."""
    parts = [
        BEGIN,
        f"Written by `python -m benchmarks.simulate` (scale {scale:g}); means with 95 % intervals.",
        "### Every detector",
        comparison(results),
        "### False alarms of the mixture per 10,000 events (nominal: 0.1)",
        nulls(results),
        "### Real rows in random order",
        reals(results),
        "### Time structure",
        times(results),
        "![False alarms and delays by reference size](evidence/rates.svg)",
        END,
    ]
    path = docs / "evidence.md"
    text = path.read_text() if path.exists() else f"{BEGIN}\n{END}\n"
    before, after = text.split(BEGIN)[0], text.split(END)[-1]
    plot(results, docs / "evidence")
    path.write_text(before + "\n\n".join(parts) + after)
