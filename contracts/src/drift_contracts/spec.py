"""The monitoring specification, typed: metrics, alarms with their thresholds resolved, dashboard widgets."""

from __future__ import annotations

from drift_contracts import documents
from drift_contracts.errors import ContractError, UnknownName
from drift_contracts.keywords import violations
from drift_contracts.records import Record
from drift_contracts.spec_rules import broken_rules

TYPE_CHECKING = False
if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from typing import Any, Literal

    from drift_contracts.features import FeatureSet

CONTRACT = "monitoring.spec.v1"


class Metric(Record):
    """A metric that one of the services writes; `feature` names the feature that it is the value of."""

    name: str
    unit: str
    source: Literal["predictor", "monitor", "probe"]
    description: str
    feature: str | None = None


class Query(Record):
    """A statistic of a metric, as an alarm reads it."""

    metric: str
    statistic: str


class Alarm(Record):
    """An alarm of one stack: on `query`, on `expression` over `queries`, or by `rule` over other alarms.

    tells: who hears of it. Periods are in seconds. A rule has no datapoints of its own: its numbers stay zero, its
    texts empty.
    """

    name: str
    title: str
    severity: Literal["low", "medium", "high"]
    next: tuple[str, ...]
    tells: Literal["people", "pager", "nobody"] = "people"
    query: Query | None = None
    expression: str | None = None
    queries: tuple[tuple[str, Query], ...] = ()
    rule: str | None = None
    period: int = 0
    evaluation_periods: int = 0
    datapoints_to_alarm: int = 0
    comparison: str = ""
    threshold: float = 0.0
    missing_data: str = ""


class Widget(Record):
    """A panel of a dashboard: `statistics` of each of `metrics`, and a line at `threshold`."""

    title: str
    metrics: tuple[str, ...]
    statistics: tuple[str, ...]
    threshold: float | None = None


class Setting(Record):
    """A number that a stack may choose."""

    name: str
    default: float
    description: str
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
    document: Mapping[str, Any]

    @classmethod
    def load(cls, path: str | os.PathLike[str] | None = None) -> MonitoringSpec:
        """The spec in a file, or the one that ships. Raises OSError, NotJson or ContractError."""
        shipped = documents.find("monitoring spec", "spec", documents.folder("monitoring"))
        return cls.from_json(documents.read(shipped if path is None else path), None if path is None else str(path))

    @classmethod
    def from_json(cls, document: Any, source: str | None = None) -> MonitoringSpec:
        """The spec in a parsed document. Raises ContractError with every violation."""
        found = list(violations(documents.schema(CONTRACT), document)) or list(broken_rules(document))
        if found:
            raise ContractError(CONTRACT, found, source)
        settings = (
            Setting(name, facts["default"], facts["description"], facts.get("stacks", {}))
            for name, facts in document["settings"].items()
        )
        return cls(document["namespace"], tuple(document["dimensions"]), tuple(settings), document)

    def metrics_for(self, feature_set: FeatureSet, source: str | None = None) -> tuple[Metric, ...]:
        """The metrics of one model, one a feature where the spec says so; `source` keeps one service's."""
        return tuple(
            Metric(name, item["unit"], item["from"], item["description"], feature)
            for item in self.document["metrics"]
            if source in (None, item["from"])
            for name, feature in _expanded(item["name"], feature_set)
        )

    def settings_for(self, stack: str, chosen: Mapping[str, float] | None = None) -> dict[str, float]:
        """The value of every setting in a stack; `chosen` values win. Raises UnknownName for others."""
        values = {setting.name: setting.stacks.get(stack, setting.default) for setting in self.settings}
        for name, value in (chosen or {}).items():
            if name not in values:
                raise UnknownName("setting", name, list(values))
            values[name] = value
        return values

    def alarms_for(self, stack: str, chosen: Mapping[str, float] | None = None) -> tuple[Alarm, ...]:
        """The alarms of a stack, thresholds resolved; `chosen` overrides settings by name."""
        settings = self.settings_for(stack, chosen)
        return tuple(_alarm(item, settings) for item in self.document["alarms"])

    def widgets_for(
        self, feature_set: FeatureSet, stack: str, chosen: Mapping[str, float] | None = None
    ) -> tuple[Widget, ...]:
        """The dashboard of a model in a stack, one metric for each feature where the spec says so."""
        settings = self.settings_for(stack, chosen)
        return tuple(
            Widget(
                title=item["title"],
                metrics=tuple(name for metric in item["metrics"] for name, _ in _expanded(metric, feature_set)),
                statistics=tuple(item["statistics"]),
                threshold=_number(item["threshold"], settings) if "threshold" in item else None,
            )
            for item in self.document["dashboard"]
        )


def _expanded(name: str, feature_set: FeatureSet) -> list[tuple[str, str | None]]:
    if "{feature}" not in name:
        return [(name, None)]
    return [(name.replace("{feature}", feature), feature) for feature in feature_set.names]


def _number(threshold: Any, settings: Mapping[str, float]) -> float:
    number: float = settings[threshold["setting"]] if isinstance(threshold, dict) else threshold
    return number


def _alarm(item: dict[str, Any], settings: Mapping[str, float]) -> Alarm:
    common = {name: item[name] for name in ("name", "title", "severity")} | {"next": tuple(item["next"])}
    common["tells"] = item.get("tells", "people")
    if "rule" in item:
        return Alarm(**common, rule=item["rule"])
    return Alarm(
        **common,
        query=Query(item["metric"], item["statistic"]) if "metric" in item else None,
        expression=item.get("expression"),
        queries=tuple((name, Query(**query)) for name, query in item.get("metrics", {}).items()),
        period=item["period"],
        evaluation_periods=item["evaluation_periods"],
        datapoints_to_alarm=item["datapoints_to_alarm"],
        comparison=item["comparison"],
        threshold=_number(item["threshold"], settings),
        missing_data=item["missing_data"],
    )
