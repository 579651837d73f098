"""The lines that a model writes: prediction events and counts, each a CloudWatch metric record (EMF) as well.

Names, units and dimensions come from the monitoring spec. Source: "Specification: Embedded metric format" in the
CloudWatch User Guide.
"""

from __future__ import annotations

import json

from drift_contracts import DriftError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from drift_contracts import FeatureSet, Metric, MonitoringSpec

EVENT = "prediction.event.v1"
MEASURES = ("Prediction", "DriftScore", "Latency")
COUNTS = ("Errors", "Rejected", "LinesLost", "Synthetic", "SyntheticRefused")


class SpecNotMet(DriftError):
    """The monitoring spec asks the predictor for a metric or a dimension that it has no value for."""


class LineTemplates:
    """Everything of a model's lines that does not change from request to request."""

    __slots__ = ("_dimensions", "_features", "_head", "_measures", "_parts", "_units", "_version")

    def __init__(self, spec: MonitoringSpec, feature_set: FeatureSet, stack: str, model_version: str) -> None:
        metrics = spec.metrics_for(feature_set, "predictor")
        unknown = [one.name for one in metrics if not (one.feature or one.name in MEASURES or one.name in COUNTS)]
        values = {"Stack": stack, "Model": feature_set.name}
        unknown += [name for name in spec.dimensions if name not in values]
        if unknown:
            known = ", ".join((*MEASURES, *COUNTS, *values))
            raise SpecNotMet(f"monitoring spec: expected the predictor's metrics and dimensions to be of {known}")
        self._head = (spec.namespace, spec.dimensions)
        self._dimensions = {name: values[name] for name in spec.dimensions}
        self._units = {one.name: one.unit for one in metrics}
        self._measures = [one for one in metrics if one.name in MEASURES]
        self._features = [one for one in metrics if one.feature]
        self._version = model_version
        self._parts = self._event_parts(self._features)

    def event(
        self,
        milliseconds: int,
        prediction: str,
        score: str,
        latency: int,
        metric_texts: Sequence[str | None],
        facts: tuple[str, str, str, str],
    ) -> str:
        """One prediction's line.

        prediction, score: JSON. latency: nanoseconds. metric_texts: JSON per declared feature metric, None for a
        feature that is null (its metric is left out). facts: timestamp, id, and the JSON of features and drift.
        """
        if None in metric_texts:
            there = [one for one, text in zip(self._features, metric_texts, strict=True) if text is not None]
            parts = self._event_parts(there)
        else:
            parts = self._parts.copy()
        metrics = filter(None, metric_texts)
        parts[1::2] = (repr(milliseconds), prediction, score, f"{latency / 1e6:.3f}", *metrics, *facts)
        return "".join(parts)

    def count(self, milliseconds: int, counts: Mapping[str, int], facts: Mapping[str, Any]) -> str:
        """A line that counts, with facts for people beside the metrics."""
        directive = self._directive([(name, self._units[name]) for name in counts if name in self._units])
        envelope = {"_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}}
        return json.dumps({**envelope, **self._dimensions, **counts, **facts}, separators=(",", ":"))

    def _directive(self, metrics: Sequence[tuple[str, str]]) -> dict[str, Any]:
        namespace, dimensions = self._head
        listed = [{"Name": name} if unit == "None" else {"Name": name, "Unit": unit} for name, unit in metrics]
        return {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}

    def _event_parts(self, features: Sequence[Metric]) -> list[str]:
        """An event's JSON in parts: every second one is empty, for a value; a % template takes twice as long."""
        directive = self._directive([(one.name, one.unit) for one in (*self._measures, *features)])
        dimensions = "".join(f",{_json(name)}:{_json(text)}" for name, text in self._dimensions.items())
        constants = (
            '{"_aws":{"Timestamp":',
            f',"CloudWatchMetrics":[{_json(directive)}]}},"contract":"{EVENT}"{dimensions},"Prediction":',
            ',"DriftScore":',
            ',"Latency":',
            *(f',"{one.name}":' for one in features),
            ',"timestamp":"',
            '","prediction_id":"',
            f'","model_version":{_json(self._version)},"features":',
            ',"drift":',
            "}",
        )
        parts = [""] * (2 * len(constants) - 1)
        parts[::2] = constants
        return parts


def _json(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))
