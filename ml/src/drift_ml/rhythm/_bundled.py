"""The rhythm that lies in a bundle: a file that serving neither reads nor hashes."""

from __future__ import annotations

import json
import os
from pathlib import Path
from tempfile import mkstemp
from typing import TYPE_CHECKING, Any

from drift_contracts.bundle_paths import MANIFEST
from drift_engine.bundle import RHYTHM, BundleError, bundle_folder, describe_files, load_bundle

from drift_ml.offline_files import offline_document
from drift_ml.rhythm._model import Rhythm

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.baseline import Baseline


# Any: manifests of both versions, of which one member is read.
def read_rhythm(
    folder: Path,
    manifest: Mapping[str, Any],
    baseline: Baseline,
) -> Rhythm | None:
    """Return the rhythm in a bundle's folder, None where it has none.

    Args:
        folder: Of a model, which stands for its current version, or of one version.
        manifest: Of that bundle, as `load_bundle` accepted it.
        baseline: Of that bundle.

    Raises:
        BundleError: the file is not the one that the manifest names, or holds no rhythm of this
            baseline.
    """
    document = offline_document(folder, manifest, RHYTHM)
    if document is None:
        return None
    try:
        return Rhythm.from_json(document, baseline=baseline.digest, channels=baseline.channels)
    except ValueError as error:
        raise BundleError(RHYTHM, f"a rhythm of this bundle's baseline: {error}") from error


def add_rhythm(
    folder: Path,
    rhythm: Rhythm,
) -> None:
    """Put a rhythm into a bundle, in place of one that is there; its version stays.

    Args:
        folder: Of a model, which stands for its current version, or of one version.
        rhythm: Of its baseline.

    Raises:
        BundleError: there is no bundle, or it is of a release before rhythms.
    """
    place = Path(bundle_folder(folder))
    manifest: dict[str, Any] = dict(load_bundle(place).manifest)
    if manifest["contract"] == "bundle.manifest.v1":
        raise BundleError(MANIFEST, "bundle.manifest.v2; train or pack the model anew")
    data = _bytes(rhythm.to_json())
    offline = manifest.get("offline_files") or {}
    manifest["offline_files"] = {**offline, **describe_files({RHYTHM: data})}
    # A manifest may name a file that is not there, but no file may be there unnamed.
    _replace(place / MANIFEST, _bytes(manifest))
    _replace(place / RHYTHM, data)


# Any: a document of one of two contracts.
def _bytes(document: Any) -> bytes:
    text = json.dumps(document, indent=1, allow_nan=False, ensure_ascii=False)
    return f"{text}\n".encode()


def _replace(
    path: Path,
    content: bytes,
) -> None:
    """Write a file by one rename, so that a reader sees the old content or the new one."""
    # Beside the versions: a folder of a bundle holds its files and nothing else.
    number, fresh = mkstemp(prefix=f".{path.name}-", dir=path.parent.parent)
    with os.fdopen(number, "wb") as file:
        file.write(content)
    Path(fresh).chmod(0o644)
    Path(fresh).replace(path)
