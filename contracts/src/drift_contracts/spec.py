"""The monitoring specification: metrics, alarms with their thresholds, dashboard widgets."""

from __future__ import annotations

from math import inf

from drift_contracts import documents
from drift_contracts.errors import ContractError, UnknownName
from drift_contracts.keywords import violations
from drift_contracts.records import Record
from drift_contracts.spec_rules import broken_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from typing import Any, Literal

    from drift_contracts.alarm_language import Expression, Rule
    from drift_contracts.documents import Path
    from drift_contracts.features import FeatureSet
    from drift_contracts.types import (
        BaselineV2Importance,
        MonitoringSpecV2,
        MonitoringSpecV2Alarm,
        MonitoringSpecV2Threshold,
        MonitoringSpecV2Widget,
    )

CONTRACT = "monitoring.spec.v2"
OLD_CONTRACT = "monitoring.spec.v1"
#: Stands in the name of a metric that each feature has.
FEATURE = "{feature}"
#: Features that have metrics of their own, unless a deployment says otherwise: each series costs.
METRIC_FEATURES = 30


class Metric(Record):
    """A metric that one of the services writes."""

    name: str
    unit: str
    source: Literal["predictor", "monitor", "probe"]
    description: str
    #: the feature that it is the value of, if it is one's
    feature: str | None = None


class Query(Record):
    """A statistic of a metric, as an alarm reads it."""

    metric: str
    statistic: str


class Alarm(Record):
    """An alarm of one stack: on `query`, on `expression` over `queries`, or by `rule`.

    A rule reads other alarms and has no datapoints of its own: its numbers are zero, its texts
    empty. Rules and expressions are trees of `alarm_language`.
    """

    name: str
    title: str
    severity: Literal["low", "medium", "high"]
    #: what to do about it, step by step
    runbook: tuple[str, ...]
    #: who is notified
    notify: Literal["people", "pager", "nobody"] = "people"
    query: Query | None = None
    expression: Expression | None = None
    #: the metrics of the expression, by the names that it uses
    queries: tuple[tuple[str, Query], ...] = ()
    rule: Rule | None = None
    #: seconds
    period: int = 0
    evaluation_periods: int = 0
    datapoints_to_alarm: int = 0
    comparison: str = ""
    threshold: float = 0.0
    missing_data: str = ""


class Widget(Record):
    """A panel of a dashboard."""

    title: str
    metrics: tuple[str, ...]
    #: of each of the metrics
    statistics: tuple[str, ...]
    #: where a line is drawn, if one is
    threshold: float | None = None


class Setting(Record):
    """A number that a stack may choose."""

    name: str
    default: float
    description: str
    #: the defaults of some stacks, by their names
    stacks: Mapping[str, float]


class MonitoringSpec(Record):
    """What is measured, what raises an alarm and what dashboards show.

    >>> spec = MonitoringSpec.load()
    >>> next(alarm.threshold for alarm in spec.alarms_for("prod") if alarm.name == "latency")
    500
    """

    namespace: str
    dimensions: tuple[str, ...]
    settings: tuple[Setting, ...]
    #: the document, of version 2
    document: MonitoringSpecV2

    @classmethod
    def load(cls, path: Path | None = None) -> MonitoringSpec:
        """Return the spec in a file, or the one that ships.

        Raises:
            OSError: The file cannot be read.
            NotJson: It is not strict JSON.
            ContractError: It breaks its contract.
        """
        if path is None:
            shipped = documents.find("monitoring spec", "spec", documents.folder("monitoring"))
            return cls.from_json(documents.read(shipped))
        return cls.from_json(documents.read(path), str(path))

    # Any: whatever has been parsed
    @classmethod
    def from_json(cls, document: Any, source: str | None = None) -> MonitoringSpec:
        """Return the spec in a document of version 2, or of version 1, which is upgraded.

        Args:
            document: A parsed document.
            source: Where it is from, for the message.

        Raises:
            ContractError: It breaks its contract; every violation is named.
        """
        if isinstance(document, dict) and document.get("contract") == OLD_CONTRACT:
            document = _upgraded(document, source)
        broken = list(violations(documents.schema(CONTRACT), document))
        # the rules read members that a document which breaks the schema may not have
        broken = broken or list(broken_rules(document))
        if broken:
            raise ContractError(CONTRACT, broken, source)
        checked: MonitoringSpecV2 = document
        settings = [
            Setting(name, setting["default"], setting["description"], setting.get("stacks", {}))
            for name, setting in checked["settings"].items()
        ]
        dimensions = tuple(checked["dimensions"])
        return cls(checked["namespace"], dimensions, tuple(settings), checked)

    def metrics_for(
        self,
        feature_set: FeatureSet,
        source: str | None = None,
        features: Collection[str] | None = None,
    ) -> tuple[Metric, ...]:
        """Return the metrics of one model, one for each feature where the spec says so.

        Args:
            feature_set: The model's.
            source: The service whose metrics are returned; those of all if None.
            features: Names of the features that have metrics, see `metric_features`; all if None.
        """
        names = feature_set.names if features is None else features
        metrics: list[Metric] = []
        for metric in self.document["metrics"]:
            if source not in (None, metric["source"]):
                continue
            if "only" in metric and feature_set.target.positive_class is None:
                continue
            for name, feature in _expanded(metric["name"], names):
                unit, description = metric["unit"], metric["description"]
                metrics.append(Metric(name, unit, metric["source"], description, feature))
        return tuple(metrics)

    def settings_for(
        self, stack: str, chosen: Mapping[str, float] | None = None
    ) -> dict[str, float]:
        """Return the value of every setting in a stack.

        Args:
            stack: Its name.
            chosen: Values that win, by the setting's name.

        Raises:
            UnknownName: A chosen setting does not exist.
        """
        values = {
            setting.name: setting.stacks.get(stack, setting.default) for setting in self.settings
        }
        for name, value in (chosen or {}).items():
            if name not in values:
                raise UnknownName("setting", name, list(values))
            values[name] = value
        return values

    def alarms_for(
        self, stack: str, chosen: Mapping[str, float] | None = None
    ) -> tuple[Alarm, ...]:
        """Return the alarms of a stack, with their thresholds; arguments as `settings_for`.

        An optional alarm is left out where its threshold is 0.
        """
        settings = self.settings_for(stack, chosen)
        alarms = [alarm for alarm in self.document["alarms"] if _is_chosen(alarm, settings)]
        return tuple(_alarm(alarm, settings) for alarm in alarms)

    def widgets_for(
        self,
        feature_set: FeatureSet,
        stack: str,
        chosen: Mapping[str, float] | None = None,
        features: Collection[str] | None = None,
    ) -> tuple[Widget, ...]:
        """Return the dashboard of a model in a stack; arguments as the methods above."""
        settings = self.settings_for(stack, chosen)
        names = feature_set.names if features is None else features
        widgets = [_widget(widget, names, settings) for widget in self.document["dashboard"]]
        # a panel of features is empty where none of them has metrics
        return tuple(widget for widget in widgets if widget.metrics)


def metric_features(
    feature_set: FeatureSet, importances: Mapping[str, BaselineV2Importance], most: int
) -> tuple[str, ...]:
    """Return the names of the features that have metrics of their own, in the model's order.

    Args:
        feature_set: The model's.
        importances: By feature, as a baseline has them; a feature without one is the least.
        most: Features that are chosen, at least 0; equally important ones by the model's order.

    >>> from drift_contracts import feature_set
    >>> metric_features(feature_set("house-price"), {"age": {"value": 2.0}}, 2)
    ('bedrooms', 'age')
    """
    if len(feature_set.features) <= most:
        return feature_set.names

    def rank(name: str) -> float:
        value = importances[name]["value"] if name in importances else None
        return inf if value is None else -value

    chosen = frozenset(sorted(feature_set.names, key=rank)[:most])
    return tuple(name for name in feature_set.names if name in chosen)


# Any: version 1 is checked here, and becomes version 2
def _upgraded(document: Any, source: str | None) -> MonitoringSpecV2:
    """Return a document of version 1 as version 2. Raises ContractError."""
    # the spec that ships is of version 2, so a cold start never needs the old grammar
    from drift_contracts import spec_v1  # noqa: PLC0415

    broken = list(violations(documents.schema(OLD_CONTRACT), document))
    if broken:
        raise ContractError(OLD_CONTRACT, broken, source)
    converted, broken = spec_v1.upgraded(document)
    if broken:
        raise ContractError(OLD_CONTRACT, broken, source)
    return converted


def _expanded(
    name: str,
    features: Collection[str],
) -> list[tuple[str, str | None]]:
    """Return the metrics that a name stands for, each with its feature, if it is one's."""
    if FEATURE not in name:
        return [(name, None)]
    return [(name.replace(FEATURE, feature), feature) for feature in features]


def _number(threshold: float | MonitoringSpecV2Threshold, settings: Mapping[str, float]) -> float:
    """Return a threshold, which is a number or names the setting that holds it."""
    return settings[threshold["setting"]] if isinstance(threshold, dict) else threshold


def _is_chosen(alarm: MonitoringSpecV2Alarm, settings: Mapping[str, float]) -> bool:
    """Return whether a stack has an alarm."""
    # the rules of the spec have checked that an optional alarm has a threshold
    return "optional" not in alarm or _number(alarm["threshold"], settings) != 0


def _alarm(alarm: MonitoringSpecV2Alarm, settings: Mapping[str, float]) -> Alarm:
    """Return an alarm of the document as a value."""
    notify = alarm.get("notify", "people")
    runbook = tuple(alarm["runbook"])
    if "rule" in alarm:
        # mypy has another type for the tree; both are generated from what the schema says
        rule: Any = alarm["rule"]
        return Alarm(
            name=alarm["name"],
            title=alarm["title"],
            severity=alarm["severity"],
            runbook=runbook,
            notify=notify,
            rule=rule,
        )
    queries = [
        (name, Query(query["metric"], query["statistic"]))
        for name, query in alarm.get("metrics", {}).items()
    ]
    expression: Any = alarm.get("expression")
    return Alarm(
        name=alarm["name"],
        title=alarm["title"],
        severity=alarm["severity"],
        runbook=runbook,
        notify=notify,
        query=Query(alarm["metric"], alarm["statistic"]) if "metric" in alarm else None,
        expression=expression,
        queries=tuple(queries),
        period=alarm["period"],
        evaluation_periods=alarm["evaluation_periods"],
        datapoints_to_alarm=alarm["datapoints_to_alarm"],
        comparison=alarm["comparison"],
        threshold=_number(alarm["threshold"], settings),
        missing_data=alarm["missing_data"],
    )


def _widget(
    widget: MonitoringSpecV2Widget, features: Collection[str], settings: Mapping[str, float]
) -> Widget:
    """Return a panel of the document as a value."""
    metrics: list[str] = []
    for metric in widget["metrics"]:
        metrics += [name for name, _ in _expanded(metric, features)]
    threshold = None
    if "threshold" in widget:
        threshold = _number(widget["threshold"], settings)
    return Widget(widget["title"], tuple(metrics), tuple(widget["statistics"]), threshold)
