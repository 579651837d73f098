"""`driftctl contracts`: the contracts, to read."""

from __future__ import annotations

import click
from drift_contracts import documents
from rich.table import Table

from drift_client.cli._options import console, print_json


@click.group()
def contracts() -> None:
    """Read the contracts that documents keep."""


@contracts.command("list")
def list_contracts() -> None:
    """List the contracts with their descriptions."""
    table = Table("contract", "what it is")
    for name in documents.names(documents.folder("schemas")):
        table.add_row(name, documents.schema(name)["description"])
    console().print(table)


@contracts.command()
@click.argument("name")
def show(name: str) -> None:
    """Print a contract's schema, for example `driftctl contracts show prediction.request.v1`."""
    print_json(documents.schema(name))
