"""The schema of one feature's values, which rules and requests share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from drift_contracts.json_types import JsonObject

#: The greatest number that a forest can compare: its thresholds are of this width.
FLOAT32 = 3.4028234663852886e38
LIMITS = {"minimum": -FLOAT32, "maximum": FLOAT32}
#: Characters of a new category, at least and at most.
SHORTEST, LONGEST = 1, 128
OPEN_CATEGORY: JsonObject = {"type": "string", "minLength": SHORTEST, "maxLength": LONGEST}


# Any: the members of a `Feature` and those of its JSON have the same names and no common type
def value_schema(feature: Mapping[str, Any]) -> JsonObject:
    """Return the schema of one feature's values, from the members of a `Feature` or of its JSON.

    >>> value_schema({"type": "number", "exclusive_minimum": 0, "maximum": 9, "nullable": True})
    {'type': ['number', 'null'], 'exclusiveMinimum': 0, 'maximum': 9}
    """
    kind = feature["type"]
    nullable = feature.get("nullable", False)
    if kind == "category" and not feature.get("other", False):
        nothing = [None] if nullable else []
        return {"enum": [*feature["categories"], *nothing]}
    schema = OPEN_CATEGORY.copy() if kind == "category" else {"type": kind}
    if nullable:
        schema["type"] = [schema["type"], "null"]
    if kind in ("number", "integer"):
        for bound, limit in LIMITS.items():
            keyword, number = _bound(
                feature.get(bound), feature.get(f"exclusive_{bound}"), bound, limit
            )
            schema[keyword] = number
    return schema


def _bound(
    inclusive: float | None, exclusive: float | None, bound: str, limit: float
) -> tuple[str, float]:
    """Return the keyword that bounds a number on one side, and its value.

    Args:
        inclusive: The feature's bound that is a value itself, if it has one.
        exclusive: The feature's bound that is none, if it has one.
        bound: `minimum` or `maximum`.
        limit: What a model can compare, where the feature has no bound.
    """
    if exclusive is not None:
        return f"exclusive{bound.capitalize()}", exclusive
    return bound, limit if inclusive is None else inclusive
