"""The monitoring spec and the bundles, made into what the console watches and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from drift_contracts import MonitoringSpec

from drift_console.alarms import Alarm, CompositeAlarm, MetricAlarm
from drift_console.state import ModelView
from drift_console.suites import shipped_suites

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import Alarm as Declared
    from drift_engine.bundle import Bundle

    from drift_console.alarms.states import MissingData
    from drift_console.settings import Settings

DRIFT_THRESHOLD = "drift_threshold"


class Specification:
    """The monitoring spec, resolved for one console's stack, threshold and scale."""

    def __init__(self, settings: Settings, spec: MonitoringSpec | None = None) -> None:
        self.document = spec = spec or MonitoringSpec.load()
        chosen = {DRIFT_THRESHOLD: settings.threshold} if settings.threshold else {}
        self.namespace = spec.namespace
        self.threshold = float(spec.settings_for(settings.stack, chosen)[DRIFT_THRESHOLD])
        self.alarms = tuple(_alarm(one, settings.scale) for one in spec.alarms_for(settings.stack, chosen))

    def models_of(self, bundles: Mapping[str, Bundle]) -> dict[str, ModelView]:
        """What the console shows of each model."""
        suites = shipped_suites()
        return {
            name: ModelView.of(bundle.feature_set, bundle.baseline, bundle.manifest, self.alarms, suites.get(name))
            for name, bundle in bundles.items()
        }


def _alarm(declared: Declared, scale: int) -> Alarm:
    common: dict[str, Any] = {
        name: getattr(declared, name) for name in ("name", "title", "severity", "runbook", "notify")
    }
    if declared.rule is not None:
        return CompositeAlarm(**common, rule=declared.rule)
    queries = dict(declared.queries) if declared.query is None else {"value": declared.query}
    return MetricAlarm(
        **common,
        inputs={name: (query.metric, query.statistic) for name, query in queries.items()},
        period=max(1, declared.period // scale),
        evaluation_periods=declared.evaluation_periods,
        datapoints_to_alarm=declared.datapoints_to_alarm,
        comparison=declared.comparison,
        threshold=declared.threshold,
        missing_data=cast("MissingData", declared.missing_data),
        expression=declared.expression,
    )
