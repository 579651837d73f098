"""The contracts of MLOps Drift Monitor: what every document that crosses a border must hold.

What is named here is plain Python and quick to import, for the prediction path. What needs more is
a module of its own: `schemas` needs jsonschema, `commands` click, `terminal` rich.
"""

from __future__ import annotations

from drift_contracts.errors import (
    ContractError,
    DriftError,
    NotJson,
    SettingsError,
    UnknownName,
    Violation,
)
from drift_contracts.features import (
    Feature,
    FeatureSet,
    Output,
    Target,
    feature_set,
    feature_set_names,
)
from drift_contracts.keywords import violations
from drift_contracts.parsing import parse_json
from drift_contracts.records import Record
from drift_contracts.requests import RequestValidator
from drift_contracts.spec import Alarm, Metric, MonitoringSpec, Query, Setting, Widget
from drift_contracts.value_schema import value_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from drift_contracts.compose import request_schema

__all__ = [
    "Alarm",
    "ContractError",
    "DriftError",
    "Feature",
    "FeatureSet",
    "Metric",
    "MonitoringSpec",
    "NotJson",
    "Output",
    "Query",
    "Record",
    "RequestValidator",
    "Setting",
    "SettingsError",
    "Target",
    "UnknownName",
    "Violation",
    "Widget",
    "feature_set",
    "feature_set_names",
    "parse_json",
    "request_schema",
    "value_schema",
    "violations",
]


# Any: what an attribute of a module is
def __getattr__(name: str) -> Any:
    """Return what a cold start has no use for, imported when somebody asks."""
    if name == "request_schema":
        from drift_contracts.compose import request_schema  # noqa: PLC0415

        return request_schema
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
