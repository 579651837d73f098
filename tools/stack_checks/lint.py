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
    """What cfn-lint says: rule, place and message; with known resources, of those that differ and theirs."""
    template = cloudformation(graph, known)
    if not template["Resources"]:
        return []
    found = lint(json.dumps(template), None, [str(graph.provider.inputs["region"])])
    return [f"{one.rule.id} at {'/'.join(map(str, one.path or []))}: {one.message}" for one in found]
