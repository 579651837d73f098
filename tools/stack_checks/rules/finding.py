"""What a rule reads beside the graph, and what it reports."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True)
class Facts:
    """What the graph should agree with: the stack's settings and the API's routes."""

    #: The first part of every name.
    project: str
    stack: str
    models: tuple[str, ...]
    #: Whether data and callers are guarded as in prod.
    production: bool
    #: Route keys of the OpenAPI document's operations.
    routes: frozenset[str]
    #: The processor that the image is for: arm64 or x86_64.
    architecture: str
    #: Who moves the alias: "pulumi", or "external" for a tool of the user's.
    rollout: str
    #: Alarms of the spec that the stack does without.
    without: frozenset[str] = frozenset()

    @property
    def prefix(self) -> str:
        """Return what names in this stack begin with."""
        return f"{self.project}-{self.stack}"

    def alarm_name(self, model: str, alarm: str) -> str:
        """Return the full name of an alarm of the monitoring spec."""
        return f"{self.prefix}-{model}-{alarm}"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: by which rule, where, and what."""

    #: The name of the rule's function.
    rule: str
    #: Kind and name of the resource.
    address: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.address}: {self.message}"


#: What a rule yields: the address of a resource, and what is wrong with it.
Found: TypeAlias = Iterator[tuple[str, str]]
