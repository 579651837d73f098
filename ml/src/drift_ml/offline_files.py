"""Documents that lie in a bundle beside the model: serving neither reads nor hashes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from drift_engine.bundle import BundleError, bundle_folder, describe_files

if TYPE_CHECKING:
    from collections.abc import Mapping


# Any: manifests of both versions, of which one member is read, and whatever the file holds.
def offline_document(folder: Path, manifest: Mapping[str, Any], name: str) -> Any:
    """Return the parsed document in a bundle's folder, None where the bundle has none.

    Args:
        folder: Of a model, which stands for its current version, or of one version.
        manifest: Of that bundle, as `load_bundle` accepted it.
        name: Of the file.

    Raises:
        BundleError: the file is not the one that the manifest names, or no JSON.
    """
    facts = (manifest.get("offline_files") or {}).get(name)
    path = Path(bundle_folder(folder), name)
    if facts is None or not path.is_file():
        return None
    data = path.read_bytes()
    if describe_files({name: data})[name] != facts:
        raise BundleError(name, "the sha256 and size that the manifest says: it was changed")
    try:
        return json.loads(data)
    except ValueError as error:
        raise BundleError(name, "a JSON document") from error
