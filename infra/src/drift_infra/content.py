"""A tag that is the content: the same files and platform give the same tag, and a new file gives a new one."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts.bundle_paths import bundle_folder, bundle_names, versions_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from hashlib import _Hash

# What services/predictor/Dockerfile copies; a test compares this list with its COPY lines.
SOURCES = (
    "requirements/build.txt",
    "requirements/runtime.txt",
    "requirements/monitor.txt",
    "contracts",
    "engine",
    "ml",
    "services",
)
DOCKERFILE = "services/predictor/Dockerfile"
# Digests of training rows are for replays: .dockerignore keeps them out of the image.
PASSING = {"__pycache__", "build", "dist", "rows.bin"}
PASSING_ENDINGS = (".egg-info", ".pyc", ".so")


def content_tag(root: Path, bundles: Path, architecture: str, build_arguments: Sequence[str]) -> str:
    """Return a tag such as `c-0f3a...-arm64` from every file that the image is made of.

    Of each model the current version counts, under the name that it has in the image: older versions change
    no tag, and a flat folder has the tag of the same bundle among others.

    Args:
        root: The folder of Pulumi.yaml, which names of files are relative to.
        bundles: The folder of bundles, below the root.
        architecture: What the image is built for, `arm64` or `x86_64`.
        build_arguments: What else the image depends on.

    Raises:
        BundleError: the current version of a model is not there.
    """
    digest = hashlib.sha256("\n".join(build_arguments).encode())
    for source in SOURCES:
        for file in _files(root / source):
            _add(digest, file.relative_to(root).as_posix(), file)
    place = bundles.relative_to(root).as_posix()
    for model in bundle_names(bundles):
        folder = Path(bundle_folder(bundles / model))
        # A flat bundle may have versions beside it where a training was killed.
        others = versions_in(folder)
        for file in _files(folder):
            name = file.relative_to(folder)
            if name.parts[0] not in others:
                _add(digest, f"{place}/{model}/{name.as_posix()}", file)
    return f"c-{digest.hexdigest()[:24]}-{architecture.replace('_', '-')}"


def _add(digest: _Hash, name: str, file: Path) -> None:
    digest.update(f"{name}\0".encode())
    digest.update(hashlib.sha256(file.read_bytes()).digest())


def _files(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
        return
    for path in sorted(base.rglob("*")):
        parts = path.relative_to(base).parts
        passing = any(part in PASSING or part.endswith(PASSING_ENDINGS) for part in parts)
        if path.is_file() and not passing:
            yield path
