"""Which model `driftctl predict` asks, and what that model wants to know: the service says it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import click
from drift_contracts.errors import UnknownName
from drift_contracts.features import feature_set

from drift_client import ClientError, RequestRefused, Retry
from drift_client.cli._options import connect

if TYPE_CHECKING:
    from drift_contracts.features import FeatureSet

    from drift_client import Client

NOT_FOUND = 404
SHIPPED = "house-price"
ONCE = Retry(attempts=1)


@dataclass(frozen=True)
class Served:
    """A model with its features; `models` are the names to choose from, `note` what the help says about both."""

    feature_set: FeatureSet
    models: tuple[str, ...] = ()
    note: str = ""


def asked(url: str, timeout: float, model: str | None) -> Served:
    """Return the model to ask.

    Args:
        url: Of the service.
        timeout: Seconds for one attempt.
        model: Its name; the service's default if absent.

    Raises:
        UnknownName: it is not served; the choices are.
        click.UsageError: no name was given, and the service serves several without a default.
        ClientError: the service does not answer, or says no.
    """
    with connect(url, timeout, model) as client:
        try:
            return Served(client.model().feature_set)
        except RequestRefused as error:
            if error.status != NOT_FOUND:
                raise
            models = _names(client)
    if model is None:
        raise click.UsageError(f"Missing option '--model': expected one of {', '.join(models) or 'none'}.")
    raise UnknownName("model", model, models)


def described(url: str, timeout: float, model: str | None) -> Served:
    """Return the model that `--help` describes; without a service, one that ships.

    Args, raises: as `asked`, but the service is asked once, and a default is chosen where it has none.
    """
    try:
        with connect(url, timeout, retry=ONCE) as client:
            health = client.health()
            models = tuple(sorted(health.models))
    except ClientError as error:
        try:
            return Served(feature_set(model or SHIPPED), note=f"No service at {url}: these are features that ship.")
        except UnknownName:
            raise error from None
    chosen = model or health.default or next(iter(models), SHIPPED)
    if chosen not in models:
        raise UnknownName("model", chosen, models)
    with connect(url, timeout, chosen, retry=ONCE) as client:
        return Served(client.model().feature_set, models)


def _names(client: Client) -> tuple[str, ...]:
    return tuple(sorted(client.health().models))
