"""What a person reads in the terminal: the banner at the start, and alerts as they happen."""

from __future__ import annotations

import json
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from rich.panel import Panel
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift_engine.bundle import Bundle
    from rich.console import Console as Terminal

    from drift_console.console import Ending
    from drift_console.settings import Settings

_STYLES = {"ALARM": "bold red", "OK": "bold green", "INSUFFICIENT_DATA": "bold yellow"}


def banner(terminal: Terminal, url: str, settings: Settings, bundles: Mapping[str, Bundle]) -> None:
    """Where everything is, and a line to paste."""
    first = next(iter(bundles.values()))
    body = json.dumps({"features": first.feature_set.example})
    path = "/predict" if len(bundles) == 1 else f"/models/{first.feature_set.name}/predict"
    periods = f"fast: alarm periods are {settings.scale} times shorter" if settings.fast else "as in the spec"
    lines = [
        ("Live page   ", url),
        ("API         ", f"{url}openapi.json"),
        ("Models      ", ", ".join(bundles)),
        ("Engine      ", first.forest.engine),
        ("Alarms      ", periods),
        ("Data        ", str(settings.data)),
        ("Webhooks    ", str(len(settings.webhooks)) if settings.webhooks else "none"),
        ("Stop        ", "Ctrl-C"),
    ]
    text = Text("\n").join(Text.assemble((name, "dim"), value) for name, value in lines)
    terminal.print(Panel(text, title="MLOps Drift Monitor", expand=False))
    terminal.print("Try it:", style="dim")
    terminal.print(
        f"curl -s {url.rstrip('/')}{path} -H 'content-type: application/json' -d '{body}'",
        soft_wrap=True,
        highlight=False,
        markup=False,
    )


def warn_open(terminal: Terminal, host: str, allowed_hosts: Sequence[str]) -> None:
    """Say who can reach a console that is not on loopback."""
    names = f"under the names {', '.join(allowed_hosts)}" if allowed_hosts else "under any name"
    terminal.print(
        f"Warning: listening on {host}, not only on this machine. Whoever reaches that address can ask for"
        f" predictions and read the page, {names}; there is no login. Put something in front of it that"
        " asks for one, or leave --host out.",
        style="bold yellow",
        highlight=False,
        markup=False,
    )


def farewell(terminal: Terminal, ending: Ending) -> None:
    """Say what became of the events; never raises, as a terminal that is gone changes nothing."""
    with suppress(OSError):
        for sentence, style in _last_words(ending):
            terminal.print(sentence, style=style, highlight=False, markup=False)


def _last_words(ending: Ending) -> Iterator[tuple[str, str]]:
    if ending.dead:
        yield f"Stopped: the thread {', '.join(ending.dead)} died; console.log says of what.", "bold red"
    if ending.lost:
        events = "1 event line" if ending.lost == 1 else f"{ending.lost:,} event lines"
        yield f"Stopped. Lost: {events} could not be written (a full disk?).", "bold red"
    if not ending.finished:
        yield "Stopped. Not all of the event log is stored; the next start takes in the rest.", "bold yellow"
    if ending.finished and not ending.lost and not ending.dead:
        yield "Stopped. Everything that was answered is stored.", "dim"


def tell(terminal: Terminal, alert: Mapping[str, Any]) -> None:
    """One alert, in a few lines."""
    state = alert["state"]
    terminal.print(
        Text.assemble(
            (f"{alert['timestamp'][11:19]} ", "dim"),
            (state, _STYLES[state]),
            f" {alert['name']}: {alert['title']}",
        )
    )
    terminal.print(f"         {alert['reason']}", style="dim", highlight=False, markup=False, soft_wrap=True)
    for step in alert["next"]:
        terminal.print(f"         next: {step}", style="dim", highlight=False, markup=False, soft_wrap=True)
