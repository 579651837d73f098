"""Types of JSON documents that may be anything; import them for type checking only.

A document with a contract of its own has a better type in `drift_contracts.types`. A value of type
`JsonValue` is narrowed with `isinstance` before it is used, so that a type checker finds what
nobody has validated.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

JsonScalar: TypeAlias = "str | int | float | bool | None"

#: What `parse_json` returns, and what may be changed in place.
JsonValue: TypeAlias = "JsonScalar | list[JsonValue] | dict[str, JsonValue]"
JsonObject: TypeAlias = dict[str, JsonValue]

#: What a function only reads. Lists and dicts of narrower values fit here, unlike in `JsonValue`.
ReadableJson: TypeAlias = "JsonScalar | Sequence[ReadableJson] | Mapping[str, ReadableJson]"
ReadableObject: TypeAlias = Mapping[str, ReadableJson]

#: A JSON Schema. Any: each keyword has a type of its own, and `keywords` reads them one by one.
Schema: TypeAlias = Mapping[str, Any]
