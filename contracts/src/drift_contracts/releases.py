"""Released copies: what others may rely on, kept beside the sources and compared with at every check."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from drift_contracts import documents
from drift_contracts.compat import changes, feature_set_changes
from drift_contracts.features import FeatureSet, feature_set, feature_set_names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

UNRELEASED = "{} has no released copy; `--release` makes it"


def released_changes(folder: Path) -> tuple[int, list[str]]:
    """How many released copies there are, and what breaks them or lacks one."""
    found = [*_schema_changes(folder / "schemas"), *_feature_set_changes(folder / "feature_sets")]
    return len(list(folder.glob("*/*.json"))), found


def release(folder: Path) -> list[str]:
    """Copy every contract and feature set that differs from its released copy; names what was copied."""
    wanted = {f"schemas/{name}.json": documents.schema(name) for name in _schemas()}
    wanted |= {f"feature_sets/{_versioned(one)}.json": one.to_json() for one in map(feature_set, feature_set_names())}
    return [name for name, document in wanted.items() if _written(folder / name, document)]


def _written(path: Path, document: Any) -> bool:
    text = json.dumps(document, indent=1, ensure_ascii=False) + "\n"
    if path.exists() and path.read_text("utf-8") == text:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return True


def _schemas() -> list[str]:
    return documents.names(documents.folder("schemas"))


def _versioned(one: FeatureSet) -> str:
    return f"{one.name}@{one.version}"


def _schema_changes(folder: Path) -> Iterator[str]:
    released = documents.names(folder) if folder.is_dir() else []
    for name in released:
        if name not in _schemas():
            yield f"{name} was released and is gone"
            continue
        for change in changes(name, documents.read(folder / f"{name}.json"), documents.schema(name)):
            yield f"{name}: {change}; a new version is needed"
    yield from (UNRELEASED.format(name) for name in _schemas() if name not in released)


def _feature_set_changes(folder: Path) -> Iterator[str]:
    released = [FeatureSet.load(path) for path in sorted(folder.glob("*.json"))]
    for one in map(feature_set, feature_set_names()):
        for old in (old for old in released if old.name == one.name):
            for change in feature_set_changes(old, one):
                since = f"version {old.version}; a new major version is needed"
                yield f"feature set {_versioned(one)}: {change}, {since}"
        if not any(_versioned(old) == _versioned(one) for old in released):
            yield UNRELEASED.format(f"feature set {_versioned(one)}")
