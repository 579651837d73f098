"""Where a model's bundles lie: one folder per version, and a file that names the current one.

    bundles/MODEL/current                   the version that is served, replayed and packed
    bundles/MODEL/VERSION/manifest.json     and the other files of that version
    bundles/MODEL/manifest.json             a flat folder, as earlier releases wrote it

The file `current` is text and no link: a link does not survive every `COPY` of an image, and
Windows lets ordinary users make none. This module is in the predictor's import closure, and infra
reads it too.
"""

from __future__ import annotations

import os
import re

from drift_contracts.errors import DriftError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

CURRENT = "current"
MANIFEST = "manifest.json"
#: Twelve hexadecimal digits, as `model_version` has them; so nothing in `current` leads out of the
#: folder.
VERSION = re.compile("[0-9a-f]{12}")
#: Bytes of `current` that are read; it holds a version and a line end.
LARGEST_CURRENT = 64
MOST_NAMED = 10
# A link could lead out of the folder, and opening a pipe would wait for a writer.
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK


class BundleError(DriftError):
    """A folder is not the bundle that it should be; `file` is the name of the file that says so."""

    def __init__(self, file: str, expected: str) -> None:
        self.file = file
        self.expected = expected
        super().__init__(f"bundle: {file}: expected {expected}")

    def __reduce__(self) -> tuple[type[BundleError], tuple[str, str]]:
        return type(self), (self.file, self.expected)


def bundle_folder(path: str | os.PathLike[str]) -> str:
    """Return the folder of the bundle that a path stands for.

    A path to a model stands for the model's current version, a path to a version for exactly that
    one, and a path to a flat folder for itself.

    Raises:
        BundleError: `current` names no version that is there, or there are versions and no
            `current`.
    """
    folder = os.fspath(path)
    version = current_version(folder)
    if version is None:
        _refuse_unchosen(folder)
        return folder
    # os.path: importing pathlib costs a cold start 2 ms
    chosen = os.path.join(folder, version)  # noqa: PTH118
    if not _holds_manifest(chosen):
        raise BundleError(CURRENT, f"the name of a version that is there{_choices(folder)}")
    return chosen


def current_version(folder: str | os.PathLike[str]) -> str | None:
    """Return the version that a model's `current` names; None where there is no such file.

    Raises:
        BundleError: the file cannot be read, or holds something else than a version.
    """
    place = os.path.join(os.fspath(folder), CURRENT)  # noqa: PTH118 - as above
    try:
        descriptor = os.open(place, _FLAGS)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError:
        raise BundleError(CURRENT, "a file that can be read, and no link") from None
    try:
        content = os.read(descriptor, LARGEST_CURRENT)
    except OSError:
        raise BundleError(CURRENT, "a regular file") from None
    finally:
        os.close(descriptor)
    # Editors end the line, some of them with a carriage return too.
    text = content.decode("ascii", "replace").rstrip("\r\n")
    if VERSION.fullmatch(text) is None:
        raise BundleError(
            CURRENT, f"12 hexadecimal digits, the name of a version{_choices(folder)}"
        )
    return text


def bundle_names(folder: str | os.PathLike[str]) -> list[str]:
    """Return the names of the models that have a bundle in a folder, sorted.

    A folder that does not exist has none.
    """
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - as above
    except OSError:
        return []
    return [name for name in names if not name.startswith(".") and _is_bundle(folder, name)]


def versions_in(folder: str | os.PathLike[str]) -> list[str]:
    """Return the versions of a model, sorted by name; a flat folder has none of its own."""
    try:
        names = sorted(os.listdir(folder))  # noqa: PTH208 - as above
    except OSError:
        return []
    return [name for name in names if _is_version(folder, name)]


def _is_bundle(folder: str | os.PathLike[str], name: str) -> bool:
    """Return whether a model has something to load.

    Versions without `current` are not published yet.
    """
    model = os.path.join(folder, name)  # noqa: PTH118 - as above
    current = os.path.join(model, CURRENT)  # noqa: PTH118 - as above
    return _holds_manifest(model) or os.path.isfile(current)  # noqa: PTH113 - as above


def _is_version(folder: str | os.PathLike[str], name: str) -> bool:
    if VERSION.fullmatch(name) is None:
        return False
    return _holds_manifest(os.path.join(folder, name))  # noqa: PTH118 - as above


def _holds_manifest(folder: str) -> bool:
    return os.path.isfile(os.path.join(folder, MANIFEST))  # noqa: PTH113, PTH118 - as above


def _refuse_unchosen(folder: str) -> None:
    """Raise BundleError where a model has versions, but neither `current` nor a flat bundle."""
    if not _holds_manifest(folder) and versions_in(folder):
        raise BundleError(CURRENT, f"a file that names the version to use{_choices(folder)}")


def _choices(folder: str | os.PathLike[str]) -> str:
    """Return the versions that are there and the command that chooses one, for a message."""
    versions = versions_in(folder)
    if not versions:
        return "; train the model again"
    more = len(versions) - MOST_NAMED
    ending = f" and {more} more" if more > 0 else ""
    model = os.path.basename(os.path.abspath(folder))  # noqa: PTH100, PTH119 - as above
    command = f"driftctl bundles use {model} VERSION"
    return f": {_listed(versions[:MOST_NAMED])}{ending}; {command} chooses one"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names)
