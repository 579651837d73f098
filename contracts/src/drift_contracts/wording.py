"""What a schema keyword expects, in words: the same words whichever engine found the violation."""

from __future__ import annotations

import json

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from typing import Any

#: A feature may have 1,000 categories, and an answer may hold the same sentence 1,000 times.
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
}


def choices(names: Iterable[str]) -> str:
    """Return names with commas between: at most ten, then how many more there are.

    >>> choices(["red", "green"]), choices(map(str, range(12)))
    ('red, green', '0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more')
    """
    return _choices(list(names), str)


def _choices(values: Sequence[Any], text_of: Callable[[Any], str]) -> str:
    listed = ", ".join(map(text_of, values[:MOST_CHOICES]))
    more = len(values) - MOST_CHOICES
    return f"{listed} and {more} more" if more > 0 else listed


_SENTENCES: dict[str, Callable[[Any, Mapping[str, Any]], str]] = {
    "type": lambda value, _: " or ".join(TYPES[name] for name in ([value] if isinstance(value, str) else value)),
    "enum": lambda value, _: "one of " + _choices(value, json.dumps),
    "const": lambda value, _: json.dumps(value),
    "uniqueItems": lambda *_: "each item once",
    "additionalProperties": lambda _, schema: "no member but " + (choices(schema.get("properties", ())) or "none"),
}


def expectation(rule: str, schema: Mapping[str, Any]) -> str:
    """What the keyword `rule` of a schema expects.

    >>> expectation("type", {"type": ["number", "null"]}), expectation("minimum", {"minimum": 0})
    ('a number or null', 'at least 0')
    """
    value = schema[rule]
    if rule in _PHRASES:
        return _PHRASES[rule].format(value if isinstance(value, str) else json.dumps(value))
    return _SENTENCES[rule](value, schema) if rule in _SENTENCES else "a shape that is allowed"


def required(name: str) -> str:
    """What a missing member's violation expects."""
    return f"the member {name}"
