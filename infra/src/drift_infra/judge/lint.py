"""cfn-lint, in this process, on the graph as a CloudFormation template."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from cfnlint.api import lint

from .cloudformation import cloudformation

if TYPE_CHECKING:
    from .graph import Graph

Resources = dict[str, Any]


def cfn_lint(graph: Graph, known: Resources | None = None) -> list[str]:
    """What cfn-lint says: rule, place and message; with known resources, of those that differ and what they name."""
    template = cloudformation(graph)
    if known is not None:
        template["Resources"] = _unlike(known, template["Resources"])
    if not template["Resources"]:
        return []
    found = lint(json.dumps(template), None, [str(graph.provider.inputs["region"])])
    return [f"{one.rule.id} at {'/'.join(map(str, one.path or []))}: {one.message}" for one in found]


def _unlike(known: Resources, now: Resources) -> Resources:
    """The resources that changed or name one that is gone, and all that these name in turn."""
    gone = known.keys() - now.keys()
    kept = {name for name, one in now.items() if one != known.get(name) or gone & _words(one)}
    behind = list(kept)
    while behind:
        named = (_words(now[behind.pop()]) & now.keys()) - kept
        kept |= named
        behind += named
    return {name: one for name, one in now.items() if name in kept}


def _words(resource: object) -> set[str]:
    return set(re.findall(r"\w+", json.dumps(resource)))
