"""Windows that alerts rest on: they stay as long as the alerts do, so that these can be checked."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING, Any

from drift_monitor.errors import Conflict
from drift_monitor.keys import Series

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from drift_monitor.alerts import Alert
    from drift_monitor.state import SeriesState
    from drift_monitor.stores import Document, Store

    #: First and last minute, both included.
    Span = tuple[int, int]

DAY_S = 86_400
#: Days after which the windows of an alert that stands are given more time: a week before the
#: table would forget the oldest of them.
RENEWED_DAYS = 28
#: Windows that one run gives more time, at most: some five seconds of writing on AWS.
MOST_RENEWED = 480


def standing_alerts(state: SeriesState) -> list[Alert]:
    """Return the alerts of a series that have not ended, sent or not."""
    return [*state.alerts.values(), *state.muted.values(), *state.joined.values()]


def rhythms_of(alerts: Iterable[Alert]) -> set[str]:
    """Return the digests of the rhythms that alerts were raised under."""
    digests = set()
    for alert in alerts:
        # Any: an alert of an earlier release says nothing of a rhythm.
        drift: Any = alert.get("drift", {})
        digests.add(str(drift.get("detector", {}).get("rhythm", "")))
    return digests - {""}


def spans_of(alerts: Iterable[Alert]) -> list[Span]:
    """Return the minutes that alerts rest on; of releases that kept no digests none are known."""
    spans = []
    for alert in alerts:
        # Any: as above.
        drift: Any = alert.get("drift", {})
        windows = drift.get("windows")
        if windows is not None:
            spans.append((windows["first"], windows["last"]))
    return spans


def joined_spans(spans: Iterable[Span]) -> list[Span]:
    """Return spans of which none overlaps with another, in order.

    >>> joined_spans([(7, 9), (1, 3), (3, 5)])
    [(1, 5), (7, 9)]
    """
    joined: list[Span] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    return joined


class HeldWindows:
    """Gives the windows of alerts that stand more time, where windows expire by themselves."""

    def __init__(
        self,
        store: Store,
        period: int,
    ) -> None:
        """Read nothing yet.

        Args:
            store: of the windows.
            period: seconds that a window spans.
        """
        self._store = store
        self._period = period
        #: When the next renewal of an alert begins, in seconds since 1970, by alert_id.
        self._due: dict[str, float] = {}

    def renew(
        self,
        series: Series,
        alerts: Sequence[Alert],
        now: float,
        *,
        place: str = "held",
    ) -> None:
        """Give some windows more time; what is left waits for the next run.

        Args:
            series: whose windows.
            alerts: that stand.
            now: seconds since 1970.
            place: what it is noted under beside the series.
        """
        due = [alert for alert in alerts if self._is_due(alert, now)]
        if not due:
            return
        noted = Series(series.model, f"{series.version}-{place}")
        stored = self._store.state(noted)
        # Any: what is stored is of this module, or of a later release.
        before: Any = stored.state or {}
        ids = {alert["alert_id"] for alert in alerts}
        entries = {name: entry for name, entry in before.items() if name in ids}
        for alert in due:
            name = alert["alert_id"]
            entries[name] = self._renewed(series, alert, entries.get(name), now)
        if entries != before:
            # Another run did the same meanwhile.
            with contextlib.suppress(Conflict):
                self._store.save(noted, stored.revision, entries)

    def _is_due(
        self,
        alert: Alert,
        now: float,
    ) -> bool:
        spans = spans_of([alert])
        if not spans:
            return False
        first_due = spans[0][0] * self._period + RENEWED_DAYS * DAY_S
        return now >= self._due.get(alert["alert_id"], first_due)

    # Any: as above.
    def _renewed(
        self,
        series: Series,
        alert: Alert,
        entry: Any,
        now: float,
    ) -> Document:
        """Return how far an alert's windows are renewed, after this run."""
        ((first, last),) = spans_of([alert])
        if entry is None or (entry["next"] > last and now >= entry["at"] + RENEWED_DAYS * DAY_S):
            entry = {"next": first, "at": now}
        if entry["next"] <= last:
            entry = {**entry, "next": self._store.keep(series, entry["next"], last, MOST_RENEWED)}
        if entry["next"] > last:
            self._due[alert["alert_id"]] = entry["at"] + RENEWED_DAYS * DAY_S
        return dict(entry)
