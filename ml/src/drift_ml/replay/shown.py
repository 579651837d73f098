"""The outcome in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from drift_ml.replay.texts import change, moment, place, subject
from drift_ml.replay.training_rows import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console as Terminal

    from drift_ml.replay.outcome import Outcome

MOST_CHANNELS = 6


def show(terminal: Terminal, outcome: Outcome) -> None:
    """Verdict, when each detector would have fired, and the channels that differ most."""
    replay = outcome.replay
    if not replay.alarms:
        terminal.print(Text(f"No drift found in {replay.events:,} events.", style="bold green"))
    for alarm in replay.alarms:
        told = f"Drift in {subject(alarm.finding.channel)}: {change(alarm.finding)}"
        since = f", since about {place(alarm.since_row, alarm.since_ms)}"
        ended = alarm.recovered_row is not None
        over = f", until {place(alarm.recovered_row or 0, alarm.recovered_ms)}" if ended else ""
        terminal.print(Text(f"{told}{since}{over}.", style="bold yellow" if ended else "bold red"))
    for words in outcome.warnings:
        terminal.print(Text(f"Warning: {words}", style="bold yellow"))
    rows = outcome.training_rows
    if rows is not None and rows.verdict == UNKNOWN:
        terminal.print(Text(f"{rows.words}.", style="dim"))
    if outcome.firings:
        terminal.print(_detectors(outcome))
        bar = f"Evidence keeps to one false alarm in {replay.budget.events:,.0f} events; the others promise nothing."
        terminal.print(Text(bar, style="dim"))
        if outcome.not_run:
            terminal.print(Text(f"{outcome.not_run}.", style="dim"))
    terminal.print(_channels(outcome))


def _detectors(outcome: Outcome) -> Table:
    """Rows, and times if there are any."""
    replay = outcome.replay
    timed = bool(replay.steps) and replay.steps[0].at_ms is not None
    names = ("row", "fired at", "since") if timed else ("row", "since row")
    grid = _grid("When each detector would have fired", "detector", "feature", "direction", *names)

    def add(
        detector: str, rows: tuple[int, int], times: tuple[int | None, int | None], feature: str, direction: str
    ) -> None:
        when = [moment(each) for each in times] if timed else [f"{rows[1]:,}"]
        grid.add_row(*map(Text, (detector, feature, direction, f"{rows[0]:,}", *when)))

    first = replay.alarms[0] if replay.alarms else None
    if first is None:
        grid.add_row("evidence", "never")
    else:
        finding, rows = first.finding, (first.row, first.since_row)
        direction = f"{finding.kind} {finding.direction}"
        add("evidence", rows, (first.at_ms, first.since_ms), subject(finding.channel), direction)
    for each in outcome.firings:
        if each.row is None or each.since_row is None:
            grid.add_row(each.detector, "never")
            continue
        rows = (each.row, each.since_row)
        add(each.detector, rows, (replay.at(rows[0]), replay.at(rows[1])), each.column or "", each.direction or "")
    return grid


def _channels(outcome: Outcome) -> Table:
    grid = _grid(f"Largest differences over {outcome.compared}", "size", "PSI", "p adjusted", "in words")
    for channel in outcome.report["channels"][:MOST_CHANNELS]:
        psi, adjusted = channel["effects"]["psi"], channel["test"]["p_adjusted"]
        told = (channel["level"], f"{psi:.3g}", f"{adjusted:.2g}", channel["words"])
        grid.add_row(*map(Text, told))
    return grid


def _grid(title: str, *names: str) -> Table:
    grid = Table(
        title=Text(f"\n{title}", style="bold"),
        title_justify="left",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        padding=(0, 1, 0, 0),
    )
    for name in names:
        grid.add_column(name, overflow="fold")
    return grid
