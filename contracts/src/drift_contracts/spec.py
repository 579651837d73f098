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

    from drift_contracts.alarm_language import Expression, Rule
    from drift_contracts.features import FeatureSet

CONTRACT = "monitoring.spec.v2"
OLD_CONTRACT = "monitoring.spec.v1"


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

    notify: who is notified. Periods are in seconds. A rule has no datapoints of its own: its numbers stay zero, its
    texts empty. Rules and expressions are trees of `alarm_language`.
    """

    name: str
    title: str
    severity: Literal["low", "medium", "high"]
    runbook: tuple[str, ...]
    notify: Literal["people", "pager", "nobody"] = "people"
    query: Query | None = None
    expression: Expression | None = None
    queries: tuple[tuple[str, Query], ...] = ()
    rule: Rule | None = None
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
        """The spec in a parsed document of version 2, or of version 1, which is upgraded.

        Raises ContractError with every violation.
        """
        if isinstance(document, dict) and document.get("contract") == OLD_CONTRACT:
            document = _upgraded(document, source)
        faults = list(violations(documents.schema(CONTRACT), document)) or list(broken_rules(document))
        if faults:
            raise ContractError(CONTRACT, faults, source)
        settings = (
            Setting(name, facts["default"], facts["description"], facts.get("stacks", {}))
            for name, facts in document["settings"].items()
        )
        return cls(document["namespace"], tuple(document["dimensions"]), tuple(settings), document)

    def metrics_for(self, feature_set: FeatureSet, source: str | None = None) -> tuple[Metric, ...]:
        """The metrics of one model, one a feature where the spec says so; `source` keeps one service's."""
        return tuple(
            Metric(name, item["unit"], item["source"], item["description"], feature)
            for item in self.document["metrics"]
            if source in (None, item["source"])
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


def _upgraded(document: dict[str, Any], source: str | None) -> dict[str, Any]:
    """Return a document of version 1 as version 2. Raises ContractError."""
    # the spec that ships is of version 2, so a cold start never needs the old grammar
    from drift_contracts import spec_v1  # noqa: PLC0415 - as the line above says

    faults = list(violations(documents.schema(OLD_CONTRACT), document)) or list(spec_v1.broken_rules(document))
    if faults:
        raise ContractError(OLD_CONTRACT, faults, source)
    return spec_v1.upgraded(document)[0]


def _expanded(name: str, feature_set: FeatureSet) -> list[tuple[str, str | None]]:
    if "{feature}" not in name:
        return [(name, None)]
    return [(name.replace("{feature}", feature), feature) for feature in feature_set.names]


def _number(threshold: Any, settings: Mapping[str, float]) -> float:
    number: float = settings[threshold["setting"]] if isinstance(threshold, dict) else threshold
    return number


def _alarm(item: dict[str, Any], settings: Mapping[str, float]) -> Alarm:
    common = {name: item[name] for name in ("name", "title", "severity")}
    common |= {"runbook": tuple(item["runbook"]), "notify": item.get("notify", "people")}
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
