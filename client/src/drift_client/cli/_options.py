"""What the commands share: where the service is, which model, how to print."""

from __future__ import annotations

import dataclasses
import json
from typing import TYPE_CHECKING, Any, TypeVar

import click
from drift_contracts import environment
from drift_contracts.commands import FiniteRange
from drift_contracts.printable import CONTROL
from drift_contracts.records import Record
from drift_contracts.terminal import make_terminal

from drift_client import Client, Connection
from drift_client.cli.authorization import auth_option, chosen_auth

if TYPE_CHECKING:
    from collections.abc import Callable

    from drift_contracts.features import FeatureSet
    from drift_contracts.types import BaselineV1Summary, ModelCardV1Summary
    from rich.console import Console

    from drift_client import Retry

#: From here on a number is shown without a fraction, and from there on as a power of ten.
MANY = 1e5
FAR_TOO_MANY = 1e15
URL = "http://127.0.0.1:8123"
Decorated = TypeVar("Decorated", bound="Callable[..., Any] | click.Command")

_url_option = click.option(
    "--url",
    default=URL,
    envvar=environment.URL,
    show_default=True,
    show_envvar=True,
    help="The prediction service.",
)


def url_option(command: Decorated) -> Decorated:
    """Give a command the options that say which service it asks, and as whom."""
    return _url_option(auth_option(command))


model_option = click.option("--model", help="Which model to ask; the service's default if absent.")
timeout_option = click.option(
    "--timeout",
    type=FiniteRange(0.1, 300),
    default=10.0,
    show_default=True,
    help="Seconds for one attempt.",
)
json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print JSON, for other programs to read."
)


def console() -> Console:
    """Return a terminal for results, on stdout."""
    return make_terminal(highlight=False)


def connect(
    url: str,
    timeout: float,
    model: str | None = None,
    feature_set: FeatureSet | None = None,
    retry: Retry | None = None,
) -> Client:
    """Return a client of the service that `--url` names.

    Args:
        url: The text of the option.
        timeout: Seconds for one attempt.
        model: Which one to ask; the service's default if None.
        feature_set: What requests are validated by; asked of the service if None.
        retry: How often a request is sent; as the client does it if None.

    Raises:
        click.BadParameter: The URL is none; the message names the option.
    """
    auth = chosen_auth(url)
    try:
        return Client(
            url, model=model, feature_set=feature_set, timeout=timeout, retry=retry, auth=auth
        )
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def checked_url(url: str, timeout: float) -> Connection:
    """Return a connection to the service that `--url` names. Raises click.BadParameter."""
    try:
        return Connection(url, timeout=timeout, auth=chosen_auth(url))
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--url") from None


def print_json(value: object) -> None:
    """Print a result as JSON on stdout."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=_plain)
    # json escapes only the control characters below the blank; escaped, the others mean the same
    click.echo(CONTROL.sub(lambda character: f"\\u{ord(character[0]):04x}", text))


def _plain(value: object) -> object:
    """Return what json can write in place of a value that it cannot."""
    if isinstance(value, Record):
        return value.to_json() if hasattr(value, "to_json") else vars(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return dataclasses.asdict(value)
    return str(value)


def summary_cells(summary: BaselineV1Summary | ModelCardV1Summary | None) -> list[str]:
    """Return mean, standard deviation, least and largest value, for a table."""
    if summary is None:
        return [""] * 4
    figures = (summary["mean"], summary["std"], summary["min"], summary["max"])
    return [shown(figure) for figure in figures]


def shown(value: float | bool | str | None) -> str:
    """Return a value for people: six digits of a number, or all before its point; "" for None.

    >>> shown(689871.25), shown(1_000_000), shown(0.123456789), shown(None), shown(True)
    ('689,871', '1,000,000', '0.123457', '', 'true')
    """
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int | float):
        many = MANY <= abs(value) < FAR_TOO_MANY
        return f"{value:,.0f}" if many else f"{value:,.6g}"
    return "" if value is None else value
