"""Which endpoint hears which failure: the table of docs/deploy.md, out of a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .graph import Graph, Node

#: Lines of the page between which the table is generated.
START = "<!-- heard: generated -->"
END = "<!-- heard: end -->"


class Heard(NamedTuple):
    """Who hears a failure."""

    people: bool
    pager: bool


def hears(graph: Graph) -> dict[str, Heard]:
    """Return who hears each failure that has an alarm, by the alarm's name."""
    composites = graph.of("cloudwatch.CompositeAlarm")
    pages = [node.inputs.text("alarmRule") for node in composites if _notifies(node)]
    heard = {}
    for node in graph.of("cloudwatch.MetricAlarm"):
        name = node.inputs.text("name")
        # Drift that is proven is reported by the evaluator itself, in an alert of its own.
        people = _notifies(node) or name.endswith("-drift-evidence")
        pager = any(f'"{name}"' in rule for rule in pages)
        heard[name] = Heard(people, pager)
    return heard


def table(graph: Graph, prefix: str) -> str:
    """Return the table as Markdown.

    Args:
        graph: of a stack with every optional part.
        prefix: project and stack, which every name starts with.
    """
    lines = ["| failure, by its alarm | e-mail, webhooks, Slack | PagerDuty |", "|---|---|---|"]
    for name, heard in sorted(hears(graph).items()):
        marks = ["x" if hears_it else "" for hears_it in heard]
        failure = name.removeprefix(f"{prefix}-")
        lines.append(f"| `{failure}` | {' | '.join(marks)} |")
    return "\n".join(lines)


def _notifies(node: Node) -> bool:
    return node.inputs.flag("alarmActions")
