"""The command line: everything on one machine, in one command."""

from __future__ import annotations

import sqlite3
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command, FiniteRange
from drift_contracts.environment import MOST_METRIC_FEATURES
from drift_contracts.exits import FAULT, starting
from drift_contracts.spec import METRIC_FEATURES
from drift_contracts.terminal import make_terminal
from drift_ml.detection_options import (
    LEAST_DAYS,
    MOST_DAYS,
    detection_options,
    left_out_option,
)
from drift_monitor.rules import MOST_NORMAL_DAYS, NEW_NORMAL_DAYS, REFERENCES

from drift_console import terminal as shown
from drift_console.alerts import AlertSource
from drift_console.app import MOST_VALUES, Api, App, ConsoleApi
from drift_console.bundles import ready_bundles
from drift_console.console import Console, Ending
from drift_console.journal import log_to
from drift_console.predicting import make_edge
from drift_console.publishing import AlertPublisher
from drift_console.replay_options import KEPT, asked_of, is_given, replay_options
from drift_console.replaying import refuse_replayed
from drift_console.security import is_loopback
from drift_console.served import Served
from drift_console.server import bind, make_server, serve
from drift_console.settings import Settings, check_features
from drift_console.specification import Specification
from drift_console.storage import Storage

if TYPE_CHECKING:
    from socket import socket

    from rich.console import Console as Terminal

    from drift_console.past import Asked
    from drift_console.showing_past import Past

#: A batch has 1,000 rows; name and value are two, and as much again in reserve.
VALUES_PER_FEATURE = 4_000

_EPILOG = """
Examples:

\b
  python -m drift_console                          all models that ship, http://127.0.0.1:8123/
  python -m drift_console --fast                   see an alarm within a minute
  python -m drift_console --port 0                 any free port (the banner names it)
  python -m drift_console --webhook https://hooks.example.com/drift
  driftctl serve --replay traffic.csv --time-column time --speed 3600
                                                   an hour of past traffic a second
  driftctl serve --replay traffic.csv --time-column time --speed max --anew
                                                   as fast as it goes, in a fresh store
  driftctl serve --replay rows.parquet --spread-days 28
                                                   rows without times, spread over four weeks

Exit codes: 0 after Ctrl-C or SIGTERM, 2 wrong usage, 5 when it cannot start (the message gives the
reason), 70 an internal fault, such as a thread that died (console.log gives the reason); see
docs/exit-codes.md.
"""


@click.command(
    cls=Command,
    epilog=_EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8123,
    show_default=True,
    help="Port; 0 takes a free one.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address; the default is this machine only.",
)
@click.option(
    "--allow-host",
    "allowed_hosts",
    multiple=True,
    metavar="NAME",
    help="Answer requests under this name too, as a proxy sends it (repeatable).",
)
@click.option(
    "--fast",
    is_flag=True,
    help="Make every period 60 times shorter: 5 minutes become 5 seconds, a window lasts 1 second.",
)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="Serve only this model (repeatable). Default: all there are bundles of.",
)
@click.option(
    "--bundles",
    type=click.Path(path_type=Path),
    default=Path("build/bundles"),
    show_default=True,
    help="Folder of model bundles; those that ship are trained when it has none.",
)
@click.option(
    "--data-dir",
    "data",
    type=click.Path(path_type=Path),
    default=Path("build/console"),
    show_default=True,
    help="Folder of the event log, the store and the console's own log.",
)
@click.option(
    "--webhook", "webhooks", multiple=True, metavar="URL", help="Post each alert here (repeatable)."
)
@click.option(
    "--stack",
    default="local",
    show_default=True,
    help="Stack whose thresholds of the monitoring spec apply.",
)
@click.option(
    "--threshold",
    type=FiniteRange(min=0, min_open=True),
    help="Drift score above which a request counts as drifted. Default: the spec's.",
)
@detection_options
@click.option(
    "--false-alarm-days",
    type=FiniteRange(min=LEAST_DAYS, max=MOST_DAYS),
    metavar="N",
    help="At most one false alarm in N days, of all models together. Default: one in 100,000"
    " events.",
)
@click.option(
    "--metric-features",
    type=click.IntRange(0, MOST_METRIC_FEATURES),
    default=METRIC_FEATURES,
    show_default=True,
    help="Features that have metrics and a place on the page, the most important ones.",
)
@click.option(
    "--rhythm/--no-rhythm",
    default=True,
    show_default=True,
    help="Learn daily and weekly cycles from two weeks of traffic, and allow for them.",
)
@click.option(
    "--repeats/--no-repeats",
    default=True,
    show_default=True,
    help="Let requests that repeat each other, and those of one session, count for less.",
)
@click.option(
    "--reference",
    type=click.Choice(REFERENCES),
    default="rolling",
    show_default=True,
    help="Hold traffic against its last 28 days once its rhythm is learned, or against training"
    " alone.",
)
@click.option(
    "--new-normal-days",
    type=FiniteRange(min=0, max=MOST_NORMAL_DAYS),
    default=NEW_NORMAL_DAYS,
    show_default=True,
    help="Take a drift that still stands after so many days as the new normal; 0 for never.",
)
@click.option(
    "--segments/--no-segments",
    default=True,
    show_default=True,
    help="Watch the segments and the callers that a feature set names, each on its own.",
)
@left_out_option
@click.option(
    "--retention-days",
    type=FiniteRange(min=0.01, max=36_500),
    default=7.0,
    show_default=True,
    help="How long data is kept; of a replay all of it unless this is given.",
)
@replay_options
@click.pass_context
def main(context: click.Context, /, retention_days: float, **options: Any) -> None:
    """Serve predictions, watch them for drift, raise alarms and show it live, on one machine.

    With --replay FILE the page shows past traffic instead, at its own times: the file's rows are
    answered by the model, counted and judged as live ones are, in a store of their own.
    """
    asked = asked_of(context, options)
    retention = retention_days * 86400
    if asked is not None and not is_given(context, "retention_days"):
        retention = KEPT
    # What the options are is declared above, and click has checked it.
    settings = Settings(retention=retention, **options)
    ending = run(settings, make_terminal(), asked)
    if ending.dead:
        sys.exit(FAULT)


def run(settings: Settings, terminal: Terminal, asked: Asked | None = None) -> Ending:
    """Serve until a signal or the death of a thread ends it.

    Args:
        settings: Those of the command line.
        terminal: Where people read.
        asked: Past traffic that is to be shown in place of live traffic.

    Raises:
        DriftError: Where the console cannot start.
    """
    # The port comes first: whoever starts a second console learns it before models are loaded.
    with closing(bind(settings.host, settings.port)) as listener:
        return _run(settings, terminal, asked, listener)


def _run(
    settings: Settings,
    terminal: Terminal,
    asked: Asked | None,
    listener: socket,
) -> Ending:
    """Serve on a bound socket; the other arguments as those of `run`."""
    host, port = listener.getsockname()[:2]
    url = f"http://{_in_url(host)}:{port}/"
    specification = Specification(settings)
    bundles = ready_bundles(settings.bundles, settings.models, terminal)
    past: Past | None = None
    if asked is None:
        refuse_replayed(settings)
    else:
        # Live traffic needs no reader of tables.
        from drift_console.showing_past import open_past  # noqa: PLC0415

        past = open_past(settings, bundles, asked, terminal)
        settings, bundles = past.settings, past.bundles
    with starting(f"the store in {settings.data}", sqlite3.Error, OSError):
        storage = Storage(settings)
        log_to(settings.data / "console.log")
    with starting("a bundle"):
        served = Served.of(specification, bundles, settings.bundles)
        if not settings.segments:
            served = served.without_segments()
    if past is not None:
        served = served.without_scenarios()
    check_features(settings, served.features)
    # What is asked over HTTP beside a replay is answered, and is no traffic of the past.
    edge = make_edge(settings, bundles, storage.writer.write if past is None else _discard)
    clock = time.time if past is None else past.clock
    publisher = AlertPublisher(
        storage.connection,
        AlertSource(settings.stack, url, served.versions),
        settings.webhooks,
        clock=clock,
        tell=lambda alert: shown.show_alert(terminal, alert, with_day=past is not None),
    )
    console = Console(
        settings,
        storage,
        specification,
        served,
        edge.handle,
        publisher,
        clock,
        None if past is None else past.feed(storage.writer.write, terminal),
    )
    server = make_server()
    most_values = max(MOST_VALUES, VALUES_PER_FEATURE * served.most_features)
    app = App(
        Api(edge.handle, time.time, most_values=most_values),
        ConsoleApi(
            console.read_state,
            console.run_scenario,
            console.replay,
            console.acknowledge,
            server.stopping,
        ),
        bound_to=host,
        allowed_hosts=settings.allowed_hosts,
        dead=console.dead,
    )

    def started() -> None:
        if past is not None:
            past.announce(terminal)
        shown.show_banner(terminal, url, settings, bundles)
        if not is_loopback(host):
            shown.warn_open(terminal, host, settings.allowed_hosts)

    console.start()
    try:
        serve(server, app, listener, started=started, dead=console.dead)
    finally:
        ending = console.stop()
    shown.show_ending(terminal, ending)
    return ending


def _discard(_line: str) -> None:
    """Keep no line."""


def _in_url(host: str) -> str:
    """Return an address as URLs write it."""
    return f"[{host}]" if ":" in host else host
