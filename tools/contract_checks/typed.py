"""Types from the contracts: a TypedDict for every object of every schema, held in step by a check.

`python -m tools.contract_checks.typed` writes `contracts/src/drift_contracts/types.py`. The types
describe documents that have been validated; they are imported for type checking only and cost
nothing at run time.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import documents

from tools.contract_checks.result import Result

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.json_types import JsonValue, Schema

ROOT = Path(__file__).parents[2]
TARGET = ROOT / "contracts/src/drift_contracts/types.py"
SCALARS = {
    "string": "str",
    "number": "float",
    "integer": "int",
    "boolean": "bool",
    "null": "None",
    "array": "list[Any]",
    # the schema says nothing of the values
    "object": "dict[str, Any]",
}
#: What a Literal may hold.
LITERAL = (str, bool, int, type(None))
PREFIX = "#/$defs/"
#: Characters of a docstring, at most.
LONGEST = 80
HEADER = '''"""Types of the documents that the contracts describe: generated from the schemas.

`python -m tools.contract_checks.typed` writes this file; `nox -s contracts` checks that it is in
step.
"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

'''


def text() -> str:
    """Return the source of the module of types."""
    names = documents.names(documents.folder("schemas"))
    parts = [HEADER]
    for name in names:
        contract = ContractTypes(name, documents.schema(name))
        parts.append(contract.text())
    lines = [part.rstrip("\n") + "\n" for part in parts]
    return "\n\n".join(lines)


def check_types() -> Result:
    """Check that the committed module of types is what the schemas generate."""
    names = documents.names(documents.folder("schemas"))
    in_step = TARGET.is_file() and TARGET.read_text("utf-8") == text()
    command = "python -m tools.contract_checks.typed"
    failure = f"drift_contracts/types.py is not in step; run `{command}`"
    return Result(len(names), [] if in_step else [failure])


class ContractTypes:
    """One schema on its way to types; classes are collected in the order of their need."""

    def __init__(
        self,
        name: str,
        schema: Schema,
    ) -> None:
        self.title = class_name(name)
        self.schema = schema
        self.definitions: Schema = schema.get("$defs", {})
        #: source of each class, by its name
        self.classes: dict[str, str] = {}

    def text(self) -> str:
        """Return the source of the contract's types."""
        top = self.type_of(self.schema, self.title)
        if top != self.title:
            self.classes[self.title] = f'{self.title}: TypeAlias = "{top}"'
        return "\n\n\n".join(self.classes.values())

    def type_of(
        self,
        schema: Schema,
        name: str,
    ) -> str:
        """Return the type of a schema.

        Args:
            schema: The schema, or a part of one.
            name: What a class for it would be called.
        """
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "const" in schema:
            return _literal([schema["const"]])
        if "enum" in schema:
            return _literal(schema["enum"])
        if "anyOf" in schema:
            return self._any_of(schema["anyOf"], name)
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else kinds
        types = [self._kind(kind, schema, name) for kind in kinds]
        return _union(types) or "Any"

    def _any_of(
        self,
        choices: Sequence[Schema],
        name: str,
    ) -> str:
        """Return the union of some schemas; classes after the first are numbered."""
        types: list[str] = []
        for index, choice in enumerate(choices):
            types.append(self.type_of(choice, f"{name}{index or ''}"))
        return _union(types)

    def _reference(self, reference: str) -> str:
        """Return the type of a definition, a class of its own where it is an object."""
        word = reference.removeprefix(PREFIX)
        name = f"{self.title}{class_name(word)}"
        if name in self.classes:
            return name
        definition = self.definitions[word]
        if "$ref" not in definition and _refers_to(word, definition, self.definitions):
            # a placeholder first, so that a definition inside of itself finds its name
            self.classes[name] = ""
            inner = self.type_of(definition, f"{name}Object")
            self.classes[name] = f'{name}: TypeAlias = "{inner}"'
            return name
        return self.type_of(definition, name)

    def _kind(
        self,
        kind: str,
        schema: Schema,
        name: str,
    ) -> str:
        """Return the type of a schema's values of one JSON type."""
        if kind == "array" and "items" in schema:
            return f"list[{self.type_of(schema['items'], _singular(name))}]"
        if kind != "object":
            return SCALARS[kind]
        if "$ref" in schema.get("then", {}) and "$ref" in schema.get("else", {}):
            return self._forms(schema)
        if "properties" in schema:
            return self._class(schema, name)
        values = list(schema.get("patternProperties", {}).values())
        additional = schema.get("additionalProperties", {})
        if additional:
            values.append(additional)
        types = [self.type_of(value, _singular(name)) for value in values]
        return f"dict[str, {_union(types)}]" if types else SCALARS["object"]

    def _forms(self, schema: Schema) -> str:
        """Return the union of an object's two forms, which one of its members tells apart.

        What a form leaves open of a member ({}) is what the whole says of it.
        """
        decided = schema["if"]["properties"]
        forms: list[str] = []
        for branch in ("then", "else"):
            word = schema[branch]["$ref"].removeprefix(PREFIX)
            members = dict(self.definitions[word]["properties"])
            for member, facts in schema["properties"].items():
                if not members.get(member):
                    members[member] = _narrowed(facts, decided.get(member), branch)
            form = self.definitions[word] | {"properties": members}
            forms.append(self._class(form, f"{self.title}{class_name(word)}"))
        return _union(forms)

    def _class(
        self,
        schema: Schema,
        name: str,
    ) -> str:
        """Collect the TypedDict of an object with named members; return its name."""
        required = schema.get("required", ())
        members: dict[str, str] = {}
        for member, facts in schema["properties"].items():
            kind = self.type_of(facts, f"{name}{class_name(member)}")
            members[member] = kind if member in required else f"NotRequired[{kind}]"
        if all(map(_is_attribute, members)):
            lines = [f"class {name}(TypedDict):", f'    """{_sentence(schema, name)}"""', ""]
            lines += [f"    {member}: {kind}" for member, kind in members.items()]
            self.classes[name] = "\n".join(lines)
        else:
            # the other form of a TypedDict, which takes any name
            texts = [f'"{member}": "{kind}"' for member, kind in members.items()]
            pairs = ", ".join(texts)
            self.classes[name] = f'{name} = TypedDict("{name}", {{{pairs}}})'
        return name


def _is_attribute(member: str) -> bool:
    return member.isidentifier() and not keyword.iskeyword(member)


def _refers_to(
    word: str, node: JsonValue, definitions: Schema, seen: frozenset[str] = frozenset()
) -> bool:
    """Return whether a schema refers to a definition, itself or through others.

    Args:
        word: The definition that is looked for.
        node: The schema, or a part of one.
        definitions: What references refer to.
        seen: Definitions that have been looked into.
    """
    if isinstance(node, list):
        return any(_refers_to(word, part, definitions, seen) for part in node)
    if not isinstance(node, dict):
        return False
    reference = str(node.get("$ref", "")).removeprefix(PREFIX)
    if reference == word:
        return True
    if reference and reference not in seen:
        return _refers_to(word, definitions[reference], definitions, seen | {reference})
    return any(_refers_to(word, part, definitions, seen) for part in node.values())


def _narrowed(
    facts: Schema,
    deciding: Schema | None,
    branch: str,
) -> Schema:
    """Return what a member of a form may be.

    Args:
        facts: What the whole says of the member.
        deciding: The constant by which the member tells the forms apart, if it does.
        branch: `then`, where the member is the constant, or `else`, where it is another choice.
    """
    if deciding is None:
        return facts
    if branch == "then":
        return deciding
    # JSON Schema has no way to take a choice away, so the other form is what remains
    choices = [value for value in facts["enum"] if value != deciding["const"]]
    return {"enum": choices}


def _sentence(schema: Schema, name: str) -> str:
    """Return a one-line docstring from the schema's description, or from the name."""
    words = str(schema.get("description") or schema.get("title") or name)
    first = words.partition(". ")[0]
    first = first.partition(": ")[0]
    first = first.rstrip(".")
    return f"{first[:LONGEST].rstrip()}."


def class_name(name: str) -> str:
    """Return a name in the form of a class.

    >>> class_name("prediction.batch.response.v1"), class_name("drift_threshold")
    ('PredictionBatchResponseV1', 'DriftThreshold')
    """
    words = re.split(r"[^A-Za-z0-9]+", name)
    # not `capitalize`, which would make the rest of a word small
    capitals = [word[:1].upper() + word[1:] for word in words]
    return "".join(capitals)


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") else f"{name}Item"


def _literal(values: Sequence[JsonValue]) -> str:
    """Return a Literal of texts and integers; other constants have their plain type."""
    if all(isinstance(value, LITERAL) for value in values):
        listed = ", ".join(map(repr, values))
        return f"Literal[{listed}]"
    return _union([type(value).__name__ for value in values])


def _union(types: list[str]) -> str:
    # equal types once, in their order
    return " | ".join(dict.fromkeys(types))


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
