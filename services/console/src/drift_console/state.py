"""The document that the page shows: a model's traffic, drift, features, alarms and predictions."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from drift_contracts.alarm_language import expression_text, rule_text
from drift_contracts.spec import METRIC_FEATURES
from drift_contracts.spec import metric_features as choose_metric_features
from drift_contracts.timestamps import utc_text_of_seconds
from drift_contracts.wording import spoken_unit
from drift_engine.scale import FARTHEST, usable_std
from drift_ml.baseline import PREDICTION
from drift_ml.display_bins import display_bins

from drift_console.alarm_evaluator import AlarmState, alarm_states, history
from drift_console.alarms import Alarm, CompositeAlarm, MetricAlarm, State
from drift_console.events import EventStore
from drift_console.frame import Frame
from drift_console.levels import drawn_levels
from drift_console.metrics import MetricStore, Summary
from drift_console.stack_metrics import StackMetrics, bucket_values

if TYPE_CHECKING:
    import sqlite3
    from collections.abc import Mapping, Sequence

    from drift_contracts import FeatureSet, Target
    from drift_contracts.events import PredictionEvent
    from drift_contracts.types import (
        BaselineV1,
        BaselineV1Summary,
        BaselineV2,
        BundleManifestV1,
        BundleManifestV2,
        BundleManifestV2CalibrationItem,
        BundleManifestV2Score,
        PredictionEventV2,
    )
    from drift_ml.display_bins import DisplayBin, DisplayBins

    from drift_console.alarm_evaluator import PastChange
    from drift_console.histogram import Distribution
    from drift_console.monitoring import EvidenceReader
    from drift_console.page_types import (
        AlarmEntry,
        AnswersEntry,
        EvidenceDocument,
        FeatureEntry,
        HistoryEntry,
        LiveFeature,
        ModelCard,
        RecentPrediction,
        ScenarioEntry,
        StateDocument,
        Totals,
        TrafficSeries,
    )
    from drift_console.suites import Suite

#: The metric that a model's number is counted in.
PREDICTION_METRIC = "Prediction"
#: Predictions that the page lists.
RECENT = 50
#: Features whose importance the card lists.
MOST_IMPORTANT = 20
NOT_EVALUATED = "not evaluated yet"
#: Features of a finding that are named: the two of a pair.
MOST_NAMED = 2


@dataclass(frozen=True)
class ModelView:
    """What the console shows of a model before any traffic."""

    name: str
    feature_set: FeatureSet
    baseline: BaselineV1 | BaselineV2
    card: ModelCard
    alarms: Sequence[Alarm]
    #: None for a model without scenarios.
    suite: Suite | None
    #: By feature.
    bins: Mapping[str, DisplayBins]
    #: Of a classifier's score on the held-out rows; None where there is none.
    score_bins: DisplayBins | None = None
    #: Of a classifier on the held-out rows.
    calibration: Sequence[BundleManifestV2CalibrationItem] = ()
    #: Names of the features that have metrics, and so a place on the page.
    measured: tuple[str, ...] = ()

    @classmethod
    def of(
        cls,
        feature_set: FeatureSet,
        baseline: BaselineV1 | BaselineV2,
        manifest: BundleManifestV1 | BundleManifestV2,
        *,
        alarms: Sequence[Alarm],
        suite: Suite | None,
        metric_features: int = METRIC_FEATURES,
    ) -> ModelView:
        """Return the view of a model.

        Args:
            feature_set: Of the model's bundle.
            baseline: Of the model's bundle.
            manifest: Of the model's bundle, of either version.
            alarms: Those of the stack.
            suite: The model's scenarios, if there are any.
            metric_features: Features that have metrics, at most.
        """
        channels = {channel["name"]: channel for channel in baseline["channels"]}
        bins = {}
        for name in feature_set.names:
            bins[name] = display_bins(channels[name], baseline["features"][name])
        # Any: a baseline of the first version has no importances.
        document: Any = baseline
        importances = document.get("importances", {})
        return cls(
            feature_set.name,
            feature_set,
            baseline,
            _card(manifest),
            alarms,
            suite,
            bins,
            _score_bins(baseline) if feature_set.target.is_class else None,
            _calibration(baseline, manifest),
            choose_metric_features(feature_set, importances, metric_features),
        )


def _score_bins(baseline: BaselineV1 | BaselineV2) -> DisplayBins | None:
    """Return the bins that a classifier's score is drawn in."""
    for channel in baseline["channels"]:
        if channel["of"] == [PREDICTION] and channel["name"].endswith("score"):
            return display_bins(channel, baseline["prediction"])
    return None


def _calibration(
    baseline: BaselineV1 | BaselineV2,
    manifest: BundleManifestV1 | BundleManifestV2,
) -> Sequence[BundleManifestV2CalibrationItem]:
    """Return the calibration on the held-out rows, whichever document has it."""
    listed = cast("BundleManifestV2", manifest).get("calibration")
    return listed or cast("BundleManifestV2", baseline).get("calibration", ())


def _card(manifest: BundleManifestV1 | BundleManifestV2) -> ModelCard:
    second = cast("BundleManifestV2", manifest)
    card: ModelCard = {
        "model_version": manifest["model_version"],
        "estimator": manifest["estimator"],
        "training": manifest["training"],
        "scores": manifest["scores"],
        "feature_set": manifest["feature_set"],
        "rows": manifest["training"]["rows"],
        # A manifest of the first version has no word on warnings, which is not to say none.
        "warnings": second.get("warnings"),
    }
    if "exactness" in second:
        card["exactness"] = second["exactness"]
    if "class_scores" in second:
        card["class_scores"] = second["class_scores"]
    if "held_out" in second:
        card["held_out"] = second["held_out"]
    if "importances" in second:
        card["importances"] = _largest(second["importances"])
    return card


def _largest(importances: Mapping[str, BundleManifestV2Score]) -> dict[str, BundleManifestV2Score]:
    """Return the importances that the card lists, the largest first."""
    ranked = sorted(importances, key=lambda name: -(importances[name]["value"] or 0.0))
    return {name: importances[name] for name in ranked[:MOST_IMPORTANT]}


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
        """Prepare to read.

        Args:
            connection: Of the console's store, to read.
            namespace: That of the monitoring spec's metrics.
            stack: The stack that is shown.
            threshold: The drift score above which a request counts as drifted.
            fast: Whether every period is divided.
            models: What is shown of each model, by model.
            evidence: Reads what the monitor has decided; without it no evidence is shown.
        """
        self._connection = connection
        self._evidence = evidence
        self._metrics = StackMetrics(MetricStore(connection), namespace, stack)
        self._stack = stack
        self._threshold = threshold
        self._fast = fast
        self._models = models

    def state(self, model: str, minutes: int, now: float) -> StateDocument:
        """Return the document of `GET /console/api/state`.

        Args:
            model: One that is served.
            minutes: The span shown.
            now: Epoch seconds.
        """
        view = self._models[model]
        frame = Frame.ending(now, minutes)
        target = view.feature_set.target
        states = alarm_states(self._connection, model)
        evidence = self._evidence_of(model, frame)
        document: StateDocument = {
            "now": utc_text_of_seconds(now),
            "stack": self._stack,
            "fast": self._fast,
            "model": model,
            "models": sorted(self._models),
            "target": {"name": target.name, "unit": _unit(target)},
            "threshold": self._threshold,
            "totals": self._totals(model, frame),
            "series": self._series(model, frame),
            "features": [self._feature(view, name, frame) for name in _shown(view, evidence)],
            "alarms": [_alarm_entry(alarm, states.get(alarm.name)) for alarm in view.alarms],
            "history": [_history_entry(change) for change in history(self._connection, model)],
            "recent": self._recent(model),
            "model_card": view.card,
            "scenarios": _scenario_entries(view.suite),
            "evidence": evidence,
        }
        if target.is_class:
            document["answers"] = self._answers(view, frame)
        return document

    def _answers(self, view: ModelView, frame: Frame) -> AnswersEntry:
        """Return what a classifier answers, over the span and on the held-out rows."""
        target = view.feature_set.target
        positive = target.positive_class
        whose = "the label" if positive is None else positive
        score: FeatureEntry | None = None
        if view.score_bins is not None:
            column = _Column(
                name="score",
                type="number",
                unit="",
                description=f"Probability of {whose}",
                summary=view.baseline["prediction"],
                bins=view.score_bins,
                metric=PREDICTION_METRIC,
            )
            score = self._entry(view.name, column, frame)
        return {
            "classes": list(target.classes),
            "positive": positive,
            "threshold": target.threshold,
            "calibration": list(view.calibration),
            "mix": None if self._evidence is None else self._evidence.class_mix(view.name, frame),
            "score": score,
        }

    def _recent(self, model: str) -> list[RecentPrediction]:
        """Return the newest predictions; an event that breaks its contract is left out."""
        entries = []
        for event in EventStore(self._connection).newest(model, RECENT):
            with suppress(LookupError, TypeError, ValueError, RecursionError):
                entries.append(_recent_entry(event.document()))
        return entries

    def _evidence_of(self, model: str, frame: Frame) -> EvidenceDocument | None:
        if self._evidence is None:
            return None
        summaries = self._metrics.summaries(model, "Evidence", frame)
        return self._evidence.document(model, frame, summaries)

    def _totals(self, model: str, frame: Frame) -> Totals:
        drift = self._metrics.whole(model, "DriftScore", frame)
        return {
            "predictions": drift.count if drift else 0,
            "drifted": drift.above(self._threshold) if drift else 0,
            "errors": self._sum(model, "Errors", frame),
            "rejected": self._sum(model, "Rejected", frame),
        }

    def _sum(self, model: str, metric: str, frame: Frame) -> int:
        summaries = self._metrics.summaries(model, metric, frame)
        return round(sum(summary.total for summary in summaries if summary))

    def _series(self, model: str, frame: Frame) -> TrafficSeries:
        drift = self._metrics.summaries(model, "DriftScore", frame)
        prediction = self._metrics.distributions(model, PREDICTION_METRIC, frame)
        counts = bucket_values(drift, lambda bucket: bucket.count)
        return {
            "bucket_seconds": frame.width,
            "times": frame.times,
            "count": [int(count or 0) for count in counts],
            "prediction": {
                "average": bucket_values(prediction, lambda bucket: bucket.total / bucket.count),
                "p10": bucket_values(prediction, lambda bucket: bucket.percentile(10)),
                "p90": bucket_values(prediction, lambda bucket: bucket.percentile(90)),
            },
            "drift_score": {
                "average": bucket_values(drift, _average),
                "maximum": bucket_values(drift, lambda bucket: bucket.maximum),
            },
        }

    def _feature(self, view: ModelView, name: str, frame: Frame) -> FeatureEntry:
        feature = view.feature_set[name]
        column = _Column(
            name=name,
            type=feature.type,
            unit=spoken_unit(feature.unit),
            description=feature.description,
            summary=view.baseline["features"][name],
            bins=view.bins[name],
            metric=f"Feature_{name}",
        )
        return self._entry(view.name, column, frame)

    def _entry(self, model: str, column: _Column, frame: Frame) -> FeatureEntry:
        """Return a column in the baseline and live.

        Args:
            model: Whose metric is read.
            column: What it is.
            frame: The span shown.
        """
        summary = column.summary
        live = self._metrics.whole(model, column.metric, frame)
        averages = self._metrics.summaries(model, column.metric, frame)
        bins, live_feature = column.bins.to_json(), _live_feature(live, summary, column.bins)
        if column.type == "category":
            bins, live_feature["share"] = _drawn(bins, live_feature["share"])
        return {
            "name": column.name,
            "type": column.type,
            "unit": column.unit,
            "description": column.description,
            "baseline": {
                "mean": summary.get("mean"),
                "std": summary.get("std"),
                "min": summary.get("min"),
                "max": summary.get("max"),
                "bins": bins,
            },
            "live": live_feature,
            "series": {"average": bucket_values(averages, _average)},
        }


@dataclass(frozen=True)
class _Column:
    """A feature, or the score, with the metric that it is counted in."""

    name: str
    type: str
    unit: str
    description: str
    summary: BaselineV1Summary
    bins: DisplayBins
    metric: str


def _drawn(
    bins: list[DisplayBin],
    live: list[float],
) -> tuple[list[DisplayBin], list[float]]:
    """Return the bins of a category that are drawn, and the live shares in them."""
    names, (shares, live) = drawn_levels(
        [entry["label"] for entry in bins], ([entry["share"] for entry in bins], live)
    )
    if len(names) == len(bins):
        return bins, live
    drawn: list[DisplayBin] = []
    for name, share in zip(names, shares, strict=True):
        drawn.append({"label": name, "low": None, "high": None, "share": share})
    return drawn, live


def _shown(view: ModelView, evidence: EvidenceDocument | None) -> list[str]:
    """Return the features that have a place on the page, in the model's order.

    They are those that have metrics, and those that the evidence names.
    """
    shown = {*view.measured}
    if evidence is not None:
        findings = [*evidence["standing"]]
        if evidence["finding"] is not None:
            findings.append(evidence["finding"])
        for finding in findings:
            # Of all features together none is meant.
            if len(finding["of"]) <= MOST_NAMED:
                shown.update(finding["of"])
    return [name for name in view.feature_set.names if name in shown]


def _unit(target: Target) -> str:
    """Return the unit of the numbers that are answered; "" of a classifier's."""
    if target.is_class:
        return ""
    # Of several outputs the first one is the prediction.
    return spoken_unit(target.outputs[0].unit if target.outputs else target.unit)


def _average(summary: Summary) -> float:
    return summary.average


def _live_feature(
    live: Distribution | None,
    summary: BaselineV1Summary,
    bins: DisplayBins,
) -> LiveFeature:
    """Return a feature's figures over the span, held against the baseline's."""
    if live is None:
        share = [0.0] * len(bins.labels)
        return {"count": 0, "mean": None, "z": None, "mean_abs_z": None, "share": share}
    mean = live.total / live.count
    z: float | None = None
    mean_abs_z: float | None = None
    center = summary.get("mean")
    std = usable_std(summary.get("std"), summary.get("min"), summary.get("max"))
    if center is not None and std:
        # Held as in answers: one absurd value must not make a mean of millions.
        z = max(-FARTHEST, min((mean - center) / std, FARTHEST))
        sizes = np.minimum(abs(live.values - center) / std, FARTHEST)
        mean_abs_z = float(sizes @ live.counts) / live.count
    return {
        "count": live.count,
        # A mean of places in a list of categories says nothing.
        "mean": None if center is None else mean,
        "z": z,
        "mean_abs_z": mean_abs_z,
        "share": live.shares(bins.edges),
    }


def _alarm_entry(alarm: Alarm, state: AlarmState | None) -> AlarmEntry:
    entry: AlarmEntry = {
        "name": alarm.name,
        "title": alarm.title,
        "severity": alarm.severity,
        "state": State.INSUFFICIENT_DATA.value,
        "since": None,
        "reason": NOT_EVALUATED,
        "next": list(alarm.runbook),
        "threshold": None,
        "comparison": None,
        "statistic": None,
        "metric": None,
        "period": None,
        "evaluation_periods": None,
        "datapoints_to_alarm": None,
        "rule": None,
    }
    if state is not None:
        entry["state"] = state.state.value
        entry["since"] = utc_text_of_seconds(state.since)
        entry["reason"] = state.reason
    if isinstance(alarm, CompositeAlarm):
        entry["rule"] = rule_text(alarm.rule)
    if isinstance(alarm, MetricAlarm):
        _add_metric_facts(entry, alarm)
    return entry


def _add_metric_facts(entry: AlarmEntry, alarm: MetricAlarm) -> None:
    entry["threshold"] = alarm.threshold
    entry["comparison"] = alarm.comparison
    entry["period"] = alarm.period
    entry["evaluation_periods"] = alarm.evaluation_periods
    entry["datapoints_to_alarm"] = alarm.datapoints_to_alarm
    if alarm.expression is not None:
        entry["metric"] = expression_text(alarm.expression)
        return
    query = next(iter(alarm.inputs.values()))
    entry["metric"] = query.metric
    entry["statistic"] = query.statistic


def _history_entry(change: PastChange) -> HistoryEntry:
    return {
        "timestamp": utc_text_of_seconds(change.at),
        "alarm": change.alarm,
        "from": change.before,
        "to": change.after,
        "reason": change.reason,
    }


def _scenario_entries(suite: Suite | None) -> list[ScenarioEntry]:
    if suite is None:
        return []
    entries: list[ScenarioEntry] = []
    for scenario in suite.scenarios:
        requests = len(scenario.requests)
        entries.append({"name": scenario.name, "title": scenario.title, "requests": requests})
    return entries


def _recent_entry(event: PredictionEvent) -> RecentPrediction:
    entry: RecentPrediction = {
        "timestamp": event["timestamp"],
        "prediction_id": event["prediction_id"],
        "prediction": event["Prediction"],
        "drift_score": event["DriftScore"],
        "severity": event["drift"]["severity"],
        "drifted": event["drift"]["drifted"],
        "features": event["features"],
    }
    # Of classifiers alone.
    scored = cast("PredictionEventV2", event)
    label = scored.get("label")
    if label is not None:
        entry["label"] = label
        entry["probabilities"] = scored.get("probabilities", {})
    # Of models of several outputs alone.
    predictions = scored.get("predictions")
    if predictions is not None:
        entry["predictions"] = predictions
    return entry
