"""cfn-lint, in this process, on the graph as a CloudFormation template."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from cfnlint.api import lint

from .cloudformation import cloudformation

if TYPE_CHECKING:
    from .cloudformation import Resources
    from .graph import Graph


def cfn_lint(graph: Graph, known: Resources | None = None) -> list[str]:
    """Return what cfn-lint reports: rule, place and message.

    Args:
        graph: of a stack.
        known: resources that were checked before; those that differ, and theirs, are checked.
    """
    template = cloudformation(graph, known)
    if not template["Resources"]:
        return []
    findings = []
    # Rules depend on the region: not every service is everywhere.
    for match in lint(json.dumps(template), None, [graph.provider.inputs.text("region")]):
        place = "/".join(map(str, match.path or []))
        findings.append(f"{match.rule.id} at {place}: {match.message}")
    return findings
