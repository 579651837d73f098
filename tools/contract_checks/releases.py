"""Released copies: what others may rely on, kept beside the sources and compared with at every check.

A version of a contract without a released copy is a draft. Drafts may change in any way; what is released may
change only as `compat` allows. `SHA256SUMS` lists every copy, so that no copy is edited or lost unnoticed and a
released contract cannot be turned into a draft by deleting a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

from drift_contracts import documents
from drift_contracts.errors import UnknownName
from drift_contracts.features import FeatureSet, feature_set, feature_set_names

from tools.contract_checks.compat import changes, feature_set_changes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

SUMS = "SHA256SUMS"
UNRELEASED = "{0} has no released copy; `--release {1}` makes it"
VERSIONED = re.compile(r"(?P<contract>.+)\.v(?P<version>[1-9][0-9]*)")


def drafts(folder: Path) -> list[str]:
    """Return the contracts without a released copy in `folder`, sorted: the versions that may still change."""
    released = _copies(folder, "schemas")
    return [name for name in _schemas() if name not in released]


def released_changes(folder: Path) -> tuple[int, list[str]]:
    """Return how many released copies there are, and a sentence for each that is broken or lacks its copy."""
    faults = [
        *_copy_faults(folder),
        *_draft_faults(folder),
        *_schema_changes(folder / "schemas"),
        *_feature_set_changes(folder / "feature_sets"),
    ]
    return len(list(folder.glob("*/*.json"))), faults


def release(folder: Path, names: list[str]) -> list[str]:
    """Copy contracts (`alert.v2`) and feature sets (`house-price@1.1.0`) to the released ones.

    Args:
        folder: The folder of the released copies.
        names: What to release. A contract that changed compatibly can be released again.

    Returns:
        The paths below `folder` that were written; a copy that is equal already is not.

    Raises:
        UnknownName: There is no such contract or feature set, with the choices.
    """
    current = releasable()
    unknown = [name for name in names if name not in current]
    if unknown:
        raise UnknownName("contract or feature set", unknown[0], sorted(current))
    written = [current[name][0] for name in names if _write(folder / current[name][0], current[name][1])]
    if written:
        (folder / SUMS).write_text(_sums(folder), "utf-8")
    return written


def releasable() -> dict[str, tuple[str, Any]]:
    """Return every name that can be released, with its path below the released copies and its document."""
    current = {name: (f"schemas/{name}.json", documents.schema(name)) for name in _schemas()}
    for features in map(feature_set, feature_set_names()):
        name = _versioned(features)
        current[name] = (f"feature_sets/{name}.json", features.to_json())
    return current


def _write(path: Path, document: Any) -> bool:
    """Write a released copy; return whether it differs from what was there."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return True


def _schemas() -> list[str]:
    return documents.names(documents.folder("schemas"))


def _copies(folder: Path, kind: str) -> list[str]:
    """Return the names of the released copies of one kind (`schemas` or `feature_sets`)."""
    return documents.names(folder / kind) if (folder / kind).is_dir() else []


def _versioned(features: FeatureSet) -> str:
    return f"{features.name}@{features.version}"


def _digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each released copy, in 64 hex digits, by its path below `folder`."""
    paths = sorted(folder.glob("*/*.json"))
    return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in paths}


def _sums(folder: Path) -> str:
    """Return the text of SHA256SUMS, in the form that `sha256sum --check` reads."""
    return "".join(f"{digest}  {name}\n" for name, digest in _digests(folder).items())


def _listed(path: Path) -> dict[str, str]:
    """Return the digests that a SHA256SUMS lists, by path; none where the file is not there."""
    if not path.exists():
        return {}
    lines = [line.partition("  ") for line in path.read_text("utf-8").splitlines()]
    return {name: digest for digest, _, name in lines}


def _copy_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each copy that is not, to the byte, the one that was released."""
    listed = _listed(folder / SUMS)
    present = _digests(folder)
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            yield f"released copy {name} is gone; bring it back from the history"
        elif listed.get(name) != present[name]:
            yield f"released copy {name} is not the one in {SUMS}; bring it back from the history"


def _draft_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each draft that is not the version after the newest one."""
    settled = _copies(folder, "schemas")
    for name in drafts(folder):
        parts = VERSIONED.fullmatch(name)
        if parts is None:
            yield f"{name}: expected a name such as alert.v2"
            continue
        versions = [_version(other) for other in settled if other.startswith(f"{parts['contract']}.v")]
        following = max(versions, default=0) + 1
        if int(parts["version"]) != following:
            yield f"{name}: expected v{following}, the version after the newest one"
        # a contract that was never released may have its first two versions under way
        settled.append(name)


def _version(name: str) -> int:
    return int(name.rpartition(".v")[2])


def _schema_changes(folder: Path) -> Iterator[str]:
    current = _schemas()
    for name in _copies(folder.parent, "schemas"):
        if name not in current:
            yield f"{name} was released and is gone"
            continue
        for change in changes(name, documents.read(folder / f"{name}.json"), documents.schema(name)):
            yield f"{name}: {change}; a new version is needed"


def _feature_set_changes(folder: Path) -> Iterator[str]:
    released = [FeatureSet.load(path) for path in sorted(folder.glob("*.json"))]
    for current in map(feature_set, feature_set_names()):
        name = _versioned(current)
        for old in (old for old in released if old.name == current.name):
            for change in feature_set_changes(old, current):
                yield f"feature set {name}: {change}, version {old.version}; a new major version is needed"
        if not any(_versioned(old) == name for old in released):
            yield UNRELEASED.format(f"feature set {name}", name)
