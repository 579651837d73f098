"""Write alerts about drift (`alert.v2`), and read those of earlier releases.

They say what changed, by how much, since when, how certain that is, and what to do next.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass, replace
from math import exp, log
from typing import TYPE_CHECKING, Any, cast

from drift_contracts.timestamps import utc_text_of_seconds
from drift_contracts.wording import listed
from drift_ml.descriptions import Description, describe, units_of
from drift_ml.figures import plain_number
from drift_ml.left_out import day_in_words
from drift_ml.verdict import headline

from drift_monitor.keys import MINUTE, Series, start_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from drift_contracts import Target
    from drift_contracts.types import (
        AlertV1,
        AlertV2,
        AlertV2Detector,
        AlertV2Drift,
        AlertV2Joined,
        AlertV2NewNormal,
        AlertV2Other,
        AlertV2Reference,
        AlertV2Windows,
    )
    from drift_ml.evidence import DriftFinding
    from drift_ml.rhythm import Base
    from drift_ml.segments import Segment
    from drift_ml.window import Window

    from drift_monitor.acknowledgements import Acknowledgement
    from drift_monitor.reference import Reference

    #: An alert of either version, as it may be stored or delivered.
    Alert = AlertV1 | AlertV2

NAMESPACE = uuid.uuid5(uuid.NAMESPACE_URL, "urn:drift:contract:alert.v1")
NAME = "drift-evidence"
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
NEXT_OF_FIRST_DAY = (
    "The traffic is younger than a day, so that this may be what the hour of the day does: look"
    " again when a whole day is there, which ends the alert of a feature that only follows the hour"
)
NEXT_SEGMENTS = (
    "Ask which part of the traffic holds it: `driftctl segments ALERT` searches the events of the"
    " console or the prediction log"
)
NEXT_AS_NORMAL = (
    "Nothing to do for the alarm: what comes is held against the traffic since the change",
    "That the traffic differs from training is remembered, on the page and in `driftctl report`:"
    " retrain where the model should follow",
)
NEXT_OF_WEEKEND = (
    "The traffic's weeks are not known yet, so that this may be what the weekend does: look again"
    " on Monday; a weekend is known when it was there twice"
)
#: Why a drift is over: by the test of its end, or by the last days where it has stood for long.
ENDED = "there is as much evidence that the drift has ended as there was that it had begun"
FADED = (
    "the last two days are more like the traffic before the change than like that since: it is"
    " over, and is not taken as the new normal"
)
NEXT_AFTER = "Nothing to do; the detector watches on from a clean slate"
#: Alerts that still stand and that a new one names.
MOST_NAMED = 5
#: Alerts that still stand and that a new one lists.
MOST_LISTED = 100
#: Characters of a reason at most, by the contract.
LONGEST = 2_000
DAY_S = 86_400
#: ln of the odds above which nobody reads the figure: a billion.
CERTAIN = log(1e9)


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
    #: The part of the traffic that the series is; None for all of it.
    segment: Segment | None = None


@dataclass(frozen=True)
class Usual:
    """The traffic that a drift was held against in place of the training rows."""

    base: Base
    #: Its events, as far as they are kept; None where none is.
    window: Window | None

    @property
    def days(self) -> int:
        """Return how many days it spans, at least 1."""
        return max(1, round((self.base.to_s - self.base.from_s) / DAY_S))

    def __str__(self) -> str:
        """Return what it is, in words."""
        begin, end = day_in_words(self.base.from_s), day_in_words(self.base.to_s - 1)
        days = "the day" if self.days == 1 else f"the {self.days} days"
        return f"the traffic of {days} from {begin} to {end}"


@dataclass(frozen=True)
class NewNormal:
    """Why a change is taken as the new normal."""

    #: Days that it has stood, where nobody has said so.
    after_days: float = 0.0
    #: Who has, why, and when.
    entry: Acknowledgement | None = None
    #: Whether it began before the rhythm of the traffic was known.
    is_of_first_weeks: bool = False

    def __str__(self) -> str:
        """Return the reason in words."""
        if self.is_of_first_weeks:
            return (
                f"the change has lasted for {self.after_days:g} days of the traffic's first weeks,"
                " which are known now"
            )
        if self.entry is None:
            return f"the change has lasted for {self.after_days:g} days and nobody has said why"
        return f"acknowledged by {self.entry['who']}: {self.entry['why']}"


@dataclass(frozen=True)
class Grounds:
    """What an alert rests on, beside its finding."""

    #: The minute whose window the drift was found in.
    minute: int
    #: Events to one false alarm.
    budget: float
    #: The events since the onset, as far as they are stored; None where none is.
    window: Window | None = None
    #: The alerts of the series that have not ended.
    standing: Sequence[Alert] = ()
    #: Digests of the windows; None where an earlier release has gathered the evidence.
    windows: AlertV2Windows | None = None
    #: What the evidence was gathered under; None as above.
    detector: AlertV2Detector | None = None
    #: Whether the hours of a day are not all there yet.
    is_first_day: bool = False
    #: Whether it is a weekend, and no rhythm is known that says what weekends do.
    is_unknown_weekend: bool = False
    #: What moves with it and is of the same cause, in order of evidence.
    joined: Sequence[DriftFinding] = ()
    #: What the finding was held against.
    usual: Usual | None = None
    #: What differs from training beside it, in words; "" for nothing.
    differs: str = ""


def drift_alert(
    source: AlertSource,
    finding: DriftFinding,
    grounds: Grounds,
) -> AlertV2:
    """Return the alert that a drift was detected.

    Args:
        source: what it is about.
        finding: what the detector found.
        grounds: what it rests on. Its minute makes the alert's id with source and onset, so that
            a repetition is the same alert.
    """
    since = start_of(int(finding.since) // source.period, source.period)
    described = _described(source.reference, finding, grounds)
    events = "events"
    if source.segment is not None:
        described = replace(described, words=f"{described.words}, in {source.segment}")
        events = "events of it"
    together = _together(source.reference, grounds)
    drift = _drift(source.reference, finding, since, described, grounds)
    if together:
        drift["together"] = together
    # Of whole seconds, as `since` was written when the first ids were made: an alert that is
    # repeated by the next release has the same id.
    onset = since.replace(".000Z", "Z")
    facts = f"{source.stack} {source.series} {finding.channel} {onset} {grounds.minute}"
    alert: AlertV2 = {
        "contract": "alert.v2",
        "alert_id": str(uuid.uuid5(NAMESPACE, facts)),
        "kind": "drift",
        "state": "ALARM",
        "previous_state": "OK",
        "name": NAME,
        "severity": "high",
        "stack": source.stack,
        "model": source.series.model,
        "model_version": source.series.release,
        "timestamp": start_of(grounds.minute + 1, source.period),
        "title": f"{source.series.model}: {_lowered(headline(described.words))}",
        "reason": _cut(
            f"{described.words} since {since}, over {finding.events:,.0f} {events}; evidence"
            f" {_odds(finding.evidence)} where {_odds(finding.needed)} is needed"
            f" (at most one false alarm in {grounds.budget:,.0f} {events})"
            f"{_against(grounds.usual)}{_with(together)}{_beside(grounds.standing)}"
            f"{_differs(grounds.differs)}"
        ),
        "next": _next_steps(source, finding, grounds),
        "links": dict(source.links),
        "standing": [_other(alert) for alert in grounds.standing[:MOST_LISTED]],
        "drift": drift,
    }
    if source.segment is not None:
        alert["segment"] = {
            "name": source.segment.feature,
            "value": source.segment.value,
            "share": source.segment.share,
        }
    if grounds.usual is not None:
        alert["reference"] = _reference_of(grounds.usual)
    return alert


def _against(usual: Usual | None) -> str:
    return "" if usual is None else f". Held against {usual}"


def _differs(words: str) -> str:
    return f". Beside it, traffic differs from training: {words}" if words else ""


def _reference_of(usual: Usual) -> AlertV2Reference:
    """Return what the traffic was compared with, as the contract has it."""
    return {
        "name": f"last-{usual.days}-days",
        "words": str(usual),
        "first": utc_text_of_seconds(usual.base.from_s),
        "last": utc_text_of_seconds(usual.base.to_s),
        "rows": sum(usual.base.counts),
    }


def _next_steps(
    source: AlertSource,
    finding: DriftFinding,
    grounds: Grounds,
) -> list[str]:
    """Return what to do about a drift; of the first day, what is not known yet comes first."""
    steps = list(NEXT_OF_ANSWER if _is_of_classifier(source, finding) else NEXT)
    if source.segment is None:
        steps.insert(1, NEXT_SEGMENTS)
    if grounds.is_first_day:
        return [NEXT_OF_FIRST_DAY, *steps]
    if grounds.is_unknown_weekend:
        return [NEXT_OF_WEEKEND, *steps]
    return steps


def _cut(
    text: str,
    most: int = LONGEST,
) -> str:
    """Return a text as the contract takes it; labels of categories may be long."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def with_words(
    alert: Alert,
    words: str,
) -> Alert:
    """Return an alert with a sentence more in its reason; of a long one the end makes room.

    Args:
        alert: of either version.
        words: without a full stop.
    """
    reason = _cut(alert["reason"], LONGEST - len(". ") - len(words))
    # Any: of either version, which have this member in common.
    reworded: Any = {**alert, "reason": f"{reason}. {words}"}
    return cast("Alert", reworded)


def _lowered(text: str) -> str:
    return f"{text[:1].lower()}{text[1:]}"


def _described(
    reference: Reference,
    finding: DriftFinding,
    grounds: Grounds,
) -> Description:
    units = units_of(reference.feature_set)
    answer = reference.baseline.channel(finding.channel).answer
    if answer is not None:
        of = reference.baseline.channel(finding.channel).of[0]
        units[of] = _answer_unit(reference.feature_set.target, answer)
    usual = None if grounds.usual is None else grounds.usual.window
    return describe(reference.baseline, finding, grounds.window, units, usual)


def _answer_unit(
    target: Target,
    answer: str,
) -> str:
    """Return the unit of a part of the answer; "" for a label."""
    if target.is_class:
        return ANSWER_UNITS.get(answer, "")
    # Of several outputs the first one is the prediction.
    return target.outputs[0].unit if target.outputs else target.unit


def _other(alert: Alert) -> AlertV2Other:
    """Return how another alert is named that stands."""
    # Every alert of a series is of drift.
    since = alert["drift"]["since"]
    return {"alert_id": alert["alert_id"], "title": alert["title"], "since": since}


def muted(
    alert: AlertV2,
    until: str,
    features: Sequence[str],
) -> AlertV2:
    """Return an alert as it is kept while its features are muted, when nobody is notified.

    Args:
        alert: as it would have been sent.
        until: when the muting ends, as text.
        features: those of the alert that are muted.
    """
    return {**alert, "muted": {"until": until, "features": list(features)}}


def _together(
    reference: Reference,
    grounds: Grounds,
) -> list[AlertV2Joined]:
    """Return what moves with the drift, each in its words."""
    together: list[AlertV2Joined] = []
    for finding in grounds.joined[:MOST_LISTED]:
        words = _described(reference, finding, grounds).words
        of = list(reference.baseline.channel(finding.channel).of)
        together.append({"channel": finding.channel, "of": of, "words": words})
    return together


def _with(together: Sequence[AlertV2Joined]) -> str:
    """Return what moves with the drift, in words; "" for nothing."""
    if not together:
        return ""
    words = [joined["words"] for joined in together]
    return f". Moves with it: {listed(words, MOST_NAMED, '; ')}"


def _beside(standing: Sequence[Alert]) -> str:
    """Return what else stands, in words; "" for nothing."""
    titles = [alert["title"].partition(": ")[2] for alert in standing]
    return f". Still standing: {listed(titles, MOST_NAMED, '; ')}" if titles else ""


def _is_of_classifier(
    source: AlertSource,
    finding: DriftFinding,
) -> bool:
    """Return whether a finding is of a part of a classifier's answer."""
    baseline = source.reference.baseline
    return bool(baseline.classes) and baseline.channel(finding.channel).answer is not None


def _drift(
    reference: Reference,
    finding: DriftFinding,
    since: str,
    described: Description,
    grounds: Grounds,
) -> AlertV2Drift:
    drift: AlertV2Drift = {
        "channel": finding.channel,
        "of": list(reference.baseline.channel(finding.channel).of),
        "words": described.words,
        "change": finding.kind,
        "direction": finding.direction,
        "before": described.before,
        "after": described.after,
        "unit": described.unit,
        "effect": finding.effect,
        "since": since,
        "events": round(finding.events),
        "evidence": {
            "value": finding.evidence,
            "needed": finding.needed,
            "false_alarm_events": grounds.budget,
        },
        # Rounding may carry a share of everything above 1.
        "channels": [
            {"name": name, "share": min(share, 1.0)} for name, share in finding.shares.items()
        ],
    }
    if grounds.windows is not None:
        drift["windows"] = grounds.windows
    if grounds.detector is not None:
        drift["detector"] = grounds.detector
    return drift


def _odds(evidence: float) -> str:
    """Return evidence, in nats, as odds against "nothing has changed"."""
    if evidence > CERTAIN:
        return "over a billion : 1"
    return f"{plain_number(exp(evidence))} : 1"


def recovery_id(alert: Alert) -> str:
    """Return the alert_id of the notice that the drift of an alert has ended."""
    return str(uuid.uuid5(NAMESPACE, f"{alert['alert_id']} recovered"))


def recovery(
    alert: Alert,
    minute: int,
    standing: Sequence[Alert] = (),
    *,
    period: int = MINUTE,
    reason: str = ENDED,
) -> AlertV2:
    """Return the notice that the drift of an alert has ended.

    Args:
        alert: as it was sent, of either version.
        minute: the minute whose window showed it.
        standing: the alerts of the series that have not ended.
        period: seconds that a window spans.
        reason: why it is over, in words.
    """
    # Earlier releases said what happened in the title alone.
    words = alert["title"].partition(": ")[2]
    # Any: the members of the drift of either version.
    drift: Any = {"words": words, **alert["drift"]}
    return {
        **alert,
        "contract": "alert.v2",
        "alert_id": recovery_id(alert),
        "state": "OK",
        "previous_state": "ALARM",
        "timestamp": start_of(minute + 1, period),
        "title": f"{alert['title']} has ended",
        "reason": reason,
        "next": [NEXT_AFTER],
        "standing": [_other(other) for other in standing[:MOST_LISTED]],
        "drift": drift,
    }


def taken_as_normal(
    alert: Alert,
    minute: int,
    decision: NewNormal,
    standing: Sequence[Alert] = (),
    *,
    period: int = MINUTE,
) -> AlertV2:
    """Return the notice that the change of an alert is the new normal.

    Args:
        alert: as it was sent, of either version.
        minute: the last one that was held against the former normal.
        decision: why.
        standing: the alerts of the series that have not ended.
        period: seconds that a window spans.
    """
    notice = recovery(alert, minute, standing, period=period)
    facts: AlertV2NewNormal = {"why": str(decision)[:LONGEST]}
    if decision.entry is None:
        facts["after_days"] = decision.after_days
    else:
        facts = {"who": decision.entry["who"], "why": decision.entry["why"]}
        facts["at"] = decision.entry["at"]
    reason = (
        f"{decision}. What comes is held against the traffic since the change; that it differs"
        " from training is remembered"
    )
    return {
        **notice,
        "alert_id": str(uuid.uuid5(NAMESPACE, f"{alert['alert_id']} is normal")),
        "title": f"{alert['title']} is the new normal",
        "reason": _cut(f"{reason[:1].upper()}{reason[1:]}"),
        "next": list(NEXT_AS_NORMAL),
        "new_normal": facts,
    }
