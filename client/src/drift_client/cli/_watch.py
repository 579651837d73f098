"""`driftctl watch`: the console's state in a terminal, live."""

from __future__ import annotations

import time
from typing import Any

import click
import httpx
from drift_contracts.commands import FiniteRange
from drift_contracts.errors import NotJson, Violation
from drift_contracts.parsing import parse_json
from drift_contracts.terminal import Harmless
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drift_client import BrokenResponse, RequestRefused, ServiceFailed, Unreachable
from drift_client.cli._options import URL, connect, console, model_option

PATH = "/console/api/state"
OPERATION = f"GET {PATH}"
SHOWN = 10
SECONDS = 5.0
STATES = {"OK": "green", "ALARM": "red", "INSUFFICIENT_DATA": "yellow"}
SEVERITIES = {"normal": "green", "moderate": "yellow", "high": "red"}


@click.command()
@model_option
@click.option("--url", default=URL, envvar="DRIFT_URL", show_default=True, show_envvar=True, help="The local console.")
@click.option("--interval", type=FiniteRange(0.1, 3600), default=2.0, show_default=True, help="Seconds between looks.")
@click.option("--times", type=click.IntRange(min=1), help="How often to look; until Ctrl-C if absent.")
def watch(model: str | None, url: str, interval: float, times: int | None) -> None:
    """Watch drift and alarms, live, until Ctrl-C."""
    connect(url, SECONDS).close()  # an address that is none is refused as the other commands refuse it
    terminal = console()
    with httpx.Client(base_url=url, timeout=SECONDS) as http, Live(console=terminal, auto_refresh=False) as live:
        looks = 0
        while looks != times:
            if looks and not _waited(interval):
                return
            live.update(Harmless(_view(_state(http, model))), refresh=True)
            looks += 1


def _waited(interval: float) -> bool:
    """Wait; false when Ctrl-C ended it."""
    try:
        time.sleep(interval)
    except KeyboardInterrupt:
        return False
    return True


def _state(http: httpx.Client, model: str | None) -> dict[str, Any]:
    """The console's state. Raises ClientError."""
    try:
        response = http.get(PATH, params={} if model is None else {"model": model})
    except (httpx.TransportError, httpx.InvalidURL) as error:
        raise Unreachable(OPERATION, type(error).__name__, 1) from error
    if not response.is_success:
        kind = RequestRefused if response.is_client_error else ServiceFailed
        raise kind(OPERATION, response.status_code, {"title": response.reason_phrase or "no reason given"})
    try:
        state = parse_json(response.content)
    except NotJson as error:
        raise BrokenResponse(OPERATION, "the console's state", [Violation("", "json", str(error))]) from None
    if not isinstance(state, dict) or not {"now", "model", "threshold", "totals", "alarms", "recent"} <= state.keys():
        expected = Violation("", "required", "the members now, model, threshold, totals, alarms and recent")
        raise BrokenResponse(OPERATION, "the console's state", [expected])
    return state


def _view(state: dict[str, Any]) -> Group:
    totals = ", ".join(f"{name} {number}" for name, number in state["totals"].items())
    heading = Text(f"{state['model']} at {state['now']}: {totals}; threshold {state['threshold']}")
    return Group(heading, _alarms(state["alarms"]), _recent(state["recent"]))


def _alarms(alarms: list[dict[str, Any]]) -> Table:
    table = Table("alarm", "state", "since", "why")
    for alarm in alarms:
        colour = STATES.get(alarm["state"], "")
        table.add_row(alarm["name"], Text(alarm["state"], style=colour), alarm["since"] or "", Text(alarm["reason"]))
    return table


def _recent(recent: list[dict[str, Any]]) -> Table:
    table = Table("time", "prediction", "drift score", "severity", "drifted")
    for event in recent[:SHOWN]:
        severity = Text(event["severity"], style=SEVERITIES.get(event["severity"], ""))
        figures = (f"{event['prediction']:,.6g}", f"{event['drift_score']:.2f}")
        table.add_row(event["timestamp"], *figures, severity, ", ".join(event["drifted"]))
    return table
