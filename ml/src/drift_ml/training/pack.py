"""Write a bundle: the forest, the baseline, the feature set, and a manifest that binds them."""

from __future__ import annotations

import platform
from importlib.metadata import version
from typing import TYPE_CHECKING, cast

import numpy as np
from drift_contracts import ContractError
from drift_contracts.baseline_rules import CONTRACT as BASELINE
from drift_contracts.baseline_rules import broken_baseline
from drift_engine.bundle import ROW_DIGESTS
from drift_engine.forest import Forest
from drift_engine.forest.writer import encode, trees_of

from drift_ml.baseline.fit import fit_baseline
from drift_ml.packing import json_bytes, write_bundle
from drift_ml.scores.regression import score
from drift_ml.tables.row_digests import RowDigests, as_seen, hash_rows

from .errors import ModelWorseThanMean, PackedDiffers

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.json_types import ReadableJson
    from drift_contracts.types import (
        BundleManifestV2,
        BundleManifestV2Estimator,
        BundleManifestV2Training,
    )

    from drift_ml.tables import Table

    from .data_warnings import DataWarning
    from .fitting import Fitted
    from .recipes import Recipe

    Floats = npt.NDArray[np.float64]


def pack(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
    recipe: Recipe,
    folder: Path,
    warnings: Sequence[DataWarning] = (),
) -> BundleManifestV2:
    """Write a bundle to folder/MODEL/VERSION, whole or not at all, and return its manifest.

    Which version is the current one stays as it is; `use_version` chooses it. Equal inputs give
    equal bytes.

    Args:
        feature_set: What the rows are.
        table: The rows, both sides of the split.
        fitted: The estimator, and its predictions of the rows that it has not seen.
        recipe: What it was made by.
        folder: Of all bundles.
        warnings: About the data, for the manifest.

    Raises:
        ModelWorseThanMean: the model is not worth packing.
        PackedDiffers: the packed forest is not bit-equal to the estimator on every training row.
    """
    scores = score(fitted.actual, fitted.predicted, seed=recipe.seed)
    r2 = scores["r2"]["value"]
    if r2 is None or r2 <= 0:
        raise ModelWorseThanMean(float("nan") if r2 is None else r2)
    forest = _forest(fitted, len(feature_set.features))
    files = {
        "baseline.json": _baseline(feature_set, table, fitted),
        "forest.bin": forest,
    }
    matrix = table.matrix(feature_set)
    _prove_equal(forest, fitted.estimator, matrix)
    offline = {ROW_DIGESTS: _row_digests(matrix, fitted)}
    members = {
        "estimator": _estimator(fitted.estimator, recipe),
        "training": _training(feature_set, table, fitted, recipe),
        "scores": scores,
        "warnings": [warning.to_json() for warning in warnings],
    }
    return write_bundle(folder, feature_set, files, offline, members)


def _row_digests(matrix: Floats, fitted: Fitted) -> bytes:
    """Return the digests of the training rows, by which a replay recognises them."""
    hashes = hash_rows(as_seen(matrix))
    sides = fitted.sides
    return RowDigests.of(hashes[sides.learnt], hashes[sides.held_out]).to_bytes()


def _forest(fitted: Fitted, features: int) -> bytes:
    return encode(trees_of(fitted.estimator, missing=fitted.missing), features=features)


def _baseline(feature_set: FeatureSet, table: Table, fitted: Fitted) -> bytes:
    """Return the baseline. Raises ContractError where its figures cannot be."""
    baseline = fit_baseline(
        feature_set,
        table.columns,
        target=table.target,
        predictions=fitted.predicted,
        errors=fitted.predicted - fitted.actual,
    ).to_json()
    broken = broken_baseline(baseline)
    if broken:
        raise ContractError(BASELINE, broken)
    return json_bytes(cast("ReadableJson", baseline))


def _prove_equal(forest: bytes, estimator: Any, matrix: Floats) -> None:
    """Send every training row through both engines; one bit of difference is an error."""
    packed = np.array(Forest.from_bytes(forest).predict_many(matrix.tolist()))
    differing = int((packed != estimator.predict(matrix)).sum())
    if differing:
        raise PackedDiffers(differing)


def _estimator(estimator: Any, recipe: Recipe) -> BundleManifestV2Estimator:
    return {
        "kind": type(estimator).__name__,
        "parameters": {
            "n_estimators": recipe.trees,
            "min_samples_leaf": recipe.min_samples_leaf,
            "random_state": recipe.seed,
        },
    }


def _training(
    feature_set: FeatureSet, table: Table, fitted: Fitted, recipe: Recipe
) -> BundleManifestV2Training:
    return {
        "source": table.source,
        "data_sha256": table.digest(feature_set),
        "rows": table.rows,
        "held_out_rows": table.rows - fitted.training_rows,
        "seed": recipe.seed,
        "libraries": {
            "python": platform.python_version(),
            "scikit-learn": version("scikit-learn"),
            "numpy": np.__version__,
        },
    }
