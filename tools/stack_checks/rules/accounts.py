"""What a stack shares with the others of its account: policies with a size, bills, and a pager."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from drift_contracts.environment import MOST_ROWS
from drift_infra.links import CONSOLES
from drift_infra.naming import partition_of
from drift_infra.platform import OUTAGE

from tools.stack_checks.graph import texts
from tools.stack_checks.heard import hears

if TYPE_CHECKING:
    from tools.stack_checks.graph import Graph

    from .finding import Facts, Found

#: The partition in an ARN.
ARN = re.compile(r"\barn:([a-z*-]+):")
#: Groups below this prefix need no entry of their own in the account's policy.
VENDED = "/aws/vendedlogs/"


def access_log_is_vended(graph: Graph, _facts: Facts) -> Found:
    """Report an access log that takes an entry of the account's one policy, which has a size."""
    for stage in graph.of("apigatewayv2.Stage"):
        for group in graph.of("cloudwatch.LogGroup"):
            is_vended = group.inputs.text("name").startswith(VENDED)
            if stage.waits_for(group) and not is_vended:
                yield group.address, "fills the account's one policy of log groups"


def budget_is_its_own(graph: Graph, facts: Facts) -> Found:
    """Report a budget whose filter takes in other stacks of the account."""
    expected = f"user:Deployment${facts.prefix}"
    for node in graph.of("budgets.Budget"):
        counted = []
        for cost_filter in node.inputs.parts("costFilters"):
            counted += cost_filter.texts("values")
        if counted != [expected]:
            yield node.address, "counts the cost of other stacks"


def pager_hears_an_outage(graph: Graph, _facts: Facts) -> Found:
    """Report a pager that does not hear of a function that cannot start.

    No metric of ours tells of that, because nothing of ours runs.
    """
    subscriptions = graph.of("sns.TopicSubscription")
    if not any("filterPolicy" in node.inputs for node in subscriptions):
        return
    for name, heard in hears(graph).items():
        if name.endswith("-failing") and not heard.pager:
            yield f"alarm {name}", f"is not heard by the pager: it is not in {OUTAGE}"


def open_api_is_bounded(graph: Graph, _facts: Facts) -> Found:
    """Report an API for everybody that takes large batches, or a log that may grow unseen.

    The throttle counts requests, and the log counts rows.
    """
    routes = graph.of("apigatewayv2.Route")
    is_open = any(route.inputs.text("authorizationType") == "NONE" for route in routes)
    for function in graph.of("lambda.Function"):
        variables = function.inputs.members("environment/variables")
        is_predictor = function.name == "predictor-function"
        if is_predictor and is_open and not variables.text(MOST_ROWS):
            yield function.address, "answers a thousand rows of anybody at a time"
    alarms = graph.of("cloudwatch.MetricAlarm")
    if not any(alarm.inputs.text("metricName") == "IncomingBytes" for alarm in alarms):
        yield "cloudwatch.LogGroup predictor-logs", "has no alarm on the bytes that it takes in"


def partition_is_the_regions(graph: Graph, _facts: Facts) -> Found:
    """Report ARNs and links of another partition than the region's: nothing is there."""
    partition = partition_of(graph.provider.inputs.text("region"))
    foreign = {console for name, console in CONSOLES.items() if name != partition}
    for node in graph.resources:
        for text in texts(node.inputs):
            is_linked = any(f".{console}/" in text for console in foreign)
            arns = set(ARN.findall(text))
            if is_linked or not arns <= {partition, "*"}:
                yield node.address, f"names something outside of the partition {partition}"


def roles_share_a_boundary(graph: Graph, _facts: Facts) -> Found:
    """Report roles that differ in their permissions boundary.

    An organisation that asks for one refuses the role that has none.
    """
    roles = graph.of("iam.Role")
    boundaries = {role.inputs.text("permissionsBoundary") for role in roles}
    for role in roles:
        if len(boundaries) > 1 and not role.inputs.text("permissionsBoundary"):
            yield role.address, "has no permissions boundary, and others have"


def image_is_the_same_everywhere(graph: Graph, _facts: Facts) -> Found:
    """Report a build that names a path of one machine: on every other one it is a change."""
    for node in graph.of("docker.Image"):
        paths = [node.inputs.text("build/context"), node.inputs.text("build/dockerfile")]
        if any(path.startswith("/") for path in paths):
            yield node.address, "is built again from every other checkout"


RULES = (
    access_log_is_vended,
    budget_is_its_own,
    pager_hears_an_outage,
    open_api_is_bounded,
    partition_is_the_regions,
    roles_share_a_boundary,
    image_is_the_same_everywhere,
)
