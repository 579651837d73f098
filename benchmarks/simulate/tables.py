"""Results to tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import chi2

from benchmarks.simulate.cells import DRIFTS, LASTING, OF_CATEGORIES, OF_LAWS, OF_WIDTHS, TUNED, WIDTHS
from benchmarks.simulate.rivals import rivals
from benchmarks.simulate.streams import FEATURES, LAWS

if TYPE_CHECKING:
    from benchmarks.simulate.bars import Results

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
        found = delays_of(results, batch, size)
        rows.append(
            [f"**{OURS}**, {label}", _quiet(results, batch, size), *(delay(found[drift]["delays"]) for drift in drifts)]
        )
    found = delays_of(results, 1, 100_000)
    limits = [delay(found[drift]["limit"]) if found[drift]["limit"] else "-" for drift in drifts]
    rows.append(["limit: ten CUSUMs tuned to the shift, same streams", "0.1 (Siegmund's threshold)", *limits])
    silent = [result for cell, result in results if cell["task"] == "rivals-null"]
    facts = {(c["kind"], c["size"]): r["delays"] for c, r in results if c["task"] == "rivals"}
    for name in rivals(TUNED):
        count = sum(result["alarms"][name] for result in silent)
        wrong = interval(count, sum(result["events"] for result in silent))
        rows.append([name, wrong, *(delay(facts[drift][name]) if name in facts[drift] else "-" for drift in drifts)])
    return table(["detector", "false alarms per 10,000 events", *(f"{kind} {size:g}" for kind, size in drifts)], rows)


def delays_of(results: Results, batch: int, rows: int) -> dict[tuple[str, float], dict[str, Any]]:
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
