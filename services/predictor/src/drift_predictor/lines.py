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
COUNTS = ("Errors", "Rejected", "LinesLost", "Synthetic")


class SpecNotMet(DriftError):
    """The monitoring spec asks the predictor for a metric or a dimension that it has no value for."""


class LineTemplates:
    """Everything of a model's lines that does not change from request to request."""

    __slots__ = ("_dimensions", "_features", "_head", "_measures", "_synthetic", "_template", "_units", "_version")

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
        self._template = self._event_template(self._features)
        self._synthetic = self._synthetic_template()

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
            template = self._event_template(there)
            metric_texts = [text for text in metric_texts if text is not None]
        else:
            template = self._template
        return template % (milliseconds, prediction, score, latency / 1e6, *metric_texts, *facts)

    def synthetic(
        self,
        milliseconds: int,
        prediction: str,
        score: str,
        latency: int,
        _metric_texts: Sequence[str | None],
        facts: tuple[str, str, str, str],
    ) -> str:
        """The line of a prediction that no user asked for: it counts as such, and measures nothing else."""
        return self._synthetic % (milliseconds, prediction, score, latency / 1e6, *facts)

    def count(self, milliseconds: int, counts: Mapping[str, int], facts: Mapping[str, Any]) -> str:
        """A line that counts, with facts for people beside the metrics."""
        directive = self._directive([(name, self._units[name]) for name in counts if name in self._units])
        envelope = {"_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": [directive]}}
        return json.dumps({**envelope, **self._dimensions, **counts, **facts}, separators=(",", ":"))

    def _directive(self, metrics: Sequence[tuple[str, str]]) -> dict[str, Any]:
        namespace, dimensions = self._head
        listed = [{"Name": name} if unit == "None" else {"Name": name, "Unit": unit} for name, unit in metrics]
        return {"Namespace": namespace, "Dimensions": [list(dimensions)], "Metrics": listed}

    def _event_template(self, features: Sequence[Metric]) -> str:
        directive = self._directive([(one.name, one.unit) for one in (*self._measures, *features)])
        return self._line_template(directive, "".join(f',"{one.name}":%s' for one in features))

    def _synthetic_template(self) -> str:
        return self._line_template(self._directive([("Synthetic", self._units.get("Synthetic", "None"))]), ',"Synthetic":1')

    def _line_template(self, directive: Mapping[str, Any], values: str) -> str:
        start = f'{{"_aws":{{"Timestamp":%d,"CloudWatchMetrics":[{_constant(directive)}]}},"contract":"{EVENT}"'
        dimensions = "".join(f",{_constant(name)}:{_constant(text)}" for name, text in self._dimensions.items())
        measures = ',"Prediction":%s,"DriftScore":%s,"Latency":%.3f'
        end = f',"timestamp":"%s","prediction_id":"%s","model_version":{_constant(self._version)}'
        return start + dimensions + measures + values + end + ',"features":%s,"drift":%s}'


def _constant(value: object) -> str:
    """JSON that may stand in a template."""
    return json.dumps(value, separators=(",", ":")).replace("%", "%%")
