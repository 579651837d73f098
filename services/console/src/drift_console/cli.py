"""The command line: everything on one machine, in one command."""

from __future__ import annotations

import sqlite3
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

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

from drift_console import terminal as shown
from drift_console.alerts import AlertSource
from drift_console.app import MOST_VALUES, Api, App, ConsoleApi
from drift_console.bundles import ready_bundles
from drift_console.console import Console, Ending
from drift_console.journal import log_to
from drift_console.predicting import make_edge
from drift_console.publishing import AlertPublisher
from drift_console.security import is_loopback
from drift_console.served import Served
from drift_console.server import bind, make_server, serve
from drift_console.settings import Settings, check_features
from drift_console.specification import Specification
from drift_console.storage import Storage

if TYPE_CHECKING:
    from rich.console import Console as Terminal

#: A batch has 1,000 rows; name and value are two, and as much again in reserve.
VALUES_PER_FEATURE = 4_000

_EPILOG = """
Examples:

\b
  python -m drift_console                          all models that ship, http://127.0.0.1:8123/
  python -m drift_console --fast                   see an alarm within a minute
  python -m drift_console --port 0                 any free port (the banner names it)
  python -m drift_console --webhook https://hooks.example.com/drift

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
    "--segments/--no-segments",
    default=True,
    show_default=True,
    help="Watch the segments of the traffic that a feature set names, each on its own.",
)
@left_out_option
@click.option(
    "--retention-days",
    type=FiniteRange(min=0.01, max=36_500),
    default=7.0,
    show_default=True,
    help="How long data is kept.",
)
def main(retention_days: float, **options: object) -> None:
    """Serve predictions, watch them for drift, raise alarms and show it live, on one machine."""
    retention = retention_days * 86400
    # What the options are is declared above, and click has checked it.
    settings = Settings(retention=retention, **options)  # type: ignore[arg-type]
    ending = run(settings, make_terminal())
    if ending.dead:
        sys.exit(FAULT)


def run(settings: Settings, terminal: Terminal) -> Ending:
    """Serve until a signal or the death of a thread ends it.

    Args:
        settings: Those of the command line.
        terminal: Where people read.

    Raises:
        DriftError: Where the console cannot start.
    """
    # The port comes first: whoever starts a second console learns it before models are loaded.
    listener = bind(settings.host, settings.port)
    host, port = listener.getsockname()[:2]
    url = f"http://{_in_url(host)}:{port}/"
    specification = Specification(settings)
    bundles = ready_bundles(settings.bundles, settings.models, terminal)
    with starting(f"the store in {settings.data}", sqlite3.Error, OSError):
        storage = Storage(settings)
        log_to(settings.data / "console.log")
    with starting("a bundle"):
        served = Served.of(specification, bundles, settings.bundles)
        if not settings.segments:
            served = served.without_segments()
    check_features(settings, served.features)
    edge = make_edge(settings, bundles, storage.writer.write)
    publisher = AlertPublisher(
        storage.connection,
        AlertSource(settings.stack, url, served.versions),
        settings.webhooks,
        clock=time.time,
        tell=lambda alert: shown.show_alert(terminal, alert),
    )
    console = Console(
        settings,
        storage,
        specification,
        served,
        edge.handle,
        publisher,
        time.time,
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


def _in_url(host: str) -> str:
    """Return an address as URLs write it."""
    return f"[{host}]" if ":" in host else host
