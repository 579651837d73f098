"""Load what a series is compared with: the feature set and the baseline of its bundle."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from drift_engine.bundle import BundleError, bundle_names, load_bundle
from drift_ml.baseline import Baseline
from drift_ml.rhythm import read_rhythm
from drift_ml.segments import BudgetShares, read_segments

from drift_monitor.keys import Series

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_contracts import FeatureSet
    from drift_engine.bundle import Bundle
    from drift_ml.rhythm import Rhythm
    from drift_ml.segments import Segment, Segments


@dataclass(frozen=True)
class Reference:
    """A bundle as the monitor needs it."""

    feature_set: FeatureSet
    baseline: Baseline
    #: Of the training rows, or of earlier traffic; it holds until one is learned from the traffic.
    rhythm: Rhythm | None = None
    #: What segments of the traffic are compared with; None where only the whole is watched.
    segments: Segments | None = None
    #: Whether callers are watched where the feature set says what tells them.
    watches_callers: bool = True

    @property
    def has_callers(self) -> bool:
        """Return whether each caller has windows of its own."""
        return self.watches_callers and self.feature_set.caller is not None

    def parts(self, series: Series) -> dict[Series, Segment]:
        """Return the segments that are watched, by the series that each has for itself.

        Args:
            series: of all traffic.
        """
        watched = () if self.segments is None else self.segments.watched
        return {series.part(segment.code): segment for segment in watched}

    def of_part(self, segment: Segment) -> Reference:
        """Return what one segment is compared with: itself, in training."""
        # Only watched segments are asked about, and these have a baseline.
        baseline = self.baseline if segment.baseline is None else segment.baseline
        return Reference(self.feature_set, baseline, watches_callers=False)

    @property
    def shares(self) -> BudgetShares:
        """Return how the whole, its segments and its callers share one budget of false alarms."""
        cuts = 0 if self.segments is None else self.segments.shares.cuts
        # Callers share out the traffic as the segments of one feature do.
        return BudgetShares(cuts + int(self.has_callers))


def with_parts(references: Mapping[Series, Reference]) -> list[Series]:
    """Return every series that windows may be stored of, those of segments included."""
    listed = []
    for series, reference in references.items():
        listed += [series, *reference.parts(series)]
    return listed


def without_segments(references: Mapping[Series, Reference]) -> dict[Series, Reference]:
    """Return the references for a monitor that watches the whole traffic alone."""
    return {
        series: replace(reference, segments=None, watches_callers=False)
        for series, reference in references.items()
    }


def reference_of(
    folder: Path | None,
    bundle: Bundle,
) -> Reference:
    """Return a bundle as the monitor needs it.

    Args:
        folder: of the bundle, which has its rhythm; None for a bundle without one.
        bundle: as it was loaded.

    Raises:
        BundleError: its rhythm, or its file of segments, is not the one that the manifest names,
            or of another baseline.
    """
    baseline = Baseline.from_json(bundle.baseline)
    if folder is None:
        return Reference(bundle.feature_set, baseline)
    rhythm = read_rhythm(folder, bundle.manifest, baseline)
    segments = read_segments(folder, bundle.manifest, baseline)
    return Reference(bundle.feature_set, baseline, rhythm, segments)


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
