"""`python -m tools.contract_checks`: do the contracts hold, with what was released and with the docs?"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from drift_contracts.commands import Command
from drift_contracts.exits import FINDING
from drift_contracts.terminal import make_terminal
from rich.markup import escape
from rich.table import Table

from tools.contract_checks import cases
from tools.contract_checks.checks import CHECKS, Repository
from tools.contract_checks.releases import drafts, releasable, release

if TYPE_CHECKING:
    from rich.console import Console

EPILOG = """
Examples:

\b
  python -m tools.contract_checks                     all checks, the drafts, exit code 1 if a check fails
  python -m tools.contract_checks --release alert.v2  then freeze that draft: from now on it changes compatibly only

Exit codes: 0 everything holds, 1 something does not, 2 the usage is wrong; see docs/exit-codes.md.
"""


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=cases.FOLDER.parents[1],
    show_default="this repository",
    help="The repository whose documentation is read.",
)
@click.option(
    "--release",
    "names",
    multiple=True,
    metavar="NAME",
    help="Freeze this draft (alert.v2) or feature set (house-price@1.1.0) when all else holds; may be repeated.",
)
def main(root: Path, names: tuple[str, ...]) -> None:
    """Check that schemas are valid, cases and examples hold, and what is released has not changed.

    Versions without a released copy are listed as drafts: they alone may change in any way.
    """
    console = make_terminal()
    repository = Repository(root)
    _refuse_unknown(names)
    table = Table("what", "checked", "verdict", title="Contracts", title_justify="left")
    failures: list[str] = []
    for title, judge in CHECKS.items():
        checked, found = judge(repository)
        table.add_row(title, str(checked), "[red]fails[/red]" if found else "[green]holds[/green]")
        failures += found
    console.print(table)
    for failure in failures:
        console.print(f"[red]-[/red] {escape(failure)}", highlight=False, soft_wrap=True)
    # what is about to be released may lack its copy; nothing else may fail
    if not all(any(failure.endswith(_remedy(name)) for name in names) for failure in failures):
        raise click.exceptions.Exit(FINDING)
    for path in release(repository.released, list(names)):
        console.print(f"released {escape(path)}", highlight=False, soft_wrap=True)
    _print_drafts(console, drafts(repository.released))


def _refuse_unknown(names: tuple[str, ...]) -> None:
    """Raise click.BadParameter for a name that cannot be released, with the choices."""
    choices = sorted(releasable())
    if set(names) - set(choices):
        raise click.BadParameter(f"expected one of {', '.join(choices)}", param_hint="--release")


def _remedy(name: str) -> str:
    return f"`--release {name}` makes it"


def _print_drafts(console: Console, names: list[str]) -> None:
    """Print the contracts that are not released yet."""
    console.print(f"drafts, which alone may change in any way: {', '.join(names) or 'none'}", highlight=False)
