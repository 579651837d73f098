"""Load what a series is compared with: the feature set and the baseline of its bundle."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_engine.bundle import BundleError, bundle_names, load_bundle
from drift_ml.baseline import Baseline
from drift_ml.rhythm import read_rhythm

from drift_monitor.keys import Series

if TYPE_CHECKING:
    from pathlib import Path

    from drift_contracts import FeatureSet
    from drift_engine.bundle import Bundle
    from drift_ml.rhythm import Rhythm


@dataclass(frozen=True)
class Reference:
    """A bundle as the monitor needs it."""

    feature_set: FeatureSet
    baseline: Baseline
    #: Of the training rows, or of earlier traffic; it holds until one is learned from the traffic.
    rhythm: Rhythm | None = None


def reference_of(folder: Path | None, bundle: Bundle) -> Reference:
    """Return a bundle as the monitor needs it.

    Args:
        folder: of the bundle, which has its rhythm; None for a bundle without one.
        bundle: as it was loaded.

    Raises:
        BundleError: its rhythm is not the one that the manifest names, or of another baseline.
    """
    baseline = Baseline.from_json(bundle.baseline)
    rhythm = None if folder is None else read_rhythm(folder, bundle.manifest, baseline)
    return Reference(bundle.feature_set, baseline, rhythm)


def load_references(bundles: Path) -> dict[Series, Reference]:
    """Return the references of every bundle in a folder, their digests verified.

    Args:
        bundles: holds one folder per model.

    Raises:
        BundleError: there is no bundle, or one of them is not what its manifest says.
    """
    names = bundle_names(bundles)
    if not names:
        expected = "bundles in the folder that DRIFT_BUNDLES names, one folder per model"
        raise BundleError("folder", expected)
    references = {}
    for name in names:
        bundle = load_bundle(bundles / name)
        series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
        references[series] = reference_of(bundles / name, bundle)
    return references
