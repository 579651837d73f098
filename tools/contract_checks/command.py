"""`python -m tools.contract_checks`: do the contracts hold, with what was released and the docs?"""

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
    from collections.abc import Sequence

    from rich.console import Console

EPILOG = """
Examples:

\b
  python -m tools.contract_checks                     all checks, and the drafts
  python -m tools.contract_checks --release alert.v2  then freeze that draft

What is frozen changes compatibly only, from then on.

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
    help="Freeze this draft (alert.v2) or feature set (house-price@1.1.0) when all else holds; "
    "may be repeated.",
)
def main(
    root: Path,
    names: tuple[str, ...],
) -> None:
    """Check that schemas are valid, cases and examples hold, and released contracts are unchanged.

    Versions without a released copy are listed as drafts: they alone may change in any way.
    """
    console = make_terminal()
    repository = Repository(root)
    _refuse_unknown(names)
    failures = _run_checks(repository, console)
    for failure in failures:
        console.print(f"[red]-[/red] {escape(failure)}", highlight=False, soft_wrap=True)
    # what is about to be released may lack its copy; nothing else may fail
    if not all(_is_mended(failure, names) for failure in failures):
        raise click.exceptions.Exit(FINDING)
    for path in release(repository.released, list(names)):
        console.print(f"released {escape(path)}", highlight=False, soft_wrap=True)
    _print_drafts(console, drafts(repository.released))


def _run_checks(
    repository: Repository,
    console: Console,
) -> list[str]:
    """Run every check, print a table of them, and return what does not hold."""
    table = Table("what", "checked", "verdict", title="Contracts", title_justify="left")
    failures: list[str] = []
    for title, check in CHECKS.items():
        result = check(repository)
        verdict = "[red]fails[/red]" if result.failures else "[green]holds[/green]"
        table.add_row(title, str(result.checked), verdict)
        failures += result.failures
    console.print(table)
    return failures


def _refuse_unknown(names: Sequence[str]) -> None:
    """Raise click.BadParameter for a name that cannot be released, with the choices."""
    choices = sorted(releasable())
    if set(names) - set(choices):
        raise click.BadParameter(f"expected one of {', '.join(choices)}", param_hint="--release")


def _is_mended(
    failure: str,
    names: Sequence[str],
) -> bool:
    """Return whether a failure is that something lacks its copy which is released now."""
    return any(failure.endswith(f"`--release {name}` makes it") for name in names)


def _print_drafts(
    console: Console,
    names: Sequence[str],
) -> None:
    """Print the contracts that are not released yet."""
    listed = ", ".join(names) or "none"
    console.print(f"drafts, which alone may change in any way: {listed}", highlight=False)
