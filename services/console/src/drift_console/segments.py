"""`driftctl segments`: look for the part of the traffic that holds the drift of an alert."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command
from drift_contracts.terminal import make_terminal
from rich.text import Text

from drift_console.reading_store import BUCKET, reading_store
from drift_console.verify import bundle_of, read_alert

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts.types import AlertV2
    from drift_monitor.prediction_log import LogSearch
    from drift_monitor.reference import Reference

EPILOG = """
Examples:

\b
  driftctl segments alert.json --events build/console
  driftctl segments alert.json --bucket mlops-drift-monitor-prod-log-123456789012
  driftctl segments alert.json --log predictions/

The bucket is that of the log that a stack keeps (`predictionLog`), its output `predictionsBucket`;
--log takes a copy of it: files with one prediction event a line, as they are or with gzip.

Exit codes: 0 the search was made, whatever it found, 2 wrong usage, or an alert that is of one
segment already, 5 the bundle, the store or the bucket was refused; see docs/exit-codes.md.
"""
#: Events of a console that are looked through, the newest.
MOST_EVENTS = 100_000
LOG_FILES = ("*.gz", "*.json", "*.jsonl", "*.log")


@click.command(
    cls=Command,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("alert", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@click.option(
    "--events",
    type=click.Path(path_type=Path, exists=True),
    help="Data folder of a console, or its SQLite file.",
)
@click.option("--bucket", help="Bucket of the prediction log of a stack, in place of --events.")
@click.option(
    "--log",
    type=click.Path(path_type=Path, exists=True),
    help="File of a prediction log, or a folder of them, in place of --events.",
)
@click.option(
    "--bundles",
    type=click.Path(path_type=Path),
    default=Path("build/bundles"),
    show_default=True,
    help="Folder of the bundles; the alert names model and version.",
)
def segments(
    alert: Path, events: Path | None, bucket: str | None, log: Path | None, bundles: Path
) -> None:
    """Look for the segment that holds the drift of ALERT, a file with an alert.v2.

    Every named segment, every category and bins of every number are looked at, in the events from
    before the change and since.
    """
    # --help need not wait for numpy.
    from drift_monitor.errors import BadLog  # noqa: PLC0415
    from drift_monitor.event_search import search_events  # noqa: PLC0415
    from drift_monitor.reference import reference_of  # noqa: PLC0415

    if [events, bucket, log].count(None) != 2:  # noqa: PLR2004 - one of three
        raise click.UsageError("expected --events, --bucket or --log, one of them")
    document = read_alert(alert)
    if "segment" in document:
        expected = "expected an alert of all traffic: this one is of a segment, which it names"
        raise click.BadParameter(expected, param_hint="ALERT")
    folder, bundle, _ = bundle_of(bundles, document)
    reference = reference_of(folder, bundle)
    if bucket is not None:
        with reading_store(bucket, BUCKET):
            result: object = _of_bucket(bucket, document, reference)
    elif events is not None:
        with reading_store(None):
            result = search_events(document, reference, _stored(events, document["model"]))
    else:
        try:
            result = search_events(document, reference, _logged(log))
        except (OSError, BadLog) as error:
            expected = "expected files that can be read"
            raise click.BadParameter(expected, param_hint="--log") from error
    terminal = make_terminal()
    terminal.print(Text(document["title"], style="bold"))
    terminal.print(Text(f"{result}."))


def _of_bucket(bucket: str, alert: AlertV2, reference: Reference) -> LogSearch:
    """Return what the prediction log of a stack says; nothing but the alert bounds the reading."""
    import boto3  # noqa: PLC0415 - only a stack needs it
    from drift_monitor.cloud import LogBucket  # noqa: PLC0415 - as above
    from drift_monitor.prediction_log import Bounds, search_log  # noqa: PLC0415 - as above

    return search_log(LogBucket(boto3.client("s3"), bucket), alert, reference, Bounds())


# Any: events are of whoever wrote them.
def _stored(path: Path, model: str) -> Iterator[Mapping[str, Any]]:
    """Yield the newest events of a console's store."""
    from drift_console.database import connect  # noqa: PLC0415 - --help need not wait for it
    from drift_console.events import EventStore  # noqa: PLC0415

    path = path / "console.sqlite" if path.is_dir() else path
    if not path.is_file():
        raise click.BadParameter("expected a console's events there", param_hint="--events")
    connection = connect(path)
    try:
        for event in EventStore(connection).newest(model, MOST_EVENTS):
            yield event.document()
    finally:
        connection.close()


def _logged(path: Path | None) -> Iterator[Mapping[str, Any]]:
    """Yield the events in the files of a prediction log; lines that are none are passed over.

    Raises:
        BadLog: a file is damaged.
        OSError: it cannot be read.
    """
    from drift_monitor.prediction_log import PACKED, event_in, lines_in  # noqa: PLC0415 - as above

    if path is None:
        return
    files = [path]
    if path.is_dir():
        files = sorted(file for pattern in LOG_FILES for file in path.rglob(pattern))
    for file in files:
        with file.open("rb") as opened:
            for line in lines_in(opened, is_packed=file.suffix == PACKED):
                event = event_in(line)
                if event is not None:
                    yield event
