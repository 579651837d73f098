"""The document that the page shows: one model's traffic, drift, features, alarms and recent predictions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts.alarm_language import expression_text, rule_text
from drift_engine.scale import FARTHEST, usable_std
from drift_ml.display_bins import DisplayBins, display_bins

from drift_console.alarms import Alarm, CompositeAlarm, MetricAlarm, State
from drift_console.alerts import iso
from drift_console.emf import Series, series
from drift_console.events import EventStore
from drift_console.frame import Frame
from drift_console.metrics import MetricStore, Summary
from drift_console.watch import Standing, history, standings

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from drift_contracts import FeatureSet

    from drift_console.histogram import Distribution
    from drift_console.monitoring import EvidenceReader
    from drift_console.suites import Suite

RECENT = 50


@dataclass(frozen=True)
class ModelView:
    """What is known of a model before any traffic."""

    name: str
    feature_set: FeatureSet
    baseline: Mapping[str, Any]
    card: Mapping[str, Any]
    alarms: Sequence[Alarm]
    suite: Suite | None
    bins: Mapping[str, DisplayBins]

    @classmethod
    def of(
        cls,
        feature_set: FeatureSet,
        baseline: Mapping[str, Any],
        manifest: Mapping[str, Any],
        alarms: Sequence[Alarm],
        suite: Suite | None,
    ) -> ModelView:
        """From a bundle's parts, the alarms of its stack, and its scenario suite if there is one."""
        card = {
            **{key: manifest[key] for key in ("model_version", "estimator", "training", "scores", "feature_set")},
            "rows": manifest["training"]["rows"],
            # Manifests of the first version have no word on warnings, which is not to say none.
            "warnings": manifest.get("warnings"),
        }
        channels = {channel["name"]: channel for channel in baseline["channels"]}
        bins = {
            feature.name: display_bins(channels[feature.name], baseline["features"][feature.name])
            for feature in feature_set.features
        }
        return cls(feature_set.name, feature_set, baseline, card, alarms, suite, bins)


class StateReader:
    """Builds state documents; used by one thread at a time, with a connection of its own."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        *,
        namespace: str,
        stack: str,
        threshold: float,
        fast: bool,
        models: Mapping[str, ModelView],
        evidence: EvidenceReader | None = None,
    ) -> None:
        self._connection = connection
        self._evidence = evidence
        self._metrics = MetricStore(connection)
        self._namespace = namespace
        self._stack = stack
        self._threshold = threshold
        self._fast = fast
        self._models = models

    def series(self, model: str, metric: str) -> Series:
        """The identity of one of the model's metrics."""
        return series(self._namespace, metric, {"Stack": self._stack, "Model": model})

    def state(self, model: str, minutes: int, now: float) -> dict[str, Any]:
        """The document of `GET /console/api/state`; model: one of the known, now: epoch seconds."""
        view = self._models[model]
        frame = Frame.ending(now, minutes)
        known = standings(self._connection, model)
        return {
            "now": iso(now),
            "stack": self._stack,
            "fast": self._fast,
            "model": model,
            "models": sorted(self._models),
            "target": {"name": view.feature_set.target.name, "unit": view.feature_set.target.unit},
            "threshold": self._threshold,
            "totals": self._totals(model, frame),
            "series": self._series(model, frame),
            "features": [self._feature(view, feature.name, frame) for feature in view.feature_set.features],
            "alarms": [_alarm(alarm, known.get(alarm.name)) for alarm in view.alarms],
            "history": [_entry(row) for row in history(self._connection, model)],
            "recent": self._recent(model),
            "model_card": view.card,
            "scenarios": [
                {"name": one.name, "title": one.title, "requests": len(one.requests)}
                for one in (view.suite.scenarios if view.suite else ())
            ],
            "evidence": self._evidence_of(model, frame),
        }

    def _recent(self, model: str) -> list[dict[str, Any]]:
        """Return the newest predictions; an event that breaks its contract is left out."""
        shown = []
        for event in EventStore(self._connection).newest(model, RECENT):
            with suppress(LookupError, TypeError, ValueError, RecursionError):
                shown.append(_recent(event.document()))
        return shown

    def _evidence_of(self, model: str, frame: Frame) -> dict[str, Any] | None:
        if self._evidence is None:
            return None
        seen = self._metrics.summaries(self.series(model, "Evidence"), frame.start, frame.width, frame.count)
        return self._evidence.document(model, frame, seen)

    def _totals(self, model: str, frame: Frame) -> dict[str, int]:
        drift = self._whole(model, "DriftScore", frame)
        return {
            "predictions": drift.count if drift else 0,
            "drifted": drift.above(self._threshold) if drift else 0,
            "errors": self._sum(model, "Errors", frame),
            "rejected": self._sum(model, "Rejected", frame),
        }

    def _sum(self, model: str, metric: str, frame: Frame) -> int:
        parts = self._metrics.summaries(self.series(model, metric), frame.start, frame.width, frame.count)
        return round(sum(part.total for part in parts if part))

    def _whole(self, model: str, metric: str, frame: Frame) -> Distribution | None:
        """All of the frame, read from minutes: it may begin up to a minute before the first bucket."""
        start = frame.start - frame.start % 60
        minutes = (frame.start + frame.width * frame.count - start + 59) // 60
        return self._metrics.distributions(self.series(model, metric), start, 60 * minutes, 1)[0]

    def _series(self, model: str, frame: Frame) -> dict[str, Any]:
        drift = self._metrics.summaries(self.series(model, "DriftScore"), frame.start, frame.width, frame.count)
        prediction = self._metrics.distributions(
            self.series(model, "Prediction"), frame.start, frame.width, frame.count
        )
        return {
            "bucket_seconds": frame.width,
            "times": [frame.start + index * frame.width for index in range(frame.count)],
            "count": [part.count if part else 0 for part in drift],
            "prediction": {
                "average": [part.total / part.count if part else None for part in prediction],
                "p10": [part.percentile(10) if part else None for part in prediction],
                "p90": [part.percentile(90) if part else None for part in prediction],
            },
            "drift_score": {
                "average": _averages(drift),
                "maximum": [part.maximum if part else None for part in drift],
            },
        }

    def _feature(self, view: ModelView, name: str, frame: Frame) -> dict[str, Any]:
        feature = view.feature_set[name]
        base = view.baseline["features"][name]
        metric = f"Feature_{name}"
        summaries = self._metrics.summaries(self.series(view.name, metric), frame.start, frame.width, frame.count)
        return {
            "name": name,
            "type": feature.type,
            "unit": feature.unit,
            "description": feature.description,
            "baseline": {
                **{key: base.get(key) for key in ("mean", "std", "min", "max")},
                "bins": view.bins[name].to_json(),
            },
            "live": _live(self._whole(view.name, metric, frame), base, view.bins[name]),
            "series": {"average": _averages(summaries)},
        }


def _averages(parts: Sequence[Summary | None]) -> list[float | None]:
    return [part.average if part else None for part in parts]


def _live(seen: Distribution | None, base: Mapping[str, Any], bins: DisplayBins) -> dict[str, Any]:
    if seen is None:
        return {"count": 0, "mean": None, "z": None, "mean_abs_z": None, "share": [0.0] * len(bins.labels)}
    mean = seen.total / seen.count
    center = base.get("mean")
    spread = usable_std(base.get("std"), base.get("min"), base.get("max"))
    z: float | None = None
    mean_abs_z: float | None = None
    if center is not None and spread:
        z = max(-FARTHEST, min((mean - center) / spread, FARTHEST))
        sizes = np.minimum(abs(seen.values - center) / spread, FARTHEST)
        mean_abs_z = float(sizes @ seen.counts) / seen.count
    return {
        "count": seen.count,
        "mean": mean,
        "z": z,
        "mean_abs_z": mean_abs_z,
        "share": seen.shares(bins.edges),
    }


def _alarm(alarm: Alarm, standing: Standing | None) -> dict[str, Any]:
    shown = {
        "name": alarm.name,
        "title": alarm.title,
        "severity": alarm.severity,
        "state": (standing.state if standing else State.INSUFFICIENT_DATA).value,
        "since": iso(standing.since) if standing else None,
        "reason": standing.reason if standing else "not evaluated yet",
        "next": list(alarm.runbook),
        **dict.fromkeys(
            (
                "threshold",
                "comparison",
                "statistic",
                "metric",
                "period",
                "evaluation_periods",
                "datapoints_to_alarm",
                "rule",
            )
        ),
    }
    if isinstance(alarm, CompositeAlarm):
        return {**shown, "rule": rule_text(alarm.rule)}
    if isinstance(alarm, MetricAlarm):
        metric, statistic = next(iter(alarm.inputs.values()))
        return {
            **shown,
            "threshold": alarm.threshold,
            "comparison": alarm.comparison,
            "statistic": statistic if alarm.expression is None else None,
            "metric": metric if alarm.expression is None else expression_text(alarm.expression),
            "period": alarm.period,
            "evaluation_periods": alarm.evaluation_periods,
            "datapoints_to_alarm": alarm.datapoints_to_alarm,
        }
    return shown


def _entry(row: Mapping[str, Any]) -> dict[str, Any]:
    return {"timestamp": iso(row["at"]), **{key: row[key] for key in ("alarm", "from", "to", "reason")}}


def _recent(event: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "timestamp": event["timestamp"],
        "prediction_id": event["prediction_id"],
        "prediction": event["Prediction"],
        "drift_score": event["DriftScore"],
        "severity": event["drift"]["severity"],
        "drifted": event["drift"]["drifted"],
        "features": event["features"],
    }
