"""The request schema of one model, composed from its feature set and the frame that all requests share."""

from __future__ import annotations

from drift_contracts import documents
from drift_contracts.value_schema import value_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from drift_contracts.features import Feature, FeatureSet


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


def plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A contract's schema on its own: references put in place, identifiers dropped.

    A reference inside of what it refers to stays as it is, since such a schema has no end; the definitions
    then stay too.

    >>> plain({"$id": "urn:x", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": {"type": "null"}}})
    {'items': {'type': 'null'}}
    """
    definitions = schema.get("$defs", {})
    inlined: dict[str, Any] = _inline(schema, definitions)
    members = {name: value for name, value in inlined.items() if name not in ("$schema", "$id")}
    return {**members, "$defs": definitions} if _refers(members) else members


def _refers(node: Any) -> bool:
    """Return whether a schema still holds a reference."""
    if isinstance(node, list):
        return any(map(_refers, node))
    return isinstance(node, dict) and ("$ref" in node or any(map(_refers, node.values())))


def _inline(node: Any, definitions: dict[str, Any], inside: frozenset[str] = frozenset()) -> Any:
    """Put references in place; `inside` names the definitions that are being put in place already."""
    if isinstance(node, list):
        return [_inline(item, definitions, inside) for item in node]
    if not isinstance(node, dict):
        return node
    if node.get("$ref") in inside:
        return node
    members = {
        name: _inline(value, definitions, inside) for name, value in node.items() if name not in ("$ref", "$defs")
    }
    if "$ref" not in node:
        return members
    reference = node["$ref"]
    target = definitions[reference.removeprefix("#/$defs/")]
    return {**_inline(target, definitions, inside | {reference}), **members}


def _described(feature: Feature) -> dict[str, Any]:
    usual = "" if feature.usual is None else f" Usually {feature.usual[0]} to {feature.usual[1]}."
    return {
        **value_schema(vars(feature)),
        "description": f"{feature.description} Unit: {feature.unit}.{usual}",
        "examples": [feature.example],
    }
