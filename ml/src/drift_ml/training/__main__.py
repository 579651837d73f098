"""`python -m drift_ml.training`: from rows to a bundle."""

from __future__ import annotations

if __name__ == "__main__":
    from drift_contracts.exits import run_module

    run_module("drift_ml.training.__main__", brings="drift-ml[train]")

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts import FeatureSet, RequestValidator, feature_set, feature_set_names
from drift_contracts.commands import Command, FiniteRange
from drift_contracts.exits import FINDING
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal
from drift_engine.bundle import load_bundle
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table as Grid

from drift_ml.tables import DataError, OptionError, ReadOptions

from .fitting import ESTIMATORS, Recipe
from .job import ROWS, Trained, load_rows, train

if TYPE_CHECKING:
    from drift_ml.tables import Table

EPILOG = """
Examples:

\b
  python -m drift_ml.training                                       every model that ships
  python -m drift_ml.training --model house-price --data houses.csv  your own rows
  python -m drift_ml.training --feature-set wine.json --source my_module:load

Exit codes: 0 trained, 1 the data or the model is not good enough (nothing is written), 2 wrong usage or a file that
cannot be read; see docs/exit-codes.md.
"""

console = make_terminal(stderr=True)

#: Rules about a file, not about its rows: where one is broken, nothing is known of how good the data are.
FILE_RULES = frozenset(
    {"exists", "format", "header", "delimiter", "quote", "cells", "required", "duplicate", "unknown"}
)


@click.command(cls=Command, epilog=EPILOG)
@click.option("--model", "models", multiple=True, help="A model that ships; repeat for several. Default: all of them.")
@click.option(
    "--feature-set",
    "feature_set_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Feature set of a model of your own.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="CSV, TSV or Parquet with a column per feature and the target; a file, text also gzipped, or a folder.",
)
@reading_options
@click.option("--source", metavar="MODULE:FUNCTION", help="A function (feature set, rows, seed) that returns a table.")
@click.option("--rows", default=ROWS, show_default=True, type=click.IntRange(20), help="Rows to generate.")
@click.option(
    "--seed",
    default=7,
    show_default=True,
    type=click.IntRange(0, 2**32 - 1),
    help="Seed of data, split and forest.",
)
@click.option(
    "--estimator",
    default="random-forest",
    show_default=True,
    type=click.Choice(list(ESTIMATORS)),
    help="Kind of forest.",
)
@click.option("--trees", default=100, show_default=True, type=click.IntRange(1), help="Trees in the forest.")
@click.option(
    "--min-samples-leaf",
    default=5,
    show_default=True,
    type=click.IntRange(1),
    help="Rows a leaf must hold; 5 gives a file six times smaller than 1 at equal R2.",
)
@click.option(
    "--held-out",
    default=0.2,
    show_default=True,
    type=FiniteRange(0.05, 0.9),
    help="Share of rows kept for the scores.",
)
@click.option(
    "--out",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for bundles/ and estimators/.",
)
@click.option("--strict", is_flag=True, help="End with exit code 1 at a warning about the data; nothing is written.")
def main(  # noqa: PLR0913 - one parameter per option
    models: tuple[str, ...],
    feature_set_file: Path | None,
    data: Path | None,
    source: str | None,
    rows: int,
    seed: int,
    estimator: str,
    trees: int,
    min_samples_leaf: int,
    held_out: float,
    out: Path,
    strict: bool,
    **reading: Any,
) -> None:
    """Train models and pack each into a bundle that the service loads in milliseconds."""
    try:
        options = ReadOptions(**reading)
    except OptionError as error:
        raise click.BadParameter(f"expected {error.expected}", param_hint=f"--{error.option}") from error
    recipe = Recipe(estimator, trees, min_samples_leaf, held_out, seed)
    try:
        for chosen in _chosen(models, feature_set_file, one=data is not None or source is not None):
            table = load_rows(chosen, data=data, options=options, source=source, rows=rows, seed=seed)
            trained = _train_with_progress(chosen, table, out, recipe, strict=strict)
            _show(chosen, trained)
    except DataError as error:
        if FILE_RULES.isdisjoint(finding.rule for finding in error.findings):
            error.exit_code = FINDING  # the rows were read, and are not good enough
        raise


def _train_with_progress(chosen: FeatureSet, table: Table, out: Path, recipe: Recipe, *, strict: bool) -> Trained:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"{chosen.name}: {table.rows:,} rows, trees", total=recipe.trees)

        def show(done: int, _total: int) -> None:
            bar.update(task, completed=done)

        return train(chosen, table, out, recipe=recipe, progress=show, strict=strict)


def _chosen(models: tuple[str, ...], file: Path | None, *, one: bool) -> list[FeatureSet]:
    if file is not None:
        if models:
            raise click.UsageError("--feature-set names the model itself: leave --model out")
        return [FeatureSet.load(file)]
    names = models or tuple(feature_set_names())
    if one and len(names) != 1:
        raise click.UsageError("--data and --source are for one model: name it with --model")
    return [feature_set(name) for name in names]


def _show(feature_set: FeatureSet, trained: Trained) -> None:
    """Scores, files and one prediction made from the bundle that was just written."""
    grid = Grid(title=f"{feature_set.name} {trained.manifest['model_version']}", title_justify="left")
    for heading in ("score", "held out", "95 % interval"):
        grid.add_column(heading, justify="left" if heading == "score" else "right")
    for name, score in trained.manifest["scores"].items():
        if score["value"] is not None:
            grid.add_row(name, f"{score['value']:,.4g}", f"{score['low']:,.4g} to {score['high']:,.4g}")
    console.print(grid)
    for warning in trained.manifest["warnings"]:
        console.print(f"warning: {warning['words']}.", style="yellow", markup=False, highlight=False, soft_wrap=True)
    bundle = load_bundle(trained.bundle)
    row = RequestValidator(feature_set).row({"features": feature_set.example})
    prediction = bundle.forest.predict(row)
    target = feature_set.target
    console.print(
        f"bundle     {trained.bundle} ({sum(f['bytes'] for f in trained.manifest['files'].values()):,} bytes)"
    )
    console.print(f"pin        {feature_set.name}={bundle.digest}", highlight=False, soft_wrap=True)
    console.print(f"estimator  {trained.estimator} ({trained.estimator.stat().st_size:,} bytes)")
    example = ", ".join(f"{feature.name} {feature.example}" for feature in feature_set.features)
    answer = f"{target.name} {prediction:,.1f} {target.unit}"
    console.print(f"example    {example}: {answer} ({bundle.forest.engine} engine)\n")
