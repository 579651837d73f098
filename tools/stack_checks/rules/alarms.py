"""Alarms: on metrics that are emitted, with counts that add up, heard by somebody, as declared."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from drift_contracts import MonitoringSpec, feature_set
from drift_contracts.alarm_language import rule_text
from drift_infra.platform import OUTAGE, PUBLISHED

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts.spec import Alarm

    from tools.stack_checks.graph import Graph, Inputs, Node

    from .finding import Facts, Found

#: Namespace, metric and dimensions.
Metric: TypeAlias = tuple[str, str, frozenset[tuple[str, str]]]

#: What CloudWatch computes: five statistics and percentiles.
STATISTIC = re.compile(r"(Average|Sum|Minimum|Maximum|SampleCount)|p(\d{1,2}(\.\d{1,4})?|100)")
#: Seconds below a minute that CloudWatch takes as a period.
SHORT_PERIODS = (10, 20, 30)
#: Seconds that all periods of an alarm may take together.
A_DAY = 86_400
#: The end of a name that is a place in a list.
NUMBERED = re.compile(r"-\d{1,2}$")


class Measured(NamedTuple):
    """A metric as an alarm reads it."""

    namespace: str
    metric: str
    #: Values by name.
    dimensions: Mapping[str, str]
    statistic: str
    #: Seconds.
    period: float


def emitted(spec: MonitoringSpec, models: tuple[str, ...], stack: str) -> set[Metric]:
    """Return everything that our services emit in a stack."""
    metrics = set()
    for model in models:
        values = {"Stack": stack, "Model": model}
        dimensions = frozenset((name, values[name]) for name in spec.dimensions)
        for metric in spec.metrics_for(feature_set(model)):
            metrics.add((spec.namespace, metric.name, dimensions))
    return metrics


def is_emitted(
    namespace: str, metric: str, dimensions: Mapping[str, str], ours: set[Metric]
) -> bool:
    """Return whether AWS or our services emit a metric with exactly these dimensions.

    Args:
        namespace: of the metric.
        metric: its name.
        dimensions: names and values; of AWS's own metrics the names are looked at alone.
        ours: what our services emit.
    """
    published = PUBLISHED.get((namespace, metric))
    if published:
        return set(dimensions) == published
    return (namespace, metric, frozenset(dimensions.items())) in ours


def measured(node: Node) -> Iterator[Measured]:
    """Yield each metric that an alarm reads."""
    alarm = node.inputs
    if "metricName" in alarm:
        statistic = alarm.text("statistic") or alarm.text("extendedStatistic")
        yield _measured(alarm, alarm.text("metricName"), statistic)
    for query in alarm.parts("metricQueries"):
        metric = query.members("metric")
        if metric:
            yield _measured(metric, metric.text("metricName"), metric.text("stat"))


def _measured(inputs: Inputs, metric: str, statistic: str) -> Measured:
    dimensions = {}
    for name, value in inputs.members("dimensions").items():
        dimensions[name] = str(value)
    namespace = inputs.text("namespace")
    return Measured(namespace, metric, dimensions, statistic, inputs.number("period"))


def _declared(facts: Facts) -> dict[str, Alarm]:
    """Return the alarms of the monitoring spec by their full names, for every model."""
    alarms = {}
    for model in facts.models:
        for alarm in MonitoringSpec.load().alarms_for(facts.stack):
            alarms[facts.alarm_name(model, alarm.name)] = alarm
    return alarms


def _alarm_name(node: Node) -> str:
    """Return an alarm's name; composite ones have it under another key."""
    return node.inputs.text("name") or node.inputs.text("alarmName")


def metrics_exist(graph: Graph, facts: Facts) -> Found:
    """Report alarms on a metric that nothing emits with exactly those dimensions."""
    ours = emitted(MonitoringSpec.load(), facts.models, facts.stack)
    for node in graph.of("cloudwatch.MetricAlarm"):
        for read in measured(node):
            if not is_emitted(read.namespace, read.metric, read.dimensions, ours):
                yield node.address, "watches a metric that nothing emits with these dimensions"


def dimensions_are_ours(graph: Graph, _facts: Facts) -> Found:
    """Report alarms on a part of AWS that is not of this stack."""
    names = {node.inputs.text("name") for node in graph.resources}
    for node in graph.of("cloudwatch.MetricAlarm"):
        for read in measured(node):
            if not read.namespace.startswith("AWS/"):
                continue
            # A marker names a resource of this stack.
            foreign = [value for value in read.dimensions.values() if value not in names]
            if not all(value.startswith("@@{") for value in foreign):
                yield node.address, "watches a part that is not of this stack"


def counts_add_up(graph: Graph, _facts: Facts) -> Found:
    """Report counts, statistics and periods that CloudWatch does not take."""
    for node in graph.of("cloudwatch.MetricAlarm"):
        alarm = node.inputs
        periods = alarm.number("evaluationPeriods")
        if not 1 <= alarm.number("datapointsToAlarm", 1) <= periods:
            yield node.address, "needs more datapoints than it looks at"
        for read in measured(node):
            if not STATISTIC.fullmatch(read.statistic):
                yield node.address, "has a statistic that CloudWatch does not know"
            whole_minutes = read.period % 60 == 0 or read.period in SHORT_PERIODS
            if not whole_minutes or read.period * periods > A_DAY:
                yield node.address, "has a period that CloudWatch does not take"
        returned = [query for query in alarm.parts("metricQueries") if query.flag("returnData")]
        if "metricQueries" in alarm and len(returned) != 1:
            yield node.address, "returns several series, or none"


def the_right_ones_hear(graph: Graph, facts: Facts) -> Found:
    """Report alarms that do not notify the topic, and those that the spec keeps silent and do."""
    subscriptions = graph.of("sns.TopicSubscription")
    # A filter sends the pager what it asks for, so those alarms notify the topic too.
    paged = any("filterPolicy" in node.inputs for node in subscriptions)
    silent = {"nobody"} if paged else {"nobody", "pager"}
    quiet = {name for name, alarm in _declared(facts).items() if alarm.notify in silent}
    for node in [*graph.of("cloudwatch.MetricAlarm"), *graph.of("cloudwatch.CompositeAlarm")]:
        is_quiet = _alarm_name(node) in quiet
        for name in ("alarmActions", "okActions"):
            notifies = any("sns/topic:Topic" in action for action in node.inputs.texts(name))
            if notifies and is_quiet:
                yield node.address, f"tells what is told already: {name}"
            if not notifies and not is_quiet:
                yield node.address, f"tells nobody: {name}"
        if node.inputs.at("actionsEnabled") is False:
            yield node.address, "is muted"


def rules_are_declared(graph: Graph, facts: Facts) -> Found:
    """Report composite alarms whose rule is not the spec's, or names no alarm of this stack."""
    names = {node.inputs.text("name") for node in graph.of("cloudwatch.MetricAlarm")}
    declared = dict(_declared_rules(facts, names))
    for node in graph.of("cloudwatch.CompositeAlarm"):
        rule = node.inputs.text("alarmRule")
        name = node.inputs.text("alarmName")
        # The alarm of an outage is made of AWS's own metrics, which the spec does not know.
        if rule != declared.get(name) and not name.endswith(OUTAGE):
            yield node.address, "has another rule than the monitoring spec"
        if not any(f'"{part}"' in rule for part in names):
            yield node.address, "names no alarm of this stack"


def _declared_rules(facts: Facts, names: set[str]) -> Iterator[tuple[str, str]]:
    """Yield the name and the rule's text of each composite alarm that the spec declares."""
    for model in facts.models:

        def full_name(alarm: str, model: str = model) -> str | None:
            name = facts.alarm_name(model, alarm)
            return name if name in names else None

        for alarm in MonitoringSpec.load().alarms_for(facts.stack):
            if alarm.rule is not None:
                yield facts.alarm_name(model, alarm.name), rule_text(alarm.rule, full_name)


def declared_is_created(graph: Graph, facts: Facts) -> Found:
    """Report alarms of the spec, on metrics of this stack, that are not created."""
    alarms = [node for node in graph.resources if node.short.endswith("Alarm")]
    created = {_alarm_name(node) for node in alarms}
    probed = any(node.name == "probe-function" for node in graph.of("lambda.Function"))
    spec = MonitoringSpec.load()
    for model in facts.models:
        metrics = spec.metrics_for(feature_set(model))
        # Without a probe its metrics are never emitted, so alarms on them are left out.
        available = {metric.name for metric in metrics if metric.source != "probe" or probed}
        for alarm in spec.alarms_for(facts.stack):
            if alarm.name in facts.without:
                continue
            name = facts.alarm_name(model, alarm.name)
            if _read_metrics(alarm) <= available and name not in created:
                yield f"alarm {name}", "is declared and not created"


def _read_metrics(alarm: Alarm) -> set[str]:
    """Return the names of the metrics that an alarm of the spec reads."""
    if alarm.query:
        return {alarm.query.metric}
    return {query.metric for _, query in alarm.queries}


def decides_as_declared(graph: Graph, facts: Facts) -> Found:
    """Report alarms that compare, count or treat silence otherwise than the spec declares."""
    declared = _declared(facts)
    for node in graph.of("cloudwatch.MetricAlarm"):
        alarm = declared.get(node.inputs.text("name"))
        if alarm is None:
            continue
        expected = {
            "comparisonOperator": alarm.comparison,
            "evaluationPeriods": alarm.evaluation_periods,
            "datapointsToAlarm": alarm.datapoints_to_alarm,
            "treatMissingData": alarm.missing_data,
        }
        for name, value in expected.items():
            if node.inputs.at(name) != value:
                yield node.address, f"has another {name} than declared"
        if any(read.period != alarm.period for read in measured(node)):
            yield node.address, "has another period than declared"


def pages_only_when_it_matters(graph: Graph, _facts: Facts) -> Found:
    """Report a filter on the topic that names no alarm that exists."""
    composites = graph.of("cloudwatch.CompositeAlarm")
    names = [node.inputs.text("alarmName") for node in composites]
    for node in graph.of("sns.TopicSubscription"):
        policy = node.inputs.text("filterPolicy")
        if not policy:
            continue
        (condition,) = json.loads(policy)["AlarmName"]
        if not all(name.endswith(condition["suffix"]) for name in names):
            yield node.address, "filters out every alarm"


def endpoints_answer(graph: Graph, _facts: Facts) -> Found:
    """Report HTTPS endpoints that an update does not wait for: unconfirmed ones hear nothing."""
    for node in graph.of("sns.TopicSubscription"):
        is_endpoint = node.inputs.text("protocol") == "https"
        if is_endpoint and not node.inputs.flag("endpointAutoConfirms"):
            yield node.address, "may stay unconfirmed, and then hears nothing"


def subscriptions_follow_addresses(graph: Graph, _facts: Facts) -> Found:
    """Report subscriptions that change their name when another leaves the list.

    SNS would unsubscribe both.
    """
    for node in graph.of("sns.TopicSubscription"):
        if NUMBERED.search(node.name):
            yield node.address, "is named by its place in a list"


RULES = (
    metrics_exist,
    dimensions_are_ours,
    counts_add_up,
    the_right_ones_hear,
    rules_are_declared,
    declared_is_created,
    decides_as_declared,
    pages_only_when_it_matters,
    endpoints_answer,
    subscriptions_follow_addresses,
)
