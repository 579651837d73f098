"""The graph as Terraform JSON: pulumi-aws bridges the same provider, so types and arguments map by rule.

What the rule cannot know stands in the tables: arguments that the bridge renamed, and maps whose keys are data.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .graph import MARKER, Graph, Node, rewrite, snake

NAMES = {
    "lambda.Function": {"name": "function_name"},
    "lambda.Permission": {"function": "function_name"},
    "cloudwatch.LogSubscriptionFilter": {"logGroup": "log_group_name"},
    "cloudwatch.MetricAlarm": {"name": "alarm_name"},
    "sns.TopicSubscription": {"topic": "topic_arn"},
}
SINGULAR = {
    "additionalVersionWeights", "aliases", "attributes", "audiences", "commands", "costFilters",
    "encryptionConfigurations", "metricQueries", "notifications", "rules", "transitions",
}  # fmt: skip
SPELLED = {
    "additionalVersionWeights": "additional_version_weights",
    "aliases": "alias",
    "metricQueries": "metric_query",
}
DATA = {"variables", "dimensions", "tags", "additionalVersionWeights"}
DATA_OF = {"glue.CatalogTable": {"parameters"}}


def terraform(
    graph: Graph, *, provider: Mapping[str, Any] | None = None, keep_protected: bool = True
) -> dict[str, Any]:
    """A `main.tf.json`; `provider` adds arguments to the provider's block, such as an emulator's endpoints."""
    block = {
        "region": graph.provider.inputs["region"],
        "default_tags": [{"tags": graph.tags}],
        **(provider or {}),
    }
    resources: dict[str, dict[str, Any]] = {}
    for node in graph.resources:
        resources.setdefault(kind(node.kind), {})[node.name] = _resource(graph, node, keep_protected)
    return {
        "terraform": {"required_providers": {"aws": {"source": "hashicorp/aws"}}},
        "provider": {"aws": [block]},
        "resource": resources,
    }


def kind(token: str) -> str:
    """The provider's name of a type: `aws:lambda/function:Function` is `aws_lambda_function`."""
    _, module, name = token.split(":")
    return f"aws_{module.split('/')[0]}_{snake(name)}"


def _resource(graph: Graph, node: Node, keep_protected: bool) -> dict[str, Any]:
    body = _arguments(node, node.inputs)
    after = [f"{kind(one.kind)}.{one.name}" for one in graph.resources if one.urn in node.after]
    lifecycle: dict[str, Any] = {"ignore_changes": [snake(one) for one in node.ignored]} if node.ignored else {}
    if node.protect and keep_protected:
        lifecycle["prevent_destroy"] = True
    return {**body, **({"depends_on": after} if after else {}), **({"lifecycle": lifecycle} if lifecycle else {})}


def _arguments(node: Node, given: Mapping[str, Any]) -> dict[str, Any]:
    top = NAMES.get(node.short, {})
    return {top.get(name) or _argument(name): _value(node, name, value) for name, value in given.items()}


def _argument(name: str) -> str:
    return SPELLED.get(name) or snake(name).removesuffix("s") if name in SINGULAR else snake(name)


def _value(node: Node, name: str, value: Any) -> Any:
    if isinstance(value, Mapping):
        data = name in DATA | DATA_OF.get(node.short, set())
        return (
            rewrite(value, expression)
            if data
            else {_argument(key): _value(node, key, part) for key, part in value.items()}
        )
    if isinstance(value, list):
        return [_value(node, name, part) for part in value]
    if isinstance(value, str):
        return expression(value)
    return int(value) if isinstance(value, float) and value.is_integer() else value


def expression(text: str) -> str:
    """A text in which what looks like a template is data and our markers are references."""
    escaped = text.replace("${", "$${").replace("%{", "%%{")
    return MARKER.sub(lambda found: f"${{{kind(found['kind'])}.{found['name']}.{snake(found['attribute'])}}}", escaped)
