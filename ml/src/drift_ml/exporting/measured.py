"""Write a converted estimator as a bundle, with what it is worth on rows."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from drift_engine.bundle import PACKED, ROW_DIGESTS
from drift_engine.model import PackedModel

from drift_ml.packing import baseline_bytes, segment_files, use_version, write_bundle
from drift_ml.segments.fit import fit_segments
from drift_ml.tables.row_digests import RowDigests, as_seen, hash_rows

from .held_out import answers_to, columns_of, measure

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.types import BundleManifestV2
    from drift_engine.onnx._model import OnnxModel

    from drift_ml.converters import Exactness

    from .rows import Rows

    Hashes = npt.NDArray[np.uint64]


@dataclass(frozen=True)
class Exported:
    """Where a bundle lies, and what it says of itself."""

    #: The folder of the version.
    bundle: Path
    manifest: BundleManifestV2
    exactness: Exactness


@dataclass(frozen=True)
class Made:
    """A model that is about to be written."""

    #: Class of the estimator.
    kind: str
    #: The bytes of its file.
    packed: bytes
    exactness: Exactness
    #: As the manifest has them.
    parameters: Mapping[str, Any]
    #: Where the rows came from.
    source: str
    #: Versions of what trained it, by name.
    libraries: Mapping[str, str]
    #: What is to be said of it, beside what its scores say.
    warnings: tuple[Mapping[str, object], ...] = ()
    #: The model's file in the bundle.
    file: str = PACKED
    #: The model in it, where another engine than ours answers.
    model: OnnxModel | None = None
    #: Further members of the manifest.
    members: Mapping[str, object] = field(default_factory=dict)


def write_measured(
    made: Made,
    features: FeatureSet,
    learnt: Rows,
    unseen: Rows,
    *,
    seed: int,
    out: Path,
) -> Exported:
    """Write a bundle, which becomes the current version of its model.

    Args:
        made: What is written.
        features: What rows are.
        learnt: Rows that the estimator was fitted on.
        unseen: Rows that scores, errors and importances are of; the same object where there are
            no others.
        seed: Of resampling and shuffling.
        out: The folder of all bundles.
    """
    model = made.model or PackedModel.from_bytes(made.packed)
    measured = measure(model, features, learnt, unseen, seed=seed)
    # Rows that stand on both sides are counted once.
    parts = (learnt,) if unseen is learnt else (learnt, unseen)
    members = {
        "estimator": {"kind": made.kind, "parameters": made.parameters},
        "training": {
            "source": made.source,
            "data_sha256": _digest(features, *parts),
            "rows": sum(part.count for part in parts),
            "held_out_rows": unseen.count,
            "seed": seed,
            "libraries": made.libraries,
        },
        "scores": measured.scores,
        "exactness": made.exactness.to_json(),
        "held_out": {"by": "caller"},
        **measured.members,
        **made.members,
        "warnings": [*made.warnings, *measured.warnings],
    }
    files = {"baseline.json": baseline_bytes(measured.baseline), made.file: made.packed}
    nothing = np.zeros(0, np.uint64)
    digests = RowDigests.of(hashes(learnt), nothing if unseen is learnt else hashes(unseen))
    segments = None
    if features.segments:
        answers = answers_to(model, features, unseen)
        columns = columns_of(features, learnt)
        segments = fit_segments(features, columns, measured.baseline, answers)
    offline = {ROW_DIGESTS: digests.to_bytes(), **segment_files(segments)}
    manifest = write_bundle(out, features, files, offline, members)
    version = manifest["model_version"]
    use_version(out / features.name, version)
    return Exported(out / features.name / version, manifest, made.exactness)


def hashes(rows: Rows) -> Hashes:
    """Return a hash of each row, by which a replay recognises it."""
    return hash_rows(as_seen(rows.matrix))


def _digest(feature_set: FeatureSet, *parts: Rows) -> str:
    """Return the SHA-256 over names and values of features and targets, 64 hex digits."""
    content = hashlib.sha256()
    for name in (*feature_set.names, feature_set.target.name):
        content.update(name.encode() + b"\0")
    for rows in parts:
        # Little-endian, so that every machine has the same digest.
        content.update(
            np.ascontiguousarray(
                rows.matrix,
                "<f8",
            ).tobytes()
        )
        content.update(
            np.ascontiguousarray(
                rows.target,
                "<f8",
            ).tobytes()
        )
    return content.hexdigest()
