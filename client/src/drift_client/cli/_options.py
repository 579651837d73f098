"""What the commands share: where the service is, which model, how to print."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any

import click
from drift_contracts.commands import FiniteRange
from drift_contracts.printable import CONTROL
from drift_contracts.records import Record
from drift_contracts.terminal import make_terminal

from drift_client import Client

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts.features import FeatureSet
    from rich.console import Console

    from drift_client import Retry

MANY, FAR_TOO_MANY = 1e5, 1e15
URL = "http://127.0.0.1:8123"

url_option = click.option(
    "--url", default=URL, envvar="DRIFT_URL", show_default=True, show_envvar=True, help="The prediction service."
)
model_option = click.option("--model", help="Which model to ask; the service's default if absent.")
timeout_option = click.option(
    "--timeout", type=FiniteRange(0.1, 300), default=10.0, show_default=True, help="Seconds for one attempt."
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs to read.")


def console() -> Console:
    """A terminal for results, on stdout."""
    return make_terminal(highlight=False)


def connect(
    url: str,
    timeout: float,
    model: str | None = None,
    feature_set: FeatureSet | None = None,
    retry: Retry | None = None,
) -> Client:
    """Return a client, or raise a usage error that names the option."""
    try:
        return Client(url, model=model, feature_set=feature_set, timeout=timeout, retry=retry)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def print_json(value: Any) -> None:
    """A result as JSON on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    # json escapes the control characters below the blank only; the others mean the same when they are escaped
    click.echo(CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text))


def _plain(value: Any) -> Any:
    if isinstance(value, Record):
        return value.to_json() if hasattr(value, "to_json") else vars(value)
    return dataclasses.asdict(value) if dataclasses.is_dataclass(value) and not isinstance(value, type) else str(value)


def moments(figures: Mapping[str, float | None]) -> list[str]:
    """Mean, standard deviation, least and largest value, for a table."""
    return [shown(figures.get(name)) for name in ("mean", "std", "min", "max")]


def shown(value: float | bool | str | None) -> str:
    """A value for people: six digits of a number or all before its point, nothing for nothing.

    >>> shown(689871.25), shown(1_000_000), shown(0.123456789), shown(None), shown(True)
    ('689,871', '1,000,000', '0.123457', '', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        return f"{value:,.0f}" if MANY <= abs(value) < FAR_TOO_MANY else f"{value:,.6g}"
    return "" if value is None else value
