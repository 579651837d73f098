"""`driftctl health` and `driftctl model`: what the service reports about itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import click
from drift_contracts.wording import spoken_unit
from rich.table import Table

from drift_client.cli._options import (
    connect,
    console,
    json_option,
    model_option,
    print_json,
    shown,
    summary_cells,
    timeout_option,
    url_option,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from drift_contracts.types import BundleManifestV2


@click.command()
@url_option
@timeout_option
@json_option
def health(url: str, timeout: float, as_json: bool) -> None:
    """Say whether the service answers, and with which models."""
    with connect(url, timeout) as client:
        report = client.health()
    if as_json:
        print_json(report)
        return
    table = Table("model", "version", "feature set", "engine", title_justify="left")
    for name, served in report.models.items():
        label = f"{name} (default)" if name == report.default else name
        table.add_row(label, served.model_version, served.feature_set, served.engine)
    table.title = f"{url} answers, stack {report.stack}"
    counters = [f"{name.replace('_', ' ')} {count}" for name, count in report.counters.items()]
    terminal = console()
    terminal.print(table)
    terminal.print(", ".join(counters))


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
        summary = card.baseline["features"].get(feature.name)
        table.add_row(feature.name, spoken_unit(feature.unit), *summary_cells(summary))
    table.title = f"{card.model} {card.model_version}: {card.feature_set.description}"
    terminal = console()
    terminal.print(table)
    training = card.manifest["training"]
    terminal.print(
        f"trained on {training['rows']:,} rows of {training['source']}, seed {training['seed']}"
    )
    for name, score in card.manifest["scores"].items():
        interval = f"({shown(score['low'])} to {shown(score['high'])})"
        terminal.print(f"  {name:5} {shown(score['value'])} {interval}")
    # manifests of the first version have no member for warnings
    manifest = cast("BundleManifestV2", card.manifest)
    for line in _more(manifest):
        # classes and calls are others' words
        terminal.print(line, markup=False, highlight=False)
    for warning in manifest.get("warnings", ()):
        terminal.print(f"warning: {warning['words']}", style="yellow", markup=False)


def _more(manifest: BundleManifestV2) -> Iterator[str]:
    """Yield a line for each class, and one for how exactly the library's answers are given."""
    for name, scores in manifest.get("class_scores", {}).items():
        figures = f"precision {shown(scores['precision']) or '-'}"
        figures += f", recall {shown(scores['recall']) or '-'}, f1 {shown(scores['f1']) or '-'}"
        yield f"  {name}: {figures} on {scores['support']:,} rows"
    if "exactness" in manifest:
        exactness = manifest["exactness"]
        reference = exactness["reference"]
        source = f"{reference['call']} of {reference['library']} {reference['version']}"
        rows = exactness["rows"] + exactness["hard_rows"]
        worst = exactness["worst_ulp"]
        distance = "" if worst is None else f", at most {shown(worst)} ulp from it"
        if "bound_share" in exactness:
            distance += f", {exactness['bound_share']:.0%} of what its own rounding may differ by"
        yield f"{exactness['grade']}: compared with {source} on {rows:,} rows{distance}"
