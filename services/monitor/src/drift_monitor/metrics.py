"""Write the monitor's metrics as EMF lines.

Their names are those of the monitoring spec (source `monitor` or `probe`).
"""

from __future__ import annotations

from math import log
from typing import TYPE_CHECKING

from drift_contracts.metric_lines import NO_UNIT, directives, metric_line
from drift_contracts.spec import METRIC_FEATURES, metric_features
from drift_ml.baseline import PREDICTION
from drift_ml.psi_blocks import psi_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts import MonitoringSpec
    from drift_ml.evidence import DriftFinding

    from drift_monitor.evaluation import Evaluation

#: Of a PSI.
DIGITS = 6


def emf_line(
    values: Mapping[str, float],
    *,
    stack: str,
    model: str,
    timestamp_ms: int,
    spec: MonitoringSpec,
) -> str:
    """Return one line that CloudWatch reads as metrics, without a call.

    Args:
        values: by metric.
        stack: the dimension of that name.
        model: the dimension of that name.
        timestamp_ms: when the values were measured, Unix time.
        spec: has namespace, dimensions and units.
    """
    units = {metric["name"]: metric["unit"] for metric in spec.document["metrics"]}
    described = directives(
        spec.namespace, spec.dimensions, {name: units.get(name, NO_UNIT) for name in values}
    )
    return metric_line(timestamp_ms, described, {"Stack": stack, "Model": model, **values})


def evaluation_values(
    evaluation: Evaluation,
    features: int = METRIC_FEATURES,
) -> dict[str, float]:
    """Return the metrics of one evaluation, by name.

    What was counted, how strong the evidence is (in parts of what an alarm needs), and for each
    feature that has metrics the evidence and PSI.

    Args:
        evaluation: of one series.
        features: that have metrics, at most.
    """
    values: dict[str, float] = {}
    # Absent until the model was ever asked, and in hours that usually have no events: where data
    # is missing, an alarm on silence keeps its state.
    if evaluation.asked and not evaluation.is_usually_quiet:
        events = 0
        if evaluation.window is not None:
            events = evaluation.window.events
        values["EventsCounted"] = float(events)
    values |= {
        "EventsLate": float(evaluation.counts["late"]),
        "Evidence": max(evaluation.evidence, 0.0) / evaluation.needed,
        "DriftFound": float(evaluation.alarm),
        "EvaluationLag": evaluation.behind,
    }
    if evaluation.differs is not None:
        values["DiffersFromTraining"] = float(len(evaluation.differs))
    if evaluation.psi is not None:
        values["LargestPsi"] = evaluation.psi
    if evaluation.window is not None:
        values["Repetition"] = evaluation.repetition
    if evaluation.counts["unreadable"]:
        values["DeadLetters"] = float(evaluation.counts["unreadable"])
    return values | dict(_by_feature(evaluation, features))


def _by_feature(
    evaluation: Evaluation,
    most: int,
) -> Iterator[tuple[str, float]]:
    """Yield name and value of the metrics of each feature's own channel.

    PSI is over the windows of this run; the evidence is the channel's part of the whole.
    """
    if evaluation.window is None or evaluation.reference is None:
        return
    # A report of all channels, of which these are a few, took a quarter of a run.
    counts = evaluation.window.channel_counts()
    feature_set, baseline = evaluation.reference.feature_set, evaluation.reference.baseline
    measured = frozenset(metric_features(feature_set, baseline.importances, most))
    for channel in baseline.channels:
        name = channel.name
        # A feature's own channel is named as the feature, and is of it alone.
        if channel.of != (name,) or name == PREDICTION or name not in measured:
            continue
        # A metric has the digits of a report.
        yield f"Psi_{name}", float(f"{psi_of(channel, counts[name]):.{DIGITS}g}")
        yield f"Evidence_{name}", _part(evaluation.finding, name) / evaluation.needed


def _part(
    finding: DriftFinding | None,
    channel: str,
) -> float:
    """Return the part of a finding's evidence that one channel holds alone, in nats, at least 0."""
    if finding is None:
        return 0.0
    share = finding.shares.get(channel, 0.0)
    if not share:
        return 0.0
    return max(finding.evidence + log(share), 0.0)
