"""The contracts of MLOps Drift Monitor."""

from drift_contracts.errors import ContractError, DriftError, NotJson, UnknownName, Violation
from drift_contracts.features import Feature, FeatureSet, feature_set, feature_set_names
from drift_contracts.parsing import parse_json
from drift_contracts.requests import RequestValidator

__all__ = [
    "ContractError",
    "DriftError",
    "Feature",
    "FeatureSet",
    "NotJson",
    "RequestValidator",
    "UnknownName",
    "Violation",
    "feature_set",
    "feature_set_names",
    "parse_json",
]
