"""Types from the schemas: one for every contract, in step, and refused when they are not."""

from __future__ import annotations

import runpy

import pytest
from drift_contracts import documents, types

from tools.contract_checks import typed


def test_every_contract_has_a_type():
    """Each schema gives a name in the generated module."""
    names = documents.names(documents.folder("schemas"))
    assert [name for name in names if not hasattr(types, typed._camel(name))] == []


def test_the_module_is_in_step():
    """The committed module is what the schemas generate today."""
    assert typed.check_types().failures == []


@pytest.mark.parametrize("content", ["x = 1\n", None])
def test_a_module_that_is_not_in_step_is_a_finding(content, tmp_path, monkeypatch):
    """The finding names the command that writes the module."""
    target = tmp_path / "types.py"
    if content is not None:
        target.write_text(content)
    monkeypatch.setattr(typed, "TARGET", target)
    (finding,) = typed.check_types().failures
    assert "python -m tools.contract_checks.typed" in finding


def test_running_the_module_writes_the_types():
    """The command writes the same text again."""
    before = typed.TARGET.read_bytes()
    runpy.run_path(typed.__file__, run_name="__main__")
    assert typed.TARGET.read_bytes() == before


@pytest.mark.parametrize(
    ("schema", "type_of_it"),
    [
        ({}, "Any"),
        ({"type": "string"}, "str"),
        ({"type": ["number", "null"]}, "float | None"),
        ({"const": 1.5}, "float"),
        ({"enum": ["a", None]}, "Literal['a', None]"),
        ({"anyOf": [{"type": "string"}, {"type": "integer"}]}, "str | int"),
        ({"type": "array"}, "list[Any]"),
        ({"type": "array", "items": {"type": "boolean"}}, "list[bool]"),
        ({"type": "object"}, "dict[str, Any]"),
        ({"type": "object", "additionalProperties": {"type": "number"}}, "dict[str, float]"),
        ({"type": "object", "patternProperties": {"^x": {"type": "number"}}}, "dict[str, float]"),
    ],
)
def test_each_kind_of_schema_has_its_type(schema, type_of_it):
    """Scalars, unions, constants, lists and open objects."""
    assert typed._Contract("x.v1", {}).type_of(schema, "X") == type_of_it


def test_a_member_that_is_no_identifier_is_written_the_other_way():
    """Words of Python cannot be attributes of a class."""
    contract = typed._Contract("x.v1", {"type": "object", "properties": {"from": {"type": "string"}}})
    assert contract.text() == 'XV1 = TypedDict("XV1", {"from": "NotRequired[str]"})'


def test_a_contract_that_is_no_object_has_an_alias():
    """A list, say, is named after its contract too."""
    contract = typed._Contract("x.v1", {"type": "array", "items": {"type": "string"}})
    assert contract.text() == 'XV1: TypeAlias = "list[str]"'


def test_two_forms_of_an_object_are_told_apart_by_a_member():
    """A form's own word on a member wins over what the whole says of it."""
    form = {"properties": {"kind": {}, "size": {"type": "integer"}}}
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "number"}},
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"$ref": "#/$defs/first"},
        "else": {"$ref": "#/$defs/second"},
        "$defs": {"first": form, "second": form},
    }
    text = typed._Contract("x.v1", schema).text()
    assert text.count("size: NotRequired[int]") == 2
    assert "kind: NotRequired[Literal['a']]" in text
    assert "kind: NotRequired[Literal['b']]" in text
