"""What may change in a contract without a new version, decided for every pair of schemas.

The rule has two directions. What we **read** must accept no less than it did: every instance that the
released schema accepts, the new one accepts. What we **write** must promise no less: every instance that
the new schema allows, the released one allows. A document that is kept and read again by another version of
the code is both written and read, so there the two must accept the same.

`differences(narrow, wide)` proves containment keyword by keyword. Where it cannot prove it, it says so: the
answer may be too strict, never too lax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from drift_contracts import keywords
from drift_contracts.compose import plain, request_schema

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts.features import FeatureSet

    Schema = Mapping[str, Any]

READ, WRITTEN, BOTH = "read", "written", "written and read"
#: who meets a contract, whatever its version
ROLES = {
    "alert": BOTH,
    "baseline": BOTH,
    "bundle.manifest": BOTH,
    "detector.state": BOTH,
    "feature-set": READ,
    "health": WRITTEN,
    "model.card": WRITTEN,
    "monitoring.spec": READ,
    "prediction.batch.request": READ,
    "prediction.batch.response": WRITTEN,
    "prediction.event": BOTH,
    "prediction.request": READ,
    "prediction.response": WRITTEN,
    "problem": WRITTEN,
    "scenario.suite": READ,
    "window.report": BOTH,
    "window.state": BOTH,
}
EVERY_TYPE = frozenset({"object", "array", "string", "integer", "fraction", "boolean", "null"})
LOWER = {"minimum", "minLength", "minItems", "minProperties"}
UPPER = {"maximum", "maxLength", "maxItems", "maxProperties"}
CONCERNS = {
    "object": {
        "properties",
        "required",
        "additionalProperties",
        "patternProperties",
        "propertyNames",
        "minProperties",
        "maxProperties",
    },
    "array": {"items", "minItems", "maxItems", "uniqueItems"},
    "string": {"minLength", "maxLength", "pattern"},
    "integer": {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"},
}


@dataclass(frozen=True)
class Difference:
    """A place in a schema where the rule is broken, or cannot be shown to hold."""

    pointer: str
    rule: str
    says: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.pointer or 'the top'}: {self.says}"


def changes(name: str, released: Schema, current: Schema) -> list[Difference]:
    """What makes `current` incompatible with the `released` schema of the same contract.

    >>> changes("prediction.request.v1", {"maximum": 5}, {"maximum": 6})
    []
    >>> print(*changes("prediction.response.v1", {"maximum": 5}, {"maximum": 6}))
    maximum at the top: promises less than the released contract
    """
    role = ROLES[name.rpartition(".v")[0]]
    old, new = plain(dict(released)), plain(dict(current))
    found = []
    if role != WRITTEN:
        found += [Difference(*place, "accepts less than the released contract") for place in differences(old, new)]
    if role != READ:
        found += [Difference(*place, "promises less than the released contract") for place in differences(new, old)]
    return found


def feature_set_changes(released: FeatureSet, current: FeatureSet) -> list[Difference]:
    """What makes a feature set incompatible with a released one of the same major version.

    Requests that were accepted must be, the model's input keeps its order, the target its meaning.
    """
    if _major(released) != _major(current):
        return []
    places = differences(plain(request_schema(released)), plain(request_schema(current)))
    found = [Difference(*place, "accepts less than the released feature set") for place in places]
    if released.names != current.names:
        found.append(Difference("/features", "order", "the features or their order differ from the released ones"))
    if [f.categories for f in released.features] != [f.categories for f in current.features]:
        found.append(Difference("/features", "categories", "the encoding of a category differs from the released one"))
    if (released.target.name, released.target.unit) != (current.target.name, current.target.unit):
        found.append(Difference("/target", "const", "the target differs from the released one"))
    return found


def _major(feature_set: FeatureSet) -> str:
    return feature_set.version.partition(".")[0]


def differences(narrow: Schema, wide: Schema, pointer: str = "") -> Iterator[tuple[str, str]]:
    """The (pointer, rule) pairs of `wide` that an instance of `narrow` might break.

    >>> list(differences({"type": "integer", "minimum": 1}, {"type": "number", "minimum": 0}))
    []
    """
    values = [narrow["const"]] if "const" in narrow else narrow.get("enum")
    if values is not None:
        for value in values:
            yield from ((found.pointer or pointer, found.rule) for found in keywords.violations(wide, value, pointer))
        return
    types = _types(narrow)
    for rule in wide:
        if rule not in keywords.ANNOTATIONS and _concerns(rule, types):
            yield from _compare(rule, narrow, wide, pointer)


def _types(schema: Schema) -> frozenset[str]:
    if "type" not in schema:
        return EVERY_TYPE
    named = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return frozenset(part for name in named for part in (("integer", "fraction") if name == "number" else (name,)))


def _concerns(rule: str, types: frozenset[str]) -> bool:
    """Whether a keyword says anything about values of these types."""
    concerned = {name for name, rules in CONCERNS.items() if rule in rules}
    return not concerned or bool(concerned & types) or (concerned == {"integer"} and "fraction" in types)


def _compare(rule: str, narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    if rule in _NESTED:
        yield from _NESTED[rule](narrow, wide, pointer)
    elif not _implied(rule, narrow, wide):
        yield pointer, rule


def _implied(rule: str, narrow: Schema, wide: Schema) -> bool:
    """Whether a keyword that holds no further schemas follows from the narrow schema."""
    if rule == "type":
        return _types(narrow) <= _types(wide)
    if rule in LOWER | {"exclusiveMinimum"}:
        return _bounded(rule, narrow, wide, "exclusiveMinimum", 1)
    if rule in UPPER | {"exclusiveMaximum"}:
        return _bounded(rule, narrow, wide, "exclusiveMaximum", -1)
    if rule == "required":
        return set(wide[rule]) <= set(narrow.get(rule, ()))
    if rule in ("if", "then", "else"):
        return all(_bare(narrow.get(part)) == _bare(wide.get(part)) for part in ("if", "then", "else"))
    return rule in narrow and bool(_bare(narrow[rule]) == _bare(wide[rule]))


def _bounded(rule: str, narrow: Schema, wide: Schema, strict: str, sign: int) -> bool:
    if rule in narrow and sign * narrow[rule] >= sign * wide[rule]:
        return True
    inclusive = strict.replace("exclusiveM", "m")
    if rule == strict:
        return inclusive in narrow and sign * narrow[inclusive] > sign * wide[rule]
    return rule == inclusive and strict in narrow and bool(sign * narrow[strict] >= sign * wide[rule])


def _bare(node: Any) -> Any:
    """A schema without its descriptions."""
    if isinstance(node, dict):
        return {name: _bare(value) for name, value in node.items() if name not in keywords.ANNOTATIONS}
    return [_bare(item) for item in node] if isinstance(node, list) else node


def _items(narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    yield from differences(narrow.get("items", {}), wide["items"], f"{pointer}/items")


def _member(schema: Schema, name: str) -> Schema | None:
    """What a schema says of a member; None if it may not be there."""
    parts = [schema["properties"][name]] if name in schema.get("properties", {}) else []
    parts += [part for pattern, part in schema.get("patternProperties", {}).items() if keywords.matches(pattern, name)]
    if parts:
        return {"allOf": parts} if len(parts) > 1 else dict(parts[0])
    other = schema.get("additionalProperties", {})
    return None if other is False else other


def _properties(narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    for name, member in wide["properties"].items():
        given = _member(narrow, name)
        if given is not None:
            yield from differences(given, member, keywords.step(f"{pointer}/properties", name))


def _additional(narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    rule = "additionalProperties"
    for name, member in narrow.get("properties", {}).items():
        allowed = _member(wide, name)
        if allowed is None:
            yield keywords.step(f"{pointer}/properties", name), rule
        elif name not in wide.get("properties", {}):
            yield from differences(member, allowed, keywords.step(f"{pointer}/properties", name))
    for pattern in narrow.get("patternProperties", {}):
        if pattern not in wide.get("patternProperties", {}):
            yield keywords.step(f"{pointer}/patternProperties", pattern), rule
    other = narrow.get(rule, {})
    if other is not False:
        if wide[rule] is False:
            yield pointer, rule
        else:
            yield from differences(other, wide[rule], f"{pointer}/{rule}")


def _patterns(narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    rule = "patternProperties"
    for pattern, member in wide[rule].items():
        place = keywords.step(f"{pointer}/{rule}", pattern)
        for name, given in narrow.get("properties", {}).items():
            if keywords.matches(pattern, name):
                yield from differences(given, member, place)
        if pattern in narrow.get(rule, {}):
            yield from differences(narrow[rule][pattern], member, place)
        elif narrow.get("additionalProperties", {}) is not False or narrow.get(rule):
            yield place, rule


def _all_of(narrow: Schema, wide: Schema, pointer: str) -> Iterator[tuple[str, str]]:
    given = [_bare(part) for part in narrow.get("allOf", ())]
    for index, part in enumerate(wide["allOf"]):
        if _bare(part) not in given:
            yield from differences(narrow, part, f"{pointer}/allOf/{index}")


_NESTED = {
    "items": _items,
    "properties": _properties,
    "additionalProperties": _additional,
    "patternProperties": _patterns,
    "allOf": _all_of,
}
