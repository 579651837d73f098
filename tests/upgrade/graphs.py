"""The graph of a stack as a document: type, name, parent, inputs and options of every resource."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from tools.stack_checks.graph import rewrite
from tools.stack_checks.stacks import SECRETS, graph_of, settings_of

if TYPE_CHECKING:
    from pathlib import Path

    from tools.stack_checks.graph import Graph, Node

SOMEBODY = {"alertEmails": '["ops@example.com"]'}
#: Name of each captured graph: the stack file that it is of, and the settings that it is changed
#: by. prod does not deploy until somebody is alerted; "whole" has every optional part.
CAPTURED: dict[str, tuple[str, dict[str, str]]] = {
    "dev": ("dev", {}),
    "prod": ("prod", SOMEBODY),
    "dev-whole": ("dev", {**SECRETS, **SOMEBODY}),
    "prod-whole": ("prod", {**SECRETS, **SOMEBODY}),
}


def captured(root: Path) -> dict[str, Any]:
    """Return the graphs that the stack files of a checkout declare today, by name."""
    graphs = {}
    for name, (stack, changes) in CAPTURED.items():
        graph = graph_of(settings_of(root, stack, changes), root)
        graphs[name] = document_of(graph, root)
    return graphs


def document_of(graph: Graph, root: Path) -> dict[str, Any]:
    """Return a graph as JSON, with no place of this machine in it.

    Texts that hold JSON (policies, the dashboard) are opened, so that a difference in them has a
    pointer.
    """
    resources = {}
    for node in graph.nodes:
        # A component and a resource may bear one name, but never a type as well.
        resources[node.address] = _resource(node, root)
    return {"resources": resources, "outputs": _plain(graph.outputs, root)}


def _resource(node: Node, root: Path) -> dict[str, Any]:
    options = {
        "ignoreChanges": list(node.ignored),
        "dependsOn": sorted(_address(urn) for urn in node.after),
        "protect": node.protect,
        "retainOnDelete": node.retain,
        "secretOutputs": sorted(node.secret_outputs),
        "provider": _address(node.provider.rpartition("::")[0]),
    }
    return {
        "type": node.kind,
        "name": node.name,
        "parent": _address(node.parent),
        "inputs": _plain(node.inputs, root),
        "secretInputs": sorted(node.secrets),
        "options": {name: value for name, value in options.items() if value},
    }


def _address(urn: str) -> str:
    """Return type and name of a resource; the stack itself is "stack"."""
    if not urn:
        return ""
    kind, _, name = urn.rpartition("::")
    kind = kind.split("::")[-1].split("$")[-1]
    return "stack" if kind == "pulumi:pulumi:Stack" else f"{kind} {name}"


def _plain(value: Any, root: Path) -> Any:
    """Return a value with the checkout's place replaced and JSON in texts opened."""
    without_place = rewrite(value, lambda text: text.replace(str(root), "ROOT"))
    return rewrite(_serialisable(without_place), _opened)


def _serialisable(value: Any) -> Any:
    return json.loads(json.dumps(value, default=lambda other: f"({type(other).__name__})"))


def _opened(text: str) -> Any:
    if not text.startswith(("{", "[")):
        return text
    try:
        return json.loads(text)
    except ValueError:
        return text
