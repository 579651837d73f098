"""The monitoring spec as alarms of one stack: names made unique, dimensions filled in."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from drift_contracts import Alarm as Declared
from drift_contracts import DriftError, MonitoringSpec, Widget, feature_set
from drift_contracts.alarm_language import expression_text, rule_names, rule_text
from drift_contracts.bundle_paths import bundle_folder
from drift_contracts.spec import METRIC_FEATURES, metric_features

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pulumi
    from drift_contracts.types import BaselineV2Importance

    from .naming import Names


@dataclass(frozen=True)
class Measure:
    """One metric with its dimensions, a statistic and a period in seconds."""

    namespace: str
    metric: str
    statistic: str
    #: Seconds.
    period: int
    dimensions: Mapping[str, pulumi.Input[str]]


@dataclass(frozen=True)
class Alarm:
    """An alarm on one measure, or on an expression over several."""

    name: str
    #: What to do; it is all that a mail of the alarm says.
    description: str
    #: By the names that the expression uses.
    measures: Mapping[str, Measure]
    comparison: str
    threshold: float
    evaluation_periods: int = 1
    #: Breaching periods among the evaluated ones that raise it.
    datapoints_to_alarm: int = 1
    #: CloudWatch's word for periods without a datapoint.
    missing_data: str = "notBreaching"
    #: Metric math over the measures; None for a single measure.
    expression: str | None = None
    #: Who is alerted: "people", the "pager" alone, or "nobody" as another alarm does it.
    notify: str = "people"


@dataclass(frozen=True)
class Composite:
    """An alarm on the states of others: `reads` are the full names of those that its rule names."""

    name: str
    description: str
    #: In CloudWatch's language, with full names of alarms.
    rule: str
    #: Names of the alarms in the rule.
    reads: frozenset[str]
    notify: str


@dataclass(frozen=True)
class Watch:
    """The spec of a stack.

    `chosen` are the stack's own settings, `sources` the emitters that it has.
    """

    spec: MonitoringSpec
    names: Names
    #: The stack's settings that replace thresholds of the spec.
    chosen: Mapping[str, float]
    #: Emitters of metrics that the stack has, such as the probe.
    sources: frozenset[str]
    #: Alarms of the spec that this stack does without.
    without: frozenset[str] = frozenset()
    #: Features of a model that have metrics, at most.
    metric_features: int = METRIC_FEATURES
    #: Holds a folder per model, whose baseline may say which features are important.
    bundles: Path | None = None

    def features(self, model: str) -> tuple[str, ...]:
        """Return the features of a model that have metrics, chosen as the services choose them."""
        model_features = feature_set(model)
        importances: Mapping[str, BaselineV2Importance] = {}
        if self.bundles is not None and len(model_features.names) > self.metric_features:
            importances = _importances(self.bundles / model)
        return metric_features(model_features, importances, self.metric_features)

    def dimensions(self, model: str) -> dict[str, str]:
        """Return the dimensions that every metric of a model is emitted with."""
        values = {"Stack": self.names.stack, "Model": model}
        return {name: values[name] for name in self.spec.dimensions}

    def alarm_name(self, model: str, name: str) -> str:
        """Return the alarm's name among all alarms of the account."""
        return self.names.of(f"{model}-{name}")

    def emitted(self, model: str) -> set[str]:
        """Metrics of a model that something in this stack emits."""
        return {
            metric.name
            for metric in self.spec.metrics_for(feature_set(model), None, self.features(model))
            if metric.source in self.sources
        }

    def widgets(self, model: str) -> Iterator[Widget]:
        """Yield the dashboard's panels of a model, on metrics that this stack emits."""
        widgets = self.spec.widgets_for(
            feature_set(model), self.names.stack, self.chosen, self.features(model)
        )
        for widget in widgets:
            if set(widget.metrics) <= self.emitted(model):
                yield widget

    def alarms(self, model: str) -> Iterator[Alarm]:
        """Yield the alarms of a model, on metrics that this stack emits."""
        for alarm in self.spec.alarms_for(self.names.stack, self.chosen):
            measures = self._measures(model, alarm)
            if (
                alarm.name not in self.without
                and measures
                and {measure.metric for measure in measures.values()} <= self.emitted(model)
            ):
                yield Alarm(
                    name=self.alarm_name(model, alarm.name),
                    description=describe(model, alarm),
                    measures=measures,
                    comparison=alarm.comparison,
                    threshold=alarm.threshold,
                    evaluation_periods=alarm.evaluation_periods,
                    datapoints_to_alarm=alarm.datapoints_to_alarm,
                    missing_data=alarm.missing_data,
                    expression=None
                    if alarm.expression is None
                    else expression_text(alarm.expression),
                    notify=alarm.notify,
                )

    def composites(self, model: str) -> Iterator[Composite]:
        """Yield the composite alarms of a model with full names; an absent alarm is FALSE."""
        present = {alarm.name for alarm in self.alarms(model)}

        def full_name(name: str) -> str | None:
            full = self.alarm_name(model, name)
            return full if full in present else None

        for declared in self.spec.alarms_for(self.names.stack, self.chosen):
            if declared.rule is not None:
                reads = frozenset(
                    self.alarm_name(model, name) for name in rule_names(declared.rule)
                )
                yield Composite(
                    name=self.alarm_name(model, declared.name),
                    description=describe(model, declared),
                    rule=rule_text(declared.rule, full_name),
                    reads=reads & present,
                    notify=declared.notify,
                )

    def _measures(self, model: str, one: Declared) -> dict[str, Measure]:
        queries = (("value", one.query),) if one.query else one.queries
        dimensions = self.dimensions(model)
        return {
            name: Measure(
                self.spec.namespace, query.metric, query.statistic, one.period, dimensions
            )
            for name, query in queries
        }


def describe(model: str, one: Declared) -> str:
    """Return what a person woken by the alarm reads: what happened, how bad it is, what to do."""
    steps = "".join(f"\n{number}. {step}" for number, step in enumerate(one.runbook, 1))
    return f"{model}: {one.title} (severity: {one.severity}). What to do:{steps}"


def _importances(folder: Path) -> Mapping[str, BaselineV2Importance]:
    """Return what a bundle's baseline says of the features; nothing where there is no bundle.

    A stack that takes a ready image needs no bundle on this machine.
    """
    try:
        baseline = json.loads((Path(bundle_folder(folder)) / "baseline.json").read_bytes())
    except (DriftError, OSError):
        return {}
    importances: Mapping[str, BaselineV2Importance] = baseline.get("importances", {})
    return importances
