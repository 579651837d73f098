"""The part of JSON Schema 2020-12 that our contracts use, in plain Python.

The prediction path cannot afford jsonschema (0.18 s to import). A schema here is data, read as it
is; a property test holds verdicts and places equal to jsonschema's. A keyword that is not listed
raises KeyError: a schema may not promise what this module would not hold.
"""

from __future__ import annotations

import re

from drift_contracts.errors import Violation
from drift_contracts.wording import expectation, required

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from drift_contracts.json_types import Schema

    Found = Iterator[Violation]
    #: whether a value keeps a keyword, given the keyword's own value; Any: both are of its types
    Check = Callable[[Any, Any], bool]
    #: yields what a keyword finds in the parts of an instance; arguments as `violations`
    Applicator = Callable[[Schema, Any, str, Schema], Found]

#: The greatest float.
GREATEST = 1.7976931348623157e308
# `int | float` in the function would be made anew at each call
_NUMBERS = (int, float)
ANNOTATIONS = frozenset(
    {
        "$comment",
        "$defs",
        "$id",
        "$schema",
        "default",
        "description",
        "examples",
        "format",
        "title",
    }
)


# Any: an instance is whatever has been parsed; nothing is assumed of it before it is looked at
def violations(
    schema: Schema, instance: Any, pointer: str = "", root: Schema | None = None
) -> Found:
    """Yield every violation of a schema in an instance.

    Args:
        schema: The schema, or a part of one.
        instance: What is validated.
        pointer: Where the instance stands; the places of violations start with it.
        root: The schema that has the definitions; `schema` itself if absent.

    >>> [str(violation) for violation in violations({"type": "object", "required": ["age"]}, {})]
    ['required at the top: expected the member age']
    """
    root = schema if root is None else root
    for rule in schema:
        if rule in _CHECKS:
            if not _CHECKS[rule](schema[rule], instance):
                yield Violation(pointer, rule, expectation(rule, schema))
        elif rule not in ANNOTATIONS:
            yield from _APPLICATORS[rule](schema, instance, pointer, root)


def is_number(value: object) -> bool:
    """Return whether a value is a JSON number that fits a float.

    Booleans, NaN, infinities and integers beyond a float are none.
    """
    return (
        isinstance(value, _NUMBERS)
        and not isinstance(value, bool)
        # NaN is in no range, so that it needs no test of its own
        and -GREATEST <= value <= GREATEST
    )


def is_integer(value: object) -> bool:
    """Return whether a value is a JSON integer; 3.0 is one."""
    if not is_number(value):
        return False
    return isinstance(value, int) or (isinstance(value, float) and value.is_integer())


def matches(pattern: str, text: str) -> bool:
    """Return whether a pattern is found in a text, `$` meaning the very end as in ECMA 262."""
    if pattern.endswith("$"):
        # Python's `$` lets a newline follow
        pattern = pattern.removesuffix("$") + r"\Z"
    return re.search(pattern, text) is not None


def join_pointer(pointer: str, key: object) -> str:
    """Return the JSON pointer of a member or item, escaped as RFC 6901 says.

    >>> join_pointer("/features", "a/b")
    '/features/a~1b'
    """
    escaped = str(key).replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{escaped}"


def same(value: object, expected: object) -> bool:
    """Return whether two scalars are equal as JSON: true is not 1."""
    return value == expected and isinstance(value, bool) == isinstance(expected, bool)


def _canonical(value: object) -> object:
    """Return a hashable stand-in that is equal exactly where two JSON values are.

    1 is 1.0 and not true.
    """
    if isinstance(value, dict):
        members = ((name, _canonical(member)) for name, member in value.items())
        return "object", frozenset(members)
    if isinstance(value, list):
        return "array", tuple(map(_canonical, value))
    return isinstance(value, bool), value


_TYPES: dict[str, Callable[[object], bool]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "number": is_number,
    "integer": is_integer,
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def _is_type(names: str | list[str], value: object) -> bool:
    if isinstance(names, str):
        return _TYPES[names](value)
    return any(_TYPES[name](value) for name in names)


def _is_among(choices: Sequence[object], value: object) -> bool:
    """Return whether a value equals one of the choices as JSON."""
    if isinstance(value, str):
        # nothing but a text equals a text, and a feature may have 1,000 categories to look through
        return value in choices
    return any(same(choice, value) for choice in choices)


# What a keyword is not about passes: a text has no minimum, a number no length.
_CHECKS: dict[str, Check] = {
    "type": _is_type,
    "const": same,
    "enum": _is_among,
    "minimum": lambda bound, value: not is_number(value) or value >= bound,
    "maximum": lambda bound, value: not is_number(value) or value <= bound,
    "exclusiveMinimum": lambda bound, value: not is_number(value) or value > bound,
    "exclusiveMaximum": lambda bound, value: not is_number(value) or value < bound,
    "minLength": lambda bound, value: not isinstance(value, str) or len(value) >= bound,
    "maxLength": lambda bound, value: not isinstance(value, str) or len(value) <= bound,
    "pattern": lambda pattern, value: not isinstance(value, str) or matches(pattern, value),
    "minItems": lambda bound, value: not isinstance(value, list) or len(value) >= bound,
    "maxItems": lambda bound, value: not isinstance(value, list) or len(value) <= bound,
    "uniqueItems": lambda _, value: not isinstance(value, list) or _all_differ(value),
    "minProperties": lambda bound, value: not isinstance(value, dict) or len(value) >= bound,
    "maxProperties": lambda bound, value: not isinstance(value, dict) or len(value) <= bound,
}
#: Rules that look at a value as a whole, and not at what is in it.
_WHOLE = ANNOTATIONS | _CHECKS.keys()


def _all_differ(items: list[object]) -> bool:
    return len(set(map(_canonical, items))) == len(items)


def _properties(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    if isinstance(instance, dict):
        for name, member in schema["properties"].items():
            if name in instance:
                yield from violations(member, instance[name], join_pointer(pointer, name), root)


def _required(schema: Schema, instance: Any, pointer: str, _root: Schema) -> Found:
    if isinstance(instance, dict):
        for name in schema["required"]:
            if name not in instance:
                yield Violation(pointer, "required", required(name))


def _additional(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    if not isinstance(instance, dict):
        return
    rule = "additionalProperties"
    declared = schema.get("properties", ())
    patterns = schema.get("patternProperties", ())
    extra = [
        name
        for name in instance
        if name not in declared and not any(matches(pattern, name) for pattern in patterns)
    ]
    if schema[rule] is False:
        # one violation for all of them: a document of another kind has hundreds
        if extra:
            yield Violation(pointer, rule, expectation(rule, schema))
        return
    for name in extra:
        yield from violations(schema[rule], instance[name], join_pointer(pointer, name), root)


def _pattern_properties(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    if not isinstance(instance, dict):
        return
    for pattern, member in schema["patternProperties"].items():
        for name in instance:
            if matches(pattern, name):
                yield from violations(member, instance[name], join_pointer(pointer, name), root)


def _property_names(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    if isinstance(instance, dict):
        for name in instance:
            yield from violations(schema["propertyNames"], name, pointer, root)


def _items(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    if not isinstance(instance, list):
        return
    member = schema["items"]
    checks = [(_CHECKS[rule], bound) for rule, bound in member.items() if rule in _CHECKS]
    whole = member.keys() <= _WHOLE
    for index, item in enumerate(instance):
        # most lists hold plain figures: a place is made only for one that breaks a rule
        if not (whole and _keeps(checks, item)):
            yield from violations(member, item, join_pointer(pointer, index), root)


def _keeps(checks: Sequence[tuple[Check, Any]], value: object) -> bool:
    """Return whether a value keeps every check, each with its bound."""
    for check, bound in checks:  # noqa: SIM110 - a generator would cost as much as the checks
        if not check(bound, value):
            return False
    return True


def _reference(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    name = schema["$ref"].removeprefix("#/$defs/")
    yield from violations(root["$defs"][name], instance, pointer, root)


def _any_of(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    for choice in schema["anyOf"]:
        if not any(violations(choice, instance, pointer, root)):
            return
    yield Violation(pointer, "anyOf", expectation("anyOf", schema))


def _all_of(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    for part in schema["allOf"]:
        yield from violations(part, instance, pointer, root)


def _conditional(schema: Schema, instance: Any, pointer: str, root: Schema) -> Found:
    holds = not any(violations(schema["if"], instance, pointer, root))
    branch = schema.get("then" if holds else "else", {})
    yield from violations(branch, instance, pointer, root)


def _nothing(*_: object) -> Found:
    """Yield nothing: `if` reads the keyword."""
    return iter(())


_APPLICATORS: dict[str, Applicator] = {
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "patternProperties": _pattern_properties,
    "propertyNames": _property_names,
    "items": _items,
    "$ref": _reference,
    "anyOf": _any_of,
    "allOf": _all_of,
    "if": _conditional,
    "then": _nothing,
    "else": _nothing,
}

#: Every keyword that `violations` reads, or skips as an annotation.
KEYWORDS = ANNOTATIONS | _CHECKS.keys() | _APPLICATORS.keys()
