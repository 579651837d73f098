"""One alert per cause, where the whole and its segments are watched: who speaks, who joins."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

from drift_contracts.timestamps import utc_ms
from drift_ml.figures import plain_number
from drift_ml.segments import Told

from drift_monitor import alerts
from drift_monitor.state import SeriesState

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from drift_ml.evidence import DriftFinding
    from drift_ml.segments import Segment

    from drift_monitor.alerts import Alert
    from drift_monitor.keys import Series
    from drift_monitor.stores import Revision, Store

#: Times the effect in the whole, from which on a segment is named as where it is strongest.
STRONGER = 1.5


class SegmentEntry(TypedDict):
    """A segment as the page has it."""

    #: That cuts the traffic, and its value in this part.
    feature: str
    value: str
    #: Of training, and as a part of all training rows, 0 to 1.
    rows: int
    share: float
    #: Whether there are rows enough to compare with.
    watched: bool
    #: Evaluated so far.
    events: int
    alarm: bool
    #: The evidence as a part of what an alarm takes.
    strength: float
    #: Channel and direction of the finding; None where there is none.
    points_at: str | None


@dataclass(frozen=True)
class SegmentState:
    """What is known of one segment, for the page."""

    segment: Segment
    #: Evaluated so far.
    events: int = 0
    #: Whether an alarm of its own is on, heard or joined.
    alarm: bool = False
    #: The evidence as a part of what an alarm takes, 0 without any.
    strength: float = 0.0
    #: What raised its oldest alarm that is on, else what the evidence shows so far.
    finding: DriftFinding | None = None

    def to_json(self) -> SegmentEntry:
        """Return the state as the page has it."""
        points_at = None
        if self.finding is not None and self.strength > 0:
            points_at = f"{self.finding.channel} {self.finding.direction}"
        return {
            "feature": self.segment.feature,
            "value": self.segment.value,
            "rows": self.segment.rows,
            "share": self.segment.share,
            "watched": self.segment.baseline is not None,
            "events": self.events,
            "alarm": self.alarm,
            "strength": self.strength,
            "points_at": points_at,
        }


@dataclass
class _Part:
    """The stored state of the whole or of a segment, while it is decided what is sent of it."""

    series: Series
    revision: Revision
    state: SeriesState
    is_whole: bool
    is_changed: bool = False

    @property
    def unsent(self) -> list[str]:
        """Return the channels whose alerts wait in the outbox, or have ended in it."""
        return [
            alert["drift"]["channel"] for alert in self.state.outbox if alert["state"] == "ALARM"
        ]

    def join(self, alert: Alert) -> None:
        """Keep an alert that was not sent, without sending it or the notice of its end."""
        ids = (alert["alert_id"], alerts.recovery_id(alert))
        state = self.state
        state.outbox = [waiting for waiting in state.outbox if waiting["alert_id"] not in ids]
        channel = alert["drift"]["channel"]
        standing = state.alerts.get(channel)
        if standing is not None and standing["alert_id"] == alert["alert_id"]:
            state.joined[channel] = state.alerts.pop(channel)
        self.is_changed = True

    def end(self, alert: Alert) -> None:
        """End an alarm that had joined another one, which has ended; the next run forgets it."""
        channel = alert["drift"]["channel"]
        del self.state.joined[channel]
        self.state.over.append(channel)
        self.is_changed = True

    def release(self, channel: str) -> Alert:
        """Send an alert that had joined another one, which does not say all of it any more."""
        alert = self.state.joined.pop(channel)
        self.state.alerts[channel] = alert
        self.state.outbox.append(alert)
        self.is_changed = True
        return alert

    def replace(self, alert: Alert) -> None:
        """Put an alert in the place of the one with its id."""
        state, channel = self.state, alert["drift"]["channel"]
        state.outbox = [
            alert if waiting["alert_id"] == alert["alert_id"] else waiting
            for waiting in state.outbox
        ]
        if channel in state.alerts:
            state.alerts[channel] = alert
        self.is_changed = True


@dataclass
class _Council:
    """The whole and its segments: decides which alerts are heard.

    What joined an alert ends with it: few events take long to show that a drift is over. Where it
    goes on all the same, it raises an alarm of its own.
    """

    whole: _Part
    segments: list[_Part]
    #: Alerts that were sent or will be.
    heard: list[Alert] = field(default_factory=list)

    def decide(self) -> None:
        """Let each alert that waits be heard or join, and end those that joined what has ended."""
        for part in self._parts():
            unsent = part.unsent
            for channel, alert in part.state.alerts.items():
                if channel not in unsent:
                    self.heard.append(alert)
        for part, alert in self._waiting():
            self._hear(part, alert)
        for part in self._parts():
            for alert in list(part.state.joined.values()):
                if not self._is_explained(alert):
                    part.end(alert)

    def _parts(self) -> Iterator[_Part]:
        yield self.whole
        yield from self.segments

    def _waiting(self) -> list[tuple[_Part, Alert]]:
        """Return the alerts that wait to be sent: of segments with the largest effect first."""
        of_whole: list[tuple[_Part, Alert]] = []
        of_segments: list[tuple[_Part, Alert]] = []
        for part in self._parts():
            listed = of_whole if part.is_whole else of_segments
            listed += [(part, alert) for alert in part.state.outbox if alert["state"] == "ALARM"]
        of_segments.sort(key=lambda pair: -pair[1]["drift"]["effect"])
        # A drift that is as large in the whole is told of the whole; else of the segment.
        alike = [pair for pair in of_whole if not self._is_of_segment(pair[1], of_segments)]
        diluted = [pair for pair in of_whole if pair not in alike]
        return [*alike, *of_segments, *diluted]

    def _is_of_segment(
        self,
        alert: Alert,
        waiting: Sequence[tuple[_Part, Alert]],
    ) -> bool:
        return any(told(first).explains(told(alert)) for _, first in waiting)

    def _hear(
        self,
        part: _Part,
        alert: Alert,
    ) -> None:
        if self._is_explained(alert):
            part.join(alert)
            return
        wider = None if part.is_whole else self._joined_whole(alert)
        if wider is not None:
            # The same drift in a second segment: it is the whole's now, which had joined the first.
            part.join(alert)
            self.heard.append(self.whole.release(wider))
            return
        self.heard.append(alert)

    def _joined_whole(self, alert: Alert) -> str | None:
        """Return the channel of a joined alert of the whole that says the same; None for none."""
        for channel, joined in self.whole.state.joined.items():
            if told(joined).is_same(told(alert)):
                return channel
        return None

    def _is_explained(self, alert: Alert) -> bool:
        standing = [heard for heard in self.heard if heard["alert_id"] != alert["alert_id"]]
        return any(told(heard).explains(told(alert)) for heard in standing)


def told(alert: Alert) -> Told:
    """Return the drift of an alert, its times in milliseconds since 1970."""
    drift = alert["drift"]
    # Any: of the second version only an alert says whether it is of a segment.
    segment: Any = alert.get("segment")
    return Told(
        tuple(drift["of"]),
        drift["effect"],
        utc_ms(drift["since"]),
        utc_ms(alert["timestamp"]),
        None if segment is None else segment.get("share", 1.0),
    )


def reconcile(
    store: Store,
    whole: Series,
    parts: Mapping[Series, Segment],
    findings: Mapping[Series, DriftFinding | None],
) -> dict[Series, SeriesState]:
    """Decide which alerts of the whole and its segments are sent, and return the states.

    Nothing is sent here: alerts that are not to be leave the outboxes and are kept as joined.

    Args:
        store: of the states.
        whole: the series of all traffic.
        parts: the segments, by their series.
        findings: what the detector of each segment shows.

    Raises:
        Conflict: another run has saved.
        BadStore: a state is damaged.
    """
    council = _Council(_read(store, whole, is_whole=True), [])
    council.segments = [_read(store, series, is_whole=False) for series in parts]
    council.decide()
    for alert in list(council.whole.state.outbox):
        if alert["state"] == "ALARM":
            _name_strongest(council.whole, alert, parts, findings)
    for part in (council.whole, *council.segments):
        if part.is_changed:
            store.save(part.series, part.revision, part.state.to_json())
    return {part.series: part.state for part in (council.whole, *council.segments)}


def _read(
    store: Store,
    series: Series,
    *,
    is_whole: bool,
) -> _Part:
    stored = store.state(series)
    state = SeriesState(0, 0)
    if stored.state:
        state = SeriesState.from_json(stored.state, series)
    return _Part(series, stored.revision, state, is_whole)


def _name_strongest(
    whole: _Part,
    alert: Alert,
    parts: Mapping[Series, Segment],
    findings: Mapping[Series, DriftFinding | None],
) -> None:
    """Say in an alert of the whole in which segment the drift is strongest, where one is."""
    largest, named = STRONGER * alert["drift"]["effect"], None
    for series, segment in parts.items():
        finding = findings[series]
        if finding is None or finding.channel != alert["drift"]["channel"]:
            continue
        # Evidence of nothing points somewhere too.
        if finding.evidence >= finding.needed / 2 and finding.effect > largest:
            largest, named = finding.effect, segment
    if named is None or "Strongest in" in alert["reason"]:
        return
    words = f"Strongest in {named}: {plain_number(largest)} standard deviations there"
    reason = f"{alert['reason']}. {words}"[: alerts.LONGEST]
    # Any: of either version, which have this member in common.
    replaced: Any = {**alert, "reason": reason}
    whole.replace(replaced)
