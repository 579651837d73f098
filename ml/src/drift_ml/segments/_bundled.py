"""The segments that lie in a bundle: a file that serving neither reads nor hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from drift_engine.bundle import SEGMENTS, BundleError

from drift_ml.offline_files import offline_document
from drift_ml.segments._model import Segments, SegmentsError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_ml.baseline import Baseline


# Any: manifests of both versions, of which one member is read.
def read_segments(
    folder: Path,
    manifest: Mapping[str, Any],
    baseline: Baseline,
) -> Segments | None:
    """Return the segments in a bundle's folder, None where it has none.

    Args:
        folder: Of a model, which stands for its current version, or of one version.
        manifest: Of that bundle, as `load_bundle` accepted it.
        baseline: Of that bundle.

    Raises:
        BundleError: the file is not the one that the manifest names, or holds no segments of this
            baseline.
    """
    document = offline_document(folder, manifest, SEGMENTS)
    if document is None:
        return None
    try:
        return Segments.from_json(document, baseline=baseline.digest)
    except SegmentsError as error:
        raise BundleError(SEGMENTS, f"segments of this bundle's baseline: {error}") from error
