"""What may change in a contract without a new version, decided for every pair of schemas.

The rule has two directions. What we **read** must accept no less than it did: every instance that
the released schema accepts, the new one accepts. What we **write** must promise no less: every
instance that the new schema allows, the released one allows. A document that is stored and read
again by another version of the code is both written and read, so there the two must accept the
same.

`differences(narrow, wide)` proves containment keyword by keyword. Where it cannot prove it, it
says so: the answer may be too strict, never too lax.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from drift_contracts.compose import request_schema, self_contained
from drift_contracts.keywords import ANNOTATIONS, join_pointer, matches, violations

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drift_contracts.features import FeatureSet, Target
    from drift_contracts.json_types import JsonValue, Schema

    #: Rules of a schema, each as pointer and keyword.
    Found = Iterator[tuple[str, str]]
    #: What finds the differences under one keyword; arguments as `differences`.
    Comparison = Callable[[Schema, Schema, str], Found]

READ, WRITTEN, BOTH = "read", "written", "written and read"
#: Who meets a contract, whatever its version. It stands here and not in the schemas because those
#: that are released stay as they are, byte for byte.
ROLES = {
    "alert": BOTH,
    "baseline": BOTH,
    "bundle.manifest": BOTH,
    "detector.state": BOTH,
    "rhythm": BOTH,
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
    "segments": BOTH,
    "window.report": BOTH,
    "window.state": BOTH,
}
#: The types of JSON; numbers are integers and fractions, so that a set tells which are meant.
EVERY_TYPE = frozenset(
    {
        "array",
        "boolean",
        "fraction",
        "integer",
        "null",
        "object",
        "string",
    }
)
LOWER = {
    "exclusiveMinimum",
    "minItems",
    "minLength",
    "minProperties",
    "minimum",
}
UPPER = {
    "exclusiveMaximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "maximum",
}
#: The keywords that say something of values of one type only.
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
BRANCHES = ("if", "then", "else")


@dataclass(frozen=True)
class Change:
    """A place in a schema that changed incompatibly, or cannot be shown to be compatible."""

    pointer: str
    rule: str
    #: what is lost there
    loss: str

    def __str__(self) -> str:
        return f"{self.rule} at {self.pointer or 'the top'}: {self.loss}"


def schema_changes(
    name: str,
    released: Schema,
    current: Schema,
) -> list[Change]:
    """Return what makes a schema incompatible with the released one of the same contract.

    Args:
        name: Of the contract, with its version.
        released: The schema of the released copy.
        current: The schema as it is now.

    >>> schema_changes("prediction.request.v1", {"maximum": 5}, {"maximum": 6})
    []
    >>> print(*schema_changes("prediction.response.v1", {"maximum": 5}, {"maximum": 6}))
    maximum at the top: promises less than the released contract
    """
    role = ROLES[name.rpartition(".v")[0]]
    old, new = self_contained(released), self_contained(current)
    changes: list[Change] = []
    if role != WRITTEN:
        loss = "accepts less than the released contract"
        changes += [Change(*pair, loss) for pair in differences(old, new)]
    if role != READ:
        loss = "promises less than the released contract"
        changes += [Change(*pair, loss) for pair in differences(new, old)]
    return changes


def feature_set_changes(
    released: FeatureSet,
    current: FeatureSet,
) -> list[Change]:
    """Return what makes a feature set incompatible with a released one of the same major version.

    Requests that were accepted must be, the model's input keeps its order, the target its meaning.
    """
    if _major(released) != _major(current):
        return []
    old = self_contained(request_schema(released))
    new = self_contained(request_schema(current))
    loss = "accepts less than the released feature set"
    changes = [Change(*pair, loss) for pair in differences(old, new)]
    if released.names != current.names:
        loss = "the features or their order differ from the released ones"
        changes.append(Change("/features", "order", loss))
    if _categories(released) != _categories(current):
        # a category is encoded by its place
        loss = "the encoding of a category differs from the released one"
        changes.append(Change("/features", "categories", loss))
    if _target_facts(released.target) != _target_facts(current.target):
        loss = "the target differs from the released one"
        changes.append(Change("/target", "const", loss))
    return changes


def _target_facts(target: Target) -> tuple[object, ...]:
    """Return what a target means to whoever reads answers: everything but words and columns."""
    outputs = [(output.name, output.unit) for output in target.outputs]
    positive = (target.positive_class, target.threshold)
    return target.name, target.unit, target.kind, target.classes, positive, outputs


def _major(features: FeatureSet) -> str:
    return features.version.partition(".")[0]


def _categories(features: FeatureSet) -> list[tuple[str, ...]]:
    return [feature.categories for feature in features.features]


def differences(
    narrow: Schema,
    wide: Schema,
    pointer: str = "",
) -> Found:
    """Yield the rules of `wide` that an instance of `narrow` might break.

    Args:
        narrow: The schema whose instances are meant.
        wide: The schema that should accept them all.
        pointer: Where the schemas stand in the whole ones.

    >>> list(differences({"type": "integer", "minimum": 1}, {"type": "number", "minimum": 0}))
    []
    """
    values = [narrow["const"]] if "const" in narrow else narrow.get("enum")
    if values is not None:
        # a schema of a few values is contained where each of them is accepted
        for value in values:
            for violation in violations(wide, value, pointer):
                yield violation.pointer or pointer, violation.rule
        return
    types = _types(narrow)
    for rule in wide:
        if rule not in ANNOTATIONS and _concerns(rule, types):
            yield from _rule_differences(rule, narrow, wide, pointer)


def _types(schema: Schema) -> frozenset[str]:
    """Return the types of values that a schema allows."""
    if "type" not in schema:
        return EVERY_TYPE
    names = schema["type"]
    types = {names} if isinstance(names, str) else set(names)
    if "number" in types:
        types = types - {"number"} | {"integer", "fraction"}
    return frozenset(types)


def _concerns(
    rule: str,
    types: frozenset[str],
) -> bool:
    """Return whether a keyword says anything of values of these types."""
    concerned = {name for name, rules in CONCERNS.items() if rule in rules}
    if "integer" in concerned:
        concerned.add("fraction")
    return not concerned or bool(concerned & types)


def _rule_differences(
    rule: str,
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    if rule in _NESTED:
        yield from _NESTED[rule](narrow, wide, pointer)
    elif not _implied(rule, narrow, wide):
        yield pointer, rule


def _implied(
    rule: str,
    narrow: Schema,
    wide: Schema,
) -> bool:
    """Return whether a keyword that holds no further schemas follows from the narrow schema."""
    if rule == "type":
        return _types(narrow) <= _types(wide)
    if rule in LOWER:
        return _bounded(rule, "exclusiveMinimum", narrow, wide, 1)
    if rule in UPPER:
        return _bounded(rule, "exclusiveMaximum", narrow, wide, -1)
    if rule == "required":
        required = narrow.get(rule, ())
        return set(wide[rule]) <= set(required)
    if rule in BRANCHES:
        # a condition means nothing without its branches
        return all(_same_rules(narrow.get(part), wide.get(part)) for part in BRANCHES)
    return rule in narrow and _same_rules(narrow[rule], wide[rule])


def _bounded(
    rule: str,
    exclusive: str,
    narrow: Schema,
    wide: Schema,
    sign: int,
) -> bool:
    """Return whether a bound of `wide` follows from the bounds of `narrow`.

    Args:
        rule: The keyword of the bound.
        exclusive: The keyword of the open bound on that side.
        narrow: The schema whose instances are meant.
        wide: The schema with the bound.
        sign: 1 for a lower bound, -1 for an upper one: then all comparisons turn round.
    """
    limit = sign * wide[rule]
    if rule in narrow and sign * narrow[rule] >= limit:
        return True
    # exclusiveMinimum is open where minimum is closed; lengths have closed bounds only
    inclusive = exclusive.replace("exclusiveM", "m")
    if rule == exclusive:
        return inclusive in narrow and bool(sign * narrow[inclusive] > limit)
    if rule != inclusive or exclusive not in narrow:
        return False
    return bool(sign * narrow[exclusive] >= limit)


def _same_rules(schema: JsonValue, expected: JsonValue) -> bool:
    """Return whether two schemas differ in their descriptions at most."""
    return _without_annotations(schema) == _without_annotations(expected)


def _without_annotations(node: JsonValue) -> JsonValue:
    if isinstance(node, list):
        return [_without_annotations(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {
        name: _without_annotations(value) for name, value in node.items() if name not in ANNOTATIONS
    }


def _items(
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    items = narrow.get("items", {})
    yield from differences(items, wide["items"], f"{pointer}/items")


def _member(
    schema: Schema,
    name: str,
) -> Schema | None:
    """Return what a schema says of a member; None if it may not be there."""
    parts: list[Schema] = []
    if name in schema.get("properties", {}):
        parts.append(schema["properties"][name])
    patterns = schema.get("patternProperties", {})
    for pattern, part in patterns.items():
        if matches(pattern, name):
            parts.append(part)
    if len(parts) > 1:
        return {"allOf": parts}
    if parts:
        return parts[0]
    additional: Schema | bool = schema.get("additionalProperties", {})
    return None if isinstance(additional, bool) else additional


def _properties(
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    for name, member in wide["properties"].items():
        allowed = _member(narrow, name)
        # what may not be there cannot break a rule
        if allowed is not None:
            place = join_pointer(f"{pointer}/properties", name)
            yield from differences(allowed, member, place)


def _additional(
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    rule = "additionalProperties"
    properties = narrow.get("properties", {})
    for name, member in properties.items():
        place = join_pointer(f"{pointer}/properties", name)
        allowed = _member(wide, name)
        if allowed is None:
            yield place, rule
        elif name not in wide.get("properties", {}):
            # members that both name are compared by `_properties`
            yield from differences(member, allowed, place)
    for pattern in narrow.get("patternProperties", {}):
        if pattern not in wide.get("patternProperties", {}):
            yield join_pointer(f"{pointer}/patternProperties", pattern), rule
    additional = narrow.get(rule, {})
    if additional is False:
        return
    if wide[rule] is False:
        yield pointer, rule
    else:
        yield from differences(additional, wide[rule], f"{pointer}/{rule}")


def _patterns(
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    rule = "patternProperties"
    for pattern, member in wide[rule].items():
        place = join_pointer(f"{pointer}/{rule}", pattern)
        properties = narrow.get("properties", {})
        for name, allowed in properties.items():
            if matches(pattern, name):
                yield from differences(allowed, member, place)
        if pattern in narrow.get(rule, {}):
            yield from differences(narrow[rule][pattern], member, place)
            continue
        additional = narrow.get("additionalProperties", {})
        if additional is not False or narrow.get(rule):
            # whether two patterns overlap is not decided here
            yield place, rule


def _all_of(
    narrow: Schema,
    wide: Schema,
    pointer: str,
) -> Found:
    parts = [_without_annotations(part) for part in narrow.get("allOf", ())]
    for index, part in enumerate(wide["allOf"]):
        if _without_annotations(part) not in parts:
            yield from differences(narrow, part, f"{pointer}/allOf/{index}")


#: Keywords that hold further schemas.
_NESTED: dict[str, Comparison] = {
    "items": _items,
    "properties": _properties,
    "additionalProperties": _additional,
    "patternProperties": _patterns,
    "allOf": _all_of,
}
