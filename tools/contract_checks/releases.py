"""Released copies: what others may rely on, compared with the sources at every check.

A version of a contract without a released copy is a draft, and so is a feature set of such a
version. Drafts may change in any way; what is released may change only as `compatibility` allows.
`SHA256SUMS` lists every copy, so that no copy is edited or lost unnoticed and a released contract
cannot be turned into a draft by deleting a file.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING

from drift_contracts import documents
from drift_contracts.errors import UnknownName
from drift_contracts.features import FeatureSet, feature_set, feature_set_names

from tools.contract_checks.compatibility import feature_set_changes, schema_changes
from tools.contract_checks.result import Result

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from drift_contracts.json_types import JsonValue

SUMS = "SHA256SUMS"
VERSIONED = re.compile(r"(?P<contract>.+)\.v(?P<version>[1-9][0-9]*)")


def drafts(folder: Path) -> list[str]:
    """Return the contracts without a released copy in `folder`, sorted."""
    released = _copies(folder, "schemas")
    return [name for name in _schemas() if name not in released]


def check_copies(folder: Path) -> Result:
    """Check the released copies, and that what is released has changed compatibly only.

    Args:
        folder: The folder of the released copies.
    """
    failures = [
        *_copy_faults(folder),
        *_draft_faults(folder),
        *_schema_faults(folder / "schemas"),
        *_feature_set_faults(folder / "feature_sets"),
    ]
    copies = list(folder.glob("*/*.json"))
    return Result(len(copies), failures)


def release(
    folder: Path,
    names: list[str],
) -> list[str]:
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
    written: list[str] = []
    for name in names:
        path, document = current[name]
        if _write(folder / path, document):
            written.append(path)
    if written:
        (folder / SUMS).write_text(_sums(folder), "utf-8")
    return written


def releasable() -> dict[str, tuple[str, JsonValue]]:
    """Return every name that can be released, with its path among the copies and its document."""
    current: dict[str, tuple[str, JsonValue]] = {}
    for name in _schemas():
        current[name] = (f"schemas/{name}.json", documents.schema(name))
    for features in map(feature_set, feature_set_names()):
        name = _versioned(features)
        current[name] = (f"feature_sets/{name}.json", features.to_json())
    return current


def _write(path: Path, document: JsonValue) -> bool:
    """Write a released copy; return whether it differs from what was there."""
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return True


def _schemas() -> list[str]:
    return documents.names(documents.folder("schemas"))


def _copies(
    folder: Path,
    kind: str,
) -> list[str]:
    """Return the names of the released copies of one kind (`schemas` or `feature_sets`)."""
    place = folder / kind
    return documents.names(place) if place.is_dir() else []


def _versioned(features: FeatureSet) -> str:
    return f"{features.name}@{features.version}"


def _digests(folder: Path) -> dict[str, str]:
    """Return the SHA-256 of each copy, in 64 hex digits, by its path below `folder`."""
    digests: dict[str, str] = {}
    for path in sorted(folder.glob("*/*.json")):
        name = path.relative_to(folder).as_posix()
        digests[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    return digests


def _sums(folder: Path) -> str:
    """Return the text of SHA256SUMS, in the form that `sha256sum --check` reads."""
    digests = _digests(folder)
    lines = [f"{digest}  {name}\n" for name, digest in digests.items()]
    return "".join(lines)


def _listed(path: Path) -> dict[str, str]:
    """Return the digests that a SHA256SUMS lists, by path; none where the file is not there."""
    if not path.exists():
        return {}
    listed: dict[str, str] = {}
    for line in path.read_text("utf-8").splitlines():
        digest, _, name = line.partition("  ")
        listed[name] = digest
    return listed


def _copy_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each copy that is not, to the byte, the one that was released."""
    listed = _listed(folder / SUMS)
    present = _digests(folder)
    way_out = "bring it back from the history"
    for name in sorted(listed.keys() | present.keys()):
        if name not in present:
            yield f"released copy {name} is gone; {way_out}"
        elif listed.get(name) != present[name]:
            yield f"released copy {name} is not the one in {SUMS}; {way_out}"


def _draft_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each draft that is not the version after the newest one."""
    settled = _copies(folder, "schemas")
    for name in drafts(folder):
        parts = VERSIONED.fullmatch(name)
        if parts is None:
            yield f"{name}: expected a name such as alert.v2"
            continue
        prefix = f"{parts['contract']}.v"
        copies = [copy for copy in settled if copy.startswith(prefix)]
        versions = [int(copy.removeprefix(prefix)) for copy in copies]
        following = max(versions, default=0) + 1
        if int(parts["version"]) != following:
            yield f"{name}: expected v{following}, the version after the newest one"
        # a contract that was never released may have its first two versions under way
        settled.append(name)


def _schema_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each released contract that changed incompatibly or is gone."""
    current = _schemas()
    for name in _copies(folder.parent, "schemas"):
        if name not in current:
            yield f"{name} was released and is gone"
            continue
        released = documents.read(folder / f"{name}.json")
        for change in schema_changes(name, released, documents.schema(name)):
            yield f"{name}: {change}; a new version is needed"


def _feature_set_faults(folder: Path) -> Iterator[str]:
    """Yield a sentence for each feature set that changed incompatibly or lacks its copy."""
    paths = sorted(folder.glob("*.json"))
    copies = [FeatureSet.load(path) for path in paths]
    for current in map(feature_set, feature_set_names()):
        name = _versioned(current)
        released = [features for features in copies if features.name == current.name]
        for features in released:
            for change in feature_set_changes(features, current):
                reason = f"{change}, version {features.version}; a new major version is needed"
                yield f"feature set {name}: {reason}"
        if name not in map(_versioned, released) and not _follows_draft(current, folder.parent):
            # `command` knows by this ending that a release mends it
            yield f"feature set {name} has no released copy; `--release {name}` makes it"


def _follows_draft(features: FeatureSet, folder: Path) -> bool:
    """Return whether a feature set's contract is a later version that is a draft.

    Args:
        features: What is asked about.
        folder: The folder of the released copies.
    """
    contract = str(features.to_json()["contract"])
    # The first version is asked for with its feature sets, where nothing is released yet.
    return not contract.endswith(".v1") and contract not in _copies(folder, "schemas")
