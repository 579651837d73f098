"""Copy the current version of every model to a flat folder.

    python3 -B current_bundles.py BUNDLES FOLDER

It has MODEL/manifest.json and the files beside it. So older versions change no layer of the image,
and a cold start reads no `current`. It needs drift_contracts only.
"""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from drift_contracts.bundle_paths import bundle_folder, bundle_names, versions_in


def main() -> None:
    """Copy the bundles. Raises BundleError where a model's current version is not there."""
    bundles, flat = map(Path, sys.argv[1:])
    for name in bundle_names(bundles):
        folder = bundle_folder(bundles / name)
        # A flat bundle may have versions beside it where a training was killed.
        shutil.copytree(folder, flat / name, ignore=lambda folder, _names: versions_in(folder))


if __name__ == "__main__":
    main()
