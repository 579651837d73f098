"""What a stack shares with the others of its account: policies with a size, bills, and a pager."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_infra.platform import OUTAGE

from tools.stack_checks.heard import hears

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

VENDED = "/aws/vendedlogs/"


def access_log_is_vended(graph: Graph, _facts: Facts) -> Found:
    """An access log's group lies where one entry of the account's policy serves all."""
    named = {node.urn: node for node in graph.of("cloudwatch.LogGroup")}
    for stage in graph.of("apigatewayv2.Stage"):
        for urn in stage.after:
            group = named.get(urn)
            if group is not None and not str(group.inputs["name"]).startswith(VENDED):
                yield group.address, "fills the account's one policy of log groups"


def budget_is_its_own(graph: Graph, facts: Facts) -> Found:
    """A budget counts one stack: its filter names what no other stack of the account is tagged with."""
    expected = f"user:Deployment${facts.project}-{facts.stack}"
    for node in graph.of("budgets.Budget"):
        if [value for one in node.inputs.get("costFilters", []) for value in one["values"]] != [expected]:
            yield node.address, "counts the cost of other stacks"


def pager_hears_an_outage(graph: Graph, _facts: Facts) -> Found:
    """Where there is a pager it hears that the function does not start, of which no metric of ours tells."""
    if not any("filterPolicy" in node.inputs for node in graph.of("sns.TopicSubscription")):
        return
    for name, (_, pager) in hears(graph).items():
        if name.endswith("-failing") and not pager:
            yield f"alarm {name}", f"is not heard by the pager: it is not in {OUTAGE}"


RULES = (access_log_is_vended, budget_is_its_own, pager_hears_an_outage)
