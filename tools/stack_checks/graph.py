"""A stack as data: nodes with their inputs and options, references as markers in the text."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

MARKER = re.compile(r"@@\{(?P<kind>[^|}]+)\|(?P<name>[^|}]+)\|(?P<attribute>[^|}]+)\}")
NESTED = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def marker(kind: str, name: str, attribute: str) -> str:
    """The text that stands for an output of a resource until a renderer writes it in its own language."""
    return f"@@{{{kind}|{name}|{attribute}}}"


def short(kind: str) -> str:
    """A kind without its case twice: `aws:lambda/function:Function` is `lambda.Function`."""
    package, module, name = kind.split(":")
    return f"{module.split('/')[0]}.{name}" if package == "aws" else f"{package}.{name}"


@dataclass
class Node:
    """One resource as the engine would have got it."""

    kind: str
    name: str
    urn: str
    parent: str
    custom: bool
    inputs: dict[str, Any]
    secrets: frozenset[str] = frozenset()
    ignored: tuple[str, ...] = ()
    after: tuple[str, ...] = ()
    protect: bool = False
    retain: bool = False
    secret_outputs: tuple[str, ...] = ()
    provider: str = ""
    #: Names that the state may have the resource by.
    aliases: tuple[str, ...] = ()
    #: Whether a replacement is made after the old one is gone.
    delete_first: bool = False
    #: The identity of what exists and is taken over, "" where the resource is made.
    adopted: str = ""

    @property
    def short(self) -> str:
        """The kind in short."""
        return short(self.kind)

    @property
    def address(self) -> str:
        """Kind and name, for messages."""
        return f"{self.short} {self.name}"


@dataclass
class Graph:
    """Everything that a stack declares, and its outputs."""

    stack: str
    nodes: list[Node]
    outputs: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    def of(self, short: str) -> list[Node]:
        """Nodes of one kind: `graph.of("sqs.Queue")`."""
        return [node for node in self.nodes if node.short == short]

    def one(self, short: str, name: str) -> Node:
        """The node of that kind and name."""
        (found,) = [node for node in self.of(short) if node.name == name]
        return found

    @property
    def resources(self) -> list[Node]:
        """What AWS will hold: no components and no providers."""
        return [node for node in self.nodes if node.custom and node.kind.startswith("aws:")]

    @property
    def provider(self) -> Node:
        """The one provider of AWS resources."""
        (found,) = [node for node in self.nodes if node.kind == "pulumi:providers:aws"]
        return found

    @property
    def tags(self) -> dict[str, str]:
        """The tags that the provider puts on everything; a provider's nested inputs travel as JSON text."""
        given: dict[str, dict[str, str]] = json.loads(self.provider.inputs.get("defaultTags", "{}"))
        return given.get("tags", {})

    def copy(self) -> Graph:
        """A graph that may be changed without changing this one."""
        return copy.deepcopy(self)


def references(value: Any) -> Iterator[tuple[str, str, str]]:
    """(kind, name, attribute) of every marker in a value."""
    for text in texts(value):
        for found in MARKER.finditer(text):
            yield found["kind"], found["name"], found["attribute"]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for name, item in value.items():
            yield str(name)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def rewrite(value: Any, change: Callable[[str], Any]) -> Any:
    """The same value with every text (not the keys) changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: rewrite(item, change) for name, item in value.items()}
    return [rewrite(item, change) for item in value] if isinstance(value, list | tuple) else value


def snake(camel: str) -> str:
    """`evaluationPeriods` as `evaluation_periods`."""
    return NESTED.sub("_", camel).lower()
