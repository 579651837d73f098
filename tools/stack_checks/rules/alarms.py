"""Alarms: on metrics that are emitted, with counts that add up, heard by somebody; rules as declared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any

from drift_contracts import MonitoringSpec, feature_set
from drift_contracts.alarm_language import rule_text
from drift_infra.platform import OUTAGE, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tools.stack_checks.graph import Graph, Node

    from .finding import Facts, Found

STATISTIC = re.compile(r"(Average|Sum|Minimum|Maximum|SampleCount)|p(\d{1,2}(\.\d{1,4})?|100)")
PERIODS = (10, 20, 30)
A_DAY = 86_400


def emitted(
    spec: MonitoringSpec, models: tuple[str, ...], stack: str
) -> set[tuple[str, str, frozenset[tuple[str, str]]]]:
    """(namespace, metric, dimensions) of everything our services emit in a stack."""
    values = {"Stack": stack}
    return {
        (spec.namespace, metric.name, frozenset((name, {**values, "Model": model}[name]) for name in spec.dimensions))
        for model in models
        for metric in spec.metrics_for(feature_set(model))
    }


def measured(node: Node) -> Iterator[tuple[str, str, dict[str, Any], str, float]]:
    """(namespace, metric, dimensions, statistic, period) of each metric that an alarm reads."""
    given = node.inputs
    if "metricName" in given:
        statistic = given.get("statistic") or given.get("extendedStatistic", "")
        yield given["namespace"], given["metricName"], given.get("dimensions", {}), statistic, given["period"]
    for query in given.get("metricQueries", []):
        if "metric" in query:
            one = query["metric"]
            yield one["namespace"], one["metricName"], one.get("dimensions", {}), one["stat"], one["period"]


def metrics_exist(graph: Graph, facts: Facts) -> Found:
    """Every alarm's metric is one that is emitted, with exactly those dimensions."""
    ours = emitted(MonitoringSpec.load(), facts.models, facts.stack)
    for node in graph.of("cloudwatch.MetricAlarm"):
        for namespace, metric, dimensions, _, _ in measured(node):
            theirs = PUBLISHED.get((namespace, metric))
            known = set(dimensions) == theirs if theirs else (namespace, metric, frozenset(dimensions.items())) in ours
            if not known:
                yield node.address, "watches a metric that nothing emits with these dimensions"


def dimensions_are_ours(graph: Graph, _facts: Facts) -> Found:
    """An alarm on a part of AWS watches a part of this stack."""
    names = {str(node.inputs.get("name")) for node in graph.resources}
    for node in graph.of("cloudwatch.MetricAlarm"):
        for namespace, _, dimensions, _, _ in measured(node):
            if namespace.startswith("AWS/") and not all(
                value in names or value.startswith("@@{") for value in dimensions.values()
            ):
                yield node.address, "watches a part that is not of this stack"


def counts_add_up(graph: Graph, _facts: Facts) -> Found:
    """M of N with M at most N; periods and statistics that CloudWatch takes; a day at most in all."""
    for node in graph.of("cloudwatch.MetricAlarm"):
        given = node.inputs
        if not 1 <= given.get("datapointsToAlarm", 1) <= given["evaluationPeriods"]:
            yield node.address, "needs more datapoints than it looks at"
        for _, _, _, statistic, period in measured(node):
            if not STATISTIC.fullmatch(statistic):
                yield node.address, "has a statistic that CloudWatch does not know"
            if (period not in PERIODS and period % 60) or period * given["evaluationPeriods"] > A_DAY:
                yield node.address, "has a period that CloudWatch does not take"
        returned = [one for one in given.get("metricQueries", []) if one.get("returnData")]
        if "metricQueries" in given and len(returned) != 1:
            yield node.address, "returns several series, or none"


def the_right_ones_hear(graph: Graph, facts: Facts) -> Found:
    """Every alarm tells the topic when it rings and when it stops, but those that the spec keeps silent."""
    paged = any("filterPolicy" in node.inputs for node in graph.of("sns.TopicSubscription"))
    silent = {"nobody"} if paged else {"nobody", "pager"}
    quiet = {
        f"{facts.project}-{facts.stack}-{model}-{alarm.name}"
        for model in facts.models
        for alarm in MonitoringSpec.load().alarms_for(facts.stack)
        if alarm.notify in silent
    }
    for node in [*graph.of("cloudwatch.MetricAlarm"), *graph.of("cloudwatch.CompositeAlarm")]:
        for name in ("alarmActions", "okActions"):
            tells = any("sns/topic:Topic" in str(action) for action in node.inputs.get(name) or [])
            if tells is ((node.inputs.get("name") or node.inputs.get("alarmName")) in quiet):
                yield node.address, f"tells {'what is told already' if tells else 'nobody'}: {name}"
        if node.inputs.get("actionsEnabled") is False:
            yield node.address, "is muted"


def rules_are_declared(graph: Graph, facts: Facts) -> Found:
    """A composite alarm's rule is the spec's, printed over the alarms of this stack, and names one of them."""
    names = {node.inputs["name"] for node in graph.of("cloudwatch.MetricAlarm")}
    declared = dict(_declared_rules(facts, names))
    for node in graph.of("cloudwatch.CompositeAlarm"):
        rule = node.inputs["alarmRule"]
        platform = node.inputs["alarmName"].endswith(OUTAGE)
        if rule != declared.get(node.inputs["alarmName"]) and not platform:
            yield node.address, "has another rule than the monitoring spec"
        if not any(f'"{name}"' in rule for name in names):
            yield node.address, "names no alarm of this stack"


def _declared_rules(facts: Facts, names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the rule's text of each composite alarm that the spec declares."""
    for model in facts.models:
        prefix = f"{facts.project}-{facts.stack}-{model}-"

        def full_name(name: str, prefix: str = prefix) -> str | None:
            return prefix + name if prefix + name in names else None

        for alarm in MonitoringSpec.load().alarms_for(facts.stack):
            if alarm.rule is not None:
                yield prefix + alarm.name, rule_text(alarm.rule, full_name)


def declared_is_created(graph: Graph, facts: Facts) -> Found:
    """Every alarm of the spec on metrics of this stack is there, for each model."""
    created = {
        node.inputs.get("name") or node.inputs.get("alarmName")
        for node in graph.resources
        if node.short.endswith("Alarm")
    }
    probed = any(node.name == "probe-function" for node in graph.of("lambda.Function"))
    spec = MonitoringSpec.load()
    for model in facts.models:
        there = {one.name for one in spec.metrics_for(feature_set(model)) if one.source != "probe" or probed}
        for alarm in spec.alarms_for(facts.stack):
            wanted = {
                query.metric
                for query in ((alarm.query,) if alarm.query else tuple(query for _, query in alarm.queries))
            }
            name = f"{facts.project}-{facts.stack}-{model}-{alarm.name}"
            if wanted <= there and name not in created and alarm.name not in facts.without:
                yield f"alarm {name}", "is declared and not created"


def judges_as_declared(graph: Graph, facts: Facts) -> Found:
    """Every alarm of the spec compares, counts and treats silence as declared; limits are the stack's own."""
    declared = {
        f"{facts.project}-{facts.stack}-{model}-{alarm.name}": alarm
        for model in facts.models
        for alarm in MonitoringSpec.load().alarms_for(facts.stack)
    }
    for node in graph.of("cloudwatch.MetricAlarm"):
        alarm = declared.get(str(node.inputs.get("name")))
        if alarm is None:
            continue
        expected = {
            "comparisonOperator": alarm.comparison,
            "evaluationPeriods": alarm.evaluation_periods,
            "datapointsToAlarm": alarm.datapoints_to_alarm,
            "treatMissingData": alarm.missing_data,
        }
        for name, value in expected.items():
            if node.inputs.get(name) != value:
                yield node.address, f"has another {name} than declared"
        if any(period != alarm.period for *_, period in measured(node)):
            yield node.address, "has another period than declared"


def pages_only_when_it_matters(graph: Graph, _facts: Facts) -> Found:
    """A filter on the topic names the alarms that exist."""
    composites = [str(node.inputs["alarmName"]) for node in graph.of("cloudwatch.CompositeAlarm")]
    for node in graph.of("sns.TopicSubscription"):
        if "filterPolicy" in node.inputs:
            (suffix,) = [one["suffix"] for one in json.loads(node.inputs["filterPolicy"])["AlarmName"]]
            if not all(name.endswith(suffix) for name in composites):
                yield node.address, "filters out every alarm"


def endpoints_answer(graph: Graph, _facts: Facts) -> Found:
    """An update waits until an HTTPS endpoint has confirmed, or it would hear nothing and nobody would know."""
    for node in graph.of("sns.TopicSubscription"):
        if node.inputs.get("protocol") == "https" and not node.inputs.get("endpointAutoConfirms"):
            yield node.address, "may stay unconfirmed, and then hears nothing"


def subscriptions_follow_addresses(graph: Graph, _facts: Facts) -> Found:
    """A subscription keeps its name when another leaves the list, or SNS unsubscribes both."""
    for node in graph.of("sns.TopicSubscription"):
        if re.search(r"-\d{1,2}$", node.name):
            yield node.address, "is named by its place in a list"


RULES = (
    metrics_exist, dimensions_are_ours, counts_add_up, the_right_ones_hear, rules_are_declared, declared_is_created,
    judges_as_declared, pages_only_when_it_matters, endpoints_answer,
    subscriptions_follow_addresses,
)  # fmt: skip
