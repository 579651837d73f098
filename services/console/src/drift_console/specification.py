"""The monitoring spec and the bundles, made into what the console watches and shows."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from drift_contracts import MonitoringSpec

from drift_console.alarms import CompositeAlarm, MetricAlarm
from drift_console.state import ModelView
from drift_console.suites import shipped_suites

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_contracts import Alarm as DeclaredAlarm
    from drift_engine.bundle import Bundle

    from drift_console.alarms import Alarm
    from drift_console.alarms.states import MissingData
    from drift_console.settings import Settings

#: The setting of the spec that `--threshold` replaces.
DRIFT_THRESHOLD = "drift_threshold"
#: The setting that `--psi-alarm` replaces.
PSI_ALARM = "psi_alarm"


class Specification:
    """The monitoring spec, resolved for one console's stack, threshold and scale."""

    def __init__(self, settings: Settings, spec: MonitoringSpec | None = None) -> None:
        """Resolve the spec.

        Args:
            settings: Name the stack, the threshold and the scale.
            spec: The one that ships if absent.
        """
        self.document = spec or MonitoringSpec.load()
        chosen = {}
        self._metric_features = settings.metric_features
        if settings.threshold:
            chosen[DRIFT_THRESHOLD] = settings.threshold
        if settings.psi_alarm is not None:
            chosen[PSI_ALARM] = settings.psi_alarm
        resolved = self.document.settings_for(settings.stack, chosen)
        declared = self.document.alarms_for(settings.stack, chosen)
        self.namespace = self.document.namespace
        #: The drift score above which a request counts as drifted.
        self.threshold = float(resolved[DRIFT_THRESHOLD])
        self.alarms = tuple(_alarm(alarm, settings.scale) for alarm in declared)

    def models_of(self, bundles: Mapping[str, Bundle]) -> dict[str, ModelView]:
        """Return what the console shows of each model, by model."""
        suites = shipped_suites()
        views = {}
        for name, bundle in bundles.items():
            views[name] = ModelView.of(
                bundle.feature_set,
                bundle.baseline,
                bundle.manifest,
                alarms=self.alarms,
                suite=suites.get(name),
                metric_features=self._metric_features,
            )
        return views


def _alarm(declared: DeclaredAlarm, scale: int) -> Alarm:
    """Return an alarm of the spec, its period divided by the scale."""
    if declared.rule is not None:
        return CompositeAlarm(
            name=declared.name,
            title=declared.title,
            severity=declared.severity,
            runbook=declared.runbook,
            notify=declared.notify,
            rule=declared.rule,
        )
    queries = dict(declared.queries)
    if declared.query is not None:
        # Without an expression nothing refers to the only input by its name.
        queries = {"value": declared.query}
    return MetricAlarm(
        name=declared.name,
        title=declared.title,
        severity=declared.severity,
        runbook=declared.runbook,
        notify=declared.notify,
        inputs=queries,
        period=max(1, declared.period // scale),
        evaluation_periods=declared.evaluation_periods,
        datapoints_to_alarm=declared.datapoints_to_alarm,
        comparison=declared.comparison,
        threshold=declared.threshold,
        # The spec's schema has checked that it is one of them.
        missing_data=cast("MissingData", declared.missing_data),
        expression=declared.expression,
    )
