"""`driftctl report`: a report on windows of live traffic that the monitor stored."""

from __future__ import annotations

import sqlite3
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.bundle_paths import bundle_names
from drift_contracts.commands import Command
from drift_contracts.exits import CannotStart, starting
from drift_contracts.terminal import make_terminal
from drift_ml.replay.command_line import (
    CONTEXT,
    EXIT_CODES,
    ProgressBars,
    ReportOptions,
    finish,
    load_baseline,
    repeats_option,
    report_options,
    rhythm_option,
    segments_option,
)
from rich.text import Text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_engine.bundle import Bundle
    from drift_ml.baseline import Baseline
    from drift_ml.replay.differing import TrainingDifference
    from drift_ml.replay.segments import SegmentReplay

FIRST = "house-price"
EPILOG = f"""
Examples:

\b
  driftctl report --window last-24h
  driftctl report --window 2026-11-20..2026-11-23 --model house-price --html report.html
{EXIT_CODES}"""


@click.command(cls=Command, epilog=EPILOG, context_settings=CONTEXT)
@click.option(
    "--window",
    "span",
    required=True,
    metavar="SPAN",
    help="last-24h, last-7d, last-90m, or FROM..TO (UTC).",
)
@click.option("--model", help="Whose windows. Default: the only bundle, or house-price of several.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=Path("build/console/console.sqlite"),
    show_default=True,
    help="SQLite file that the windows are in.",
)
@click.option(
    "--bundles",
    type=click.Path(path_type=Path),
    default=Path("build/bundles"),
    show_default=True,
    help="Folder of the bundles; the model's current one gives the baseline.",
)
@rhythm_option
@repeats_option
@segments_option
@report_options
def report(
    span: str,
    model: str | None,
    store: Path,
    bundles: Path,
    rhythm: bool,
    repeats: bool,
    segments: bool,
    **options: Any,
) -> None:
    """Report on stored windows of live traffic, and replay the detectors over them.

    Of the named detectors those that go by counts, PSI and KS, are replayed; the others want single
    values, which no window keeps: they are in `driftctl replay`.
    """
    # --help need not wait for numpy.
    from drift_ml.descriptions import units_of  # noqa: PLC0415
    from drift_ml.evidence import Budget  # noqa: PLC0415
    from drift_ml.replay.allowance import allowance_of  # noqa: PLC0415
    from drift_ml.replay.evidence import budget_of, replay_windows  # noqa: PLC0415
    from drift_ml.replay.outcome import conclude, mutable_names, page  # noqa: PLC0415
    from drift_ml.replay.segments import replay_segments  # noqa: PLC0415
    from drift_ml.replay.stored import NOT_RUN, counted_detections  # noqa: PLC0415
    from drift_ml.rhythm import read_rhythm  # noqa: PLC0415
    from drift_ml.segments import read_segments  # noqa: PLC0415
    from drift_monitor.errors import BadStore  # noqa: PLC0415

    from drift_console.stored_windows import read_span, stored_segments, stored_windows  # noqa: PLC0415

    settings = ReportOptions(**options)
    folder, bundle, baseline = load_baseline(_bundle_of(bundles, model))
    with starting("the bundle"):
        learned = read_rhythm(folder, bundle.manifest, baseline) if rhythm else None
        parts = read_segments(folder, bundle.manifest, baseline) if segments else None
    settings.check_features(mutable_names(baseline))
    minutes = read_span(span, time.time())
    try:
        version = bundle.manifest["model_version"]
        windows = stored_windows(store, baseline, version, minutes)
        counted = None
        if parts is not None:
            counted = stored_segments(store, parts, version, minutes, windows)
    except BadStore as error:
        raise CannotStart(str(error)) from error
    except sqlite3.Error as error:
        raise CannotStart(f"the store {store} cannot be read: {error}") from error
    # Minutes of the store never span the end of an hour.
    allowance = allowance_of(baseline, windows, learned, is_on=rhythm, left_out=settings.left_out)
    settings.note_left_out(allowance.left_out)
    in_service = _held_in_service(store, bundle, baseline)
    allowance = replace(allowance, words=f"{allowance.words}{in_service}")
    budget = budget_of(settings.budget_events, settings.budget_days, windows)
    with ProgressBars() as bars:
        result = replay_windows(
            baseline,
            windows,
            budget=budget if parts is None else Budget(parts.shares.whole(budget.events)),
            minimum_effect=settings.minimum_effect,
            minimum_effects=settings.minimum_effects,
            phases=allowance.phases,
            progress=lambda done, total: bars.show("evidence", done, total),
            units=units_of(bundle.feature_set),
            repeats=repeats,
            left_out=allowance.left_out,
        )
    segments_replayed: tuple[SegmentReplay, ...] = ()
    if counted is not None:
        segments_replayed = replay_segments(
            counted,
            baseline,
            windows,
            result,
            budget=Budget(counted.segments.shares.segment(budget.events)),
            minimum_effects=settings.minimum_effects,
            cycles=rhythm,
            units=units_of(bundle.feature_set),
            repeats=repeats,
            left_out=settings.left_out,
        )
    detections = counted_detections(baseline, windows)
    outcome = conclude(
        baseline,
        windows,
        result,
        detections,
        NOT_RUN,
        muted=settings.muted,
        allowance=allowance,
        segments=segments_replayed,
    )
    differs = _differences(store, bundle)
    outcome = replace(outcome, psi=settings.psi_of(baseline, windows), differs=differs)
    source = f"{store.name}, {span}"
    if not settings.as_json:
        _show_differences(differs)

    def render(made: str) -> str:
        """Return the HTML page."""
        return page(outcome, baseline, bundle.feature_set, source=source, made=made)

    finish(outcome, settings, render)


def _held_in_service(store: Path, bundle: Bundle, baseline: Baseline) -> str:
    """Return what the monitor holds the traffic against, where that is traffic; "" for training.

    Args:
        store: Of the windows and states.
        bundle: Of the model.
        baseline: Of the bundle.
    """
    # As above.
    from drift_monitor.bases import bases_in_words  # noqa: PLC0415
    from drift_monitor.errors import BadStore  # noqa: PLC0415
    from drift_monitor.keys import MINUTE, Series  # noqa: PLC0415
    from drift_monitor.rhythms import Rhythms  # noqa: PLC0415
    from drift_monitor.stores import SqliteStore  # noqa: PLC0415

    series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
    try:
        memory = Rhythms(SqliteStore(store), MINUTE).memory(series, baseline, 0)
    except BadStore as error:
        raise CannotStart(str(error)) from error
    rhythm = memory.reference(baseline)
    words = bases_in_words({} if rhythm is None else rhythm.bases)
    return words.replace("; held", "; the service holds it", 1)


def _differences(store: Path, bundle: Bundle) -> tuple[TrainingDifference, ...]:
    """Return what the monitor has found to differ from training, over its last whole days."""
    # As above.
    from drift_ml.replay.differing import Seen, TrainingDifference  # noqa: PLC0415
    from drift_monitor.acknowledgements import acknowledged  # noqa: PLC0415
    from drift_monitor.differences import differing, with_acknowledgements  # noqa: PLC0415
    from drift_monitor.keys import Series  # noqa: PLC0415
    from drift_monitor.stores import SqliteStore  # noqa: PLC0415

    windows, model = SqliteStore(store), bundle.manifest["model"]
    stored = differing(windows, Series(model, bundle.manifest["model_version"]))
    if not stored:
        return ()
    listed = []
    for difference in with_acknowledgements(stored, acknowledged(windows, model)):
        entry = difference.acknowledged
        seen = None if entry is None else Seen(entry["who"], entry["why"], entry["at"])
        words = str(replace(difference, acknowledged=None))
        members = {**vars(difference), "words": words, "acknowledged": seen}
        listed.append(TrainingDifference(**members))
    return tuple(listed)


def _show_differences(differs: Sequence[TrainingDifference]) -> None:
    """Print what differs from training, with who has acknowledged it."""
    if not differs:
        return
    terminal = make_terminal()
    terminal.print(Text("Differs from training, over the last whole days:", style="bold"))
    for difference in differs:
        words = difference.words
        if difference.acknowledged is not None:
            seen = difference.acknowledged
            words += f", acknowledged by {seen.who}: {seen.why}"
        terminal.print(Text(f"  {words}"))


def _bundle_of(bundles: Path, model: str | None) -> Path:
    """Return the folder of a model, or of the default one. Raises BadParameter."""
    names = bundle_names(bundles)
    if model is None:
        model = names[0] if len(names) == 1 else FIRST
    if model not in names:
        choices = ", ".join(names) or "none"
        raise click.BadParameter(
            f"expected one of the bundles in {bundles}: {choices}", param_hint="--model"
        )
    return bundles / model
