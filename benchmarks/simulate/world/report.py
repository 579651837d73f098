"""The tables, the bars and the plot of the world's time."""

from __future__ import annotations

import subprocess
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np

from benchmarks.simulate.bar_table import ROOT, events_text
from benchmarks.simulate.tables import table
from benchmarks.simulate.world.cells import NAMES, OURS
from benchmarks.simulate.world.happened import happened
from benchmarks.simulate.world.real_tables import TABLES
from benchmarks.simulate.world.services import STRUCTURES

if TYPE_CHECKING:
    from benchmarks.simulate.world.cells import Cell

    Results = list[tuple[Cell, dict[str, Any]]]
    Runs = list[dict[str, Any]]

BUDGET = 100_000
PLAIN = "none"
DETECTORS = [name for names in NAMES.values() for name in names]
#: Bars: share of time in alarm, of services and of tables; times as many events; alerts a drift.
MOST_IN_ALARM, MOST_IN_ALARM_REAL = 0.05, 0.15
TIMES, TIMES_SECOND, MOST_ALERTS = 2.0, 1.3, 1.1
FOUND_SECOND = 0.95
DAY_HOURS = 24
#: Rows of a day from which half a deviation can be told within it (see `docs/evidence.md`).
ENOUGH_ROWS = 200


@dataclass(frozen=True)
class Proof:
    """Everything that was run, by detector and structure or table."""

    services: dict[tuple[str, str], Runs]
    tables: dict[tuple[str, str], dict[str, Any]]
    missing: tuple[str, ...]

    @classmethod
    def of(cls, results: Results) -> Proof:
        """Return the results of cells, by what they are of."""
        services: dict[tuple[str, str], Runs] = defaultdict(list)
        tables = {}
        missing = set()
        for cell, result in results:
            if "missing" in result:
                missing.add(cell.name)
            for name, figures in result.get("figures", {}).items():
                if cell.task == "service":
                    services[name, cell.name].append(figures)
                else:
                    tables[name, cell.name] = figures
        return cls(dict(services), tables, tuple(sorted(missing)))


# --- figures ----------------------------------------------------------------------------------


def upper(count: int) -> float:
    """Return the upper limit of a Poisson mean at 95 %, one-sided (Garwood 1936).

    >>> round(upper(0), 2)
    3.0
    """
    from scipy.stats import chi2  # noqa: PLC0415 - --help must not wait for it

    return float(chi2.ppf(0.95, 2 * count + 2) / 2)


def false_rate(runs: Runs, part: str = "false", rows: str = "rows") -> tuple[float, float]:
    """Return false alarms per 100,000 rows, and their upper limit.

    Args:
        runs: of one detector.
        part: which alarms.
        rows: the rows that they were raised in.
    """
    count = sum(run[part] for run in runs)
    seen = sum(run[rows] for run in runs) or 1
    return count / seen * BUDGET, upper(count) / seen * BUDGET


def mean_of(runs: Runs, part: str) -> float:
    """Return the mean of a figure."""
    return float(np.mean([run[part] for run in runs]))


def restricted(runs: Runs, part: str) -> float:
    """Return the mean delay in events; of what was not told, the whole time that was watched."""
    most = f"{part}_most"
    return float(np.mean([run[most] if run[part] is None else run[part] for run in runs]))


def told(runs: Runs, part: str) -> float:
    """Return the share of runs in which a drift was told."""
    return float(np.mean([run[part] is not None for run in runs]))


def percent(share: float) -> str:
    """Return a share in percent.

    >>> percent(.0004), percent(.25)
    ('0.04 %', '25 %')
    """
    return f"{100 * share:.2g} %" if share < 0.1 else f"{100 * share:.0f} %"


# --- bars -------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Bar:
    """One bar on one structure or table."""

    of: str
    asked: str
    measured: str
    holds: bool


def service_bars(proof: Proof) -> list[Bar]:
    """Return each bar of each structure."""
    plain = proof.services.get((OURS, PLAIN))
    bars = []
    for structure in STRUCTURES:
        runs = proof.services.get((OURS, structure.key))
        if not runs or not plain:
            continue
        rate, limit = false_rate(runs)
        share = mean_of(runs, "in_alarm")
        ratio = restricted(runs, "first") / restricted(plain, "first")
        second = restricted(runs, "second") / restricted(runs, "first")
        words = structure.words
        bars += [
            Bar(
                words,
                "false alarms after two weeks at most 1 in 100,000 events, by the upper limit",
                f"{rate:.2g}, upper {limit:.2g}",
                limit <= 1,
            ),
            Bar(words, "in alarm at most 5 % of the time", percent(share), share <= MOST_IN_ALARM),
            Bar(
                words,
                ".5 sd of another feature within twice the events without structure",
                f"{ratio:.2f}, told in {percent(told(runs, 'first'))}",
                ratio <= TIMES,
            ),
            Bar(
                words,
                "a second drift told in 95 %, within 1.3 times the first one's events",
                f"{percent(told(runs, 'second'))}, {second:.2f}",
                told(runs, "second") >= FOUND_SECOND and second <= TIMES_SECOND,
            ),
            Bar(
                words,
                "at most 1.1 alerts a single drift",
                f"{mean_of(runs, 'alerts'):.2f}",
                mean_of(runs, "alerts") <= MOST_ALERTS,
            ),
        ]
    return bars


def table_bars(proof: Proof) -> list[Bar]:
    """Return each bar of each table."""
    bars = []
    for each in TABLES:
        figures = proof.tables.get((OURS, each.name))
        if figures is None:
            continue
        title = happened(each.name).title
        share = figures["in_alarm"]
        bars.append(
            Bar(
                title,
                "in alarm at most 15 % of the time in which nothing is dated",
                percent(share),
                share <= MOST_IN_ALARM_REAL,
            )
        )
        if is_dense(figures):
            bars.append(
                Bar(
                    title,
                    "+.5 sd told within a day, three dates",
                    planted_text(figures),
                    count_planted(figures) == len(figures["planted"]),
                )
            )
        dated = [event for event in figures["events"] if event["counts"]]
        if dated:
            found = sum(event["hours"] is not None for event in dated)
            bars.append(
                Bar(title, "dated events told", f"{found} of {len(dated)}", found == len(dated))
            )
    return bars


def is_dense(figures: dict[str, Any]) -> bool:
    """Return whether a day has the rows that half a deviation takes."""
    return figures["rows"] / figures["days"] >= ENOUGH_ROWS


def count_planted(figures: dict[str, Any]) -> int:
    """Return how many planted shifts were told within a day and would not have been by luck."""
    return sum(
        each["hours"] is not None and each["hours"] <= DAY_HOURS and not each["luck"]
        for each in figures["planted"]
    )


def planted_text(figures: dict[str, Any]) -> str:
    """Return how the planted shifts were told."""
    planted = figures["planted"]
    text = f"{count_planted(figures)} of {len(planted)}"
    lucky = sum(each["luck"] for each in planted)
    return f"{text} ({lucky} told anyhow)" if lucky else text


# --- tables -----------------------------------------------------------------------------------


def bars_table(bars: list[Bar]) -> str:
    """Return bars: a row a structure or table, a column a bar, what is missed in bold."""
    asked = list(dict.fromkeys(bar.asked for bar in bars))
    by_place = {(bar.of, bar.asked): bar for bar in bars}
    rows = []
    for name in dict.fromkeys(bar.of for bar in bars):
        cells = [_cell(by_place.get((name, each))) for each in asked]
        rows.append([name, *cells])
    return table(["of", *asked], rows)


def _cell(bar: Bar | None) -> str:
    if bar is None:
        return "-"
    return f"holds: {bar.measured}" if bar.holds else f"**missed: {bar.measured}**"


def services_table(proof: Proof) -> str:
    """Return what ours does on each structure."""
    rows = []
    for structure in STRUCTURES:
        runs = proof.services.get((OURS, structure.key))
        if not runs:
            continue
        rate, limit = false_rate(runs)
        early, _ = false_rate(runs, "learning", "learning_rows")
        rows.append(
            [
                structure.words,
                f"{len(runs)}",
                f"{early:.2g}, {percent(mean_of(runs, 'learning_in_alarm'))}",
                f"{rate:.2g} (at most {limit:.2g})",
                percent(mean_of(runs, "in_alarm")),
                f"{percent(told(runs, 'first'))}, {events_text(restricted(runs, 'first'))}",
                f"{percent(told(runs, 'second'))}, {events_text(restricted(runs, 'second'))}",
                f"{mean_of(runs, 'alerts'):.2f}",
            ]
        )
    head = [
        "structure",
        "services",
        "first two weeks: alarms per 100,000 events, time in alarm",
        "after: false alarms per 100,000 events (nominal 1)",
        "time in alarm",
        ".5 sd shift: told, events",
        "second shift: told, events",
        "alerts a drift",
    ]
    return table(head, rows)


def rivals_table(proof: Proof) -> str:
    """Return every detector on each structure: time in alarm, events to the shift, luck."""
    names = [name for name in DETECTORS if any(key[0] == name for key in proof.services)]
    rows = []
    for structure in STRUCTURES:
        cells = [structure.words]
        for name in names:
            runs = proof.services.get((name, structure.key))
            if not runs:
                cells.append("-")
                continue
            cells.append(
                f"{percent(mean_of(runs, 'in_alarm'))}; {events_text(restricted(runs, 'first'))};"
                f" {percent(mean_of(runs, 'luck'))}"
            )
        if len(set(cells[1:]) - {"-"}) > 0:
            rows.append(cells)
    return table(["structure", *names], rows)


def tables_table(proof: Proof) -> str:
    """Return ours on each real table."""
    rows = []
    for each in TABLES:
        figures = proof.tables.get((OURS, each.name))
        if figures is None:
            continue
        dated = [event for event in figures["events"] if event["counts"]]
        found = sum(event["hours"] is not None for event in dated)
        rows.append(
            [
                happened(each.name).title,
                f"{figures['days']:,.0f}",
                f"{figures['rows'] / figures['days']:,.0f}",
                f"{figures['false']} in {figures['quiet_days']:,.0f} days",
                percent(figures["in_alarm"]),
                f"{each.planted}: {planted_text(figures)}",
                _hours_text(figures),
                f"{found} of {len(dated)}" if dated else "none dated",
            ]
        )
    head = [
        "table",
        "days",
        "rows a day",
        "alerts where nothing is dated",
        "time in alarm there",
        "+.5 sd within a day",
        "hours, events",
        "dated events told",
    ]
    return table(head, rows)


def _hours_text(figures: dict[str, Any]) -> str:
    texts = [
        "-" if each["hours"] is None else f"{each['hours']:.0f} h, {each['rows']}"
        for each in figures["planted"]
    ]
    return "; ".join(texts)


def tables_of_all(proof: Proof) -> str:
    """Return every detector on each real table: time in alarm, planted shifts, dated events."""
    names = [name for name in DETECTORS if any(key[0] == name for key in proof.tables)]
    rows = []
    for each in TABLES:
        cells = [happened(each.name).title]
        for name in names:
            figures = proof.tables.get((name, each.name))
            if figures is None:
                cells.append("-")
                continue
            dated = [event for event in figures["events"] if event["counts"]]
            found = sum(event["hours"] is not None for event in dated)
            events = f"; {found} of {len(dated)}" if dated else ""
            cells.append(f"{percent(figures['in_alarm'])}; {planted_text(figures)}{events}")
        if set(cells[1:]) - {"-"}:
            rows.append(cells)
    return table(["table", *names], rows)


def events_table(proof: Proof) -> str:
    """Return each dated event and when ours told it."""
    rows = []
    for each in TABLES:
        figures = proof.tables.get((OURS, each.name), {"events": ()})
        for event in figures["events"]:
            if event["kind"] == "silence":
                continue
            hours = "not told" if event["hours"] is None else f"after {event['hours']:.0f} h"
            day = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(minutes=event["first"])
            note = " (few rows)" if event["kind"] == "short" else ""
            rows.append([each.name, f"{day:%Y-%m-%d}", f"{event['what']}{note}", hours])
    return table(["table", "from", "what happened", "told"], rows)


# --- the document -----------------------------------------------------------------------------


def made_with() -> str:
    """Return the commit and its day, in words."""
    words = ("git", "log", "-1", "--format=%h of %cs")
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    commit = done.stdout.strip()
    return f"commit {commit}" if commit else "sources without a history"


def document(proof: Proof, scale: str) -> str:
    """Return the section of docs/evidence.md.

    Args:
        proof: what was run.
        scale: in words.
    """
    of_services, of_tables = service_bars(proof), table_bars(proof)
    bars = [*of_services, *of_tables]
    parts = [
        f"Written by `nox -s simulate -- --world` ({scale}), {made_with()}.",
        f"{sum(bar.holds for bar in bars)} of {len(bars)} bars hold.",
    ]
    if proof.missing:
        parts.append(f"Not measured, since their packages are absent: {', '.join(proof.missing)}.")
    left = [each.name for each in TABLES if (OURS, each.name) not in proof.tables]
    left = [name for name in left if name not in proof.missing]
    if left and proof.tables:
        parts.append(f"Ours was not run on these tables yet: {', '.join(left)}.")
    sections = [
        ("The bars on simulated services", bars_table(of_services)),
        ("The bars on real tables", bars_table(of_tables)),
        ("Simulated services: ours", services_table(proof)),
        (
            "Simulated services: every detector (time in alarm; events to a .5 sd shift, a"
            " restricted mean; told anyhow)",
            rivals_table(proof),
        ),
        ("Real tables in the order of time: ours", tables_table(proof)),
        (
            "Real tables: every detector (time in alarm where nothing is dated; +.5 sd told within"
            " a day; dated events told)",
            tables_of_all(proof),
        ),
        ("Dated events", events_table(proof)),
    ]
    for title, text in sections:
        parts += [f"#### {title}", text]
    return "\n\n".join(parts)
