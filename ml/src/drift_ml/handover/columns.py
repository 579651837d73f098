"""The names of the columns that an estimator out of a file was fitted on."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift_ml.converters.boosters import lightgbm_text, xgboost_document
from drift_ml.converters.catboost_booster import catboost_document
from drift_ml.converters.catboost_file import feature_names
from drift_ml.converters.estimators import library_and_class

if TYPE_CHECKING:
    from typing import Any

#: Names that LightGBM gives to columns without names.
_PLACES = re.compile(r"Column_\d+")


def fitted_columns(estimator: Any) -> tuple[str, ...]:
    """Return the names of an estimator's columns, none where it was fitted on numbers alone."""
    names = getattr(estimator, "feature_names_in_", None)
    if names is not None:
        return tuple(str(name) for name in names)
    library, kind = library_and_class(estimator)
    if library == "xgboost":
        learner = xgboost_document(estimator)[1].get("learner", {})
        return tuple(learner.get("feature_names") or ())
    if library == "lightgbm":
        return _of_text(lightgbm_text(estimator)[1])
    if library == "catboost":
        return feature_names(catboost_document(estimator))
    if kind == "Pipeline":
        # A pipeline's columns are those of its first step.
        steps = getattr(estimator, "steps", None) or [("", None)]
        return fitted_columns(steps[0][1])
    return ()


def _of_text(text: str) -> tuple[str, ...]:
    _, _, after = text.partition("\nfeature_names=")
    names = tuple(after.partition("\n")[0].split(" "))
    return () if all(_PLACES.fullmatch(name) for name in names) else names
