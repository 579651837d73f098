"""`driftctl rhythm`: learn how traffic follows the hour and the week from what is there."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command, Group
from drift_contracts.exits import starting
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal
from drift_ml.detection_options import left_out_option
from drift_ml.read_options import read_options
from drift_ml.replay.command_line import CONTEXT, baseline_option, load_baseline
from rich import box
from rich.table import Table
from rich.text import Text

from drift_console.reading_store import reading_store
from drift_console.verify import open_windows

if TYPE_CHECKING:
    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline
    from drift_ml.left_out import LeftOut
    from drift_ml.rhythm import Rhythm
    from drift_ml.tables import ReadOptions
    from drift_monitor.keys import Series
    from drift_monitor.rhythms import Rhythms

    Batches = list[tuple[float, Any]]

READING = ("delimiter", "decimal", "encoding", "missing", "ignore", "sort")
EXIT_CODES = """
Exit codes: 0 the rhythm is learned, 2 wrong usage, a file that breaks the feature set, or traffic
of less than two weeks, 5 the bundle or the store was refused; see docs/exit-codes.md.
"""
EPILOG = f"""
Examples:

\b
  driftctl rhythm learn --baseline build/bundles/house-price --data traffic.csv --time-column time
  driftctl rhythm learn --baseline build/bundles/house-price --windows build/console
  driftctl rhythm learn --baseline build/bundles/house-price --table drift-prod-windows \\
      --left-out 2026-12-24/2026-12-26=Christmas --out rhythm.json
{EXIT_CODES}"""
EPILOG_OF_SIZES = """
Examples:

\b
  driftctl rhythm sizes --baseline build/bundles/house-price --windows build/console
  driftctl rhythm sizes --baseline build/bundles/house-price --table drift-prod-windows

Exit codes: 0 the sizes are shown, 2 wrong usage, 5 the bundle or the store was refused; see
docs/exit-codes.md.
"""
#: Seconds of a window of a minute.
MINUTE = 60
#: Kinds of sums, by their seconds.
STEPS = {600: "ten minutes", 3_600: "an hour", 86_400: "a day"}


@click.group(cls=Group, context_settings=CONTEXT, epilog=EXIT_CODES)
def rhythm() -> None:
    """Learn how traffic follows the hour and the week."""


@rhythm.command(cls=Command, epilog=EPILOG, context_settings=CONTEXT)
@baseline_option
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="Past traffic with times: CSV, TSV or Parquet; the newest eight weeks count.",
)
@click.option("--time-column", metavar="NAME", help="Column of times of --data.")
@click.option(
    "--prediction-column",
    metavar="NAME",
    help="Column of predictions of --data. Default: the one named prediction, else the model"
    " predicts.",
)
@click.option(
    "--windows",
    type=click.Path(path_type=Path),
    help="Data folder of a console, or its SQLite file of windows: the last eight weeks.",
)
@click.option("--table", help="DynamoDB table of a stack: the last eight weeks.")
@left_out_option
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write the rhythm.v1 to. Default: it is put into the bundle, whose version stays.",
)
@reading_options
def learn(
    baseline: Path,
    data: Path | None,
    windows: Path | None,
    table: str | None,
    left_out: tuple[LeftOut, ...],
    out: Path | None,
    **options: Any,
) -> None:
    """Learn the rhythm of two weeks or more of traffic.

    A monitor that is given a bundle with a rhythm holds traffic against its hour from the first
    day, until it has learned one from the traffic itself.
    """
    # --help need not wait for numpy.
    from drift_ml.rhythm import RhythmError, add_rhythm, learn_rhythm  # noqa: PLC0415

    if [data, windows, table].count(None) != 2:  # noqa: PLR2004 - one of three is there
        raise click.UsageError("expected one of --data, --windows and --table")
    time_column, column = options.pop("time_column"), options.pop("prediction_column")
    if (data is None) != (time_column is None):
        raise click.UsageError("expected --data and --time-column together")
    reading = read_options({name: options[name] for name in READING if name in options})
    folder, bundle, reference = load_baseline(baseline)
    if data is not None:
        batches, tens = _of_file(bundle, reference, data, time_column, column, reading)
    else:
        batches, tens = _of_store(bundle, reference, windows, table)
    try:
        learned = learn_rhythm(reference, batches, finer=tens, left_out=left_out)
    except RhythmError as error:
        raise click.UsageError(str(error)) from error
    if out is None:
        with starting("the bundle"):
            add_rhythm(folder, learned)
    else:
        out.write_text(f"{json.dumps(learned.to_json(), indent=1)}\n", encoding="utf-8")
    _show(learned, folder if out is None else out)


@rhythm.command(cls=Command, epilog=EPILOG_OF_SIZES, context_settings=CONTEXT)
@baseline_option
@click.option(
    "--windows",
    type=click.Path(path_type=Path),
    help="Data folder of a console, or its SQLite file of windows.",
)
@click.option("--table", help="DynamoDB table of a stack, in place of --windows.")
def sizes(baseline: Path, windows: Path | None, table: str | None) -> None:
    """Show what the sums that a rhythm is learned from take in the store."""
    from drift_monitor.sums import size_in_words  # noqa: PLC0415

    if (windows is None) == (table is None):
        raise click.UsageError("expected --windows or --table, one of them")
    _, bundle, _ = load_baseline(baseline)
    with reading_store(table):
        rhythms, series = _rhythms(bundle, windows, table)
        listed = rhythms.sizes(series)
    grid = Table(title=Text(f"Sums of {series}"), title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("each of", "days", "sums", "size"):
        grid.add_column(column, justify="right")
    for size in listed:
        words = size_in_words(size.size_bytes)
        grid.add_row(STEPS[size.step_s], f"{size.days}", f"{size.sums:,}", words)
    total = sum(size.size_bytes for size in listed)
    terminal = make_terminal()
    terminal.print(grid)
    terminal.print(Text(f"All together: {size_in_words(total)}."))


def _of_file(
    bundle: Bundle,
    baseline: Baseline,
    data: Path,
    time_column: str,
    column: str | None,
    reading: ReadOptions,
) -> tuple[Batches, Batches]:
    """Return the hours and the ten minutes of a file. Raises DataError."""
    from drift_ml.replay.backtest import Request, answered_chunks  # noqa: PLC0415
    from drift_ml.rhythm import Hours  # noqa: PLC0415

    hours = Hours(baseline)
    request = Request(data, time=time_column, prediction=column, reading=reading)
    for columns, answers, times_ms in answered_chunks(bundle, request):
        hours.take(
            columns,
            times_ms,
            answers.predictions,
            labels=answers.labels,
            margins=answers.margins,
            entropies=answers.entropies,
        )
    return hours.batches(), hours.tens()


def _of_store(
    bundle: Bundle,
    baseline: Baseline,
    windows: Path | None,
    table: str | None,
) -> tuple[Batches, Batches]:
    """Return the hours and the ten minutes that a monitor has kept.

    Raises CannotStart, and UsageError where there is no hour.
    """
    with reading_store(table):
        rhythms, series = _rhythms(bundle, windows, table)
        memory = rhythms.memory(series, baseline, int(time.time() // MINUTE))
        hours = list(rhythms.hours(series, baseline, memory))
        tens = list(rhythms.tens(series, baseline, memory))
    if not hours:
        raise click.UsageError(
            f"--windows, --table: expected the hours of {series}, two weeks or more; there are"
            " none: is it the store that this version is watched in?"
        )
    return hours, tens


def _rhythms(bundle: Bundle, windows: Path | None, table: str | None) -> tuple[Rhythms, Series]:
    """Return what reads a store, and whose sums."""
    from drift_monitor.keys import Series  # noqa: PLC0415
    from drift_monitor.rhythms import Rhythms  # noqa: PLC0415

    series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
    return Rhythms(open_windows(windows, table, MINUTE), MINUTE), series


def _show(learned: Rhythm, place: Path) -> None:
    terminal = make_terminal()
    terminal.print(Text(f"Rhythm {learned}.", style="bold"))
    for name in sorted(learned.cycles):
        terminal.print(Text(f"  {name}: {len(learned.cycles[name])} strata"))
    if learned.left_out:
        terminal.print(Text(f"Left out: {', '.join(map(str, learned.left_out))}."))
    terminal.print(Text(f"Written to {place}."))
