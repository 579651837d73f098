"""The feature set of a model that is handed over: the user's, or one proposed from the rows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

from drift_contracts import FeatureSet

from drift_ml.converters import DoesNotFit, convert
from drift_ml.exporting.export import check_target
from drift_ml.proposal import Wanted, propose

from .columns import fitted_columns

if TYPE_CHECKING:
    from pathlib import Path

    from drift_ml.converters import Converted
    from drift_ml.model_files import ModelFile
    from drift_ml.tables import ReadOptions


def read_feature_set(path: Path, name: str | None) -> FeatureSet:
    """Return the feature set in a file, under another name where one is wanted.

    Raises:
        ContractError: it is none.
    """
    document = cast("dict[str, Any]", FeatureSet.load(path).to_json())
    if name is not None:
        document["name"] = name
    return FeatureSet.from_json(document, str(path))


def propose_feature_set(
    data: Path,
    wanted: Wanted,
    options: ReadOptions,
    columns: tuple[str, ...],
) -> FeatureSet:
    """Return the feature set that `driftctl init` would propose, of the model's columns alone.

    Args:
        data: The table of rows.
        wanted: What only the user knows of it.
        options: How to read it.
        columns: That the model was fitted on; none where it has no names, all are taken then.

    Raises:
        DataError: the file is no table.
        ProposalError: no feature is left.
        DoesNotFit: a column of the model is none of the table's features.
    """
    proposal = propose(data, wanted, options)
    document = cast("dict[str, Any]", proposal.feature_set.to_json())
    features: dict[str, Any] = {feature["name"]: feature for feature in document["features"]}
    # LightGBM writes names without spaces, much as contracts have them; those of files come first.
    features |= {feature.get("column", feature["name"]): feature for feature in features.values()}
    if columns:
        _check_columns(
            columns, features, {judged.name: judged.reason for judged in proposal.columns}
        )
        document["features"] = [features[column] for column in columns]
    return FeatureSet.from_json(document)


def _check_columns(
    columns: tuple[str, ...],
    features: dict[str, Any],
    reasons: dict[str, str],
) -> None:
    """Raise DoesNotFit for the columns of a model that no feature was proposed for."""
    absent = [column for column in columns if column not in features]
    if not absent:
        return
    words = [f"{column} ({reasons.get(column) or 'not in the file'})" for column in absent[:10]]
    raise DoesNotFit(
        "--data",
        f"columns that the model was fitted on: {', '.join(words)}",
        "add them, or describe them in a feature set of your own (--features)",
    )


def convert_for(
    model: ModelFile,
    features: FeatureSet,
    *,
    is_proposed: bool,
) -> Converted:
    """Return a file's estimator, converted for a feature set whose target is the estimator's.

    Args:
        model: Of a file.
        features: What rows are.
        is_proposed: Whether its target was guessed from a column, so that the estimator knows
            better: its kind and its classes are then taken over.

    Raises:
        CannotServe: the estimator, or a setting of it, cannot be served.
        DoesNotFit: the features are not its columns, or its target is another.
    """
    if model.columns and not fitted_columns(model.estimator):
        # Which only the folder of the file knows.
        vars(model.estimator)["feature_names_in_"] = list(model.columns)
    if not is_proposed:
        converted = convert(model.estimator, features)
        check_target(converted, features)
        return converted
    converted = convert(model.estimator, without_classes(features))
    settled = _settled(features, converted)
    check_target(converted, settled)
    inputs = replace(converted.inputs, feature_set=settled)
    return replace(converted, inputs=inputs, classes=settled.target.classes)


def without_classes(features: FeatureSet) -> FeatureSet:
    """Return a feature set whose target is a number."""
    document = cast("dict[str, Any]", features.to_json())
    target = document["target"]
    for member in ("kind", "classes", "positive"):
        target.pop(member, None)
    target.setdefault("unit", "unknown")
    return FeatureSet.from_json(document)


def _settled(features: FeatureSet, converted: Converted) -> FeatureSet:
    """Return the feature set with the estimator's own target: a number, or its classes."""
    document = cast("dict[str, Any]", without_classes(features).to_json())
    if converted.model.task != "classification":
        return FeatureSet.from_json(document)
    listed = features.target.classes
    places = tuple(map(str, range(len(listed))))
    # A booster knows the places of its classes only, which encoders give them by name.
    classes = listed if converted.classes == places and listed else converted.classes
    document["contract"] = "feature-set.v2"
    document["target"] |= {"kind": "classification", "classes": list(classes)}
    document["target"].pop("unit")
    return FeatureSet.from_json(document)
