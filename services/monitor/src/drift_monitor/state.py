"""What the evaluator remembers of a series between two runs."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from drift_monitor.alerts import with_words
from drift_monitor.errors import BadStore
from drift_monitor.formats import DAMAGED, DETECTOR, NEWER, refuse_damaged, refuse_newer

if TYPE_CHECKING:
    from drift_contracts.types import (
        AlertV2WindowsGroup,
        DetectorStateV1Mixture,
        DetectorStateV2,
        DetectorStateV2Alarm,
    )

    from drift_monitor.alerts import Alert
    from drift_monitor.keys import Series
    from drift_monitor.stores import Document

WHAT = "the evaluator's state"
#: Members that came after the first release.
LATER = (
    "judged_ahead",
    "muted",
    "digests",
    "budgets",
    "psi",
    "rhythm",
    "start",
    "joined",
    "over",
    "searched",
)


@dataclass
class SeriesState:
    """The state of one series; its fields are the members of the stored document."""

    #: The last minute that was evaluated.
    cursor: int
    #: The first one.
    first: int
    #: Events evaluated so far.
    events: int = 0
    #: Events to one false alarm.
    budget: float = 0.0
    #: None before the first window.
    detector: DetectorStateV1Mixture | DetectorStateV2 | None = None
    #: The alerts that have not ended, as they were sent, by the channel that each is about.
    alerts: dict[str, Alert] = field(default_factory=dict)
    #: Alerts not yet known to be published.
    outbox: list[Alert] = field(default_factory=list)
    #: Of these, and of those that joined another one: ids whose segment a search was begun for.
    searched: list[str] = field(default_factory=list)
    #: Minutes after the cursor that were evaluated all the same, while the clock was ahead.
    judged_ahead: list[int] = field(default_factory=list)
    #: Alerts of muted features, which were not sent, by channel as above.
    muted: dict[str, Alert] = field(default_factory=dict)
    #: Alerts that were not sent as another one, of the whole or of a segment, says it already, by
    #: channel as above.
    joined: dict[str, Alert] = field(default_factory=dict)
    #: Channels whose alarms had joined one that has ended: the next run ends them too.
    over: list[str] = field(default_factory=list)
    #: Digests of the windows that the detector has taken in, the oldest first.
    digests: list[AlertV2WindowsGroup] = field(default_factory=list)
    #: First window and events of each budget that the detector had, the oldest first.
    budgets: list[tuple[int, float]] = field(default_factory=list)
    #: Digest of the rhythm that the detector has had since the first of these windows; "" for none.
    rhythm: str = ""
    #: The alarms that stood before the first of these windows, as the detector's state has them.
    start: list[DetectorStateV2Alarm] = field(default_factory=list)
    #: Events since PSI was last measured, as a window; empty where no alarm of it is chosen.
    psi: Document = field(default_factory=dict)

    def to_json(self) -> Document:
        """Return the state as a document, which a store copies or writes."""
        # Not `asdict`, which copies each of thousands of numbers: a third of a run's time. Releases
        # that do not know a later member refuse a state that has it.
        return {
            name: copy(value) for name, value in vars(self).items() if value or name not in LATER
        }

    def reword(
        self,
        alert: Alert,
        words: str,
    ) -> None:
        """Put a sentence more into the reason of an alert that waits, wherever it is kept."""
        reworded = with_words(alert, words)
        alert_id = alert["alert_id"]
        self.outbox = [
            reworded if waiting["alert_id"] == alert_id else waiting for waiting in self.outbox
        ]
        for channel, standing in self.alerts.items():
            if standing["alert_id"] == alert_id:
                self.alerts[channel] = reworded

    def forget_searches(self) -> None:
        """Forget which searches were begun, but of alerts that may still be sent."""
        waiting = {alert["alert_id"] for alert in (*self.outbox, *self.joined.values())}
        self.searched = [alert_id for alert_id in self.searched if alert_id in waiting]

    @classmethod
    def from_json(
        cls,
        document: Document,
        series: Series,
    ) -> SeriesState:
        """Return the state in a stored document.

        Args:
            document: as the store returned it.
            series: whose state it is, for the message.

        Raises:
            BadStore: it is damaged, or of a release that stores more than this one: to go on
                without what this one does not know would lose it.
        """
        item = f"state#{series.model}#{series.version}"
        refuse_damaged(document, series, WHAT, item)
        names = {member.name for member in fields(cls)}
        # Any: the members were written by this class or by an older one, so only their names are
        # checked.
        members: Any = _upgraded(document)
        if members.keys() - names:
            raise BadStore(str(series), NEWER.format(what=WHAT))
        detector = members.get("detector")
        if isinstance(detector, dict):
            refuse_newer(detector, DETECTOR, series, "the detector's state")
        try:
            return cls(**members)
        except TypeError:
            raise BadStore(str(series), DAMAGED.format(what=WHAT, item=item)) from None


def _upgraded(document: Document) -> Document:
    """Return a stored state whose one alert, as earlier releases kept it, is one of several."""
    if "alert" not in document:
        return document
    members = dict(document)
    alert: Any = members.pop("alert")
    members["alerts"] = {} if alert is None else {alert["drift"]["channel"]: alert}
    return members
