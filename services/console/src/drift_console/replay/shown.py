"""The outcome in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text

from drift_console.replay.texts import change, place, subject

if TYPE_CHECKING:
    from rich.console import Console as Terminal

    from drift_console.replay.outcome import Outcome

MOST_CHANNELS = 6


def show(terminal: Terminal, outcome: Outcome) -> None:
    """Verdict, when each detector would have fired, and the channels that differ most."""
    replay = outcome.replay
    budget = f"{replay.budget.events:,.0f} events"
    if not replay.alarms:
        terminal.print(Text(f"No drift found in {replay.events:,} events.", style="bold green"))
    for alarm in replay.alarms:
        told = f"Drift in {subject(alarm.finding.channel)}: {change(alarm.finding)}"
        since = f", since about {place(alarm.since_row, alarm.since_ms)}"
        ended = alarm.recovered_row is not None
        over = f", until {place(alarm.recovered_row or 0, alarm.recovered_ms)}" if ended else ""
        terminal.print(Text(f"{told}{since}{over}.", style="bold yellow" if ended else "bold red"))
    terminal.print(_detectors(outcome, budget))
    terminal.print(_channels(outcome))


def _detectors(outcome: Outcome, budget: str) -> Table:
    replay = outcome.replay
    grid = _grid("When each detector would have fired", "detector", "fired", "feature", "direction", "since", "setting")
    first = replay.alarms[0] if replay.alarms else None
    if first is None:
        grid.add_row("evidence", "never", "", "", "", f"one false alarm in {budget}")
    else:
        name, direction = first.finding.channel, f"{first.finding.kind} {first.finding.direction}"
        at, since = place(first.row, first.at_ms), place(first.since_row, first.since_ms)
        grid.add_row(*map(Text, ("evidence", at, subject(name), direction, since, f"one false alarm in {budget}")))
    for each in outcome.firings:
        if each.row is None or each.since_row is None:
            grid.add_row(each.detector, "never", "", "", "", each.settings)
            continue
        at, since = place(each.row, replay.at(each.row)), place(each.since_row, replay.at(each.since_row))
        told = (each.detector, at, each.column or "", each.direction or "", since, each.settings)
        grid.add_row(*map(Text, told))
    return grid


def _channels(outcome: Outcome) -> Table:
    grid = _grid(f"Largest differences over {outcome.compared}", "channel", "size", "PSI", "p adjusted", "in words")
    for channel in outcome.report["channels"][:MOST_CHANNELS]:
        psi, adjusted = channel["effects"]["psi"], channel["test"]["p_adjusted"]
        told = (subject(channel["name"]), channel["level"], f"{psi:.3g}", f"{adjusted:.2g}", channel["words"])
        grid.add_row(*map(Text, told))
    return grid


def _grid(title: str, *names: str) -> Table:
    grid = Table(title=Text(title), title_justify="left", title_style="bold", expand=False)
    for name in names:
        grid.add_column(name, overflow="fold")
    return grid
