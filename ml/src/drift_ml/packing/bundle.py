"""Write a bundle: the files of a model, and the manifest that binds them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, cast

from drift_contracts import ContractError, schemas
from drift_contracts.baseline_rules import broken_baseline, contract_of
from drift_engine.bundle import SEGMENTS, describe_files, model_version

from drift_ml.packing.versions import write_version

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from drift_contracts import FeatureSet
    from drift_contracts.json_types import ReadableJson
    from drift_contracts.types import BundleManifestV2

    from drift_ml.baseline import Baseline
    from drift_ml.segments import Segments

CONTRACT = "bundle.manifest.v2"


def write_bundle(
    folder: Path,
    feature_set: FeatureSet,
    files: Mapping[str, bytes],
    offline_files: Mapping[str, bytes],
    members: Mapping[str, object],
) -> BundleManifestV2:
    """Write a bundle to folder/MODEL/VERSION, whole or not at all, and return its manifest.

    Which version is the current one stays as it is; `use_version` chooses it. Equal inputs give
    equal bytes.

    Args:
        folder: Of all bundles.
        feature_set: What the rows are; the first of the files is made of it.
        files: What serving reads, by name, beside the feature set.
        offline_files: What serving works without, by name.
        members: Of the manifest: all but those that follow from the other arguments.

    Raises:
        ContractError: the manifest breaks its contract.
    """
    serving = {"feature_set.json": json_bytes(feature_set.to_json()), **files}
    described = describe_files(serving)
    document: dict[str, object] = {
        "contract": CONTRACT,
        "model": feature_set.name,
        "model_version": model_version(described),
        "feature_set": feature_set.version,
        **members,
        "files": described,
        "offline_files": describe_files(offline_files),
    }
    # Names of files are no identifiers, so the generated types cannot be built member by member.
    manifest = cast("BundleManifestV2", document)
    schemas.check(CONTRACT, manifest)
    manifest_file = {"manifest.json": json_bytes(cast("ReadableJson", manifest))}
    contents = serving | dict(offline_files) | manifest_file
    write_version(folder / feature_set.name, manifest["model_version"], contents)
    return manifest


def baseline_bytes(baseline: Baseline) -> bytes:
    """Return a baseline as the bytes of its file. Raises ContractError where its figures cannot be.

    Figures of real rows can break the contract, such as a deviation that no float holds.
    """
    document = baseline.to_json()
    broken = broken_baseline(document)
    if broken:
        raise ContractError(contract_of(document), broken)
    return json_bytes(cast("ReadableJson", document))


def segment_files(segments: Segments | None) -> dict[str, bytes]:
    """Return the offline file of segments by its name; none where nothing is cut."""
    if segments is None:
        return {}
    # Without an indent: there is a baseline in it for each segment.
    text = json.dumps(segments.to_json(), separators=(",", ":"), allow_nan=False)
    return {SEGMENTS: text.encode()}


def json_bytes(document: ReadableJson) -> bytes:
    """Return a document as the bytes of a file: one space of indent, and a newline at its end."""
    text = json.dumps(
        document,
        indent=1,
        allow_nan=False,
        ensure_ascii=False,
    )
    return f"{text}\n".encode()
