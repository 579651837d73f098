"""What a rule is given beside the graph, and what it gives back."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Facts:
    """What the graph should agree with: the stack's settings and the API's routes."""

    project: str
    stack: str
    models: tuple[str, ...]
    production: bool
    routes: frozenset[str]
    architecture: str
    rollout: str
    #: Alarms of the spec that the stack does without.
    without: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: by which rule, where, and what."""

    rule: str
    address: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.address}: {self.message}"


Found = Iterator[tuple[str, str]]
