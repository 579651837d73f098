"""`driftctl bundles`: which versions of the models there are, and which one is the current one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from drift_contracts import DriftError
from drift_contracts.bundle_paths import (
    MANIFEST,
    BundleError,
    bundle_names,
    current_version,
    versions_in,
)
from drift_contracts.commands import Group
from drift_contracts.exits import USAGE
from drift_contracts.terminal import make_terminal
from drift_engine.bundle import load_bundle
from rich.table import Table
from rich.text import Text

from drift_ml.packing import use_version

if TYPE_CHECKING:
    from collections.abc import Iterator

EPILOG = """
Examples:

\b
  driftctl bundles list
  driftctl bundles use house-price 23619a282942     go back to an older version, or on again

A console or a service that runs keeps what it has loaded; start it again. `pulumi up` packs the
current versions.

Exit codes: 0 done, 2 wrong usage or a version that is not there; see docs/exit-codes.md.
"""
folder_option = click.option(
    "--bundles",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("build/bundles"),
    show_default=True,
    help="Folder of the bundles, one folder per model.",
)


@click.group(cls=Group, epilog=EPILOG)
def bundles() -> None:
    """List the versions of the models, and choose the one that is served, replayed and packed."""


@bundles.command("list")
@folder_option
def list_versions(folder: Path) -> None:
    """List the models and their versions; the current one is marked."""
    grid = Table("model", "version", "", "R2", "rows", "data")
    for name in _models(folder):
        for row in _rows(folder / name):
            grid.add_row(*map(Text, (name, *row)))
    make_terminal(highlight=False).print(grid)


@bundles.command()
@click.argument("model")
@click.argument("version")
@folder_option
def use(
    model: str,
    version: str,
    folder: Path,
) -> None:
    """Make a version of a model the current one."""
    models = _models(folder)
    if model not in models:
        there = ", ".join(models) or "nothing yet, `driftctl train` makes one"
        problem = f"expected a model in {folder}; there is {there}"
        raise click.BadParameter(problem, param_hint="MODEL")
    try:
        use_version(folder / model, version)
    except DriftError as error:
        error.exit_code = USAGE
        raise
    make_terminal(highlight=False).print(Text(f"{model}: {version} is the current version."))


def _models(folder: Path) -> list[str]:
    """Return the models that have a bundle, or a version that no training has published."""
    hidden = {path.name for path in folder.glob(".*")} if folder.is_dir() else set()
    unpublished = {path.parent.parent.name for path in folder.glob(f"*/*/{MANIFEST}")}
    return sorted({*bundle_names(folder), *unpublished} - hidden)


def _rows(model: Path) -> Iterator[tuple[str, ...]]:
    """Yield version, mark, R2, rows and source of each version of a model."""
    try:
        current = current_version(model)
        mark = "current"
    except BundleError:
        current, mark = None, ""
    versions = versions_in(model)
    if current is None and (model / MANIFEST).is_file():
        yield _row(model, "current (flat)")
    for version in versions:
        yield _row(model / version, mark if version == current else "")
    if current is not None and current not in versions:
        yield (current, "current (missing)", "", "", "")


def _row(folder: Path, mark: str) -> tuple[str, ...]:
    try:
        manifest = load_bundle(folder).manifest
    except DriftError as error:
        return (folder.name, f"{mark} (refused)".strip(), "", "", str(error))
    training = manifest["training"]
    r2 = manifest["scores"]["r2"]["value"]
    return (
        manifest["model_version"],
        mark,
        f"{r2:.3f}",
        f"{training['rows']:,}",
        training["source"],
    )
