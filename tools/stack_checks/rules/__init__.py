"""Rules on a whole graph: how resources fit together, and the gaps that no other checker sees."""

from __future__ import annotations

from typing import TYPE_CHECKING

from . import accounts, alarms, dashboard, functions, ownership, traffic
from .finding import Facts, Finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.stack_checks.graph import Graph

RULES = (
    *ownership.RULES,
    *functions.RULES,
    *traffic.RULES,
    *alarms.RULES,
    *dashboard.RULES,
    *accounts.RULES,
)


def examine(graph: Graph, facts: Facts) -> Iterator[Finding]:
    """Yield everything that our own rules report of a graph."""
    for rule in RULES:
        for address, message in rule(graph, facts):
            yield Finding(rule.__name__, address, message)


__all__ = ["RULES", "Facts", "Finding", "examine"]
