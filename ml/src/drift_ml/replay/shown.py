"""The outcome in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich import box
from rich.table import Table
from rich.text import Text

from drift_ml.replay.texts import change, events, figure, subject, time_text
from drift_ml.replay.training_rows import UNKNOWN

if TYPE_CHECKING:
    from rich.console import Console as Terminal

    from drift_ml.replay.evidence import Replay
    from drift_ml.replay.outcome import Outcome

MOST_CHANNELS = 6
#: Of the verdict's headline, by level.
STYLES = {"quiet": "bold green", "watch": "bold yellow", "alarm": "bold red"}


def show(
    terminal: Terminal,
    outcome: Outcome,
) -> None:
    """Print the verdict, when each detector would have fired, and what differs most."""
    replay, verdict = outcome.replay, outcome.verdict
    style = STYLES[verdict.level]
    if verdict.level == "quiet":
        terminal.print(Text(f"{verdict.headline} in {replay.events:,} events.", style=style))
    else:
        terminal.print(Text(f"{verdict.headline}.", style=style))
    for words in verdict.others:
        terminal.print(Text(words))
    if verdict.unproven:
        terminal.print(Text(verdict.unproven, style="dim"))
    if outcome.allowance is not None:
        terminal.print(Text(f"{outcome.allowance.words}.", style="dim"))
    for words in outcome.asides:
        terminal.print(Text(words))
    for words in outcome.warnings:
        terminal.print(Text(f"Warning: {words}", style="bold yellow"))
    rows = outcome.training_rows
    if rows is not None and rows.verdict == UNKNOWN:
        terminal.print(Text(f"{rows.words}.", style="dim"))
    if outcome.detections:
        terminal.print(_detectors(outcome))
        budget = events(replay.budget.events)
        promise = (
            f"Evidence keeps to one false alarm in {budget} events; the others promise nothing."
        )
        terminal.print(Text(promise, style="dim"))
        if outcome.not_run:
            terminal.print(Text(f"{outcome.not_run}.", style="dim"))
    terminal.print(_channels(outcome))


def _detectors(outcome: Outcome) -> Table:
    """Return rows, and times if there are any, at which the detectors fired first."""
    replay = outcome.replay
    timed = bool(replay.steps) and replay.steps[0].at_ms is not None
    names = ("row", "fired at", "since") if timed else ("row", "since row")
    title = "When each detector would have fired"
    grid = _grid(title, "detector", "feature", "direction", *names)
    if replay.alarms:
        alarm = replay.alarms[0]
        finding = alarm.finding
        when = _when(replay, alarm.row, alarm.since_row)
        if timed:
            when = [time_text(alarm.at_ms), time_text(alarm.since_ms)]
        row = ["evidence", subject(finding.channel), change(finding), f"{alarm.row:,}", *when]
        grid.add_row(*map(Text, row))
    else:
        grid.add_row("evidence", "never")
    for detection in outcome.detections:
        if detection.row is None or detection.since_row is None:
            grid.add_row(detection.detector, "never")
            continue
        when = _when(replay, detection.row, detection.since_row)
        facts = (detection.column or "", detection.direction or "", f"{detection.row:,}")
        grid.add_row(*map(Text, (detection.detector, *facts, *when)))
    return grid


def _when(
    replay: Replay,
    row: int,
    since_row: int,
) -> list[str]:
    """Return when a detector fired and since when, or since which row where there are no times."""
    if replay.time_at(0) is None:
        return [f"{since_row:,}"]
    return [time_text(replay.time_at(row)), time_text(replay.time_at(since_row))]


def _channels(outcome: Outcome) -> Table:
    title = f"Largest differences over {outcome.compared}"
    grid = _grid(title, "size", "PSI", "p adjusted", "in words")
    for channel in outcome.report["channels"][:MOST_CHANNELS]:
        psi, adjusted = channel["effects"]["psi"], channel["test"]["p_adjusted"]
        row = (channel["level"], figure(psi), figure(adjusted, 2), channel["words"])
        grid.add_row(*map(Text, row))
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
