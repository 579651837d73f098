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
    from collections.abc import Iterator, Mapping

    from drift_contracts.types import (
        BundleManifestV1Score,
        BundleManifestV2,
        BundleManifestV2Exactness,
        BundleManifestV2Score,
    )

#: Features whose importance is listed.
MOST_IMPORTANT = 10


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
    table = Table("model", "version", "feature set", "engine", "grade", title_justify="left")
    for name, served in report.models.items():
        label = f"{name} (default)" if name == report.default else name
        facts = (served.model_version, served.feature_set, served.engine, served.grade or "")
        table.add_row(label, *facts)
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
        terminal.print(f"  {name:5} {_with_interval(score)}")
    for kind, source in card.feature_set.sources.items():
        terminal.print(f"{kind}: told by {source}", markup=False, highlight=False)
    # manifests of the first version have no member for warnings
    manifest = cast("BundleManifestV2", card.manifest)
    for line in _more(manifest):
        # classes and calls are others' words
        terminal.print(line, markup=False, highlight=False)
    for warning in manifest.get("warnings", ()):
        terminal.print(f"warning: {warning['words']}", style="yellow", markup=False)


def _more(manifest: BundleManifestV2) -> Iterator[str]:
    """Yield lines of classes, of important features, and of how exact the answers are."""
    for name, scores in manifest.get("class_scores", {}).items():
        figures = f"precision {shown(scores['precision']) or '-'}"
        figures += f", recall {shown(scores['recall']) or '-'}, f1 {shown(scores['f1']) or '-'}"
        yield f"  {name}: {figures} on {scores['support']:,} rows"
    yield from _important(manifest.get("importances", {}))
    if "exactness" in manifest:
        exactness = manifest["exactness"]
        if exactness["grade"] == "onnx":
            yield _difference(exactness)
            return
        reference = exactness["reference"]
        source = f"{reference['call']} of {reference['library']} {reference['version']}"
        if exactness["grade"] == "unproven":
            yield f"unproven: compared with nothing; its answers may differ from {source}"
            return
        rows = exactness["rows"] + exactness["hard_rows"]
        worst = exactness["worst_ulp"]
        distance = "" if worst is None else f", at most {shown(worst)} ulp from it"
        if "bound_share" in exactness:
            distance += f", {exactness['bound_share']:.0%} of what its own rounding may differ by"
        yield f"{exactness['grade']}: compared with {source} on {rows:,} rows{distance}"


def _important(importances: Mapping[str, BundleManifestV2Score]) -> Iterator[str]:
    """Yield a heading and a line for each of the most important features; nothing for none."""
    if not importances:
        return
    ranked = sorted(importances, key=lambda name: -(importances[name]["value"] or 0.0))
    which = "importances" if len(ranked) <= MOST_IMPORTANT else "the largest importances"
    yield f"{which}, each what shuffling a feature's values adds to the error:"
    for name in ranked[:MOST_IMPORTANT]:
        yield f"  {name} {_with_interval(importances[name])}"


def _with_interval(score: BundleManifestV1Score | BundleManifestV2Score) -> str:
    """Return a score and its 95 % interval."""
    return f"{shown(score['value'])} ({shown(score['low'])} to {shown(score['high'])})"


def _difference(exactness: BundleManifestV2Exactness) -> str:
    """Return what is known of an ONNX model's answers."""
    difference = exactness.get("largest_difference")
    if difference is None:
        return "onnx: compared with nothing, so how far its answers differ is unproven"
    call = exactness["reference"]["call"]
    return (
        f"onnx: at most {shown(difference)} from {call} on {exactness['rows']:,} rows,"
        " as measured when it was packed; no more is promised"
    )
