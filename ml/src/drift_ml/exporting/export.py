"""Export a fitted estimator: convert it, prove it, measure it, and write its bundle."""

from __future__ import annotations

import platform
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from drift_contracts import FeatureSet
from drift_contracts import feature_set as shipped

from drift_ml.converters import DoesNotFit, convert, encode_converted, prove

from .errors import ExportError
from .measured import Made, hashes, write_measured
from .rows import read_rows

if TYPE_CHECKING:
    from typing import Any

    from drift_ml.converters import Converted

    from .measured import Exported

#: Estimators that are fitted without a target.
WITHOUT_TARGET = ("IsolationForest",)
FOLDER = Path("build/bundles")
#: Characters of a parameter that is a text.
LONGEST = 200


def export(
    estimator: Any,
    rows: Any,
    *,
    held_out: Any = None,
    feature_set: FeatureSet | str | Path,
    out: str | Path = FOLDER,
    source: str = "the process that trained the model",
    seed: int = 7,
) -> Exported:
    """Write a fitted estimator as a bundle, which becomes the current version of its model.

    The packed model is held against the estimator on all rows and on 20,000 hard ones; scores,
    errors and importances are of the held-out rows.

    Args:
        estimator: Of scikit-learn, XGBoost, LightGBM or CatBoost, fitted.
        rows: What it was fitted on: a data frame or mappings by feature, with the target among the
            columns, or a pair of these and the target.
        held_out: Rows that it was not fitted on, in the same form.
        feature_set: What rows are: a value, the path of its file, or the name of one that ships.
        out: The folder of all bundles.
        source: Where the rows came from, for the manifest.
        seed: Of hard rows, resampling and shuffling.

    Returns:
        The bundle's folder, its manifest, and how exactly it answers.

    Raises:
        ConversionError: the estimator cannot be served, or is not what was packed.
        ExportError: there are no held-out rows, or rows break the feature set.
    """
    features = _feature_set(feature_set)
    if held_out is None or held_out is rows:
        raise ExportError(
            "held_out",
            "rows that the estimator was not fitted on",
            "without them nothing says how good the model is, what errors are ordinary and what its"
            " predictions should look like: keep a share of the rows out of fit, and pass it here",
        )
    converted = convert(estimator, features)
    check_target(converted, features)
    with_target = converted.kind not in WITHOUT_TARGET
    learnt = read_rows("rows", rows, features, with_target=with_target)
    unseen = read_rows("held_out", held_out, features, with_target=with_target)
    if np.isin(hashes(unseen), hashes(learnt)).all():
        raise ExportError(
            "held_out",
            "rows that the estimator was not fitted on",
            "all of them are among the rows: keep a share of the rows out of fit, and pass it here",
        )
    packed = encode_converted(converted)
    exactness = prove(packed, converted, features, [*learnt.json, *unseen.json], seed=seed)
    parameters, libraries = _parameters(estimator), _libraries(converted)
    made = Made(converted.kind, packed, exactness, parameters, source, libraries)
    return write_measured(made, features, learnt, unseen, seed=seed, out=Path(out))


def _feature_set(given: FeatureSet | str | Path) -> FeatureSet:
    """Return a feature set by value, by path or by name."""
    if isinstance(given, FeatureSet):
        return given
    path = Path(given)
    return FeatureSet.load(path) if path.suffix == ".json" else shipped(str(given))


def check_target(
    converted: Converted,
    feature_set: FeatureSet,
) -> None:
    """Raise DoesNotFit unless the target is of the estimator's kind and has as many values."""
    target, model = feature_set.target, converted.model
    if target.kind != model.task:
        way_out = 'give the target "kind": "classification" and its classes'
        if target.is_class:
            way_out = "leave kind and classes out of the target"
        raise DoesNotFit(
            "/target/kind",
            f"{model.task}, as the estimator is",
            way_out,
        )
    outputs = len(target.classes) or len(target.outputs) or 1
    if outputs != model.outputs:
        way_out = "list in the target what the estimator answers, in its order"
        raise DoesNotFit(
            "/target",
            f"{model.outputs} classes or outputs",
            way_out,
        )


def _parameters(estimator: Any) -> dict[str, Any]:
    """Return an estimator's parameters as the manifest has them; what is no number is a text."""
    get_params = getattr(estimator, "get_params", None)
    parameters: dict[str, Any] = {}
    for name, value in (get_params(deep=False) if get_params else {}).items():
        is_plain = value is None or isinstance(value, bool | int)
        is_finite = isinstance(value, float) and np.isfinite(value)
        parameters[name] = value if is_plain or is_finite else str(value)[:LONGEST]
    return parameters


def _libraries(converted: Converted) -> dict[str, str]:
    """Return the versions of what trained a model."""
    reference = converted.reference
    return {
        "python": platform.python_version(),
        "numpy": np.__version__,
        reference.library: reference.version,
    }
