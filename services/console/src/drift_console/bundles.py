"""The models to serve: bundles that are there, or trained now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import SettingsError, feature_set, feature_set_names
from drift_contracts.exits import CannotStart, starting
from drift_engine.bundle import Bundle, bundle_names, load_bundle

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console as Terminal

#: What `train` calls the folder of bundles, below the one that it is given.
BUNDLES = "bundles"
FIRST = "house-price"


def ready_bundles(folder: Path, wanted: Sequence[str], terminal: Terminal) -> dict[str, Bundle]:
    """Return the current bundles of the wanted models, or of all there are; train what is missing.

    With nothing wanted and nothing there, the models that ship are trained.

    Args:
        folder: Of bundles, one folder per model.
        wanted: Names of models, in the order of the result; none for all that are there.
        terminal: Where a training is announced.

    Returns:
        Bundles by the name of their model. The first is the default model.

    Raises:
        DriftError: no such model, a bundle that was refused, or a training that failed.
    """
    present = bundle_names(folder)
    missing = [model for model in wanted if model not in present]
    for model in missing:
        # A name that no feature set has is refused before anything is trained.
        feature_set(model)
    if missing or not (wanted or present):
        _train(missing or feature_set_names(), folder, terminal)
        present = bundle_names(folder)
    names = wanted or sorted(present, key=lambda name: (name != FIRST, name))
    with starting("a bundle", OSError):
        return {name: load_bundle(folder / name) for name in names}


def _train(models: Sequence[str], folder: Path, terminal: Terminal) -> None:
    """Train models that ship. Raises CannotStart where the libraries for it are not installed."""
    if folder.name != BUNDLES:
        expected = f"a folder called {BUNDLES}, or one that driftctl train wrote"
        message = f"no bundle in {folder}: expected {expected}"
        raise SettingsError({"--bundles": expected}, message)
    terminal.print("No bundle yet: training, once.", style="dim")
    try:
        # A machine with bundles neither waits for scikit-learn nor needs it.
        from drift_ml.training import load_rows, train  # noqa: PLC0415

        for name in models:
            chosen = feature_set(name)
            with terminal.status(f"Training {name}"):
                train(chosen, load_rows(chosen), folder.parent)
    except ModuleNotFoundError as error:
        raise CannotStart(
            f"no bundle in {folder}, and the Python package {error.name}, which trains one, is not"
            " installed; the extra drift-ml[train] brings it, or copy bundles there"
        ) from error
