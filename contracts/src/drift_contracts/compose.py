"""The request schema of one model: its feature set in the frame that all requests share."""

from __future__ import annotations

from drift_contracts import documents
from drift_contracts.value_schema import value_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from drift_contracts.features import Feature, FeatureSet
    from drift_contracts.json_types import JsonObject, JsonValue, Schema

PREFIX = "#/$defs/"


def request_schema(feature_set: FeatureSet) -> JsonObject:
    """Return the JSON Schema of one model's requests, `prediction.request.v1` with its features."""
    schema = documents.schema("prediction.request.v1")
    schema["$id"] += f":{feature_set.name}:{feature_set.version}"
    schema["title"] = f"Prediction request for {feature_set.name}"
    schema["description"] = feature_set.description
    schema["properties"]["features"] = features_schema(feature_set)
    composed: JsonObject = schema
    return composed


def features_schema(feature_set: FeatureSet) -> JsonObject:
    """Return the JSON Schema of the object that holds one instance's features."""
    return {
        "type": "object",
        "description": "Every feature of the model by its name, and nothing else.",
        "additionalProperties": False,
        "required": list(feature_set.names),
        "properties": {feature.name: _described(feature) for feature in feature_set.features},
    }


def response_schema(feature_set: FeatureSet, contract: str) -> JsonObject:
    """Return the JSON Schema of one model's answers.

    Args:
        feature_set: The model's.
        contract: That of its answers: `prediction.response` or `prediction.batch.response`, of the
            version that `answers_version` gives.

    >>> from drift_contracts.features import feature_set
    >>> response_schema(feature_set("diabetes"), "prediction.response.v1")["title"]
    'Prediction response'
    """
    schema: JsonObject = documents.schema(contract)
    target = feature_set.target
    if target.is_number:
        return schema
    # in a batch each of the good instances has such an answer
    answer: Any = schema
    if "batch" in contract:
        answer = answer["$defs"]["answer"]
    members = ["predictions"]
    if target.is_class:
        members = ["label", "probabilities"]
        answer["properties"]["label"]["enum"] = list(target.classes)
        _name_members(answer["properties"]["probabilities"], target.classes)
        del answer["properties"]["predictions"]
    else:
        _name_members(answer["properties"]["predictions"], target.output_names)
        del answer["properties"]["label"], answer["properties"]["probabilities"]
    if target.positive_class is None:
        del answer["properties"]["threshold"]
    else:
        members.append("threshold")
    answer["required"] += members
    return schema


# Any: a schema's keywords have no common type
def _name_members(schema: dict[str, Any], names: Sequence[str]) -> None:
    """Let an object of numbers have these members and no others."""
    number = schema["additionalProperties"]
    schema["required"] = list(names)
    schema["properties"] = dict.fromkeys(names, number)
    schema["additionalProperties"] = False


def _described(feature: Feature) -> JsonObject:
    """Return the schema of a feature's values, with a description for people."""
    usual = "" if feature.usual is None else f" Usually {feature.usual[0]} to {feature.usual[1]}."
    return {
        **value_schema(vars(feature)),
        "description": f"{feature.description} Unit: {feature.unit}.{usual}",
        "examples": [feature.example],
    }


def self_contained(schema: Schema) -> JsonObject:
    """Return a contract's schema without its identifiers, with references put in place.

    A reference inside of what it refers to stays as it is, since such a schema has no end; the
    definitions then stay too.

    >>> nothing = {"type": "null"}
    >>> self_contained({"$id": "urn:x", "items": {"$ref": "#/$defs/n"}, "$defs": {"n": nothing}})
    {'items': {'type': 'null'}}
    """
    definitions: JsonObject = schema.get("$defs", {})
    members = {
        name: _inlined(value, definitions, frozenset())
        for name, value in schema.items()
        if name not in ("$schema", "$id", "$defs")
    }
    return {**members, "$defs": definitions} if _refers(members) else members


def _refers(node: JsonValue) -> bool:
    """Return whether a schema still holds a reference."""
    if isinstance(node, list):
        return any(map(_refers, node))
    if not isinstance(node, dict):
        return False
    return "$ref" in node or any(map(_refers, node.values()))


def _inlined(node: JsonValue, definitions: JsonObject, inside: frozenset[str]) -> JsonValue:
    """Return a part of a schema with references put in place.

    Args:
        node: The part.
        definitions: What references refer to.
        inside: Names of the definitions that are being put in place already.
    """
    if isinstance(node, list):
        return [_inlined(item, definitions, inside) for item in node]
    if not isinstance(node, dict):
        return node
    name = str(node.get("$ref", "")).removeprefix(PREFIX)
    # putting a definition in place inside of itself would never end
    if name in inside:
        return node
    members = {
        member: _inlined(value, definitions, inside)
        for member, value in node.items()
        if member not in ("$ref", "$defs")
    }
    if not name:
        return members
    target = _inlined(definitions[name], definitions, inside | {name})
    # what stands beside a reference, such as its own description, wins
    return {**target, **members} if isinstance(target, dict) else members
