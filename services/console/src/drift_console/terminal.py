"""What a person reads in the terminal: the banner at the start, and alerts as they happen."""

from __future__ import annotations

import json
import shlex
from contextlib import suppress
from typing import TYPE_CHECKING

from rich.panel import Panel
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift_engine.bundle import Bundle
    from drift_monitor.alerts import Alert
    from rich.console import Console as Terminal

    from drift_console.console import Ending
    from drift_console.settings import Settings

_STYLES = {"ALARM": "bold red", "OK": "bold green", "INSUFFICIENT_DATA": "bold yellow"}
#: Where the time of day stands in a timestamp.
_TIME_OF_DAY = slice(11, 19)
_DAY = slice(10)
#: Lines of an alert begin below the state of its first line.
_INDENT = " " * 9


def show_banner(
    terminal: Terminal,
    url: str,
    settings: Settings,
    bundles: Mapping[str, Bundle],
) -> None:
    """Print where everything is, and a line to paste.

    Args:
        terminal: Where people read.
        url: Of the page.
        settings: Those of the command line.
        bundles: By model, at least one.
    """
    first = next(iter(bundles.values()))
    periods = "as in the spec"
    if settings.fast:
        periods = f"fast: alarm periods are {settings.scale} times shorter"
    lines = [
        ("Live page   ", url),
        ("API         ", f"{url}openapi.json"),
        ("Models      ", ", ".join(bundles)),
        ("Engine      ", first.model.engine),
        ("Alarms      ", periods),
        ("Data        ", str(settings.data)),
        ("Webhooks    ", str(len(settings.webhooks) or "none")),
        ("Stop        ", "Ctrl-C"),
    ]
    text = Text("\n").join(Text.assemble((name, "dim"), value) for name, value in lines)
    terminal.print(Panel(text, title="MLOps Drift Monitor", expand=False))
    # A model can be left out of the path only where it is the only one.
    path = "predict" if len(bundles) == 1 else f"models/{first.feature_set.name}/predict"
    body = json.dumps({"features": first.feature_set.example})
    terminal.print("Try it:", style="dim")
    terminal.print(
        f"curl -s {url}{path} -H 'content-type: application/json' -d {shlex.quote(body)}",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def warn_open(terminal: Terminal, host: str, allowed_hosts: Sequence[str]) -> None:
    """Print who can reach a console that is not on loopback.

    Args:
        terminal: Where people read.
        host: The address that is listened on.
        allowed_hosts: Names that requests may use; any if empty.
    """
    names = "under any name"
    if allowed_hosts:
        names = f"under the names {', '.join(allowed_hosts)}"
    terminal.print(
        f"Warning: listening on {host}, not only on this machine. Whoever reaches that address can"
        f" send requests and read the page, {names}; there is no login. Put a proxy with a login in"
        " front of it, or leave --host out.",
        style="bold yellow",
        highlight=False,
        markup=False,
    )


def show_ending(terminal: Terminal, ending: Ending) -> None:
    """Print what became of the events; never raises.

    Args:
        terminal: Where people read, if it is still there.
        ending: What became of them.
    """
    # A terminal that is gone changes nothing about what is stored.
    with suppress(OSError):
        for sentence, style in _sentences(ending):
            terminal.print(sentence, style=style, highlight=False, markup=False)


def _sentences(ending: Ending) -> Iterator[tuple[str, str]]:
    """Yield each sentence with its style; only what holds is promised."""
    if ending.dead:
        names = ", ".join(ending.dead)
        yield f"Stopped: the thread {names} died; console.log gives the reason.", "bold red"
    if ending.lost:
        lines = "1 event line" if ending.lost == 1 else f"{ending.lost:,} event lines"
        yield f"Stopped. Lost: {lines} could not be written (a full disk?).", "bold red"
    if not ending.finished:
        sentence = "Stopped. Not all of the event log is stored; the next start stores the rest."
        yield sentence, "bold yellow"
    if ending.finished and not ending.lost and not ending.dead:
        yield "Stopped. Everything that was answered is stored.", "dim"


def show_alert(terminal: Terminal, alert: Alert, *, with_day: bool = False) -> None:
    """Print one alert in a few lines.

    Args:
        terminal: Where people read.
        alert: What was sent.
        with_day: Whether the day is told beside the time, as of past traffic.
    """
    state = alert["state"]
    time_of_day = alert["timestamp"][_TIME_OF_DAY]
    if with_day:
        time_of_day = f"{alert['timestamp'][_DAY]} {time_of_day}"
    # As Text, because names of others are no markup.
    headline = Text.assemble(
        (f"{time_of_day} ", "dim"),
        (state, _STYLES[state]),
        f" {alert['name']}: {alert['title']}",
    )
    terminal.print(headline)
    steps = [f"next: {step}" for step in alert["next"]]
    for line in (alert["reason"], *steps):
        terminal.print(
            f"{_INDENT}{line}",
            style="dim",
            highlight=False,
            markup=False,
            soft_wrap=True,
        )
