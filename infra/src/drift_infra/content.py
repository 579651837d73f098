"""A tag of the content: equal files and platform give an equal tag, and a new file a new one.

The build gets a copy of exactly those files, whose modes are the same whoever made them, so that
equal tags mean equal contexts on every machine.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts.bundle_paths import bundle_folder, bundle_names, versions_in

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

# What services/predictor/Dockerfile copies; a test compares this list with its COPY lines.
SOURCES = (
    "requirements/build.txt",
    "requirements/runtime.txt",
    "requirements/monitor.txt",
    "requirements/onnx.txt",
    "contracts",
    "engine",
    "ml",
    "services",
)
DOCKERFILE = "services/predictor/Dockerfile"
# Digests of training rows are for replays: .dockerignore keeps them out of the image.
PASSING = {"__pycache__", "build", "dist", "rows.bin"}
PASSING_ENDINGS = (".egg-info", ".pyc", ".so")
# Copied by a COPY of their parent, and installed by nothing: a new test case makes no new image.
LEFT_OUT = ("services/console", "contracts/cases", "contracts/examples", "contracts/released")
CONTEXTS = "build/context"
# The file of a model whose engine is a layer of its own.
ONNX_MODEL = "model.onnx"
FILE_MODE, FOLDER_MODE = 0o644, 0o755


def content_tag(
    root: Path, bundles: Path, architecture: str, build_arguments: Sequence[str]
) -> str:
    """Return a tag such as `c-0f3a...-arm64` from every file that the image is made of.

    Of each model the current version counts, under the name that it has in the image: older
    versions change no tag, and a flat folder has the tag of the same bundle among others.

    Args:
        root: The folder of Pulumi.yaml, which names of files are relative to.
        bundles: The folder of bundles, below the root.
        architecture: What the image is built for, `arm64` or `x86_64`.
        build_arguments: What else the image depends on.

    Raises:
        BundleError: the current version of a model is not there.
    """
    digest = hashlib.sha256("\n".join(build_arguments).encode())
    for name, file in content(root, bundles):
        digest.update(f"{name}\0".encode())
        digest.update(hashlib.sha256(file.read_bytes()).digest())
    return f"c-{digest.hexdigest()[:24]}-{architecture.replace('_', '-')}"


def content(root: Path, bundles: Path) -> Iterator[tuple[str, Path]]:
    """Yield the name below the root and the place of every file that the image is made of.

    The order is the same on every machine. Raises BundleError if the current version of a model is
    not there.
    """
    for source in SOURCES:
        for file in _files(root / source):
            name = file.relative_to(root).as_posix()
            if not name.startswith(LEFT_OUT):
                yield name, file
    place = bundles.relative_to(root).as_posix()
    for model in bundle_names(bundles):
        folder = Path(bundle_folder(bundles / model))
        # A flat bundle may have versions beside it where a training was killed.
        others = versions_in(folder)
        for file in _files(folder):
            inside = file.relative_to(folder)
            if inside.parts[0] not in others:
                yield f"{place}/{model}/{inside.as_posix()}", file


def stage(root: Path, bundles: Path, tag: str) -> str:
    """Copy what the image is made of into a folder of its own; return its path below the root.

    The copies bear fixed modes: a umask of whoever checked the files out would change the context
    without changing the tag, and files that only their owner may read break the image on Lambda,
    which runs it as another user.
    """
    folder = root / CONTEXTS / tag
    shutil.rmtree(folder, ignore_errors=True)
    for name, file in content(root, bundles):
        copy = folder / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(file, copy)
        copy.chmod(FILE_MODE)
    for place, _, _ in os.walk(folder):
        Path(place).chmod(FOLDER_MODE)
    return folder.relative_to(root).as_posix()


def needs_onnx(bundles: Path) -> bool:
    """Return whether a model's current bundle is answered by ONNX Runtime.

    Args:
        bundles: The folder of bundles; all of them go into the image, and are opened there.

    Raises:
        BundleError: the current version of a model is not there.
    """
    folders = [Path(bundle_folder(bundles / model)) for model in bundle_names(bundles)]
    return any((folder / ONNX_MODEL).is_file() for folder in folders)


def _files(base: Path) -> Iterator[Path]:
    if base.is_file():
        yield base
        return
    for path in sorted(base.rglob("*")):
        parts = path.relative_to(base).parts
        passing = any(part in PASSING or part.endswith(PASSING_ENDINGS) for part in parts)
        if path.is_file() and not passing:
            yield path
