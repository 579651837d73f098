"""`driftctl replay`: only options in, files and exit codes out."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command
from drift_contracts.exits import starting
from drift_contracts.reading_options import reading_options

from drift_ml.read_options import read_options
from drift_ml.replay.command_line import (
    CONTEXT,
    EXIT_CODES,
    ProgressBars,
    ReportOptions,
    baseline_option,
    finish,
    load_baseline,
    repeats_option,
    report_options,
    rhythm_option,
    segments_option,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import FeatureSet

READING = ("delimiter", "decimal", "encoding", "missing", "ignore", "sort")
EPILOG = f"""
Examples:

\b
  driftctl replay --data traffic.csv --baseline build/bundles/house-price
  driftctl replay --data traffic.parquet --baseline build/bundles/house-price \\
      --time-column time --html report.html
  driftctl replay --data traffic.csv --baseline build/bundles/house-price --budget 1000000 --json
{EXIT_CODES}"""


@click.command(cls=Command, epilog=EPILOG, context_settings=CONTEXT)
@click.option(
    "--data",
    required=True,
    type=click.Path(path_type=Path),
    help="CSV, TSV or Parquet; a file, text also gzipped, or a folder."
    " Rows in the order of time, or --sort.",
)
@baseline_option
@click.option(
    "--time-column",
    metavar="NAME",
    help="Column of times: ISO 8601, or seconds to nanoseconds since 1970.",
)
@click.option(
    "--prediction-column",
    metavar="NAME",
    help="Column of predictions. Default: the one named prediction, else the forest predicts.",
)
@click.option(
    "--session",
    metavar="COLUMN",
    help="Column that names the session of each row, whose rows count as one another's repeats."
    " Default: the feature that the feature set names.",
)
@click.option(
    "--caller",
    metavar="COLUMN",
    help="The same for who asked: one that is another population is left out of all rows, and"
    " watched against its own former traffic. It takes --time-column.",
)
@click.option(
    "--rows-per-window",
    type=click.IntRange(1),
    metavar="ROWS",
    help="How finely the evidence looks. Default: 50 or more, for at most 500 windows.",
)
@rhythm_option
@repeats_option
@segments_option
@click.option(
    "--strict",
    is_flag=True,
    help="End with exit code 1 at a warning too: rows of the training data.",
)
@reading_options
@click.option(
    "--drop-unlabelled",
    is_flag=True,
    help="Leave out the rows without target, as training may do; how many is printed.",
)
@click.option("--sort", is_flag=True, help="Sort the rows by --time-column first.")
@report_options
def replay(  # noqa: PLR0913 - an option each
    data: Path,
    baseline: Path,
    time_column: str | None,
    prediction_column: str | None,
    session: str | None,
    caller: str | None,
    rows_per_window: int | None,
    rhythm: bool,
    repeats: bool,
    segments: bool,
    drop_unlabelled: bool,
    **options: Any,
) -> None:
    """Backtest past traffic: when would each detector have fired, and what is different?

    The file has a column per feature of the bundle's model; other columns are left out. Every cell
    is checked as in training: what breaks the feature set is named by row, column and rule, and
    nothing is compared.
    """
    # --help need not wait for numpy and pyarrow.
    from drift_ml.replay.backtest import Request, backtest  # noqa: PLC0415
    from drift_ml.replay.outcome import conclude, mutable_names, page  # noqa: PLC0415
    from drift_ml.rhythm import read_rhythm  # noqa: PLC0415
    from drift_ml.segments import read_segments  # noqa: PLC0415
    from drift_ml.tables import Unlabelled  # noqa: PLC0415
    from drift_ml.tables.row_digests import read_row_digests  # noqa: PLC0415

    reading = read_options({name: options.pop(name) for name in READING})
    report = ReportOptions(**options)
    if reading.sort and time_column is None:
        raise click.UsageError("--sort: expected a column of times (--time-column)")
    folder, bundle, reference = load_baseline(baseline)
    report.check_features(mutable_names(reference))
    request = Request(
        data,
        time=time_column,
        prediction=prediction_column,
        session=session,
        caller=caller,
        tells_callers=segments,
        window=rows_per_window,
        budget_events=report.budget_events,
        budget_days=report.budget_days,
        minimum_effect=report.minimum_effect,
        minimum_effects=report.minimum_effects,
        repeats=repeats,
        left_out=report.left_out,
        reading=reading,
        unlabelled=Unlabelled() if drop_unlabelled else None,
    )
    if caller is not None and (time_column is None or not rhythm or not segments):
        raise click.UsageError(
            "--caller: expected a column of times (--time-column), and neither --no-rhythm nor"
            " --no-segments"
        )
    if report.left_out and time_column is None:
        raise click.UsageError("--left-out: expected a column of times (--time-column)")
    _note_marks(bundle.feature_set, {"session": session, "caller": caller})
    with starting("the bundle"):
        digests = read_row_digests(folder, bundle.manifest)
        learned = read_rhythm(folder, bundle.manifest, reference) if rhythm else None
        parts = read_segments(folder, bundle.manifest, reference) if segments else None
    request = replace(request, rhythm=learned, cycles=rhythm, segments=parts)
    with ProgressBars() as bars:
        result = backtest(bundle, request, bars.show, digests=digests)
    if request.unlabelled is not None:
        target = bundle.feature_set.target.name
        click.echo(f"left out {request.unlabelled.rows:,} rows without {target}", err=True)
    report.note_left_out(result.allowance.left_out)
    outcome = conclude(
        reference,
        result.windows,
        result.replay,
        result.detections,
        training_rows=result.training_rows,
        muted=report.muted,
        allowance=result.allowance,
        segments=result.segments,
        callers=result.callers,
    )
    outcome = replace(outcome, psi=report.psi_of(reference, result.windows))

    def render(made: str) -> str:
        """Return the HTML page."""
        return page(
            outcome,
            reference,
            bundle.feature_set,
            source=data.name,
            made=made,
            predicted=result.predicted,
        )

    finish(outcome, report, render)


def _note_marks(feature_set: FeatureSet, chosen: Mapping[str, str | None]) -> None:
    """Say on standard error what the service tells apart and this replay does not.

    Args:
        feature_set: says where the service reads sessions and callers.
        chosen: columns by what they name; None for none.
    """
    for kind, source in feature_set.sources.items():
        if chosen[kind] is None and source.feature is None:
            click.echo(
                f"{kind}s are not told apart: the service reads them from {source}; --{kind} COLUMN"
                " names the column of the file that has them",
                err=True,
            )
