"""The request schema of one model, composed from its feature set and the frame that all requests share."""

from __future__ import annotations

from drift_contracts import documents

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_contracts.features import Feature, FeatureSet

BOUNDS = {
    "minimum": "minimum",
    "maximum": "maximum",
    "exclusive_minimum": "exclusiveMinimum",
    "exclusive_maximum": "exclusiveMaximum",
}
OPEN_CATEGORY = {"type": "string", "minLength": 1, "maxLength": 128}


def value_schema(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one feature's values, from the members of a `Feature` or of its JSON.

    >>> value_schema({"type": "number", "exclusive_minimum": 0, "nullable": True})
    {'type': ['number', 'null'], 'exclusiveMinimum': 0}
    """
    nullable = feature.get("nullable", False)
    if feature["type"] == "category" and not feature.get("other", False):
        return {"enum": [*feature["categories"], *([None] if nullable else [])]}
    plain = OPEN_CATEGORY if feature["type"] == "category" else {"type": feature["type"]}
    schema: dict[str, Any] = {**plain, "type": [plain["type"], "null"] if nullable else plain["type"]}
    for member, keyword in BOUNDS.items():
        if feature.get(member) is not None:
            schema[keyword] = feature[member]
    return schema


def request_schema(feature_set: FeatureSet) -> dict[str, Any]:
    """The JSON Schema of one model's requests: `prediction.request.v1` with its features filled in."""
    schema: dict[str, Any] = documents.schema("prediction.request.v1")
    schema["$id"] += f":{feature_set.name}:{feature_set.version}"
    schema["title"] = f"Prediction request for {feature_set.name}"
    schema["description"] = feature_set.description
    schema["properties"]["features"] = features_schema(feature_set)
    return schema


def features_schema(feature_set: FeatureSet) -> dict[str, Any]:
    """The JSON Schema of the object that holds one instance's features."""
    return {
        "type": "object",
        "description": "Every feature of the model by its name, and nothing else.",
        "additionalProperties": False,
        "required": list(feature_set.names),
        "properties": {feature.name: _described(feature) for feature in feature_set.features},
    }


def _described(feature: Feature) -> dict[str, Any]:
    usual = "" if feature.usual is None else f" Usually {feature.usual[0]} to {feature.usual[1]}."
    return {
        **value_schema(vars(feature)),
        "description": f"{feature.description} Unit: {feature.unit}.{usual}",
        "examples": [feature.example],
    }
