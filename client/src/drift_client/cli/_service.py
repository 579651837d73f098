"""`driftctl health` and `driftctl model`: what the service says about itself."""

from __future__ import annotations

import click
from rich.table import Table

from drift_client.cli._options import (
    connect,
    console,
    json_option,
    model_option,
    moments,
    print_json,
    shown,
    timeout_option,
    url_option,
)


@click.command()
@url_option
@timeout_option
@json_option
def health(url: str, timeout: float, as_json: bool) -> None:
    """Say whether the service answers, and with which models."""
    with connect(url, timeout) as client:
        found = client.health()
    if as_json:
        print_json(found)
        return
    table = Table("model", "version", "feature set", "engine", title_justify="left")
    for name, served in found.models.items():
        mark = f"{name} (default)" if name == found.default else name
        table.add_row(mark, served.model_version, served.feature_set, served.engine)
    table.title = f"{url} answers, stack {found.stack}"
    console().print(table)
    console().print(", ".join(f"{name.replace('_', ' ')} {count}" for name, count in found.counters.items()))


@click.command()
@model_option
@url_option
@timeout_option
@json_option
def model(model: str | None, url: str, timeout: float, as_json: bool) -> None:
    """Say what a model is and was trained on."""
    with connect(url, timeout, model) as client:
        card = client.model()
    if as_json:
        print_json(card)
        return
    table = Table("feature", "unit", "mean", "std", "min", "max", title_justify="left")
    for feature in card.feature_set.features:
        table.add_row(feature.name, feature.unit, *moments(card.baseline["features"].get(feature.name, {})))
    table.title = f"{card.model} {card.model_version}: {card.feature_set.description}"
    console().print(table)
    training = card.manifest["training"]
    console().print(f"trained on {training['rows']:,} rows of {training['source']}, seed {training['seed']}")
    for name, score in card.manifest["scores"].items():
        console().print(f"  {name:5} {shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})")
    # Manifests of the first version have no word on warnings.
    for warning in card.manifest.get("warnings", ()):
        console().print(f"warning: {warning['words']}", style="yellow", markup=False)
