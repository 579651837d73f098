"""What a schema keyword expects, in words: the same words whichever engine found the violation."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drift_contracts.json_types import Schema

#: A feature may have 10,000 categories, and an answer may hold the same sentence 1,000 times.
MOST_CHOICES = 10
TYPES = {
    "object": "an object",
    "array": "an array",
    "string": "a string",
    "number": "a number",
    "integer": "an integer",
    "boolean": "true or false",
    "null": "null",
}
#: Units of what has none, and of what `driftctl init` has proposed: nobody has named it yet.
UNNAMED = ("none", "unknown")
#: Sentences, most with a place for the keyword's value.
_PHRASES = {
    "minimum": "at least {}",
    "maximum": "at most {}",
    "exclusiveMinimum": "more than {}",
    "exclusiveMaximum": "less than {}",
    "minLength": "a string of at least {} characters",
    "maxLength": "a string of at most {} characters",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "minProperties": "at least {} members",
    "maxProperties": "at most {} members",
    "pattern": "a string that matches {}",
    "uniqueItems": "each item once",
}


def spoken_unit(unit: str) -> str:
    """Return a unit as people read it after a number, "" where there is none or nobody knows it.

    >>> spoken_unit("square feet"), spoken_unit("unknown"), spoken_unit("none")
    ('square feet', '', '')
    """
    return "" if unit in UNNAMED else unit


def listed(
    names: Iterable[str],
    most: int = MOST_CHOICES,
    separator: str = ", ",
) -> str:
    """Return names for a sentence, and how many more there are.

    Args:
        names: in their order.
        most: that are named.
        separator: between two of them.

    >>> listed(["red", "green"]), listed(map(str, range(12)))
    ('red, green', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more')
    >>> listed(["a", "b", "c"], 1), listed(["a", "b"], separator="; ")
    ('a and 2 more', 'a; b')
    """
    every = list(names)
    text = separator.join(every[:most])
    more = len(every) - most
    return f"{text} and {more} more" if more > 0 else text


def expectation(rule: str, schema: Schema) -> str:
    """Return what the keyword `rule` of a schema expects.

    >>> expectation("type", {"type": ["number", "null"]}), expectation("minimum", {"minimum": 0})
    ('a number or null', 'at least 0')
    """
    value = schema[rule]
    if rule in _PHRASES:
        text = value if isinstance(value, str) else json.dumps(value)
        return _PHRASES[rule].format(text)
    if rule == "type":
        return _types(value)
    if rule == "enum":
        return "one of " + _values(value)
    if rule == "const":
        return json.dumps(value)
    if rule == "additionalProperties":
        members = listed(schema.get("properties", ()))
        return "no member but " + (members or "none")
    # `anyOf` and the like: their branches are reported by nobody, and naming them all would be long
    return "a shape that is allowed"


def _types(names: str | Sequence[str]) -> str:
    listed = [names] if isinstance(names, str) else names
    return " or ".join(TYPES[name] for name in listed)


def _values(values: Sequence[object]) -> str:
    # only those that are shown are written: a feature may have 10,000 categories
    shown = [json.dumps(value) for value in values[:MOST_CHOICES]]
    more = len(values) - MOST_CHOICES
    return ", ".join(shown) + (f" and {more} more" if more > 0 else "")


def required(name: str) -> str:
    """Return what a missing member's violation expects."""
    return f"the member {name}"
