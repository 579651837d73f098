"""What a series is compared with: the feature set and the baseline of its bundle."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from drift_engine.bundle import BundleError, bundle_names, load_bundle
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
    """Return the references of every bundle in a folder, digests verified.

    Raises:
        BundleError: there is no bundle, or one of them is not what it should be.
    """
    names = bundle_names(bundles)
    if not names:
        raise BundleError("folder", "bundles in the folder that DRIFT_BUNDLES names, one folder per model")
    found = {}
    for name in names:
        bundle = load_bundle(bundles / name)
        series = Series(bundle.manifest["model"], bundle.manifest["model_version"])
        found[series] = Reference(bundle.feature_set, Baseline.from_json(bundle.baseline))
    return found
