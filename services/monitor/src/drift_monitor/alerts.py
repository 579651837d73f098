"""Alerts about drift, in words: what, by how much, since when, how sure, what to do next (`alert.v1`)."""

from __future__ import annotations

import uuid
from math import exp
from typing import TYPE_CHECKING, Any

from .keys import MINUTE, Series, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping

    from drift_ml.baseline import Baseline
    from drift_ml.evidence import Finding
    from drift_ml.window import Window

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:drift:contract:alert.v1")
NAME = "drift-evidence"
NEXT = (
    "Look at the feature's distribution over the baseline's, in the console or the drift report",
    "Ask whether its source or the callers changed at that time",
    "If the change is real and will stay, retrain and deploy; the detector starts anew with the new version",
)


def drift_alert(  # noqa: PLR0913 - the facts of an alert
    stack: str,
    series: Series,
    finding: Finding,
    baseline: Baseline,
    window: Window,
    minute: int,
    *,
    budget: float,
    links: Mapping[str, str],
) -> dict[str, Any]:
    """The alert that a drift is found. Its id depends on the series and the onset only, so a repeat is the same."""
    since = start_of(int(finding.since) // MINUTE)
    features = list(baseline.channel(finding.channel).of)
    said = f"{_subject(finding.channel, features)}: {finding.kind} {finding.direction}"
    return {
        "contract": "alert.v1",
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{stack} {series} {finding.channel} {since} {minute}")),
        "kind": "drift",
        "state": "ALARM",
        "previous_state": "OK",
        "name": NAME,
        "stack": stack,
        "model": series.model,
        "model_version": series.version,
        "timestamp": start_of(minute + 1),
        "title": f"{series.model}: drift in {said}",
        "reason": (
            f"{said} by {finding.effect:.2g} standard deviations (or their like) since {since}, over"
            f" {finding.events:.0f} events; evidence {exp(min(finding.evidence, 700)):.3g} : 1 where"
            f" {exp(finding.needed):.3g} : 1 is needed (at most one false alarm in {budget:,.0f} events)"
        ),
        "next": list(NEXT),
        "links": dict(links),
        "drift": {
            "channel": finding.channel,
            "features": features,
            "change": finding.kind,
            "direction": finding.direction,
            "size": finding.size,
            "effect": finding.effect,
            "since": since,
            "events": round(finding.events),
            "evidence": finding.evidence,
            "needed": finding.needed,
            "shares": finding.shares,
            "before": _mean_before(baseline, features),
            "after": _mean_after(baseline, window, features),
        },
    }


def recovery(alert: Mapping[str, Any], minute: int) -> dict[str, Any]:
    """The notice that the drift of an alert has not been found again for a while."""
    return {
        **alert,
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{alert['alert_id']} recovered")),
        "state": "OK",
        "previous_state": "ALARM",
        "timestamp": start_of(minute + 1),
        "title": f"{alert['title']} has ended",
        "reason": "thrice the events that it took to find the drift went by without evidence of it",
        "next": ["Nothing to do; the detector watches on from a clean slate"],
    }


def _subject(channel: str, features: list[str]) -> str:
    return channel if len(features) != 1 or channel == features[0] else f"{channel} ({features[0]})"


def _mean_before(baseline: Baseline, features: list[str]) -> float | None:
    summary = baseline.features.get(features[0]) if len(features) == 1 else None
    return None if summary is None else summary.mean


def _mean_after(baseline: Baseline, window: Window, features: list[str]) -> float | None:
    """The mean of the window in which the alarm was raised, in the feature's own unit."""
    return window.mean(features[0]) if len(features) == 1 and features[0] in baseline.features else None
