"""Types from the contracts: a TypedDict for every object of every schema, kept in step by a check.

`python -m tools.contract_checks.typed` writes `contracts/src/drift_contracts/types.py`. The types describe documents
that have been validated; they are imported for type checking only and cost nothing at run time.
"""

from __future__ import annotations

import keyword
import re
from pathlib import Path
from typing import Any

from drift_contracts import documents

TARGET = Path(__file__).parents[2] / "contracts" / "src" / "drift_contracts" / "types.py"
SCALARS = {
    "string": "str",
    "number": "float",
    "integer": "int",
    "boolean": "bool",
    "null": "None",
    "array": "list[Any]",
    "object": "dict[str, Any]",
}
HEADER = '''"""Types of the documents that the contracts describe: generated, so change the schemas instead.

`python -m tools.contract_checks.typed` writes this file; `nox -s contracts` checks that it is in step.
"""

from typing import Any, Literal, NotRequired, TypeAlias, TypedDict

'''


def text() -> str:
    """Return the source of the module of types."""
    names = documents.names(documents.folder("schemas"))
    parts = [HEADER, *(_Contract(name, documents.schema(name)).text() for name in names)]
    return "\n\n".join(part.rstrip("\n") + "\n" for part in parts)


def check_types() -> tuple[int, list[str]]:
    """Return how many contracts have types, and what to do where the module is not in step."""
    names = documents.names(documents.folder("schemas"))
    in_step = TARGET.is_file() and TARGET.read_text("utf-8") == text()
    remedy = "drift_contracts/types.py is not in step; run `python -m tools.contract_checks.typed`"
    return len(names), [] if in_step else [remedy]


class _Contract:
    """One schema on its way to types: the classes are collected in the order in which they are needed."""

    def __init__(self, name: str, schema: dict[str, Any]) -> None:
        self.title = _camel(name)
        self.schema = schema
        self.definitions = schema.get("$defs", {})
        #: source of each class, by its name
        self.classes: dict[str, str] = {}

    def text(self) -> str:
        """Return the source of the contract's types."""
        top = self.type_of(self.schema, self.title)
        if top != self.title:
            self.classes[self.title] = f'{self.title}: TypeAlias = "{top}"'
        return "\n\n\n".join(self.classes.values())

    def type_of(self, schema: Any, name: str) -> str:
        """Return the type of a schema; `name` is what a class for it would be called."""
        if "$ref" in schema:
            return self._reference(schema["$ref"])
        if "const" in schema:
            return _literal([schema["const"]])
        if "enum" in schema:
            return _literal(schema["enum"])
        if "anyOf" in schema:
            return _union(
                [self.type_of(choice, f"{name}{index or ''}") for index, choice in enumerate(schema["anyOf"])]
            )
        kinds = schema.get("type", [])
        types = [self._kind(kind, schema, name) for kind in ([kinds] if isinstance(kinds, str) else kinds)]
        return _union(types) if types else "Any"

    def _reference(self, reference: str) -> str:
        """Return the type of a definition, a class of its own where it is an object."""
        word = reference.removeprefix("#/$defs/")
        name = f"{self.title}{_camel(word)}"
        if name in self.classes:
            return name
        definition = self.definitions[word]
        if "$ref" not in definition and _is_recursive(definition, self.definitions, word):
            # a placeholder first, so that a definition inside of itself finds its name
            self.classes[name] = ""
            self.classes[name] = f'{name}: TypeAlias = "{self.type_of(definition, name + "Object")}"'
            return name
        return self.type_of(definition, name)

    def _kind(self, kind: str, schema: Any, name: str) -> str:
        if kind == "array" and "items" in schema:
            return f"list[{self.type_of(schema['items'], _singular(name))}]"
        if kind != "object":
            return SCALARS[kind]
        if "$ref" in schema.get("then", {}) and "$ref" in schema.get("else", {}):
            return self._forms(schema)
        if "properties" in schema:
            return self._class(schema, name)
        others = schema.get("additionalProperties", {})
        patterns = [*schema.get("patternProperties", {}).values()]
        if isinstance(others, dict) and (others or patterns):
            values = [self.type_of(value, _singular(name)) for value in [*patterns, *([others] if others else [])]]
            return f"dict[str, {_union(values)}]"
        return SCALARS["object"]

    def _forms(self, schema: Any) -> str:
        """Return the union of an object's two forms, which one of its members tells apart.

        What a form leaves open of a member ({}) is what the whole says of it.
        """
        decided = schema["if"]["properties"]
        forms = []
        for branch in ("then", "else"):
            word = schema[branch]["$ref"].removeprefix("#/$defs/")
            members = dict(self.definitions[word]["properties"])
            for member, facts in schema["properties"].items():
                if not members.get(member):
                    members[member] = _narrowed(facts, decided.get(member), branch)
            form = self.definitions[word] | {"properties": members}
            forms.append(self._class(form, f"{self.title}{_camel(word)}"))
        return _union(forms)

    def _class(self, schema: Any, name: str) -> str:
        """Collect the TypedDict of an object with named members; return its name."""
        required = set(schema.get("required", ()))
        members = {}
        for member, facts in schema["properties"].items():
            kind = self.type_of(facts, f"{name}{_camel(member)}")
            members[member] = kind if member in required else f"NotRequired[{kind}]"
        if all(member.isidentifier() and not keyword.iskeyword(member) for member in members):
            lines = [f"    {member}: {kind}" for member, kind in members.items()]
            self.classes[name] = "\n".join(
                [f"class {name}(TypedDict):", f'    """{_sentence(schema, name)}"""', "", *lines]
            )
        else:
            pairs = ", ".join(f'"{member}": "{kind}"' for member, kind in members.items())
            self.classes[name] = f'{name} = TypedDict("{name}", {{{pairs}}})'
        return name


def _is_recursive(schema: Any, definitions: dict[str, Any], word: str, seen: frozenset[str] = frozenset()) -> bool:
    """Return whether a schema refers to the definition `word`, itself or through others."""
    if isinstance(schema, list):
        return any(_is_recursive(part, definitions, word, seen) for part in schema)
    if not isinstance(schema, dict):
        return False
    reference = str(schema.get("$ref", "")).removeprefix("#/$defs/")
    if reference == word:
        return True
    if reference and reference not in seen:
        return _is_recursive(definitions[reference], definitions, word, seen | {reference})
    return any(_is_recursive(part, definitions, word, seen) for part in schema.values())


def _narrowed(facts: Any, deciding: Any, branch: str) -> Any:
    """Return what a member of a form may be: the deciding constant, or what it may be else."""
    if deciding is None:
        return facts
    if branch == "then":
        return deciding
    return {"enum": [value for value in facts["enum"] if value != deciding["const"]]}


def _sentence(schema: Any, name: str) -> str:
    """Return a one-line docstring from the schema's description, or from the name where it has none."""
    words = str(schema.get("description") or schema.get("title") or name).split(". ")[0].split(": ")[0].rstrip(".")
    return f"{words[:80].rstrip()}."


def _camel(name: str) -> str:
    """Return a name in the form of a class.

    >>> _camel("prediction.batch.response.v1"), _camel("drift_threshold")
    ('PredictionBatchResponseV1', 'DriftThreshold')
    """
    return "".join(part[:1].upper() + part[1:] for part in re.split(r"[^A-Za-z0-9]+", name))


def _singular(name: str) -> str:
    return name[:-1] if name.endswith("s") else f"{name}Item"


def _literal(values: list[Any]) -> str:
    """Return a Literal of texts and integers; other constants have their plain type."""
    if all(isinstance(value, str | bool | int) or value is None for value in values):
        return f"Literal[{', '.join(map(repr, values))}]"
    return _union([type(value).__name__ for value in values])


def _union(types: list[str]) -> str:
    return " | ".join(dict.fromkeys(types))


if __name__ == "__main__":
    TARGET.write_text(text(), "utf-8")
