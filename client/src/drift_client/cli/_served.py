"""Which model `driftctl predict` asks, and which features that model has: the service says it."""

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
#: Whoever asks for help does not want to wait for a service that is not there.
ONCE = Retry(attempts=1)


@dataclass(frozen=True)
class Served:
    """A model that can be asked."""

    feature_set: FeatureSet
    #: names of all models that are served; empty where nobody was asked for them
    models: tuple[str, ...] = ()
    #: what the help says beside the features
    note: str = ""


def served_model(url: str, timeout: float, model: str | None) -> Served:
    """Return the model to ask.

    Args:
        url: Of the service.
        timeout: Seconds for one attempt.
        model: Its name; the service's default if absent.

    Raises:
        UnknownName: It is not served; the choices are in the message.
        click.UsageError: No name was given, and the service has several models without a default.
        ClientError: The service does not answer, or says no.
    """
    with connect(url, timeout, model) as client:
        try:
            return Served(client.model().feature_set)
        except RequestRefused as error:
            if error.status != NOT_FOUND:
                raise
            models = _names(client)
    if model is None:
        choices = ", ".join(models) or "none"
        raise click.UsageError(f"Missing option '--model': expected one of {choices}.")
    raise UnknownName("model", model, models)


def described_model(url: str, timeout: float, model: str | None) -> Served:
    """Return the model that `--help` describes; without a service, one that ships.

    Args:
        url: Of the service, which is asked once.
        timeout: Seconds for that.
        model: Its name; the default, or the first, if absent.

    Raises:
        UnknownName: It is not served; the choices are in the message.
        ClientError: The service does not answer, and no such model ships.
    """
    try:
        with connect(url, timeout, retry=ONCE) as client:
            health = client.health()
    except ClientError as error:
        try:
            features = feature_set(model or SHIPPED)
        except UnknownName:
            raise error from None
        return Served(features, note=f"No service at {url}: these are features that ship.")
    models = tuple(sorted(health.models))
    chosen = model or health.default or next(iter(models), SHIPPED)
    if chosen not in models:
        raise UnknownName("model", chosen, models)
    with connect(url, timeout, chosen, retry=ONCE) as client:
        return Served(client.model().feature_set, models)


def _names(client: Client) -> tuple[str, ...]:
    return tuple(sorted(client.health().models))
