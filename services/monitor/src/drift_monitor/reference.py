"""Load what a series is compared with: the feature set and the baseline of its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_engine.bundle import load_bundle
from drift_ml.baseline import Baseline

from drift_monitor.keys import Series

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet


@dataclass(frozen=True)
class Reference:
    """A bundle as the monitor needs it."""

    feature_set: FeatureSet
    baseline: Baseline


def load_references(bundles: Path) -> dict[Series, Reference]:
    """Return the references of every bundle in a folder, their digests verified.

    Args:
        bundles: holds one folder per model.

    Raises:
        BundleError: a bundle is not what its manifest says.
    """
    references = {}
    for folder in sorted(bundles.iterdir()):
        if not (folder / "manifest.json").is_file():
            continue
        bundle = load_bundle(folder)
        series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
        references[series] = Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    return references
