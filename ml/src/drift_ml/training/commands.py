"""`driftctl train`: from rows to a bundle.

What needs numpy or scikit-learn is imported when the command is called.
"""

from __future__ import annotations

import shlex
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from drift_contracts import FeatureSet, RequestValidator, feature_set, feature_set_names
from drift_contracts.commands import Command
from drift_contracts.exits import FINDING
from drift_contracts.reading_options import reading_options
from drift_contracts.terminal import make_terminal
from drift_contracts.wording import spoken_unit
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table as Grid

from drift_ml.figures import plain_number
from drift_ml.read_options import read_options

from .recipe_options import read_recipe, recipe_options
from .recipes import ROWS, Recipe

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_engine.bundle import Bundle

    from drift_ml.tables import Table, Unlabelled

    from .job import Trained

EPILOG = """
Examples:

\b
  driftctl train                                        every model that ships
  driftctl train --model house-price --data houses.csv  your own rows
  driftctl train --model flight-delay --estimator extra-trees
  driftctl train --feature-set wine.json --source my_module:load

Exit codes: 0 trained, 1 the data or the model is not good enough (nothing is written), 2 wrong
usage or a file that cannot be read; see docs/exit-codes.md.
"""
#: Rules about a file, not about its rows: where one is broken, nothing is known of how good the
#: data are.
FILE_RULES = frozenset(
    {
        "cells",
        "delimiter",
        "duplicate",
        "exists",
        "format",
        "header",
        "quote",
        "required",
        "unknown",
    }
)


@click.command(cls=Command, epilog=EPILOG)
@click.option(
    "--model",
    "models",
    multiple=True,
    help="A model that ships; repeat for several. Default: all of them.",
)
@click.option(
    "--feature-set",
    "feature_set_file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help="Feature set of a model of your own.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    help="CSV, TSV or Parquet with a column per feature and the target; a file, text also gzipped,"
    " or a folder.",
)
@reading_options
@click.option(
    "--time-column",
    metavar="COLUMN",
    help="When each row of --data was: the last rows are held out for the scores, not a random"
    " share.",
)
@click.option(
    "--rhythm/--no-rhythm",
    default=True,
    show_default=True,
    help="Put the cycles of two weeks or more of --time-column into the bundle: the monitor allows"
    " for them from the first day.",
)
@click.option(
    "--drop-unlabelled",
    is_flag=True,
    help="Leave out the rows of --data that have no target; how many is printed.",
)
@click.option(
    "--source",
    metavar="MODULE:FUNCTION",
    help="A function (feature set, rows, seed) that returns a table.",
)
@click.option(
    "--rows",
    default=ROWS,
    show_default=True,
    type=click.IntRange(20),
    help="Rows to generate.",
)
@recipe_options
@click.option(
    "--out",
    default=Path("build"),
    show_default=True,
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder for bundles/ and estimators/.",
)
@click.option(
    "--strict",
    is_flag=True,
    help="End with exit code 1 at a warning about the data; nothing is written.",
)
def main(  # noqa: PLR0913 - one parameter per option
    models: tuple[str, ...],
    feature_set_file: Path | None,
    data: Path | None,
    source: str | None,
    time_column: str | None,
    drop_unlabelled: bool,
    rhythm: bool,
    rows: int,
    out: Path,
    strict: bool,
    **words: Any,
) -> None:
    """Train models and pack each into a bundle that the service loads in milliseconds.

    The bundle becomes the current version of its model; older versions stay beside it, and
    `driftctl bundles use` goes back to one.
    """
    # --help need not wait for numpy and pyarrow.
    from drift_ml.tables import DataError, Unlabelled  # noqa: PLC0415

    from .job import load_rows  # noqa: PLC0415

    if time_column is not None and data is None:
        raise click.UsageError("--time-column is a column of --data: give the file too")
    asked = {field.name: words.pop(field.name) for field in fields(Recipe)}
    replay = None if data is None else _replay_words(data, time_column, words)
    options = read_options(words)
    unlabelled = Unlabelled() if drop_unlabelled else None
    has_rows = data is not None or source is not None
    try:
        for chosen in _chosen(models, feature_set_file, has_rows=has_rows):
            recipe = read_recipe(chosen.name, asked)
            table = load_rows(
                chosen,
                data=data,
                options=options,
                time_column=time_column,
                source=source,
                rows=rows,
                seed=recipe.seed,
                unlabelled=unlabelled,
            )
            trained = _train(
                chosen, table, out, recipe, strict=strict, rhythm=rhythm and data is not None
            )
            _show(chosen, trained, unlabelled, replay)
    except DataError as error:
        if FILE_RULES.isdisjoint(finding.rule for finding in error.findings):
            # The rows were read, and are not good enough.
            error.exit_code = FINDING
        raise


def _train(
    chosen: FeatureSet,
    table: Table,
    out: Path,
    recipe: Recipe,
    *,
    strict: bool,
    rhythm: bool,
) -> Trained:
    """Train with a bar that shows the trees."""
    from .job import train  # noqa: PLC0415 - as above

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=make_terminal(stderr=True)) as bar:
        title = f"{chosen.name}: {table.rows:,} rows, trees"
        task = bar.add_task(title, total=recipe.trees)

        def show(done: int, _total: int) -> None:
            """Move the bar."""
            bar.update(task, completed=done)

        return train(chosen, table, out, recipe=recipe, progress=show, strict=strict, rhythm=rhythm)


def _chosen(
    models: tuple[str, ...],
    file: Path | None,
    *,
    has_rows: bool,
) -> list[FeatureSet]:
    """Return the feature sets of the models to train. Raises UsageError."""
    if file is not None:
        if models:
            raise click.UsageError("--feature-set names the model itself: leave --model out")
        return [FeatureSet.load(file)]
    names = models or tuple(feature_set_names())
    if has_rows and len(names) != 1:
        raise click.UsageError("--data and --source are for one model: name it with --model")
    return [feature_set(name) for name in names]


def _show(
    chosen: FeatureSet,
    trained: Trained,
    unlabelled: Unlabelled | None,
    replay: list[str] | None,
) -> None:
    """Print scores, files and one prediction made from the bundle that was just written."""
    from drift_engine.bundle import load_bundle  # noqa: PLC0415 - as above

    console = make_terminal(stderr=True)
    console.print(_scores(chosen, trained))
    for warning in trained.manifest["warnings"]:
        console.print(
            f"warning: {warning['words']}.",
            style="yellow",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
    bundle = load_bundle(trained.bundle)
    size = sum((trained.bundle / name).stat().st_size for name in trained.manifest["files"])
    if unlabelled is not None:
        words = f"{unlabelled.rows:,} rows without {chosen.target.name}"
        console.print(f"left out   {words}", markup=False, highlight=False, soft_wrap=True)
    for name, words in _facts(trained).items():
        console.print(f"{name:10} {words}", markup=False, highlight=False, soft_wrap=True)
    example = ", ".join(f"{feature.name} {feature.example}" for feature in chosen.features)
    estimator_size = trained.estimator.stat().st_size
    lines = [
        f"bundle     {trained.bundle} ({size:,} bytes), the current version",
        f"pin        {chosen.name}={bundle.digest}",
        f"estimator  {trained.estimator} ({estimator_size:,} bytes)",
        f"example    {example}: {_answer(chosen, bundle)} ({bundle.model.engine} engine)\n",
        "serve it by",
        f"  {_serve_command(chosen.name, trained)}\n",
    ]
    if replay is not None:
        options = [] if unlabelled is None else ["--drop-unlabelled"]
        command = shlex.join([*replay, *options, "--baseline", str(trained.bundle.parent)])
        lines += ["ask rows of later times whether they have drifted by", f"  {command}\n"]
    for line in lines:
        console.print(line, markup=False, highlight=False, soft_wrap=True)


def _replay_words(
    data: Path,
    time_column: str | None,
    reading: Mapping[str, Any],
) -> list[str]:
    """Return the command that replays a table like the one that is trained on.

    Args:
        data: the table.
        time_column: when each row was; None where nothing says so.
        reading: how the table is read, by the names of the options.
    """
    words = ["driftctl", "replay", "--data", str(data)]
    for name in ("delimiter", "encoding"):
        if reading[name] is not None:
            words += [f"--{name}", reading[name]]
    if reading["decimal"] != ".":
        words += ["--decimal", reading["decimal"]]
    words += [f"--missing={mark}" for mark in reading["missing"]]
    # Training takes rows in any order, and a replay sorts them when it is told to.
    return words if time_column is None else [*words, "--time-column", time_column, "--sort"]


def _serve_command(name: str, trained: Trained) -> str:
    """Return the command that serves a model, as a shell takes it."""
    words = ["driftctl", "serve", "--model", name]
    bundles = trained.bundle.parent.parent
    if bundles != Path("build/bundles"):
        words += ["--bundles", str(bundles)]
    return shlex.join(words)


def _facts(trained: Trained) -> dict[str, str]:
    """Return what there is to say of the hold-out and of the proof, by a word each."""
    manifest = trained.manifest
    facts = {}
    held_out = manifest.get("held_out", {"by": "random"})
    if held_out["by"] == "time":
        training = manifest["training"]
        facts["held out"] = (
            f"the last {training['held_out_rows']:,} of {training['rows']:,} rows by"
            f" {held_out['column']}: {held_out['from']} to {held_out['to']}"
        )
    if trained.rhythm is not None:
        facts["rhythm"] = str(trained.rhythm)
    if trained.segments is not None:
        facts["segments"] = str(trained.segments)
    if "exactness" in manifest:
        exactness = manifest["exactness"]
        rows = exactness["rows"] + exactness["hard_rows"]
        facts["exactness"] = (
            f"{exactness['grade']} on {rows:,} rows, at most {exactness['worst_ulp']:g} ulp from"
            f" {exactness['reference']['call']}"
        )
    return facts


def _answer(chosen: FeatureSet, bundle: Bundle) -> str:
    """Return the answer to the feature set's example in words."""
    target = chosen.target
    row = RequestValidator(chosen).row({"features": chosen.example})
    if not target.is_class:
        return f"{target.name} {bundle.model.predict(row):,.1f} {spoken_unit(target.unit)}".rstrip()
    scores = bundle.model.scores(row)
    positive = target.positive_class
    named = positive or target.classes[scores.index(max(scores))]
    return f"{target.name} {named} with a probability of {scores[target.classes.index(named)]:.3f}"


def _scores(chosen: FeatureSet, trained: Trained) -> Grid:
    """Return a table of the scores that exist for these rows."""
    version = trained.manifest["model_version"]
    grid = Grid(title=f"{chosen.name} {version}", title_justify="left")
    grid.add_column("score")
    for heading in ("held out", "95 % interval"):
        grid.add_column(heading, justify="right")
    for name, score in trained.manifest["scores"].items():
        if score["value"] is not None:
            interval = ""
            if score["low"] is not None and score["high"] is not None:
                interval = f"{plain_number(score['low'], 4)} to {plain_number(score['high'], 4)}"
            grid.add_row(name, plain_number(score["value"], 4), interval)
    return grid
