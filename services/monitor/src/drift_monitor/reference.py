"""What a series is compared with: the feature set and the baseline of its bundle."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, NamedTuple

from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline

from .keys import Series

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet


class Reference(NamedTuple):
    """A bundle as the monitor needs it."""

    feature_set: FeatureSet
    baseline: Baseline


def load_references(bundles: Path) -> dict[Series, Reference]:
    """The references of every bundle in a folder, digests verified."""
    found = {}
    for series, folder in bundle_folders(bundles).items():
        bundle = load_bundle(folder)
        found[series] = Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    return found


def bundle_folders(bundles: Path) -> dict[Series, Path]:
    """Return where each bundle of a folder lies, by the model and version that its manifest states."""
    folders = {}
    for folder in sorted(path for path in bundles.iterdir() if (path / "manifest.json").is_file()):
        manifest = json.loads((folder / "manifest.json").read_text("utf-8"))
        folders[Series(manifest["model"], manifest["model_version"])] = folder
    return folders
