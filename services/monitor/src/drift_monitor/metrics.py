"""The monitor's metrics as EMF lines: the names are those of the monitoring spec (`from: monitor`, `from: probe`)."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from drift_contracts import MonitoringSpec

    from .evaluate import Evaluation


def emf_line(values: Mapping[str, float], *, stack: str, model: str, milliseconds: int, spec: MonitoringSpec) -> str:
    """One line that CloudWatch reads as metrics, without a call."""
    units = {metric["name"]: metric["unit"] for metric in spec.document["metrics"]}
    described = [{"Name": name, "Unit": units.get(name, "None")} for name in values]
    record: dict[str, Any] = {
        "_aws": {
            "Timestamp": milliseconds,
            "CloudWatchMetrics": [
                {"Namespace": spec.namespace, "Dimensions": [list(spec.dimensions)], "Metrics": described}
            ],
        },
        "Stack": stack,
        "Model": model,
    }
    return json.dumps(record | dict(values), separators=(",", ":"))


def evaluation_values(evaluation: Evaluation) -> dict[str, float]:
    """The metrics of one evaluation: what was counted, how strong the evidence is, PSI by feature."""
    window = evaluation.window
    values = {
        "EventsCounted": float(window.events if window else 0),
        "EventsLate": float(evaluation.counts["late"]),
        "Evidence": max(evaluation.evidence, 0.0) / evaluation.needed,
        "DriftFound": float(evaluation.alarm),
    }
    return values | dict(_psi(evaluation))


def _psi(evaluation: Evaluation) -> Iterator[tuple[str, float]]:
    for channel in (evaluation.report or {"channels": []})["channels"]:
        if len(channel["of"]) == 1 and channel["name"] == channel["of"][0] and channel["name"] != "prediction":
            yield f"Psi_{channel['name']}", channel["effects"]["psi"]
