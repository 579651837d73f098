"""The lines that a model writes: prediction events and counts, each a metric record as well.

Names, units and dimensions come from the monitoring spec. Source: "Specification: Embedded metric
format" in the CloudWatch User Guide.
"""

from __future__ import annotations

from drift_contracts import DriftError
from drift_contracts.metric_lines import directives, json_text, metric_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from drift_contracts import FeatureSet, Metric, MonitoringSpec
    from drift_contracts.json_types import ReadableJson

    from drift_predictor.values import Answer, Stamp

EVENT = "prediction.event.v1"
MEASURES = ("Prediction", "DriftScore", "Latency")
#: Of two classes: 1 where the label is the positive one, else 0.
POSITIVE = "Positive"
COUNTS = ("Errors", "Rejected", "LinesLost", "Synthetic", "SyntheticRefused")
NS_PER_MS = 1e6
#: Patterns of missing features of which the parts of lines are remembered.
MOST_PATTERNS = 32


class SpecNotMet(DriftError):
    """The monitoring spec asks the predictor for a metric or a dimension that it does not have."""


class LineTemplates:
    """Everything of a model's lines that does not change from request to request."""

    __slots__ = (
        "_dimensions",
        "_features",
        "_measures",
        "_nullable",
        "_parts",
        "_parts_by_gaps",
        "_spec",
        "_units",
        "_version",
        "has_positive",
    )

    #: Of the lines of predictions.
    contract = EVENT

    def __init__(
        self,
        spec: MonitoringSpec,
        feature_set: FeatureSet,
        stack: str,
        model_version: str,
        measured: Collection[str] | None = None,
    ) -> None:
        """Compose the lines of one model.

        Args:
            spec: has the metrics and dimensions.
            feature_set: has the names of the features, and the model's.
            stack: the dimension `Stack`.
            model_version: as the manifest has it.
            measured: names of the features that have metrics; all if None.

        Raises:
            SpecNotMet: the spec asks for what is not measured.
        """
        metrics = spec.metrics_for(feature_set, "predictor", measured)
        values = {"Stack": stack, "Model": feature_set.name}
        _check(spec, metrics, values)
        self._spec = spec
        self._dimensions = {name: values[name] for name in spec.dimensions}
        self._units = {metric.name: metric.unit for metric in metrics}
        self._measures = [metric for metric in metrics if metric.name in MEASURES]
        #: Whether the metric of the positive class stands before those of the features.
        self.has_positive = any(metric.name == POSITIVE for metric in metrics)
        self._features = [metric for metric in metrics if metric.feature]
        if self.has_positive:
            named = [metric for metric in metrics if metric.name == POSITIVE]
            self._features = [*named, *self._features]
        self._nullable = any(feature.nullable for feature in feature_set.features)
        self._version = model_version
        self._parts = self._event_parts(self._features)
        #: Parts by which features were missing, of the MOST_PATTERNS met first.
        self._parts_by_gaps: dict[tuple[bool, ...], list[str]] = {}

    def event(self, stamp: Stamp, answer: Answer) -> str:
        """Return the line of one prediction.

        Args:
            stamp: when it was answered.
            answer: a feature without a metric is left out of the metrics.
        """
        metrics = answer.metrics
        if self._nullable and "" in metrics:
            parts = self._parts_without(tuple(map(bool, metrics)))
            metrics = [text for text in metrics if text]
        else:
            parts = self._parts.copy()
        # In the order of the constants of `_event_parts`; a % template takes twice as long.
        parts[1::2] = (
            repr(stamp.timestamp_ms),
            answer.prediction,
            answer.score,
            f"{stamp.latency_ns / NS_PER_MS:.3f}",
            *metrics,
            stamp.text,
            answer.identity,
            answer.features,
            answer.drift,
        )
        return "".join(parts)

    def count(
        self, timestamp_ms: int, counts: Mapping[str, int], facts: Mapping[str, ReadableJson]
    ) -> str:
        """Return a line that counts.

        Args:
            timestamp_ms: milliseconds of Unix time.
            counts: by name; those that the spec does not declare are facts.
            facts: members for people, beside the metrics.
        """
        units = {name: self._units[name] for name in counts if name in self._units}
        described = directives(self._spec.namespace, self._spec.dimensions, units)
        return metric_line(timestamp_ms, described, {**self._dimensions, **counts, **facts})

    def _parts_without(self, present: tuple[bool, ...]) -> list[str]:
        """Return an event's parts for the features that a row has.

        Args:
            present: whether each has a value, shape (features,).
        """
        parts = self._parts_by_gaps.get(present)
        if parts is None:
            pairs = zip(self._features, present, strict=True)
            parts = self._event_parts([metric for metric, is_present in pairs if is_present])
            # Rows of a sender may miss anything: what is remembered has a bound.
            if len(self._parts_by_gaps) < MOST_PATTERNS:
                self._parts_by_gaps[present] = parts
        return parts.copy()

    def _event_parts(self, features: Sequence[Metric]) -> list[str]:
        """Return an event's JSON in parts, of which every second one is empty, for a value."""
        units = {metric.name: metric.unit for metric in (*self._measures, *features)}
        described = directives(self._spec.namespace, self._spec.dimensions, units)
        # Their values are of the stack, not of a request: they are no places to fill.
        members = self._dimensions.items()
        dimensions = "".join([f",{json_text(name)}:{json_text(text)}" for name, text in members])
        constants = (
            '{"_aws":{"Timestamp":',
            f',"CloudWatchMetrics":{json_text(described)}}},"contract":"{self.contract}"{dimensions}'
            ',"Prediction":',
            ',"DriftScore":',
            ',"Latency":',
            *(f',"{metric.name}":' for metric in features),
            ',"timestamp":"',
            '","prediction_id":"',
            f'","model_version":{json_text(self._version)},"features":',
            ',"drift":',
            "}",
        )
        parts = [""] * (2 * len(constants) - 1)
        parts[::2] = constants
        return parts


def _check(spec: MonitoringSpec, metrics: Sequence[Metric], values: Mapping[str, str]) -> None:
    """Raise SpecNotMet if a metric or a dimension is asked for that has no value."""
    measured = {*MEASURES, POSITIVE, *COUNTS}
    names = {metric.name for metric in metrics if not metric.feature}
    if names <= measured and values.keys() >= set(spec.dimensions):
        return
    expected = ", ".join((*MEASURES, POSITIVE, *COUNTS, *values))
    raise SpecNotMet(
        f"monitoring spec: expected the predictor's metrics and dimensions to be of {expected}"
    )
