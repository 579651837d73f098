"""Types from the schemas: one for every contract, in step, and refused when they are not."""

from __future__ import annotations

import runpy

import pytest
from drift_contracts import documents, types

from tools.contract_checks import typed


def test_contract_types():
    """Each schema has a name in the generated module."""
    names = documents.names(documents.folder("schemas"))
    assert [name for name in names if not hasattr(types, typed.class_name(name))] == []


def test_module_in_step():
    """The committed module is what the schemas generate today."""
    assert typed.check_types().failures == []


@pytest.mark.parametrize("content", ["x = 1\n", None])
def test_stale_module(content, tmp_path, monkeypatch):
    """A module that differs from the schemas is a finding that names the command."""
    target = tmp_path / "types.py"
    if content is not None:
        target.write_text(content)
    monkeypatch.setattr(typed, "TARGET", target)
    (finding,) = typed.check_types().failures
    assert "python -m tools.contract_checks.typed" in finding


def test_module_writes_types():
    """The command writes the committed text again."""
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
def test_schema_types(schema, type_of_it):
    """Scalars, unions, constants, lists and open objects each have a type."""
    assert typed.ContractTypes("x.v1", {}).type_of(schema, "X") == type_of_it


def test_keyword_member():
    """A member that is a word of Python is written in the functional form."""
    contract = typed.ContractTypes("x.v1", {"type": "object", "properties": {"from": {"type": "string"}}})
    assert contract.text() == 'XV1 = TypedDict("XV1", {"from": "NotRequired[str]"})'


def test_alias():
    """A contract that is no object has an alias of its name."""
    contract = typed.ContractTypes("x.v1", {"type": "array", "items": {"type": "string"}})
    assert contract.text() == 'XV1: TypeAlias = "list[str]"'


def test_forms_by_member():
    """A form's own type of a member comes before that of the whole, so that forms can be told
    apart.
    """
    form = {"properties": {"kind": {}, "size": {"type": "integer"}}}
    schema = {
        "type": "object",
        "properties": {"kind": {"enum": ["a", "b"]}, "size": {"type": "number"}},
        "if": {"properties": {"kind": {"const": "a"}}},
        "then": {"$ref": "#/$defs/first"},
        "else": {"$ref": "#/$defs/second"},
        "$defs": {"first": form, "second": form},
    }
    text = typed.ContractTypes("x.v1", schema).text()
    assert text.count("size: NotRequired[int]") == 2
    assert "kind: NotRequired[Literal['a']]" in text
    assert "kind: NotRequired[Literal['b']]" in text
