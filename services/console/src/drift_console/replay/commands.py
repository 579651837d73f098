"""`driftctl replay` and `driftctl report`: only options in, files and exit codes out."""

from __future__ import annotations

import json
import sqlite3
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click
from drift_contracts.bundle_paths import bundle_folder, bundle_names
from drift_contracts.commands import Command, FiniteRange
from drift_contracts.exits import FINDING, CannotStart, starting
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal
from drift_ml.replay.shown import show
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline
    from drift_ml.replay.outcome import Outcome

READING = ("delimiter", "decimal", "encoding", "missing", "ignore", "sort")
_CODES = """
Exit codes: 0 no drift found, 1 drift found (an alarm was raised, even if it was taken back) or, with replay --strict, a
warning, 2 wrong usage, bad data or nothing to compare (the message says what was expected and where), 5 the bundle or
the store was refused. A pipeline can gate on them; see docs/exit-codes.md.
"""
_REPLAY = (
    """
Examples:

\b
  driftctl replay --data traffic.csv --baseline build/bundles/house-price
  driftctl replay --data traffic.parquet --baseline build/bundles/house-price --time-column time --html report.html
  driftctl replay --data traffic.csv --baseline build/bundles/house-price --budget 1000000 --json
"""
    + _CODES
)
_REPORT = (
    """
Examples:

\b
  driftctl report --window last-24h
  driftctl report --window 2026-11-20..2026-11-23 --model house-price --html report.html
"""
    + _CODES
)
_CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


def _shared(command: Callable[..., None]) -> Callable[..., None]:
    """The options that both commands have."""
    options = (
        click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report to this file."),
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of tables."),
        click.option(
            "--minimum-effect",
            type=FiniteRange(min=0),
            default=0.1,
            show_default=True,
            help="Raise no alarm for less, in standard deviations.",
        ),
        click.option(
            "--budget-days", type=FiniteRange(min=0, min_open=True), metavar="N",
            help="The same per N days at the traffic that is replayed; needs times.",
        ),
        click.option(
            "--budget", type=FiniteRange(min=100), metavar="EVENTS",
            help="At most one false alarm in so many events. Default: 100,000.",
        ),
    )  # fmt: skip
    for option in options:
        command = option(command)
    return command


@click.command(cls=Command, epilog=_REPLAY, context_settings=_CONTEXT)
@click.option(
    "--data", required=True, type=click.Path(path_type=Path),
    help="CSV, TSV or Parquet; a file, text also gzipped, or a folder. Rows in the order of time, or --sort.",
)  # fmt: skip
@click.option(
    "--baseline", "bundle", required=True, type=click.Path(path_type=Path), help="Folder of a model's bundle."
)
@click.option("--time-column", metavar="NAME", help="Column of times: ISO 8601, or seconds or milliseconds since 1970.")
@click.option(
    "--prediction-column", metavar="NAME",
    help="Column of predictions. Default: the one named prediction, else the bundle's forest predicts.",
)  # fmt: skip
@click.option(
    "--rows-per-window", type=click.IntRange(1), metavar="ROWS",
    help="How finely the evidence looks. Default: 50 or more, so that there are at most 500 windows.",
)  # fmt: skip
@click.option("--strict", is_flag=True, help="End with exit code 1 at a warning too: rows of the training data.")
@reading_options
@click.option("--sort", is_flag=True, help="Sort the rows by --time-column first.")
@_shared
def replay(data: Path, bundle: Path, time_column: str | None, prediction_column: str | None, **options: Any) -> None:
    """Backtest past traffic: when would each detector have fired, and what is different?

    The file has a column per feature of the bundle's model; other columns are left out. Every cell is checked as in
    training: what breaks the feature set is named by row, column and rule, and nothing is compared.
    """
    # --help need not wait for numpy and pyarrow
    from drift_ml.replay.backtest import Request, backtest  # noqa: PLC0415
    from drift_ml.replay.outcome import conclude, page  # noqa: PLC0415
    from drift_ml.tables import OptionError, ReadOptions  # noqa: PLC0415
    from drift_ml.tables.row_digests import read_row_digests  # noqa: PLC0415

    _one_budget(options)
    try:
        reading = ReadOptions(**{name: options[name] for name in READING})
    except OptionError as error:
        raise click.BadParameter(f"expected {error.expected}", param_hint=f"--{error.option}") from error
    if reading.sort and time_column is None:
        raise click.UsageError("--sort: expected a column of times (--time-column)")
    loaded, baseline = _load(bundle)
    request = Request(
        data,
        time=time_column,
        prediction=prediction_column,
        window=options["rows_per_window"],
        budget_events=options["budget"],
        budget_days=options["budget_days"],
        minimum_effect=options["minimum_effect"],
        reading=reading,
    )
    with starting("the bundle"):
        digests = read_row_digests(bundle, loaded.manifest)
    with _Bar() as bar:
        found = backtest(loaded, request, bar.show, digests=digests)
    outcome = conclude(baseline, found.windows, found.replay, found.firings, training_rows=found.training_rows)
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"

    def build() -> str:
        return page(outcome, baseline, loaded.feature_set, source=data.name, made=made, predicted=found.predicted)

    _finish(outcome, options, build)


@click.command(cls=Command, epilog=_REPORT, context_settings=_CONTEXT)
@click.option("--window", "span", required=True, metavar="SPAN", help="last-24h, last-7d, last-90m, or FROM..TO (UTC).")
@click.option("--model", help="Whose windows. Default: the only bundle, or house-price of several.")
@click.option(
    "--store", type=click.Path(path_type=Path), default=Path("build/console/console.sqlite"), show_default=True,
    help="SQLite file that the windows are in.",
)  # fmt: skip
@click.option(
    "--bundles", type=click.Path(path_type=Path), default=Path("build/bundles"), show_default=True,
    help="Folder of the bundles; the one of the model gives the baseline.",
)  # fmt: skip
@_shared
def report(span: str, model: str | None, store: Path, bundles: Path, **options: Any) -> None:
    """Report on stored windows of live traffic, and replay the detectors over them.

    Of the named detectors those that go by counts, PSI and KS, are replayed; the others want single values, which no
    window keeps: they are in `driftctl replay`.
    """
    from drift_ml.replay.backtest import budget_of  # noqa: PLC0415
    from drift_ml.replay.evidence import replay_windows  # noqa: PLC0415
    from drift_ml.replay.outcome import conclude, page  # noqa: PLC0415
    from drift_ml.replay.stored import NOT_RUN, counted_firings  # noqa: PLC0415
    from drift_monitor.errors import BadStore  # noqa: PLC0415 - as above

    from drift_console.replay.stored import read_span, stored_windows  # noqa: PLC0415

    _one_budget(options)
    loaded, baseline = _load(_bundle_of(bundles, model))
    span_minutes = read_span(span, time.time())
    try:
        windows = stored_windows(store, baseline, loaded.manifest["model_version"], span_minutes)
    except BadStore as error:
        raise CannotStart(str(error)) from error
    except sqlite3.Error as error:
        raise CannotStart(f"the store {store} cannot be read: {error}") from error
    budget = budget_of(options["budget"], options["budget_days"], windows)
    with _Bar() as bar:
        found = replay_windows(
            baseline,
            windows,
            budget=budget,
            minimum_effect=options["minimum_effect"],
            progress=lambda done, total: bar.show("evidence", done, total),
        )
    outcome = conclude(baseline, windows, found, counted_firings(baseline, windows), NOT_RUN)
    made = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
    source = f"{store.name}, {span}"
    _finish(outcome, options, lambda: page(outcome, baseline, loaded.feature_set, source=source, made=made))


def _bundle_of(bundles: Path, model: str | None) -> Path:
    names = bundle_names(bundles)
    if model is None:
        model = names[0] if len(names) == 1 else "house-price"
    if model not in names:
        raise click.BadParameter(
            f"expected one of the bundles in {bundles}: {', '.join(names) or 'none'}", param_hint="--model"
        )
    return bundles / model


def _one_budget(options: dict[str, Any]) -> None:
    if options["budget"] is not None and options["budget_days"] is not None:
        raise click.UsageError("--budget and --budget-days say the same thing: give one")


def _finish(outcome: Outcome, options: dict[str, Any], build: Callable[[], str]) -> NoReturn:
    """Write and print what was asked for, and end with the outcome's code."""
    html: Path | None = options["html"]
    if html is not None:
        try:
            html.write_text(build(), encoding="utf-8")
        except OSError as error:
            raise click.BadParameter(
                f"expected a file that can be written ({error.strerror})", param_hint="--html"
            ) from error
    if options["as_json"]:
        click.echo(json.dumps(outcome.to_json(), allow_nan=False))
    else:
        terminal = make_terminal()
        show(terminal, outcome)
        if html is not None:
            terminal.print(f"Report: {html}", markup=False, highlight=False, soft_wrap=True)
    strict = options.get("strict") and outcome.warnings
    raise click.exceptions.Exit(FINDING if strict else outcome.exit_code)


def _load(folder: Path) -> tuple[Bundle, Baseline]:
    """Return a bundle and its baseline. Raises BadParameter for a folder that is none, DriftError for a refusal."""
    from drift_engine.bundle import load_bundle  # noqa: PLC0415
    from drift_ml.baseline import Baseline  # noqa: PLC0415 - as above

    with starting("the bundle"):
        # Found once: `current` may name another version a moment later.
        folder = Path(bundle_folder(folder))
    if not (folder / "manifest.json").is_file():
        raise click.BadParameter("expected the folder of a bundle, with its manifest.json", param_hint="--baseline")
    with starting("the bundle"):
        bundle = load_bundle(folder)
        return bundle, Baseline.from_json(bundle.baseline)


class _Bar:
    """Progress on standard error, one line per stage, gone when done."""

    def __init__(self) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
        self._progress = Progress(*columns, console=make_terminal(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def show(self, what: str, done: int, total: int) -> None:
        """So much of a stage is done."""
        if what not in self._tasks:
            self._tasks[what] = self._progress.add_task(what, total=total)
        self._progress.update(self._tasks[what], completed=done, total=total)
