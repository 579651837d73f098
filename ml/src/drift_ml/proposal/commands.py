"""`driftctl init`: from a table to a feature set, and to the next command."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import Command
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal

from drift_ml.read_options import read_options

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.console import Console
    from rich.table import Table as Grid

    from .judge import Judged
    from .propose import Proposal

EPILOG = """
Examples:

\b
  driftctl init --data houses.csv --target price
  driftctl init --data flights.parquet --target late --time-column departure --id-column flight

Read the file that it writes, fill in units and descriptions, then train: the last line says how.

Exit codes: 0 written, 2 wrong usage or a file that cannot be read; see docs/exit-codes.md.
"""
#: Columns of the table that is printed; of more only those that somebody should look at.
MOST_SHOWN = 40


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    required=True,
    help="CSV, TSV or Parquet; a file, text also gzipped, or a folder.",
)
@click.option("--target", required=True, metavar="COLUMN", help="The column that is predicted.")
@click.option(
    "--time-column",
    metavar="COLUMN",
    help="When each row was; it is no feature.",
)
@click.option(
    "--id-column",
    "id_columns",
    multiple=True,
    metavar="COLUMN",
    help="A column that names the rows and is no feature; repeat for several.",
)
@click.option("--model", help="The model's name. Default: made from the target's.")
@click.option(
    "--session",
    metavar="PLACE",
    help="What names a request's session, such as header:x-session-id, feature:NAME or"
    " context:/POINTER.",
)
@click.option("--caller", metavar="PLACE", help="The same of whoever asks.")
@click.option(
    "--segment",
    "segments",
    multiple=True,
    metavar="FEATURE[=CUTS]",
    help="A feature whose values are watched as segments of the traffic, of a number with the"
    " cuts between its bins, age=10,40; repeat for several.",
)
@reading_options
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="The file to write. Default: MODEL.json.",
)
@click.option("--force", is_flag=True, help="Write over a file that is there.")
def main(  # noqa: PLR0913 - an argument for each option
    data: Path,
    target: str,
    time_column: str | None,
    id_columns: tuple[str, ...],
    model: str | None,
    session: str | None,
    caller: str | None,
    segments: tuple[str, ...],
    out: Path | None,
    force: bool,
    **reading: Any,
) -> None:
    """Propose a feature set for a table: types, bounds, categories, and what is in doubt.

    The feature set is what training, requests, baselines and metrics go by. Nothing is trained.
    """
    # --help need not wait for numpy and pyarrow.
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn  # noqa: PLC0415

    from .propose import Wanted, propose  # noqa: PLC0415

    options = read_options(reading)
    wanted = Wanted(target, time_column, id_columns, model, session, caller, segments)
    terminal = make_terminal(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=terminal, transient=True) as bar:
        task = bar.add_task(f"{data.name}: columns", total=None)

        def show(
            done: int,
            total: int,
        ) -> None:
            """Move the bar."""
            bar.update(task, completed=done, total=total)

        proposal = propose(data, wanted, options, show)
    file = out or Path(f"{proposal.feature_set.name}.json")
    _write(proposal, file, force=force)
    _show(proposal, terminal)
    terminal.print(f"wrote  {file}: fill in units and descriptions, then", soft_wrap=True)
    terminal.print(f"  {proposal.train_command(data, file)}", markup=False, soft_wrap=True)


def _write(
    proposal: Proposal,
    file: Path,
    *,
    force: bool,
) -> None:
    """Write the feature set. Raises UsageError where a file is there, or none can be."""
    text = json.dumps(proposal.feature_set.to_json(), indent=2, ensure_ascii=False)
    flags = os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if force else os.O_EXCL)
    try:
        with open(os.open(file, flags, 0o666), "w", encoding="utf-8") as target:  # noqa: PTH123
            target.write(f"{text}\n")
    except FileExistsError as error:
        message = f"{file} is there: name another by --out, or write over it by --force"
        raise click.UsageError(message) from error
    except OSError as error:
        raise click.UsageError(f"--out: expected a place where {file} can be written") from error


def _show(
    proposal: Proposal,
    terminal: Console,
) -> None:
    """Print what was proposed, assumed and doubted."""
    chosen = f" ({proposal.chosen})" if proposal.chosen else ""
    terminal.print(f"looked at {proposal.rows:,} rows{chosen}", highlight=False)
    noted = [column for column in proposal.columns if column.doubts or column.members is None]
    shown = proposal.columns if len(proposal.columns) <= MOST_SHOWN else noted[:MOST_SHOWN]
    terminal.print(_grid(proposal, shown))
    hidden = len(proposal.columns) - len(shown)
    if hidden:
        terminal.print(f"{hidden} more columns are not shown", highlight=False)
    for words in proposal.assumed:
        terminal.print(f"assumed: {words}", markup=False, highlight=False, soft_wrap=True)
    for kind, source in proposal.feature_set.sources.items():
        terminal.print(f"{kind}: told by {source}", markup=False, highlight=False, soft_wrap=True)
    for words in proposal.doubts:
        terminal.print(
            f"look at: {words}", style="yellow", markup=False, highlight=False, soft_wrap=True
        )


def _grid(
    proposal: Proposal,
    columns: Sequence[Judged],
) -> Grid:
    from rich.table import Table as Grid  # noqa: PLC0415 - see main

    title = f"{proposal.feature_set.name}: {len(proposal.feature_set.features)} features"
    grid = Grid(title=title, title_justify="left")
    for heading in ("column", "becomes", "values", "notes"):
        grid.add_column(heading, overflow="fold")
    for column in columns:
        grid.add_row(*_row(column))
    return grid


def _row(column: Judged) -> tuple[str, str, str, str]:
    """Return a column's line in the table."""
    if column.members is None:
        return column.name, "left out", "", column.reason
    members = column.members
    kind = str(members["type"]) + (" or null" if members.get("nullable") else "")
    notes = [*column.assumed, *(f"look at: {doubt}" for doubt in column.doubts)]
    return column.name, kind, _values(members), "; ".join(notes)


def _values(members: Any) -> str:
    """Return the range or the levels of a feature."""
    if "categories" in members:
        levels = members["categories"]
        return f"{len(levels)} levels" + (" and others" if members.get("other") else "")
    if "usual" in members:
        low, high = members["usual"]
        return f"{low:g} to {high:g}"
    return "true, false"
