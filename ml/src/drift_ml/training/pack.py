"""Write a bundle: the forest, the baseline, the feature set, and a manifest that binds them."""

from __future__ import annotations

import platform
import sys
from dataclasses import dataclass, replace
from importlib.metadata import version
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet
from drift_contracts.timestamps import utc_text
from drift_engine.bundle import ROW_DIGESTS
from drift_engine.forest import Forest
from drift_engine.forest.writer import encode as encode_forest
from drift_engine.forest.writer import trees_of
from drift_engine.model import PackedModel

from drift_ml.baseline.fit import fit_baseline
from drift_ml.converters import convert, encode_converted, prove_model, too_large
from drift_ml.importances import (
    importances_of_classes,
    importances_of_numbers,
    with_importances,
)
from drift_ml.packing import baseline_bytes, segment_files, write_bundle
from drift_ml.segments.fit import HeldOutAnswers, fit_segments
from drift_ml.tables.row_digests import RowDigests, as_seen, hash_rows

from .estimators import parameters
from .judging import answers_of, calibration_of, judge

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path
    from typing import Any

    import numpy.typing as npt
    from drift_contracts.types import (
        BundleManifestV2,
        BundleManifestV2Estimator,
        BundleManifestV2HeldOut,
        BundleManifestV2Training,
    )

    from drift_ml.baseline import Baseline
    from drift_ml.converters import Exactness
    from drift_ml.importances import Importances
    from drift_ml.tables import Table

    from .data_warnings import DataWarning
    from .fitting import Fitted
    from .recipes import Recipe

    Floats = npt.NDArray[np.float64]

#: Bytes; 512 MB, as of all other models.
LARGEST_FILE = 1 << 29
#: Whose file is the one that forests of numbers have always had.
FORESTS = ("RandomForestRegressor", "ExtraTreesRegressor")


@dataclass(frozen=True)
class _Packed:
    """A model's file, ready to answer."""

    #: Its name in the bundle.
    file: str
    content: bytes
    answering: Forest | PackedModel
    exactness: Exactness


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
        NotExact: the packed model answers otherwise than the estimator.
    """
    judged = judge(feature_set, table, fitted, recipe)
    matrix = table.matrix(feature_set)
    model = _packed(feature_set, table, fitted)
    importances = _importances(model.answering, feature_set, matrix, fitted, recipe)
    baseline = with_importances(_baseline(feature_set, table, fitted), importances)
    files = {"baseline.json": baseline_bytes(baseline), model.file: model.content}
    segments = fit_segments(feature_set, table.columns, baseline, _answers(table, fitted))
    offline = {ROW_DIGESTS: _row_digests(matrix, fitted), **segment_files(segments)}
    members = {
        "estimator": _estimator(fitted.estimator, recipe),
        "training": _training(feature_set, table, fitted, recipe),
        **judged,
        "exactness": model.exactness.to_json(),
        "importances": importances,
        "held_out": _held_out(table, fitted),
        "warnings": [warning.to_json() for warning in warnings],
    }
    return write_bundle(folder, feature_set, files, offline, members)


def _row_digests(matrix: Floats, fitted: Fitted) -> bytes:
    """Return the digests of the training rows, by which a replay recognises them."""
    hashes = hash_rows(as_seen(matrix))
    sides = fitted.sides
    return RowDigests.of(hashes[sides.learnt], hashes[sides.held_out]).to_bytes()


def _packed(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> _Packed:
    """Return the model as its file has it, held against the estimator.

    Forests of numbers are as they were; all other models are in the file for all families.
    """
    estimator, rows = fitted.estimator, table.json_rows(feature_set)
    converted = convert(estimator, feature_set)
    if type(estimator).__name__ not in FORESTS:
        packed = encode_converted(converted)
        model = PackedModel.from_bytes(packed)
        exactness = prove_model(model, converted, feature_set, rows)
        return _Packed("model.bin", packed, model, exactness)
    features = len(feature_set.features)
    content = encode_forest(trees_of(estimator, missing=fitted.missing), features=features)
    if len(content) > LARGEST_FILE:
        raise too_large(converted.kind)
    forest = Forest.from_bytes(content)
    # A forest that learnt no missing value refuses them in requests, as the library does.
    allowed = feature_set if fitted.missing else _without_nulls(feature_set)
    exactness = prove_model(forest, converted, allowed, rows)
    return _Packed("forest.bin", content, forest, exactness)


def _without_nulls(feature_set: FeatureSet) -> FeatureSet:
    """Return the same features, of which none is nullable."""
    # Any: of either version of the contract.
    document: Any = feature_set.to_json()
    for feature in document["features"]:
        feature.pop("nullable", None)
    return FeatureSet.from_json(document)


def _importances(
    model: Forest | PackedModel,
    feature_set: FeatureSet,
    matrix: Floats,
    fitted: Fitted,
    recipe: Recipe,
) -> Importances:
    """Return the permutation importances on the held-out rows."""
    unseen, names = matrix[fitted.sides.held_out], feature_set.names
    if feature_set.target.is_class:
        places = fitted.actual.astype(np.intp)
        return importances_of_classes(model, unseen, places, names, seed=recipe.seed)
    target = fitted.actual.reshape(-1, 1)
    return importances_of_numbers(model, unseen, target, names, seed=recipe.seed)


def _baseline(
    feature_set: FeatureSet,
    table: Table,
    fitted: Fitted,
) -> Baseline:
    """Return the baseline; of a classifier with its calibration."""
    if fitted.labels is None:
        return fit_baseline(
            feature_set,
            table.columns,
            target=table.target,
            predictions=fitted.predicted,
            errors=fitted.predicted - fitted.actual,
        )
    answers = answers_of(feature_set, table, fitted)
    answered = fit_baseline(
        feature_set,
        table.columns,
        target=table.target,
        labels=fitted.labels.astype(np.float64),
        scores=fitted.predicted,
    )
    return replace(answered, calibration=calibration_of(answers))


def _answers(table: Table, fitted: Fitted) -> HeldOutAnswers:
    """Return the answers to the held-out rows, of which segments have their parts."""
    chosen = fitted.sides.held_out
    columns = {name: np.asarray(values)[chosen] for name, values in table.columns.items()}
    if fitted.labels is None:
        return HeldOutAnswers(columns, predictions=fitted.predicted)
    return HeldOutAnswers(columns, labels=fitted.labels, scores=fitted.predicted)


def _held_out(table: Table, fitted: Fitted) -> BundleManifestV2HeldOut:
    """Return how rows were held out."""
    period = fitted.sides.period_ms
    if period is not None:
        first, last = map(utc_text, period)
        column = table.time_column or "times"
        return {"by": "time", "column": column, "from": first, "to": last}
    return {"by": "random"}


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
