"""Which endpoint hears which failure: the table of docs/deploy.md, out of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .graph import Graph, Node

START, END = "<!-- heard: generated -->", "<!-- heard: end -->"


def hears(graph: Graph) -> dict[str, tuple[bool, bool]]:
    """Return for each failure that has an alarm whether people hear it, and whether a pager does.

    Drift that is proven is told by the evaluator itself, in an alert of its own, beside its alarm.
    """
    pages = [str(node.inputs["alarmRule"]) for node in graph.of("cloudwatch.CompositeAlarm") if _told(node)]
    heard = {}
    for node in graph.of("cloudwatch.MetricAlarm"):
        name = str(node.inputs["name"])
        people = _told(node) or name.endswith("-drift-evidence")
        heard[name] = (people, any(f'"{name}"' in rule for rule in pages))
    return heard


def table(graph: Graph, prefix: str) -> str:
    """Return the table as Markdown; prefix: project and stack, which every name starts with."""
    head = "| failure, by its alarm | e-mail, webhooks, Slack | PagerDuty |\n|---|---|---|"
    rows = [
        f"| `{name.removeprefix(prefix + '-')}` | {'x' if people else ''} | {'x' if pager else ''} |"
        for name, (people, pager) in sorted(hears(graph).items())
    ]
    return "\n".join([head, *rows])


def _told(node: Node) -> bool:
    return bool(node.inputs.get("alarmActions"))
