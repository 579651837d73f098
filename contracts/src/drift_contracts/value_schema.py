"""The schema of one feature's values, which rules and requests share."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

FLOAT32 = 3.4028234663852886e38
LIMITS = {"minimum": -FLOAT32, "maximum": FLOAT32}
OPEN_CATEGORY = {"type": "string", "minLength": 1, "maxLength": 128}


def value_schema(feature: Mapping[str, Any]) -> dict[str, Any]:
    """The schema of one feature's values, from the members of a `Feature` or of its JSON.

    >>> value_schema({"type": "number", "exclusive_minimum": 0, "maximum": 9, "nullable": True})
    {'type': ['number', 'null'], 'exclusiveMinimum': 0, 'maximum': 9}
    """
    nullable = feature.get("nullable", False)
    if feature["type"] == "category" and not feature.get("other", False):
        return {"enum": [*feature["categories"], *([None] if nullable else [])]}
    plain = OPEN_CATEGORY if feature["type"] == "category" else {"type": feature["type"]}
    schema: dict[str, Any] = {**plain, "type": [plain["type"], "null"] if nullable else plain["type"]}
    if feature["type"] in ("number", "integer"):
        for bound, limit in LIMITS.items():
            schema |= _bound(feature, bound, limit)
    return schema


def _bound(feature: Mapping[str, Any], bound: str, limit: float) -> dict[str, float]:
    """The keyword that bounds a number on one side; without a bound of its own, what a model can compare."""
    exclusive = feature.get(f"exclusive_{bound}")
    if exclusive is not None:
        return {f"exclusive{bound.capitalize()}": exclusive}
    own = feature.get(bound)
    return {bound: limit if own is None else own}
