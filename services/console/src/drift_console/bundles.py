"""The models to serve: bundles that are there, or trained now."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_contracts import feature_set
from drift_contracts.exits import starting
from drift_engine.bundle import Bundle, load_bundle

from drift_console.settings import BadSettings

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console as Terminal


def ready_bundles(folder: Path, wanted: Sequence[str], terminal: Terminal) -> dict[str, Bundle]:
    """Bundles by model name: the wanted ones, or all in the folder; trains what is missing.

    With nothing wanted and nothing there, the models that ship are trained. Raises DriftError.
    """
    present = _present(folder)
    missing = [model for model in wanted if model not in present] if wanted else []
    for model in missing:
        feature_set(model)  # a name that nothing answers to is refused before anything is trained
    if missing or not (wanted or present):
        _train(missing, folder, terminal)
        present = _present(folder)
    names = wanted or sorted(present, key=lambda name: (name != "house-price", name))
    with starting("a bundle", OSError):
        return {name: load_bundle(present[name]) for name in names}


def _present(folder: Path) -> dict[str, Path]:
    return {path.parent.name: path.parent for path in folder.glob("*/manifest.json")}


def _train(models: Sequence[str], folder: Path, terminal: Terminal) -> None:
    """All that ship for no models. Imports scikit-learn, which a machine with bundles never waits for."""
    if folder.name != "bundles":
        raise BadSettings(
            f"no bundle in {folder}: train with python -m drift_ml.training, which writes to build/bundles"
        )
    from drift_ml.training.__main__ import main as train  # noqa: PLC0415 - seconds of import, once

    terminal.print("No bundle yet: training, once.", style="dim")
    arguments = [word for model in models for word in ("--model", model)]
    train.main([*arguments, "--out", str(folder.parent)], prog_name="training", standalone_mode=False)
