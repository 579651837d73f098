"""The published schemas: what they may use, how they judge, that the plain judge says the same of anything."""

import copy
import json
import math
from pathlib import Path

import pytest
from drift_contracts import ContractError, UnknownName, documents, keywords, schemas, violations
from drift_contracts.compose import self_contained
from drift_contracts.events import EVENTS, names_event
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import SchemaError

from tools.contract_checks.cases import case_names, cases

EVERY = [case for name in case_names() for case in cases(name)]
SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4), st.just([]), st.just({}),
    st.sampled_from([10**400, 1e308, "2026-11-23T12:00:00Z", "0" * 64, "3f9a1c2b4d5e", "drift", 1.0, -1, 0.5]),
)  # fmt: skip


def places(document, path=()):
    """The paths to every value in a document."""
    yield path
    members = (
        document.items() if isinstance(document, dict) else enumerate(document) if isinstance(document, list) else ()
    )
    for key, value in members:
        yield from places(value, (*path, key))


#: Larger ones would take most of the time.
SMALL = [case for case in EVERY if len(str(case.instance)) < 20_000]


@st.composite
def mutated(draw):
    """A contract and one of its cases with up to three values replaced, removed or added, anywhere."""
    case = draw(st.sampled_from(SMALL))
    instance = copy.deepcopy(case.instance)
    for _ in range(draw(st.integers(0, 3))):
        path = draw(st.sampled_from(list(places(instance))))
        if not path:
            return case.contract, draw(SCALARS)
        parent = instance
        for key in path[:-1]:
            parent = parent[key]
        change = draw(st.sampled_from(["replace", "remove", "add"]))
        if change == "replace":
            parent[path[-1]] = draw(SCALARS)
        elif change == "remove":
            del parent[path[-1]]
        elif isinstance(parent, dict):
            parent[draw(st.text(max_size=3))] = draw(SCALARS)
        else:
            parent.append(draw(SCALARS))
    return case.contract, instance


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=300, deadline=None)
def test_plain_validator(pair):
    """The plain validator reports what jsonschema reports, on every contract."""
    name, instance = pair
    assert set(violations(documents.schema(name), instance)) == set(
        schemas.violations(schemas.validator(name), instance)
    )


@pytest.mark.no_cover
@given(mutated())
@settings(max_examples=150, deadline=None)
def test_inlined_schema(pair):
    """A schema whose references are inlined reports the same violations."""
    name, instance = pair
    inlined = self_contained(documents.schema(name))
    assert set(violations(inlined, instance)) == set(violations(documents.schema(name), instance))


def test_compiled_once():
    """A schema is compiled once."""
    assert schemas.validator("problem.v1") is schemas.validator("problem.v1")


def test_check_message():
    """A message has place and rule, and never the value."""
    schemas.check("problem.v1", {"type": "about:blank", "title": "Not found", "status": 404})
    with pytest.raises(ContractError) as caught:
        schemas.check("problem.v1", {"type": "about:blank", "title": "Not found", "status": "secret"})
    assert str(caught.value) == "problem.v1: type at /status: expected an integer"


def test_unknown_contract():
    """An unknown contract is refused with the names that there are."""
    with pytest.raises(UnknownName, match=r"'problem\.v9'; there is alert\.v1"):
        schemas.check("problem.v9", {})


def test_not_a_schema():
    """A document that is no schema is not compiled."""
    with pytest.raises(SchemaError):
        schemas.compiled({"type": "float"})


def test_unknown_keyword():
    """A keyword that the plain validator lacks is an error, not skipped."""
    with pytest.raises(KeyError):
        list(violations({"multipleOf": 2}, 3))


def known_keywords(schema):
    """Every keyword of a schema, wherever it stands."""
    for name, value in schema.items():
        yield name
        if name in ("properties", "patternProperties", "$defs"):
            for member in value.values():
                yield from known_keywords(member)
        elif name in ("items", "additionalProperties", "propertyNames", "if", "then", "else") and isinstance(
            value, dict
        ):
            yield from known_keywords(value)
        elif name in ("allOf", "anyOf"):
            for part in value:
                yield from known_keywords(part)


@pytest.mark.parametrize("name", schemas.names())
def test_keywords_covered(name):
    """No schema uses a keyword that the plain validator lacks."""
    assert set(known_keywords(schemas.schema(name))) <= keywords.KEYWORDS


#: What the first release sent over HTTP, where its place says what it is; no later version is without its name.
NAMELESS = {
    "health.v1",
    "model.card.v1",
    "prediction.batch.request.v1",
    "prediction.batch.response.v1",
    "prediction.request.v1",
    "prediction.response.v1",
    "problem.v1",
}


@pytest.mark.parametrize("name", schemas.names())
def test_contract_member(name):
    """A document names its contract, unless it is of those that the first release sent over HTTP."""
    schema = schemas.schema(name)
    assert schema.get("additionalProperties") is False or "additionalProperties" in schema["$defs"]["named"]
    assert schema["$schema"].endswith("2020-12/schema")
    if name not in NAMELESS:
        assert schema["properties"]["contract"] == {
            "const": name,
            "description": "Which contract this document follows.",
        }


def test_example_names():
    """Every example belongs to a contract."""
    examples = {path.stem for path in Path("contracts/examples").glob("*.json")}
    assert examples <= set(schemas.names())


@pytest.mark.parametrize(
    ("schema", "instance", "said"),
    [
        ({"type": ["number", "null"]}, "x", "type at the top: expected a number or null"),
        ({"anyOf": [{"type": "null"}, {"minimum": 3}]}, 2, "anyOf at the top: expected a shape that is allowed"),
        ({"properties": {"a/b": {"const": True}}}, {"a/b": 1}, "const at /a~1b: expected true"),
        ({"items": {"enum": ["x", None]}}, [1], 'choice at /0: expected one of "x", null'),
        ({"uniqueItems": True}, [1, 1.0], "uniqueItems at the top: expected each item once"),
        ({"uniqueItems": True}, [{"a": [1]}, {"a": [1.0]}], "uniqueItems at the top: expected each item once"),
        ({"exclusiveMaximum": 3}, 3, "exclusiveMaximum at the top: expected less than 3"),
        ({"minLength": 2}, "x", "minLength at the top: expected a string of at least 2 characters"),
        ({"additionalProperties": {"type": "null"}}, {"a": 1}, "type at /a: expected null"),
        ({"if": {"type": "null"}, "then": {}, "else": {"minimum": 3}}, 2, "minimum at the top: expected at least 3"),
        (
            {"patternProperties": {"^x": {"type": "null"}}, "additionalProperties": False},
            {"x": 1},
            "type at /x: expected null",
        ),
        ({"additionalProperties": False}, {"x": 1}, "additionalProperties at the top: expected no member but none"),
    ],
)  # fmt: skip
def test_same_message(schema, instance, said):
    """Both validators describe a violation in the same words."""
    assert [str(one) for one in violations(schema, instance)] == [said]
    assert [str(one) for one in schemas.violations(schemas.compiled(schema), instance)] == [said]


@pytest.mark.parametrize("instance", [1, [1, True], [{"a": 1}, {"a": True}], [[], {}]])
def test_unique_items(instance):
    """Items that differ are unique, also by type."""
    assert list(violations({"uniqueItems": True}, instance)) == []


@pytest.mark.parametrize("keyword", ["patternProperties", "propertyNames"])
def test_keyword_of_objects(keyword):
    """A keyword of objects says nothing of anything else."""
    assert list(keywords.violations({keyword: {"maxLength": 1}}, "text")) == []


def test_any_of():
    """A value that matches any branch of anyOf is accepted."""
    assert list(violations({"anyOf": [{"type": "null"}, {"minimum": 3}]}, 3)) == []


def test_strict_schemas():
    """All schemas parse strictly."""
    for name in schemas.names():
        assert json.dumps(schemas.schema(name))


@pytest.mark.parametrize(
    ("contract", "names"),
    [
        *((event, True) for event in EVENTS),
        ("prediction.event.v9", True),
        ("alert.v1", False),
        (None, False),
        (2, False),
    ],
)
def test_names_event(contract, names):
    """Every version of the event is one, also a version that nobody reads yet."""
    assert names_event(contract) == names


@pytest.mark.parametrize("number", [-math.inf, math.inf, -(10**400), 10**400], ids=["-inf", "inf", "low", "high"])
def test_number_beyond_floats(number):
    """What no float holds is no number."""
    assert [violation.rule for violation in violations({"type": "number"}, number)] == ["type"]
