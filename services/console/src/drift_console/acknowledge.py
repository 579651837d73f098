"""`driftctl acknowledge`: keep that somebody has seen an alert, or take that back."""

from __future__ import annotations

import getpass
import json
import sqlite3
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click
from drift_contracts import FeatureSet
from drift_contracts.bundle_paths import bundle_folder, bundle_names
from drift_contracts.commands import Command
from drift_contracts.exits import CannotStart, starting
from drift_contracts.printable import printable

from drift_console.reading_store import reading_store

if TYPE_CHECKING:
    from drift_monitor.stores import Store

EPILOG = """
Examples:

\b
  driftctl acknowledge 5a66910f-08cc-5bff-9f30-e7869ff0d973 --why "a sale, over on Monday"
  driftctl acknowledge alert.json --why "a sale" --table drift-prod-windows
  driftctl acknowledge alert.json --why "new callers, here to stay" --new-normal
  driftctl acknowledge training:sqft --model house-price --why "larger houses since May"
  driftctl acknowledge alert.json --undo --why "it was no sale"

Exit codes: 0 it is kept, 2 wrong usage, an alert that the store does not know or a feature that the
model does not have, 5 the store or the bundle was refused; see docs/exit-codes.md.
"""
#: Begins the name of a feature that differs from training (`drift_monitor.differences`).
PREFIX = "training:"
STORE = Path("build/console/console.sqlite")
BUNDLES = Path("build/bundles")


@click.command(
    cls=Command,
    epilog=EPILOG,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.argument("alert")
@click.option("--why", required=True, help="The reason, for whoever reads it later.")
@click.option("--who", default=getpass.getuser, help="Your name. Default: the user's.")
@click.option(
    "--new-normal",
    is_flag=True,
    help="Also hold traffic against what it has been since the change, from the next evaluation on"
    " that has a day of it: the alarm ends, and that it differs from training stays shown.",
)
@click.option("--undo", is_flag=True, help="Take an acknowledgement back.")
@click.option("--model", help="Of an alert that is named by its id in a table.")
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    default=STORE,
    show_default=True,
    help="SQLite file that the alerts are in.",
)
@click.option("--table", help="DynamoDB table of a stack, in place of the file.")
@click.option(
    "--bundles",
    type=click.Path(path_type=Path),
    default=BUNDLES,
    show_default=True,
    help="Folder of the bundles, which say what features --model has, for training:FEATURE.",
)
def acknowledge(
    alert: str,
    why: str,
    who: str,
    model: str | None,
    store: Path,
    table: str | None,
    bundles: Path,
    **flags: bool,
) -> None:
    """Keep who has seen ALERT, an id or a file with the alert, and why it is left alone.

    The page shows it, and the alert goes on standing until its drift ends, or its change is taken
    as the new normal. ALERT may also be training:FEATURE, for a feature that differs from training
    without an alarm, beside --model.
    """
    # --help need not wait for numpy and boto3.
    from drift_monitor.acknowledgements import acknowledge as keep  # noqa: PLC0415

    undo, new_normal = flags["undo"], flags["new_normal"]
    if new_normal and (undo or alert.startswith(PREFIX)):
        raise click.UsageError("--new-normal: expected an alert, and no --undo beside it")
    if not why.strip() or not who.strip():
        raise click.UsageError("--why, --who: expected a text that is not empty")
    alert_id, known = _read(alert)
    # A console knows its alerts, so that none is acknowledged where nobody looks.
    is_known = table is not None or alert.startswith(PREFIX)
    chosen = model or known if is_known else _model_of(store, alert_id)
    if chosen is None:
        raise click.UsageError(
            "ALERT: expected a file, or --model beside an id in a table or a feature"
        )
    if alert_id.startswith(PREFIX):
        _check_feature(alert_id.removeprefix(PREFIX), bundles, chosen)
    with reading_store(table):
        entry = keep(
            _open(store, table),
            chosen,
            alert_id,
            who=who,
            why=why,
            now=time.time(),
            undo=undo,
            new_normal=new_normal,
        )
    verb = "Taken back" if undo else "Acknowledged"
    click.echo(f"{verb}: {alert_id} by {printable(entry['who'])} at {entry['at']}.")
    if new_normal:
        click.echo("It is the new normal from the next evaluation on that has a day of it.")


def _read(alert: str) -> tuple[str, str | None]:
    """Return id and model of an alert; of an id, no model. Raises BadParameter."""
    path = Path(alert)
    if not path.is_file():
        return alert, None
    try:
        document = json.loads(path.read_bytes())
        return str(document["alert_id"]), str(document["model"])
    except (ValueError, KeyError, TypeError) as error:
        expected = "expected an alert in JSON, with alert_id and model"
        raise click.BadParameter(expected, param_hint="ALERT") from error


def _check_feature(name: str, bundles: Path, model: str) -> None:
    """Refuse a feature that a model does not have. Raises BadParameter, CannotStart.

    Args:
        name: of the feature, or `prediction`.
        bundles: the folder that has the model's bundle.
        model: whose feature it is to be.
    """
    # As above.
    from drift_ml.baseline import PREDICTION  # noqa: PLC0415

    choices = bundle_names(bundles)
    if model not in choices:
        expected = f"expected the folder of the model's bundle; this has {', '.join(choices)}"
        if not choices:
            expected = "expected the folder of the model's bundle; this has none"
        raise click.BadParameter(expected, param_hint="--bundles")
    with starting("the bundle"):
        feature_set = FeatureSet.load(Path(bundle_folder(bundles / model)) / "feature_set.json")
    names = [*feature_set.names, PREDICTION]
    if name not in names:
        expected = f"expected {PREFIX} and one of {', '.join(names)}"
        raise click.BadParameter(expected, param_hint="ALERT")


def _model_of(store: Path, alert_id: str) -> str:
    """Return the model of an alert that a console has kept. Raises BadParameter, CannotStart."""
    if not store.is_file():
        raise click.BadParameter("expected the file of a console's store", param_hint="--store")
    try:
        connection = sqlite3.connect(f"{store.resolve().as_uri()}?mode=ro", uri=True)
        try:
            query = "SELECT model FROM drift_alerts WHERE alert_id = ?"
            row = connection.execute(query, (alert_id,)).fetchone()
        finally:
            connection.close()
    except sqlite3.Error as error:
        raise CannotStart(f"the store {store} cannot be read: {error}") from error
    if row is None:
        expected = "expected the id of an alert of this store; the page and the alert show it"
        raise click.BadParameter(expected, param_hint="ALERT")
    return str(row[0])


def _open(store: Path, table: str | None) -> Store:
    """Return the store of a console or of a stack."""
    from drift_monitor.stores import DynamoStore, SqliteStore  # noqa: PLC0415

    if table is None:
        return SqliteStore(store)
    import boto3  # noqa: PLC0415 - only a stack needs it

    return DynamoStore(boto3.client("dynamodb"), table, time.time)
