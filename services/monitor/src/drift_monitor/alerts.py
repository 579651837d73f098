"""Alerts about drift, in words: what, by how much, since when, how sure, what to do next (`alert.v1`)."""

from __future__ import annotations

import uuid
from math import exp
from typing import TYPE_CHECKING, Any

from drift_ml.words import change, subject

from .keys import MINUTE, Series, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.evidence import DriftFinding

    from .reference import Reference

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:drift:contract:alert.v1")
NAME = "drift-evidence"
UNITS = {"scale": "times the standard deviation", "correlation": "correlation", "share": "share of events"}
NEXT = (
    "Look at the feature's distribution over the baseline's, in the console or the drift report",
    "Ask whether its source or the callers changed at that time",
    "If the change is real and will stay, retrain and deploy; the detector starts anew with the new version",
)


def drift_alert(  # noqa: PLR0913 - the facts of an alert
    stack: str,
    series: Series,
    finding: DriftFinding,
    reference: Reference,
    minute: int,
    *,
    budget: float,
    links: Mapping[str, str],
    period: int = MINUTE,
) -> dict[str, Any]:
    """The alert that a drift is found. Its id depends on the series and the onset only, so a repeat is the same."""
    since = start_of(int(finding.since) // period, period)
    features = list(reference.baseline.channel(finding.channel).of)
    before, after, unit = _before_and_after(finding, reference, features)
    said = f"{subject(finding.channel)}: {change(finding)}"
    return {
        "contract": "alert.v1",
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{stack} {series} {finding.channel} {since} {minute}")),
        "kind": "drift",
        "state": "ALARM",
        "previous_state": "OK",
        "name": NAME,
        "severity": "high",
        "stack": stack,
        "model": series.model,
        "model_version": series.version,
        "timestamp": start_of(minute + 1, period),
        "title": f"{series.model}: drift in {said}",
        "reason": (
            f"{said} since {since}, over {finding.events:.0f} events; evidence"
            f" {exp(min(finding.evidence, 700)):.3g} : 1 where {exp(finding.needed):.3g} : 1 is needed"
            f" (at most one false alarm in {budget:,.0f} events)"
        ),
        "next": list(NEXT),
        "links": dict(links),
        "drift": {
            "channel": finding.channel,
            "of": features,
            "change": finding.kind,
            "direction": finding.direction,
            "before": before,
            "after": after,
            "unit": unit,
            "effect": finding.effect,
            "since": since,
            "events": round(finding.events),
            "evidence": {"value": finding.evidence, "needed": finding.needed, "false_alarm_events": budget},
            "channels": [{"name": name, "share": min(share, 1.0)} for name, share in finding.shares.items()],
        },
    }


def recovery(alert: Mapping[str, Any], minute: int, *, period: int = MINUTE) -> dict[str, Any]:
    """The notice that the drift of an alert is over."""
    return {
        **alert,
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{alert['alert_id']} recovered")),
        "state": "OK",
        "previous_state": "ALARM",
        "timestamp": start_of(minute + 1, period),
        "title": f"{alert['title']} has ended",
        "reason": "there is as much evidence that the drift is over as there was when it was found",
        "next": ["Nothing to do; the detector watches on from a clean slate"],
    }


def _before_and_after(finding: DriftFinding, reference: Reference, features: list[str]) -> tuple[float, float, str]:
    """The feature's mean in its own unit where one feature's mean moved, else the size in the chart's unit.

    The size is that of the finding, over all events since the onset: one window may be a handful.
    """
    summary = reference.baseline.features.get(finding.channel)
    if summary is not None and summary.mean is not None and summary.std is not None and finding.kind == "location":
        return summary.mean, summary.mean + finding.size * summary.std, reference.feature_set[features[0]].unit
    neutral = 1.0 if finding.kind == "scale" else 0.0
    return neutral, finding.size, UNITS.get(finding.kind, "standard deviations")
