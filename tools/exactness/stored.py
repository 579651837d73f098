"""Results of combinations that were measured, each a file that is good for its sources and pins.

A result is taken again while neither what computes an answer nor the versions that were asked for
have changed, so that a run that was interrupted goes on where it stopped.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.exactness.combinations import Combination

ROOT = Path(__file__).parents[2]
BUILD = ROOT / "build/exactness"
#: What decides how a row is read, converted, answered and compared.
SOURCES = (
    "contracts/src/drift_contracts/feature_rules.py",
    "contracts/src/drift_contracts/features.py",
    "contracts/src/drift_contracts/requests.py",
    "contracts/src/drift_contracts/schemas/feature-set.v1.json",
    "contracts/src/drift_contracts/schemas/feature-set.v2.json",
    "contracts/src/drift_contracts/value_schema.py",
    "engine/src/drift_engine/_columns.h",
    "engine/src/drift_engine/forest",
    "engine/src/drift_engine/model",
    "ml/src/drift_ml/converters",
    "ml/src/drift_ml/handover/proofs.py",
    "ml/src/drift_ml/model_files",
    "tools/exactness/cases.py",
    "tools/exactness/catboost_cases.py",
    "tools/exactness/data.py",
    "tools/exactness/handed_over.py",
    "tools/exactness/lignum.py",
    "tools/exactness/measure.py",
    "tools/exactness/pipelines.py",
    "tools/exactness/recorder.py",
)
SUFFIXES = (".c", ".h", ".json", ".py")


def digest_of(combination: Combination, root: Path = ROOT) -> str:
    """Return the digest of the sources and of the versions that a combination asks for.

    Args:
        combination: Its pins are those of its file in requirements/, or its own words.
        root: The repository.
    """
    digest = hashlib.sha256()
    for file in _files(root):
        digest.update(str(file.relative_to(root)).encode())
        digest.update(file.read_bytes())
    if combination.pinned:
        digest.update((root / f"requirements/{combination.pinned}.txt").read_bytes())
    else:
        digest.update(" ".join(combination.requirements).encode())
    return digest.hexdigest()


def _files(root: Path) -> Iterator[Path]:
    for source in SOURCES:
        path = root / source
        files = sorted(path.rglob("*")) if path.is_dir() else [path]
        yield from (file for file in files if file.suffix in SUFFIXES)


def load(combination: Combination, digest: str, folder: Path = BUILD) -> Any:
    """Return the stored result of a combination, None where there is none of this digest.

    Args:
        combination: Whose result it is.
        digest: See `digest_of`.
        folder: Of all results.
    """
    path = folder / f"{combination.name}.json"
    if not path.is_file():
        return None
    document = json.loads(path.read_text())
    return document if document.get("digest") == digest else None


def save(combination: Combination, document: Any, folder: Path = BUILD) -> None:
    """Store a result; a run that ends in the middle leaves the file of before.

    Args:
        combination: Whose result it is.
        document: With its digest.
        folder: Of all results.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{combination.name}.json"
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(document))
    unfinished.replace(path)
