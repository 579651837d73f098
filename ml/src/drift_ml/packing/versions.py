"""Versions of a model on disk: beside each other, and one of them chosen by the file `current`.

Every step leaves a folder that can be served, so that a training may be killed anywhere and started
again: a version appears whole by one rename, and `current` is replaced by one rename after that.
"""

from __future__ import annotations

import os
import shutil
import time
from contextlib import suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from drift_contracts import NotJson, parse_json
from drift_contracts.bundle_paths import (
    CURRENT,
    MANIFEST,
    BundleError,
    current_version,
    versions_in,
)
from drift_engine.bundle import (
    FILES,
    OFFLINE,
    describe_files,
    load_bundle,
    model_version,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

#: Seconds after which what a killed training left behind is removed; one that runs needs a moment.
ABANDONED_AFTER = 3600.0
#: Files of a flat bundle, in the order in which they may vanish: without a manifest nothing is
#: read.
FLAT_FILES = (MANIFEST, *OFFLINE, *FILES)


def write_version(
    model: Path,
    version: str,
    files: Mapping[str, bytes],
) -> Path:
    """Write a version of a model, whole or not at all, and return its folder.

    Equal files that are there already are left as they are. `current` still names what it named.

    Args:
        model: Folder of the model, `bundles/MODEL`; made where it is not there.
        version: The `model_version` of the files.
        files: Contents by name, manifest.json among them.
    """
    model.mkdir(parents=True, exist_ok=True)
    folder = model / version
    _sweep(model)
    # Outside of the model's folder: a reader of a flat bundle refuses entries that it does not
    # know.
    fresh = _staged(model, files)
    try:
        fresh.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        # It is there already, and may be read at this moment: its files are replaced one by one.
        _mend(folder, fresh, files)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def use_version(model: Path, version: str) -> None:
    """Let `current` name a version of a model; a flat bundle beside becomes a version of its own.

    Raises:
        BundleError: there is no such version, or it cannot be loaded.
    """
    _keep_flat(model)
    if version not in versions_in(model):
        choices = ", ".join(versions_in(model)) or "none"
        raise BundleError(
            CURRENT,
            f"a version of the model; those that are there: {choices}",
        )
    load_bundle(model / version)
    if not _names(
        model,
        version,
    ):
        _replace(
            model / CURRENT,
            f"{version}\n".encode(),
        )
    for name in FLAT_FILES:
        (model / name).unlink(missing_ok=True)


def _names(model: Path, version: str) -> bool:
    """Return whether `current` names the version already; a broken one names none."""
    try:
        return current_version(model) == version
    except BundleError:
        return False


def _keep_flat(model: Path) -> None:
    """Copy a flat bundle to the version that its manifest names, where it holds that version."""
    if (model / CURRENT).exists():
        return
    files = _read_flat(model)
    version = _version_of(files)
    # Another training of the same rows may have written this version a moment ago.
    if version and version not in versions_in(model):
        write_version(
            model,
            version,
            files,
        )


def _read_flat(model: Path) -> dict[str, bytes]:
    """Return the files of a flat bundle but those that another training just removes."""
    files = {}
    for name in FLAT_FILES:
        with suppress(FileNotFoundError):
            files[name] = (model / name).read_bytes()
    return files


def _version_of(files: Mapping[str, bytes]) -> str:
    """Return the version of a bundle's files, "" where the manifest names another or there is none.

    What is damaged could not be served before, so there is nothing to go back to.
    """
    serving = {name: files[name] for name in FILES if name in files}
    version = model_version(describe_files(serving))
    try:
        manifest = parse_json(
            files.get(
                MANIFEST,
                b"",
            )
        )
    except NotJson:
        return ""
    matches = (
        isinstance(
            manifest,
            dict,
        )
        and manifest.get("model_version") == version
    )
    return version if matches else ""


def _staged(model: Path, files: Mapping[str, bytes]) -> Path:
    """Return a hidden folder beside the model's that holds the files."""
    fresh = Path(
        mkdtemp(
            prefix=f".{model.name}-",
            dir=model.parent,
        )
    )
    # A temporary folder is for its owner only; a service runs as somebody else.
    fresh.chmod(0o755)
    for name, content in files.items():
        _write(
            fresh / name,
            content,
        )
    return fresh


def _mend(
    folder: Path,
    fresh: Path,
    files: Mapping[str, bytes],
) -> None:
    """Make a version's folder hold these files and nothing else, readable at any time.

    The version binds the files that serve: those of a sound folder are equal and stay. The manifest
    may differ, in the name of the data for one, and the digests of rows belong to the manifest.
    """
    for path in sorted(folder.iterdir()):
        if path.name in files and _holds(
            path,
            files[path.name],
        ):
            continue
        # Serving does without these, but no manifest may stand beside digests of another.
        if path.name not in files or path.name in OFFLINE:
            _remove(path)
    for name in (*FILES, MANIFEST, *OFFLINE):
        if name in files and not _holds(
            folder / name,
            files[name],
        ):
            (fresh / name).replace(folder / name)


def _holds(path: Path, content: bytes) -> bool:
    return path.is_file() and not path.is_symlink() and path.read_bytes() == content


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _replace(path: Path, content: bytes) -> None:
    """Write a file by one rename, so that a reader sees the old content or the new one."""
    folder = Path(
        mkdtemp(
            prefix=f".{path.parent.name}-",
            dir=path.parent.parent,
        )
    )
    try:
        _write(
            folder / path.name,
            content,
        )
        (folder / path.name).chmod(0o644)
        (folder / path.name).replace(path)
    finally:
        shutil.rmtree(
            folder,
            ignore_errors=True,
        )


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        # Else a power cut after the rename could leave a name without its bytes.
        os.fsync(file.fileno())


def _sweep(model: Path) -> None:
    """Remove what trainings of this model that were killed left behind."""
    before = time.time() - ABANDONED_AFTER
    for path in model.parent.glob(f".{model.name}-*"):
        # A training that runs at the same time may remove its folder between two calls.
        with suppress(FileNotFoundError):
            if path.is_dir() and path.stat().st_mtime < before:
                shutil.rmtree(
                    path,
                    ignore_errors=True,
                )
