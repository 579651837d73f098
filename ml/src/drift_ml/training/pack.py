"""Write a bundle: the forest, the baseline, the feature set, and a manifest that binds them."""

from __future__ import annotations

import platform
import sys
from dataclasses import replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts.timestamps import utc_text
from drift_engine.bundle import ROW_DIGESTS
from drift_engine.forest import Forest
from drift_engine.forest.writer import encode as encode_forest
from drift_engine.forest.writer import trees_of
from drift_engine.model.writer import encode

from drift_ml.baseline.fit import fit_baseline
from drift_ml.converters import convert, prove
from drift_ml.packing import baseline_bytes, write_bundle
from drift_ml.tables.row_digests import RowDigests, as_seen, hash_rows

from .errors import PackedDiffers
from .estimators import parameters
from .judging import answers_of, calibration_of, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt
    from drift_contracts import FeatureSet
    from drift_contracts.types import (
        BundleManifestV2,
        BundleManifestV2Estimator,
        BundleManifestV2HeldOut,
        BundleManifestV2Training,
    )

    from drift_ml.tables import Table

    from .data_warnings import DataWarning
    from .fitting import Fitted
    from .recipes import Recipe

    Floats = npt.NDArray[np.float64]

#: Whose file is the one that forests of numbers have always had.
FORESTS = ("RandomForestRegressor", "ExtraTreesRegressor")


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
    judged = judge(feature_set, table, fitted, recipe)
    matrix = table.matrix(feature_set)
    name, content, proven = _model_file(feature_set, table, fitted)
    files = {"baseline.json": _baseline(feature_set, table, fitted), name: content}
    offline = {ROW_DIGESTS: _row_digests(matrix, fitted)}
    members = {
        "estimator": _estimator(fitted.estimator, recipe),
        "training": _training(feature_set, table, fitted, recipe),
        **judged,
        **proven,
        **_held_out(feature_set, table, fitted),
        "warnings": [warning.to_json() for warning in warnings],
    }
    return write_bundle(folder, feature_set, files, offline, members)


def _row_digests(matrix: Floats, fitted: Fitted) -> bytes:
    """Return the digests of the training rows, by which a replay recognises them."""
    hashes = hash_rows(as_seen(matrix))
    sides = fitted.sides
    return RowDigests.of(hashes[sides.learnt], hashes[sides.held_out]).to_bytes()


def _model_file(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> tuple[str, bytes, Mapping[str, object]]:
    """Return the name and the bytes of the model's file, and what the manifest says of its proof.

    Forests of numbers are as they were; all other models are in the file for all families.
    """
    estimator = fitted.estimator
    if type(estimator).__name__ in FORESTS:
        matrix = table.matrix(feature_set)
        forest = encode_forest(
            trees_of(estimator, missing=fitted.missing), features=matrix.shape[1]
        )
        _prove_equal(forest, estimator, matrix)
        return "forest.bin", forest, {}
    converted = convert(estimator, feature_set)
    packed = encode(converted.model)
    exactness = prove(packed, converted, feature_set, table.json_rows(feature_set))
    return "model.bin", packed, {"exactness": exactness.to_json()}


def _baseline(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> bytes:
    """Return the baseline. Raises ContractError where its figures cannot be."""
    if fitted.labels is None:
        baseline = fit_baseline(
            feature_set,
            table.columns,
            target=table.target,
            predictions=fitted.predicted,
            errors=fitted.predicted - fitted.actual,
        )
    else:
        answers = answers_of(feature_set, table, fitted)
        answered = fit_baseline(
            feature_set,
            table.columns,
            target=table.target,
            labels=fitted.labels.astype(np.float64),
            scores=fitted.predicted,
        )
        baseline = replace(answered, calibration=calibration_of(answers))
    return baseline_bytes(baseline)


def _prove_equal(
    forest: bytes,
    estimator: Any,
    matrix: Floats,
) -> None:
    """Send every training row through both engines; one bit of difference is an error."""
    packed = np.array(Forest.from_bytes(forest).predict_many(matrix.tolist()))
    differing = int((packed != estimator.predict(matrix)).sum())
    if differing:
        raise PackedDiffers(differing)


def _held_out(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> Mapping[str, BundleManifestV2HeldOut]:
    """Return how rows were held out; nothing where it is as it has always been."""
    period = fitted.sides.period_ms
    if period is not None:
        first, last = map(utc_text, period)
        column = table.time_column or "times"
        return {"held_out": {"by": "time", "column": column, "from": first, "to": last}}
    return {"held_out": {"by": "random"}} if feature_set.target.is_class else {}


def _estimator(estimator: Any, recipe: Recipe) -> BundleManifestV2Estimator:
    return {
        "kind": type(estimator).__name__,
        "parameters": dict(parameters(recipe)),
    }


def _training(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
    recipe: Recipe,
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
            **_library(recipe),
            "numpy": np.__version__,
        },
    }


def _library(recipe: Recipe) -> Mapping[str, str]:
    """Return the version of the estimator's library, if that is not scikit-learn."""
    family = recipe.family
    if family.extra is None:
        return {}
    # One library is packaged under several names; the module is what was used.
    return {family.library: sys.modules[family.module].__version__}
