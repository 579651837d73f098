"""The part of JSON Schema 2020-12 that our contracts use, in plain Python.

The prediction path cannot afford jsonschema (0.18 s to import). A schema here is data, read as it is; a
property test holds verdicts and places equal to jsonschema's. A keyword that is not listed raises KeyError:
a schema may not promise what this module would not hold.
"""

from __future__ import annotations

import re

from drift_contracts.errors import Violation
from drift_contracts.wording import expectation, required

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    Schema = Mapping[str, Any]
    Check = Callable[[Any, Any], bool]

GREATEST = 1.7976931348623157e308
_NUMBERS = (int, float)  # `int | float` in the function would be made anew at each call
ANNOTATIONS = frozenset(
    {"$schema", "$id", "$defs", "$comment", "title", "description", "examples", "format", "default"}
)


def violations(schema: Schema, instance: Any, pointer: str = "", root: Schema | None = None) -> Iterator[Violation]:
    """Every violation of `schema` in `instance`, at pointers that start with `pointer`.

    >>> [str(v) for v in violations({"type": "object", "required": ["age"]}, {})]
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
    """Whether a value is a JSON number that fits a float: no boolean, NaN, Infinity or gigantic integer."""
    return isinstance(value, _NUMBERS) and not isinstance(value, bool) and -GREATEST <= value <= GREATEST


def is_integer(value: object) -> bool:
    """Whether a value is a JSON integer; 3.0 is one."""
    return is_number(value) and (isinstance(value, int) or float(value).is_integer())  # type: ignore[arg-type]  # a number by now


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text, `$` meaning the very end as in ECMA 262 (Python lets a newline follow)."""
    return re.search(pattern.removesuffix("$") + r"\Z" if pattern.endswith("$") else pattern, text) is not None


def step(pointer: str, key: object) -> str:
    """The pointer one step further, escaped as RFC 6901 says.

    >>> step("/features", "a/b")
    '/features/a~1b'
    """
    return f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"


def same(one: object, other: object) -> bool:
    """Whether two scalars are equal as JSON: true is not 1."""
    return one == other and isinstance(one, bool) == isinstance(other, bool)


def _canonical(value: object) -> object:
    """A hashable stand-in that is equal exactly where two JSON values are: 1 is 1.0 and not true."""
    if isinstance(value, dict):
        return "object", frozenset((name, _canonical(member)) for name, member in value.items())
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
    """Whether a value equals one of the choices as JSON."""
    if isinstance(value, str):
        # nothing but a text equals a text, and a feature may have 1,000 categories to look through
        return value in choices
    return any(same(choice, value) for choice in choices)


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
    "uniqueItems": lambda _, value: not isinstance(value, list) or len(set(map(_canonical, value))) == len(value),
    "minProperties": lambda bound, value: not isinstance(value, dict) or len(value) >= bound,
    "maxProperties": lambda bound, value: not isinstance(value, dict) or len(value) <= bound,
}
_PLAIN = ANNOTATIONS | _CHECKS.keys()
"""Rules that look at a value as a whole, and not at what is in it."""


def _properties(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if isinstance(instance, dict):
        for name, member in schema["properties"].items():
            if name in instance:
                yield from violations(member, instance[name], step(pointer, name), root)


def _required(schema: Schema, instance: Any, pointer: str, _root: Schema) -> Iterator[Violation]:
    if isinstance(instance, dict):
        for name in schema["required"]:
            if name not in instance:
                yield Violation(pointer, "required", required(name))


def _additional(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if not isinstance(instance, dict):
        return
    rule = "additionalProperties"
    known, patterns = schema.get("properties", ()), schema.get("patternProperties", ())
    extra = [name for name in instance if name not in known and not any(matches(p, name) for p in patterns)]
    if schema[rule] is False:
        if extra:
            yield Violation(pointer, rule, expectation(rule, schema))
        return
    for name in extra:
        yield from violations(schema[rule], instance[name], step(pointer, name), root)


def _pattern_properties(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if isinstance(instance, dict):
        for pattern, member in schema["patternProperties"].items():
            for name in instance:
                if matches(pattern, name):
                    yield from violations(member, instance[name], step(pointer, name), root)


def _names(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if isinstance(instance, dict):
        for name in instance:
            yield from violations(schema["propertyNames"], name, pointer, root)


def _items(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if not isinstance(instance, list):
        return
    member = schema["items"]
    checks = [(_CHECKS[rule], bound) for rule, bound in member.items() if rule in _CHECKS]
    plain = member.keys() <= _PLAIN
    for index, item in enumerate(instance):
        # Most lists hold plain figures: a place is made only for one that breaks a rule.
        if not (plain and _holds(checks, item)):
            yield from violations(member, item, step(pointer, index), root)


def _holds(checks: Sequence[tuple[Check, Any]], value: object) -> bool:
    """Return whether a value keeps every check, each with its bound."""
    for check, bound in checks:  # noqa: SIM110 - a generator would cost as much as the checks
        if not check(bound, value):
            return False
    return True


def _reference(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    target = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    yield from violations(target, instance, pointer, root)


def _any_of(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    if all(any(violations(choice, instance, pointer, root)) for choice in schema["anyOf"]):
        yield Violation(pointer, "anyOf", expectation("anyOf", schema))


def _all_of(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    for part in schema["allOf"]:
        yield from violations(part, instance, pointer, root)


def _conditional(schema: Schema, instance: Any, pointer: str, root: Schema) -> Iterator[Violation]:
    holds = not any(violations(schema["if"], instance, pointer, root))
    yield from violations(schema.get("then" if holds else "else", {}), instance, pointer, root)


_APPLICATORS: dict[str, Callable[[Schema, Any, str, Schema], Iterator[Violation]]] = {
    "properties": _properties,
    "required": _required,
    "additionalProperties": _additional,
    "patternProperties": _pattern_properties,
    "propertyNames": _names,
    "items": _items,
    "$ref": _reference,
    "anyOf": _any_of,
    "allOf": _all_of,
    "if": _conditional,
    "then": lambda *_: iter(()),
    "else": lambda *_: iter(()),
}
