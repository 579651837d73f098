"""Write alerts about drift (`alert.v1`).

They say what changed, by how much, since when, how certain that is, and what to do next.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from math import exp
from typing import TYPE_CHECKING

from drift_ml.words import change, subject

from drift_monitor.keys import MINUTE, Series, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts.types import AlertV1, AlertV1Drift
    from drift_ml.evidence import DriftFinding

    from drift_monitor.reference import Reference

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:drift:contract:alert.v1")
NAME = "drift-evidence"
UNITS = {
    "scale": "times the standard deviation",
    "correlation": "correlation",
    "share": "share of events",
}
OTHER_UNIT = "standard deviations"
#: Of the parts of a classifier's answer that are numbers.
ANSWER_UNITS = {"score": "probability", "margin": "probability", "entropy": "nats"}
NEXT = (
    "Look at the feature's distribution over the baseline's, in the console or the drift report",
    "Ask whether its source or the callers changed at that time",
    "If the change is real and will stay, retrain and deploy;"
    " the detector starts anew with the new version",
)
NEXT_OF_ANSWER = (
    "Look at the classes and the score over the held-out ones, in the console or the drift report",
    "Ask whether what is predicted, or who asks, changed at that time; compare labels with outcomes"
    " where there are any",
    NEXT[-1],
)
NEXT_AFTER = "Nothing to do; the detector watches on from a clean slate"
#: Alerts that still stand and that a new one names.
MOST_NAMED = 5
#: The largest argument of exp whose result is a float.
LARGEST_EXPONENT = 700


@dataclass(frozen=True)
class AlertSource:
    """What an alert is about, whatever is detected."""

    stack: str
    series: Series
    reference: Reference
    #: Addresses by name, for people who read it.
    links: Mapping[str, str]
    #: Seconds that a window spans.
    period: int = MINUTE


@dataclass(frozen=True)
class _Size:
    """How large a change is."""

    before: float
    after: float
    unit: str


def drift_alert(
    source: AlertSource,
    finding: DriftFinding,
    minute: int,
    budget: float,
    *,
    standing: Sequence[AlertV1] = (),
) -> AlertV1:
    """Return the alert that a drift was detected.

    Args:
        source: what it is about.
        finding: what the detector found.
        minute: the minute whose window it was found in. With source and onset it makes the
            alert's id, so that a repetition is the same alert.
        budget: events to one false alarm.
        standing: the alerts of the series that have not ended.
    """
    since = start_of(int(finding.since) // source.period, source.period)
    headline = f"{subject(finding.channel)}: {change(finding)}"
    # Of whole seconds, as `since` was written when the first ids were made: an alert that is
    # repeated by the next release has the same id.
    onset = since.replace(".000Z", "Z")
    facts = f"{source.stack} {source.series} {finding.channel} {onset} {minute}"
    return {
        "contract": "alert.v1",
        "alert_id": str(uuid.uuid5(NAMESPACE, facts)),
        "kind": "drift",
        "state": "ALARM",
        "previous_state": "OK",
        "name": NAME,
        "severity": "high",
        "stack": source.stack,
        "model": source.series.model,
        "model_version": source.series.version,
        "timestamp": start_of(minute + 1, source.period),
        "title": f"{source.series.model}: drift in {headline}",
        "reason": (
            f"{headline} since {since}, over {finding.events:.0f} events; evidence"
            f" {_odds(finding.evidence)} where {_odds(finding.needed)} is needed"
            f" (at most one false alarm in {budget:,.0f} events){_beside(standing)}"
        ),
        "next": list(NEXT_OF_ANSWER if _is_of_classifier(source, finding) else NEXT),
        "links": dict(source.links),
        "drift": _drift(source.reference, finding, since, budget),
    }


def _beside(standing: Sequence[AlertV1]) -> str:
    """Return what else stands, in words; "" for nothing."""
    titles = [alert["title"].partition(": ")[2] for alert in standing[:MOST_NAMED]]
    if not titles:
        return ""
    more = len(standing) - len(titles)
    ending = f" and {more} more" if more else ""
    return f". Still standing: {'; '.join(titles)}{ending}"


def _is_of_classifier(source: AlertSource, finding: DriftFinding) -> bool:
    """Return whether a finding is of a part of a classifier's answer."""
    baseline = source.reference.baseline
    return bool(baseline.classes) and baseline.channel(finding.channel).answer is not None


def _drift(reference: Reference, finding: DriftFinding, since: str, budget: float) -> AlertV1Drift:
    features = list(reference.baseline.channel(finding.channel).of)
    size = _size(reference, finding, features)
    return {
        "channel": finding.channel,
        "of": features,
        "change": finding.kind,
        "direction": finding.direction,
        "before": size.before,
        "after": size.after,
        "unit": size.unit,
        "effect": finding.effect,
        "since": since,
        "events": round(finding.events),
        "evidence": {
            "value": finding.evidence,
            "needed": finding.needed,
            "false_alarm_events": budget,
        },
        # Rounding may carry a share of everything above 1.
        "channels": [
            {"name": name, "share": min(share, 1.0)} for name, share in finding.shares.items()
        ],
    }


def _odds(evidence: float) -> str:
    """Return evidence, in nats, as odds against "nothing has changed"."""
    return f"{exp(min(evidence, LARGEST_EXPONENT)):.3g} : 1"


def recovery(alert: AlertV1, minute: int, *, period: int = MINUTE) -> AlertV1:
    """Return the notice that the drift of an alert has ended.

    Args:
        alert: as it was sent.
        minute: the minute whose window showed it.
        period: seconds that a window spans.
    """
    return {
        **alert,
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{alert['alert_id']} recovered")),
        "state": "OK",
        "previous_state": "ALARM",
        "timestamp": start_of(minute + 1, period),
        "title": f"{alert['title']} has ended",
        "reason": (
            "there is as much evidence that the drift has ended as there was that it had begun"
        ),
        "next": [NEXT_AFTER],
    }


def _size(reference: Reference, finding: DriftFinding, features: list[str]) -> _Size:
    """Return the feature's mean in its own unit where one feature's mean moved.

    Otherwise the size is in the chart's unit. It is that of the finding, over all events since the
    onset: one window may be a handful.
    """
    baseline = reference.baseline
    channel = baseline.channel(finding.channel)
    # A regressor's predictions have been told in standard deviations from the beginning.
    is_told = finding.channel in baseline.features or bool(baseline.classes)
    summary = baseline.summary_of(channel) if is_told else None
    if finding.kind == "location" and summary is not None:
        mean, std = summary.mean, summary.std
        if mean is not None and std is not None:
            answer = channel.answer
            unit = (
                reference.feature_set[features[0]].unit if answer is None else ANSWER_UNITS[answer]
            )
            return _Size(mean, mean + finding.size * std, unit)
    neutral = 0.0
    if finding.kind == "scale":
        neutral = 1.0  # a factor
    return _Size(neutral, finding.size, UNITS.get(finding.kind, OTHER_UNIT))
