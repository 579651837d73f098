"""The monitor's metrics as EMF lines: the names are those of the monitoring spec (`from: monitor`, `from: probe`)."""

from __future__ import annotations

import json
from math import log
from typing import TYPE_CHECKING, Any

from drift_ml.baseline import PREDICTION

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts import MonitoringSpec

    from .evaluate import Evaluation


MOST = 100
"""Metrics that one directive of the embedded metric format may name."""


def emf_line(values: Mapping[str, float], *, stack: str, model: str, milliseconds: int, spec: MonitoringSpec) -> str:
    """One line that CloudWatch reads as metrics, without a call."""
    units = {metric["name"]: metric["unit"] for metric in spec.document["metrics"]}
    described = [{"Name": name, "Unit": units.get(name, "None")} for name in values]
    directives = [
        {"Namespace": spec.namespace, "Dimensions": [list(spec.dimensions)], "Metrics": described[start : start + MOST]}
        for start in range(0, len(described), MOST)
    ]
    record: dict[str, Any] = {
        "_aws": {"Timestamp": milliseconds, "CloudWatchMetrics": directives},
        "Stack": stack,
        "Model": model,
    }
    return json.dumps(record | dict(values), separators=(",", ":"))


def evaluation_values(evaluation: Evaluation) -> dict[str, float]:
    """Return the metrics of one evaluation: what was counted, how strong the evidence is, evidence and PSI by feature.

    EventsCounted is absent until the model was ever asked, so that an alarm on silence has nothing to go by.
    """
    window = evaluation.window
    counted = {"EventsCounted": float(window.events if window else 0)} if evaluation.asked else {}
    values = counted | {
        "EventsLate": float(evaluation.counts["late"]),
        "Evidence": max(evaluation.evidence, 0.0) / evaluation.needed,
        "DriftFound": float(evaluation.alarm),
        "EvaluationLag": evaluation.behind,
    }
    if evaluation.counts["unreadable"]:
        values["DeadLetters"] = float(evaluation.counts["unreadable"])
    return values | dict(_by_feature(evaluation))


def _by_feature(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    """Of each feature's own channel: PSI over the windows of this run, and the evidence that it holds alone."""
    finding = evaluation.finding
    for channel in (evaluation.report or {"channels": []})["channels"]:
        name = channel["name"]
        if channel["of"] == [name] and name != PREDICTION:
            share = finding.shares.get(name, 0.0) if finding else 0.0
            held = max(finding.evidence + log(share), 0.0) if finding and share else 0.0
            yield f"Psi_{name}", channel["effects"]["psi"]
            yield f"Evidence_{name}", held / evaluation.needed
