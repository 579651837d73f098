"""What a feature set must hold beyond its schema: unique names, bounds that leave room, examples that fit."""

from __future__ import annotations

from math import ceil, floor, inf

from drift_contracts.errors import Violation
from drift_contracts.keywords import step, violations
from drift_contracts.value_schema import value_schema

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    Item = dict[str, Any]

BOUNDS = ("minimum", "maximum", "exclusive_minimum", "exclusive_maximum")
NUMERIC_ONLY = (*BOUNDS, "usual")
CATEGORY_ONLY = ("categories", "other")


def broken_rules(document: Any) -> Iterator[Violation]:
    """Every semantic rule that a document breaks which already follows the feature set's schema."""
    target = document["target"]
    seen, columns = {target["name"]}, {target.get("column", target["name"])}
    for index, item in enumerate(document["features"]):
        pointer = f"/features/{index}"
        repeated = item["name"] in seen
        if repeated:
            yield Violation(step(pointer, "name"), "unique", "a name that no other feature and not the target has")
        seen.add(item["name"])
        column = item.get("column", item["name"])
        if column in columns and not (repeated and "column" not in item):
            part = "column" if "column" in item else "name"
            expected = "a column that no other feature and not the target has"
            yield Violation(step(pointer, part), "unique", expected)
        columns.add(column)
        found = [*_misplaced(item, pointer), *_bounds(item, pointer)]
        yield from found
        if not found:
            yield from violations(value_schema(item), item["example"], step(pointer, "example"))


def _misplaced(item: Item, pointer: str) -> Iterator[Violation]:
    if item["type"] not in ("number", "integer"):
        for name in NUMERIC_ONLY:
            if name in item:
                yield Violation(step(pointer, name), "belongs", "to be set for numbers and integers only")
    if item["type"] != "category":
        for name in CATEGORY_ONLY:
            if name in item:
                yield Violation(step(pointer, name), "belongs", "to be set for categories only")
    elif "categories" not in item:
        yield Violation(pointer, "required", "the member categories, because the type is category")


def _bounds(item: Item, pointer: str) -> Iterator[Violation]:
    for bound in ("minimum", "maximum"):
        if bound in item and f"exclusive_{bound}" in item:
            yield Violation(step(pointer, f"exclusive_{bound}"), "once", f"no second bound beside {bound}")
    if not _leaves_room(item):
        yield Violation(pointer, "bounds", "bounds that leave at least one value possible")
    elif "usual" in item:
        low, high = item["usual"]
        if low > high:
            yield Violation(step(pointer, "usual"), "order", "the lowest usual value before the highest")
        for index, value in enumerate(item["usual"]):
            schema = value_schema({**item, "type": "number", "nullable": False})
            yield from violations(schema, value, step(step(pointer, "usual"), index))


def _leaves_room(item: Item) -> bool:
    low = max(item.get("minimum", -inf), item.get("exclusive_minimum", -inf))
    high = min(item.get("maximum", inf), item.get("exclusive_maximum", inf))
    if inf in (-low, high):
        return True
    open_low, open_high = low == item.get("exclusive_minimum"), high == item.get("exclusive_maximum")
    if item["type"] == "number":
        return bool(low < high or (low == high and not open_low and not open_high))
    first = floor(low) + 1 if open_low else ceil(low)
    last = ceil(high) - 1 if open_high else floor(high)
    return bool(first <= last)
