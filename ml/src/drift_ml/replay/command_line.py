"""What `driftctl replay` and `driftctl report` share: options, the bundle, progress, the ending."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

import click
from drift_contracts.bundle_paths import MANIFEST, bundle_folder
from drift_contracts.commands import FiniteRange
from drift_contracts.exits import FINDING, starting
from drift_contracts.terminal import make_terminal
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)

from drift_ml.detection_options import OPTIONS as OPTIONS_OF_DETECTION
from drift_ml.detection_options import left_out_option

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Mapping, Sequence

    from drift_engine.bundle import Bundle

    from drift_ml.baseline import Baseline
    from drift_ml.left_out import LeftOut
    from drift_ml.psi_blocks import PsiCheck
    from drift_ml.replay.outcome import Outcome
    from drift_ml.window import Window

    Command = Callable[..., None]

CONTEXT = {"help_option_names": ["-h", "--help"], "max_content_width": 100}
EXIT_CODES = """
Exit codes: 0 no drift found, 1 drift found (an alarm was raised, even if it was taken back) or,
with replay --strict, a warning, 2 wrong usage, bad data or nothing to compare (the message says
what was expected and where), 5 the bundle or the store was refused. A pipeline can gate on them;
see docs/exit-codes.md.
"""
baseline_option = click.option(
    "--baseline",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of a model, whose current version is meant, or of one version.",
)
# The last one is shown first.
OPTIONS = (
    click.option(
        "--html",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Write the report to this file.",
    ),
    click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON document instead of tables."
    ),
    *OPTIONS_OF_DETECTION,
    left_out_option,
    click.option(
        "--false-alarm-days",
        "--budget-days",
        "budget_days",
        type=FiniteRange(min=0, min_open=True),
        metavar="N",
        help="The same per N days at the traffic that is replayed; needs times.",
    ),
    click.option(
        "--budget",
        "budget_events",
        type=FiniteRange(min=100),
        metavar="EVENTS",
        help="At most one false alarm in so many events. Default: 100,000.",
    ),
)


def report_options(command: Command) -> Command:
    """Add the options of a report to a command: the fields of `ReportOptions`."""
    for option in OPTIONS:
        command = option(command)
    return command


@dataclass(frozen=True)
class ReportOptions:
    """What a report is to show, and where it goes.

    Raises:
        UsageError: both budgets are given.
    """

    html: Path | None
    as_json: bool
    #: Standard deviations below which no alarm is raised.
    minimum_effect: float
    #: At most one false alarm in so many events, or in so many days; None for the default.
    budget_events: float | None
    budget_days: float | None
    #: Minimum effects of single features, by name.
    minimum_effects: Mapping[str, float] = field(default_factory=dict)
    #: When the muting of a feature ends, by name, in seconds since 1970.
    muted: Mapping[str, float] = field(default_factory=dict)
    #: PSI of each 1,000 events is held against this limit; None for no limit.
    psi_alarm: float | None = None
    #: Days that nothing is learned from, and that are no evidence.
    left_out: tuple[LeftOut, ...] = ()
    #: Whether a warning ends the command as drift does.
    strict: bool = False

    def __post_init__(self) -> None:
        if self.budget_events is not None and self.budget_days is not None:
            raise click.UsageError("--budget and --false-alarm-days say the same thing: give one")

    def psi_of(
        self,
        baseline: Baseline,
        windows: Sequence[Window],
    ) -> PsiCheck | None:
        """Return PSI held against the limit; None where none is chosen.

        Args:
            baseline: That the windows were counted against.
            windows: Oldest first.
        """
        from drift_ml.psi_blocks import check_psi  # noqa: PLC0415 - --help need not wait for it

        if not self.psi_alarm:
            return None
        return check_psi(baseline, windows, self.psi_alarm, self.muted)

    def note_left_out(self, found: Sequence[LeftOut]) -> None:
        """Say on standard error which days that are to be left out have no row.

        found: those with rows.
        """
        for span in self.left_out:
            if span not in found:
                click.echo(f"--left-out: no row is of {span}", err=True)

    def check_features(self, names: Collection[str]) -> None:
        """Raise BadParameter for an option of a feature that the model does not have.

        names: of the features, and of the parts of the answer.
        """
        by_option = {
            "--minimum-effects": self.minimum_effects,
            "--muted-features": self.muted,
        }
        for hint, chosen in by_option.items():
            if not set(chosen) <= set(names):
                choices = ", ".join(names)
                raise click.BadParameter(f"expected one of {choices}", param_hint=hint)


rhythm_option = click.option(
    "--rhythm/--no-rhythm",
    default=True,
    show_default=True,
    help="Hold traffic with times against its hour, by the rhythm of the bundle or its own.",
)


repeats_option = click.option(
    "--repeats/--no-repeats",
    default=True,
    show_default=True,
    help="Let rows that repeat each other count for less.",
)


segments_option = click.option(
    "--segments/--no-segments",
    default=True,
    show_default=True,
    help="Watch the segments of the traffic too, where the bundle has them.",
)


def load_baseline(path: Path) -> tuple[Path, Bundle, Baseline]:
    """Return the folder of a bundle, the bundle and its baseline.

    Args:
        path: Of a model, which stands for its current version, or of one version.

    Raises:
        BadParameter: there is no bundle.
        DriftError: the bundle was refused; the command ends with `CANNOT_START`.
    """
    # `driftctl replay --help` need not wait for numpy.
    from drift_engine.bundle import load_bundle  # noqa: PLC0415

    from drift_ml.baseline import Baseline  # noqa: PLC0415

    with starting("the bundle"):
        # Looked up once: another training may choose another version a moment later.
        folder = Path(bundle_folder(path))
    if not (folder / MANIFEST).is_file():
        raise click.BadParameter(
            f"expected the folder of a bundle, with its {MANIFEST}", param_hint="--baseline"
        )
    with starting("the bundle"):
        bundle = load_bundle(folder)
        return folder, bundle, Baseline.from_json(bundle.baseline)


def finish(
    outcome: Outcome,
    options: ReportOptions,
    render: Callable[[str], str],
) -> NoReturn:
    """Write and print what was asked for, and end with the outcome's code.

    Args:
        outcome: What was found.
        options: Where it goes.
        render: Makes the HTML page, given the time at which it is made, as text.

    Raises:
        Exit: always, with the code.
        BadParameter: the page cannot be written.
    """
    if options.html is not None:
        _write(options.html, render(f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"))
    if options.as_json:
        click.echo(json.dumps(outcome.to_json(), allow_nan=False))
    else:
        _print(outcome, options.html)
    warned = options.strict and bool(outcome.warnings)
    raise click.exceptions.Exit(FINDING if warned else outcome.exit_code)


def _write(
    path: Path,
    page: str,
) -> None:
    try:
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise click.BadParameter(
            f"expected a file that can be written ({error.strerror})", param_hint="--html"
        ) from error


def _print(
    outcome: Outcome,
    html: Path | None,
) -> None:
    from drift_ml.replay.shown import show  # noqa: PLC0415 - as above

    terminal = make_terminal()
    show(terminal, outcome)
    if html is not None:
        terminal.print(f"Report: {html}", markup=False, highlight=False, soft_wrap=True)


class ProgressBars:
    """Progress on standard error, one line per stage, which disappears at the end."""

    def __init__(self) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
        )
        self._progress = Progress(*columns, console=make_terminal(stderr=True), transient=True)
        self._tasks: dict[str, TaskID] = {}

    def __enter__(self) -> ProgressBars:
        self._progress.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._progress.stop()

    def show(
        self,
        stage: str,
        done: int,
        total: int,
    ) -> None:
        """Show how much of a stage is done."""
        if stage not in self._tasks:
            self._tasks[stage] = self._progress.add_task(stage, total=total)
        self._progress.update(self._tasks[stage], completed=done, total=total)
