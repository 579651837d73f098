"""`driftctl verify`: compute the evidence of an alert again, from stored windows."""

from __future__ import annotations

import json
import time
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.bundle_paths import bundle_names
from drift_contracts.commands import Command
from drift_contracts.errors import DriftError
from drift_contracts.exits import FINDING
from drift_contracts.terminal import make_terminal
from drift_ml.replay.command_line import load_baseline
from rich import box
from rich.table import Table
from rich.text import Text

from drift_console.reading_store import reading_store

if TYPE_CHECKING:
    from drift_contracts.types import AlertV2
    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline
    from drift_ml.segments import Segment
    from drift_monitor.stores import Store
    from drift_monitor.verification import Verification
    from rich.console import Console as Terminal

EPILOG = """
Examples:

\b
  driftctl verify alert.json --windows build/console
  driftctl verify alert.json --table drift-prod-windows --bundles build/bundles

Exit codes: 0 the windows are those of the alert and say what it says, 1 a window was changed or the
evidence is another one, 2 wrong usage, or an alert that does not say what it rests on, 5 the bundle
or the store was refused; see docs/exit-codes.md.
"""
#: Rows of the course that are shown.
MOST_ROWS = 16
#: A window of a minute, in seconds; others are in a file of their own.
MINUTE = 60
AGREEMENTS = {
    "identical": "the same as in the alert, to the last bit",
    "close": "the same as in the alert, within one part in a billion",
    "different": "NOT the same as in the alert",
}


@click.command(
    cls=Command,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("alert", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--windows",
    type=click.Path(path_type=Path),
    help="Data folder of a console, or its SQLite file of windows.",
)
@click.option("--table", help="DynamoDB table of a stack, in place of --windows.")
@click.option(
    "--bundles",
    type=click.Path(path_type=Path),
    default=Path("build/bundles"),
    show_default=True,
    help="Folder of the bundles; the alert names model and version.",
)
def verify(alert: Path, windows: Path | None, table: str | None, bundles: Path) -> None:
    """Compute the evidence of ALERT again, a file with an alert.v2, and show its course."""
    # --help need not wait for numpy.
    from drift_monitor.callers import evaluated_windows  # noqa: PLC0415
    from drift_monitor.keys import Series  # noqa: PLC0415
    from drift_monitor.rhythm_archive import kept_rhythm  # noqa: PLC0415
    from drift_monitor.verification import CannotVerify  # noqa: PLC0415
    from drift_monitor.verification import verify as compute  # noqa: PLC0415

    if (windows is None) == (table is None):
        raise click.UsageError("expected --windows or --table, one of them")
    document = _verifiable(alert)
    folder, bundle, baseline = bundle_of(bundles, document)
    segment = _segment_of(folder, bundle, baseline, document)
    grounds, detector = document["drift"]["windows"], document["drift"]["detector"]
    series = Series(document["model"], document["model_version"])
    if segment is not None:
        # A caller is held against the bins of all traffic.
        series, baseline = series.part(segment.code), segment.baseline or baseline
    try:
        with reading_store(table):
            store = open_windows(windows, table, grounds["period"])
            stored = evaluated_windows(store, series, baseline, document)
            rhythm = None
            if "rhythm" in detector:
                rhythm = kept_rhythm(store, series, detector["rhythm"], baseline)
        result = compute(document, stored, baseline, rhythm)
    except CannotVerify as error:
        raise click.BadParameter(str(error), param_hint="ALERT") from error
    _show(make_terminal(), document, result)
    raise click.exceptions.Exit(0 if result.holds else FINDING)


def _verifiable(path: Path) -> AlertV2:
    """Return the alert in a file, which says what it rests on. Raises BadParameter."""
    alert = read_alert(path)
    if not {"windows", "detector"} <= alert.get("drift", {}).keys():
        expected = "expected an alert of drift with drift.windows and drift.detector"
        raise click.BadParameter(expected, param_hint="ALERT")
    return alert


def read_alert(path: Path) -> AlertV2:
    """Return the alert of drift in a file. Raises BadParameter."""
    from drift_contracts.schemas import check  # noqa: PLC0415 - --help need not wait for it

    try:
        # Any: the contract is checked next.
        document: Any = json.loads(path.read_bytes())
        check("alert.v2", document)
    except (ValueError, RecursionError, DriftError) as error:
        reason = error if isinstance(error, DriftError) else "expected an alert.v2 in JSON"
        raise click.BadParameter(str(reason), param_hint="ALERT") from error
    if "drift" not in document:
        raise click.BadParameter("expected an alert of drift", param_hint="ALERT")
    alert: AlertV2 = document
    return alert


def bundle_of(bundles: Path, alert: AlertV2) -> tuple[Path, Bundle, Baseline]:
    """Return the folder, the bundle and the baseline of an alert's version.

    Args:
        bundles: The folder of the bundles.
        alert: That names model and version.

    Raises:
        BadParameter: there is no bundle of the model.
        DriftError: the bundle is refused.
    """
    if alert["model"] not in bundle_names(bundles):
        expected = f"expected a bundle of the alert's model in {bundles}"
        raise click.BadParameter(expected, param_hint="--bundles")
    version = bundles / alert["model"] / alert["model_version"]
    path = version if version.is_dir() else bundles / alert["model"]
    return load_baseline(path)


def _segment_of(folder: Path, bundle: Bundle, baseline: Baseline, alert: AlertV2) -> Segment | None:
    """Return the segment that an alert is of; None for all traffic. Raises BadParameter."""
    from drift_ml.populations import CALLER  # noqa: PLC0415 - as for numpy
    from drift_ml.segments import SegmentsError, read_segments  # noqa: PLC0415
    from drift_monitor.callers import caller_segment  # noqa: PLC0415

    named = alert.get("segment")
    if named is None:
        return None
    if named["name"] == CALLER and bundle.feature_set.caller is not None:
        return caller_segment(named["value"])
    segments = read_segments(folder, bundle.manifest, baseline)
    try:
        if segments is None:
            raise SegmentsError("there is none in the bundle")
        return segments.named(named["name"], named["value"])
    except SegmentsError as error:
        expected = f"expected a segment of the bundle: {error}"
        raise click.BadParameter(expected, param_hint="ALERT") from error


def open_windows(windows: Path | None, table: str | None, period: int) -> Store:
    """Return the store of the windows.

    Args:
        windows: a console's folder or file.
        table: of a stack.
        period: seconds that a window spans.

    Raises:
        BadParameter: there is no such file.
    """
    from drift_monitor.stores import DynamoStore, SqliteStore  # noqa: PLC0415

    if windows is None:
        import boto3  # noqa: PLC0415 - only a stack needs it

        return DynamoStore(boto3.client("dynamodb"), str(table), time.time)
    if windows.is_dir():
        name = "console.sqlite" if period == MINUTE else "windows-fast.sqlite"
        windows = windows / name
    if not windows.is_file():
        raise click.BadParameter("expected a console's windows there", param_hint="--windows")
    return SqliteStore(windows)


def _show(terminal: Terminal, alert: AlertV2, result: Verification) -> None:
    terminal.print(Text(alert["title"], style="bold"))
    terminal.print(_course(result))
    for part in result.changed:
        words = (
            f"Windows from {part.first} to {part.last} are not those that were evaluated:"
            f" {part.evaluated} then, {part.stored} now. They were changed, removed, or late events"
            " were added."
        )
        terminal.print(Text(words, style="bold red"))
    if not result.changed:
        terminal.print(Text("All windows are those that were evaluated."))
    found = "not found again" if result.evidence is None else f"{result.evidence!r} nats"
    words = f"Evidence: {found}, {AGREEMENTS[result.agreement]} ({result.expected!r} nats);"
    words += f" an alarm takes {result.needed:.4f}."
    terminal.print(Text(words, style="bold green" if result.holds else "bold red"))


def _course(result: Verification) -> Table:
    """Return the course of each channel, of long ones the end and what leads to it."""
    names = list(result.course[-1][1]) if result.course else []
    grid = Table(title=Text("ln of the evidence, nats"), title_justify="left", box=box.SIMPLE_HEAD)
    grid.add_column("window", no_wrap=True)
    for name in names:
        grid.add_column(name, overflow="fold", justify="right")
    step = max(1, len(result.course) // MOST_ROWS)
    # From the end, so that the window that raised the alarm is among them.
    shown = result.course[::-1][::step][:MOST_ROWS][::-1]
    for at, parts in shown:
        grid.add_row(at, *(_nats(parts[name]) for name in names))
    return grid


def _nats(value: float) -> str:
    """Return evidence as text; a hyphen for a channel that an alarm explains, or without any."""
    return f"{value:.3f}" if isfinite(value) else "-"
