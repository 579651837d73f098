"""`python -m drift_contracts.check`: do the contracts hold, with what was released and with the docs?"""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("drift_contracts.check", brings="drift-contracts[client]")

from pathlib import Path

import click
from rich.markup import escape
from rich.table import Table

from drift_contracts import cases
from drift_contracts.checks import CHECKS, Repository
from drift_contracts.commands import Command
from drift_contracts.exits import FINDING
from drift_contracts.releases import release
from drift_contracts.terminal import make_terminal

EPILOG = """
Examples:

\b
  python -m drift_contracts.check             all checks, a table, exit code 1 if one fails
  python -m drift_contracts.check --release   then freeze what has no released copy, or has changed compatibly

Exit codes: 0 everything holds, 1 something does not, 2 the usage is wrong; see docs/exit-codes.md.
"""


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--root",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    default=cases.FOLDER.parents[1],
    show_default="the repository of this package",
    help="The repository whose documentation is read.",
)
@click.option("--release", "freeze", is_flag=True, help="Copy the contracts to contracts/released when all hold.")
def main(root: Path, freeze: bool) -> None:
    """Check that schemas are valid, cases and examples hold, and what is released has not changed."""
    console = make_terminal()
    repository = Repository(root)
    table = Table("what", "checked", "verdict", title="Contracts", title_justify="left")
    failures: list[str] = []
    for title, judge in CHECKS.items():
        checked, found = judge(repository)
        table.add_row(title, str(checked), "[red]fails[/red]" if found else "[green]holds[/green]")
        failures += found
    console.print(table)
    for failure in failures:
        console.print(f"[red]-[/red] {escape(failure)}", highlight=False, soft_wrap=True)
    if failures and not (freeze and all(map(_only_unreleased, failures))):
        raise click.exceptions.Exit(FINDING)
    if freeze:
        for path in release(repository.released):
            console.print(f"released {escape(path)}", highlight=False, soft_wrap=True)


def _only_unreleased(failure: str) -> bool:
    return failure.endswith("has no released copy; `--release` makes it")
