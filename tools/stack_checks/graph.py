"""A stack as data: nodes with their inputs and options, references as markers in the text."""

from __future__ import annotations

import copy
import json
import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from drift_contracts.json_types import JsonValue, ReadableJson

MARKER = re.compile(r"@@\{(?P<kind>[^|}]+)\|(?P<name>[^|}]+)\|(?P<attribute>[^|}]+)\}")
BEFORE_A_CAPITAL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


class Reference(NamedTuple):
    """An output of a resource, as an input of another names it."""

    kind: str
    name: str
    attribute: str


def marker(kind: str, name: str, attribute: str) -> str:
    """Return the text that stands for an output until a renderer writes it in its language."""
    return f"@@{{{kind}|{name}|{attribute}}}"


def short(kind: str) -> str:
    """Return a kind without its case twice: `lambda.Function` of `aws:lambda/function:Function`."""
    package, module, name = kind.split(":")
    if package != "aws":
        return f"{package}.{name}"
    return f"{module.split('/')[0]}.{name}"


class Inputs(dict[str, "JsonValue"]):
    """The inputs of a resource, or a part of them, read by path with the type that is expected.

    A path is names with slashes between: `environment/variables`. What is missing, or of another
    type, reads as empty, so that a rule says what is wrong with a graph instead of failing at it.
    """

    def at(self, path: str) -> JsonValue:
        """Return the value at a path, None where there is none."""
        value: JsonValue = self
        for name in path.split("/"):
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value

    def text(self, path: str, default: str = "") -> str:
        """Return a text."""
        value = self.at(path)
        return value if isinstance(value, str) else default

    def number(self, path: str, default: float = 0) -> float:
        """Return a number; the engine hands whole numbers over as floats."""
        value = self.at(path)
        return value if isinstance(value, int | float) else default

    def flag(self, path: str) -> bool:
        """Return whether there is anything but false, zero or nothing at a path."""
        return bool(self.at(path))

    def members(self, path: str) -> Inputs:
        """Return a part of the inputs."""
        value = self.at(path)
        return Inputs(value) if isinstance(value, dict) else Inputs()

    def parts(self, path: str) -> list[Inputs]:
        """Return the objects of a list."""
        value = self.at(path)
        if not isinstance(value, list):
            return []
        return [Inputs(item) for item in value if isinstance(item, dict)]

    def texts(self, path: str) -> list[str]:
        """Return the texts of a list."""
        value = self.at(path)
        if not isinstance(value, list):
            return []
        return [item for item in value if isinstance(item, str)]


@dataclass
class Node:
    """One resource as the engine would have got it."""

    #: As Pulumi spells it: `aws:sqs/queue:Queue`.
    kind: str
    #: In the program, which is not its name in AWS.
    name: str
    urn: str
    #: The URN of the component that it belongs to.
    parent: str
    #: Whether it is a resource of a provider; else it is a component of ours.
    custom: bool
    inputs: Inputs
    #: Top-level inputs that are encrypted in the state.
    secrets: frozenset[str] = frozenset()
    #: Inputs whose changes an update leaves alone.
    ignored: tuple[str, ...] = ()
    #: URNs of what is there before it.
    after: tuple[str, ...] = ()
    #: Whether the engine refuses to delete it.
    protect: bool = False
    #: Whether it stays in the account when it leaves the program.
    retain: bool = False
    #: Outputs that are encrypted in the state beside those of secret inputs.
    secret_outputs: tuple[str, ...] = ()
    #: The URN and the id of the provider that makes it.
    provider: str = ""
    #: Names that the state may have the resource by.
    aliases: tuple[str, ...] = ()
    #: Whether a replacement is made after the old one is gone.
    delete_first: bool = False
    #: The identity of what exists and is taken over, "" where the resource is made.
    adopted: str = ""

    def __post_init__(self) -> None:
        """Take plain inputs too, as tests write them."""
        self.inputs = Inputs(self.inputs)

    @property
    def short(self) -> str:
        """Return the kind in short."""
        return short(self.kind)

    @property
    def address(self) -> str:
        """Return kind and name, for messages."""
        return f"{self.short} {self.name}"

    def waits_for(self, other: Node) -> bool:
        """Return whether another resource is there before this one."""
        return other.urn in self.after


@dataclass
class Graph:
    """Everything that a stack declares, and its outputs."""

    stack: str
    nodes: list[Node]
    #: What `pulumi stack output` would print.
    outputs: Inputs = field(default_factory=Inputs)
    #: What the program warned of while it ran.
    warnings: tuple[str, ...] = ()

    def of(self, short: str) -> list[Node]:
        """Return the nodes of a kind: `graph.of("sqs.Queue")`."""
        return [node for node in self.nodes if node.short == short]

    def one(self, short: str, name: str) -> Node:
        """Return the node of a kind and name. Raises ValueError unless there is exactly one."""
        (node,) = [node for node in self.of(short) if node.name == name]
        return node

    @property
    def resources(self) -> list[Node]:
        """Return what AWS will hold: no components and no providers."""
        resources = [node for node in self.nodes if node.custom]
        return [node for node in resources if node.kind.startswith("aws:")]

    @property
    def provider(self) -> Node:
        """Return the provider of all AWS resources."""
        (provider,) = [node for node in self.nodes if node.kind == "pulumi:providers:aws"]
        return provider

    @property
    def tags(self) -> dict[str, str]:
        """Return the tags that the provider puts on everything."""
        # A provider's nested inputs travel as JSON text.
        defaults = json.loads(self.provider.inputs.text("defaultTags", "{}"))
        tags: dict[str, str] = defaults.get("tags", {})
        return tags

    def copy(self) -> Graph:
        """Return a graph that may be changed without changing this one."""
        return copy.deepcopy(self)


def references(value: ReadableJson) -> Iterator[Reference]:
    """Yield what every marker in a value names."""
    for text in texts(value):
        for match in MARKER.finditer(text):
            yield Reference(match["kind"], match["name"], match["attribute"])


def referenced_names(value: ReadableJson) -> set[str]:
    """Return the names of the resources whose markers are in a value."""
    return {reference.name for reference in references(value)}


def texts(value: ReadableJson) -> Iterator[str]:
    """Yield every text in a value, keys included."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for name, item in value.items():
            yield str(name)
            yield from texts(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from texts(item)


def rewrite(value: JsonValue, change: Callable[[str], JsonValue]) -> JsonValue:
    """Return the same value with every text (not the keys) changed."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, dict):
        return {name: rewrite(item, change) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [rewrite(item, change) for item in value]
    return value


def plain_number(value: JsonValue) -> JsonValue:
    """Return a whole number as an integer, since the engine hands all numbers over as floats."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value


def snake(camel: str) -> str:
    """Return `evaluation_periods` of `evaluationPeriods`."""
    return BEFORE_A_CAPITAL.sub("_", camel).lower()
