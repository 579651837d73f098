"""`driftctl watch`: the console's state in a terminal, live."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, NotRequired, TypedDict

import click
from drift_contracts import environment
from drift_contracts.commands import FiniteRange
from drift_contracts.keywords import violations
from drift_contracts.terminal import Harmless
from rich.console import Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from drift_client import BrokenResponse
from drift_client.cli._options import URL, checked_url, console, model_option, shown

if TYPE_CHECKING:
    from drift_contracts.json_types import ReadableObject

    from drift_client import Connection

OPERATION = "GET /console/api/state"
#: What errors call the document, which has no contract of its own.
STATE = "the console's state"
#: Predictions in the table, at most.
SHOWN = 10
#: Seconds for one attempt.
TIMEOUT = 5.0
ALARM_COLOURS = {"OK": "green", "ALARM": "red", "INSUFFICIENT_DATA": "yellow"}
SEVERITY_COLOURS = {"normal": "green", "moderate": "yellow", "high": "red"}

_TEXT = {"type": "string"}
_ALARM: ReadableObject = {
    "type": "object",
    "required": ["name", "state", "since", "reason"],
    "properties": {
        "name": _TEXT,
        "state": _TEXT,
        "since": {"type": ["string", "null"]},
        "reason": _TEXT,
    },
}
_EVENT: ReadableObject = {
    "type": "object",
    "required": ["timestamp", "prediction", "drift_score", "severity", "drifted"],
    "properties": {
        "timestamp": _TEXT,
        "prediction": {"type": "number"},
        "label": _TEXT,
        "drift_score": {"type": "number"},
        "severity": _TEXT,
        "drifted": {"type": "array", "items": _TEXT},
    },
}
#: The members of the console's state that are shown.
_SCHEMA: ReadableObject = {
    "type": "object",
    "required": ["now", "model", "threshold", "totals", "alarms", "recent"],
    "properties": {
        "totals": {"type": "object"},
        "alarms": {"type": "array", "items": _ALARM},
        "recent": {"type": "array", "items": _EVENT},
    },
}


class Alarm(TypedDict):
    """An alarm of the console."""

    name: str
    state: str
    since: str | None
    reason: str


class Event(TypedDict):
    """A recent prediction."""

    timestamp: str
    prediction: float
    #: the class that was answered, of a classifier
    label: NotRequired[str]
    drift_score: float
    severity: str
    drifted: list[str]


class State(TypedDict):
    """The members of the console's state that are shown."""

    now: str
    model: str
    threshold: float
    totals: dict[str, int]
    alarms: list[Alarm]
    recent: list[Event]


@click.command()
@model_option
@click.option(
    "--url",
    default=URL,
    envvar=environment.URL,
    show_default=True,
    show_envvar=True,
    help="The local console.",
)
@click.option(
    "--interval",
    type=FiniteRange(0.1, 3600),
    default=2.0,
    show_default=True,
    help="Seconds between looks.",
)
@click.option(
    "--times", type=click.IntRange(min=1), help="How often to look; until Ctrl-C if absent."
)
def watch(model: str | None, url: str, interval: float, times: int | None) -> None:
    """Watch drift and alarms, live, until Ctrl-C."""
    with (
        checked_url(url, TIMEOUT) as connection,
        Live(console=console(), auto_refresh=False) as live,
    ):
        looks = 0
        while looks != times:
            if looks and not _waited(interval):
                return
            # names and reasons are others' words, and Live prints past the terminal's own cleaner
            live.update(Harmless(_view(_state(connection, model))), refresh=True)
            looks += 1


def _waited(interval: float) -> bool:
    """Wait; return False if Ctrl-C ended it."""
    try:
        time.sleep(interval)
    except KeyboardInterrupt:
        return False
    return True


def _state(connection: Connection, model: str | None) -> State:
    """Return the console's state. Raises ClientError."""
    params = {} if model is None else {"model": model}
    state: State = connection.request(OPERATION, params=params)
    broken = tuple(violations(_SCHEMA, state))
    if broken:
        raise BrokenResponse(OPERATION, STATE, broken)
    return state


def _view(state: State) -> Group:
    totals = ", ".join(f"{name} {number}" for name, number in state["totals"].items())
    words = f"{state['model']} at {state['now']}: {totals}; threshold {state['threshold']}"
    return Group(Text(words), _alarms(state["alarms"]), _recent(state["recent"]))


def _alarms(alarms: list[Alarm]) -> Table:
    table = Table("alarm", "state", "since", "why")
    for alarm in alarms:
        colour = ALARM_COLOURS.get(alarm["state"], "")
        table.add_row(
            alarm["name"],
            Text(alarm["state"], style=colour),
            alarm["since"] or "",
            Text(alarm["reason"]),
        )
    return table


def _recent(recent: list[Event]) -> Table:
    table = Table("time", "prediction", "drift score", "severity", "drifted")
    for event in recent[:SHOWN]:
        colour = SEVERITY_COLOURS.get(event["severity"], "")
        table.add_row(
            event["timestamp"],
            _answer(event),
            f"{event['drift_score']:.2f}",
            Text(event["severity"], style=colour),
            ", ".join(event["drifted"]),
        )
    return table


def _answer(event: Event) -> Text:
    """Return what was predicted: a number, or a class with the score behind it."""
    number = shown(event["prediction"])
    label = event.get("label")
    # a class is others' word: as Text, nothing in it is taken for markup
    return Text(number if label is None else f"{label} (score {number})")
