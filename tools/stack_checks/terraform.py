"""The graph as Terraform JSON.

pulumi-aws bridges Terraform's provider, so types and arguments map by rule. What the rule cannot
know is in the tables: arguments that the bridge renamed, and maps whose keys are data.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from .graph import MARKER, Graph, Node, plain_number, rewrite, snake

if TYPE_CHECKING:
    import re
    from collections.abc import Mapping

    from drift_contracts.json_types import JsonObject, JsonValue

#: Arguments that have another name there, by kind.
NAMES = {
    "lambda.Function": {"name": "function_name"},
    "lambda.Permission": {"function": "function_name"},
    "cloudwatch.LogSubscriptionFilter": {"logGroup": "log_group_name"},
    "cloudwatch.MetricAlarm": {"name": "alarm_name"},
    "sns.TopicSubscription": {"topic": "topic_arn"},
}
#: Lists that are repeated blocks there, so their name is singular.
SINGULAR = frozenset(
    {
        "additionalVersionWeights",
        "aliases",
        "attributes",
        "audiences",
        "commands",
        "costFilters",
        "encryptionConfigurations",
        "metricQueries",
        "notifications",
        "rules",
        "transitions",
    }
)
#: Of these, the ones whose singular is more than an s less.
SPELLED = {
    "additionalVersionWeights": "additional_version_weights",
    "aliases": "alias",
    "metricQueries": "metric_query",
}
#: Maps whose keys are data.
DATA = frozenset({"variables", "dimensions", "tags", "additionalVersionWeights"})
#: Maps whose keys are data in one kind alone.
DATA_OF = {"glue.CatalogTable": "parameters"}


def terraform(
    graph: Graph,
    *,
    provider: Mapping[str, JsonValue] | None = None,
    keep_protected: bool = True,
) -> JsonObject:
    """Return a `main.tf.json`.

    Args:
        graph: of a stack.
        provider: adds arguments to the provider's block, such as an emulator's endpoints.
        keep_protected: whether what is protected refuses to be destroyed.
    """
    tags: JsonObject = dict(graph.tags)
    block: JsonObject = {
        "region": graph.provider.inputs["region"],
        "default_tags": [{"tags": tags}],
        **(provider or {}),
    }
    kinds: dict[str, JsonObject] = {}
    for node in graph.resources:
        resources = kinds.setdefault(kind(node.kind), {})
        resources[node.name] = _resource(graph, node, keep_protected=keep_protected)
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": [block]},
        "resource": dict(kinds),
    }


def kind(token: str) -> str:
    """Return the provider's name of a kind: `aws_sqs_queue` of `aws:sqs/queue:Queue`."""
    _, module, name = token.split(":")
    return f"aws_{module.split('/')[0]}_{snake(name)}"


def _resource(graph: Graph, node: Node, *, keep_protected: bool) -> JsonObject:
    resource = _arguments(node)
    before = [other for other in graph.resources if node.waits_for(other)]
    after: list[JsonValue] = [f"{kind(other.kind)}.{other.name}" for other in before]
    lifecycle: JsonObject = {}
    if node.ignored:
        lifecycle["ignore_changes"] = [snake(name) for name in node.ignored]
    if node.protect and keep_protected:
        lifecycle["prevent_destroy"] = True
    if after:
        resource["depends_on"] = after
    if lifecycle:
        resource["lifecycle"] = lifecycle
    return resource


def _arguments(node: Node) -> JsonObject:
    names = NAMES.get(node.short, {})
    arguments: JsonObject = {}
    for name, value in node.inputs.items():
        argument = names.get(name) or _argument(name)
        arguments[argument] = _value(node, name, value)
    return arguments


def _argument(name: str) -> str:
    if name in SPELLED:
        return SPELLED[name]
    if name in SINGULAR:
        return snake(name).removesuffix("s")
    return snake(name)


def _value(node: Node, name: str, value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        if name in DATA or name == DATA_OF.get(node.short):
            return rewrite(value, expression)
        return {_argument(key): _value(node, key, part) for key, part in value.items()}
    if isinstance(value, list):
        return [_value(node, name, part) for part in value]
    if isinstance(value, str):
        return expression(value)
    return plain_number(value)


def expression(text: str) -> str:
    """Return a text whose markers are references; what looks like a template is data."""
    escaped = text.replace("${", "$${").replace("%{", "%%{")
    return MARKER.sub(_reference, escaped)


def _reference(match: re.Match[str]) -> str:
    attribute = snake(match["attribute"])
    return f"${{{kind(match['kind'])}.{match['name']}.{attribute}}}"
