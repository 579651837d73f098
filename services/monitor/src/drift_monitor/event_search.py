"""Look for the segment that holds a drift of all traffic, among prediction events."""

from __future__ import annotations

import heapq
from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts.timestamps import utc_ms
from drift_ml.segments.search import Events, Search, search

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    from drift_monitor.alerts import Alert
    from drift_monitor.reference import Reference

    #: Any: events are of whoever wrote them, and what cannot be read is passed over.
    Event = Mapping[str, Any]
    #: An event's features in the order of the feature set, and what was answered.
    Row = tuple[object, ...]
    #: Returns in words which segment holds the drift of an alert, or why that cannot be said.
    SegmentSearch = Callable[[Alert, Reference], str]

#: Events of either side of the onset that are looked at, the newest.
MOST_EVENTS = 10_000
#: Of wide models fewer, so that either side has so many values of features, some 32 bytes each.
MOST_VALUES = 1_000_000
#: And of the widest still as many as show a segment of a tenth.
LEAST_EVENTS = 1_000
#: What was answered to an event, after its features.
ANSWERS = ("Prediction", "label", "margin", "entropy")
COMMAND = "`driftctl segments ALERT`"
NOT_SEARCHED = f"Which segment holds it was not searched for to the end: {COMMAND} does"
NO_TIME = f"Which segment holds it was not searched for, as no time was left: {COMMAND} does"
NOT_KEPT = "Which segment holds it cannot be said: no predictions are kept (`predictionLog` is off)"


class GatheredEvents:
    """The events from before the onset of an alert's drift and since, the newest of either."""

    def __init__(
        self,
        alert: Alert,
        reference: Reference,
    ) -> None:
        """Gather nothing yet.

        Args:
            alert: of drift of all traffic.
            reference: of the alert's model and version.
        """
        self._alert = alert
        self._reference = reference
        self._since_ms = utc_ms(alert["drift"]["since"])
        self._names = tuple(feature.name for feature in reference.feature_set.features)
        of_values = MOST_VALUES // max(1, len(self._names))
        self._most = min(MOST_EVENTS, max(LEAST_EVENTS, of_values))
        # Of each side a heap by time, so that what it has too many of is the oldest.
        self._before: list[tuple[int, int, Row]] = []
        self._since: list[tuple[int, int, Row]] = []
        #: Events so far: of equal times the one that came first is the older.
        self._count = 0

    @property
    def has_before(self) -> bool:
        """Return whether there are as many events from before the onset as are looked at."""
        return len(self._before) == self._most

    @property
    def has_since(self) -> bool:
        """Return whether there are as many events since the onset as are looked at."""
        return len(self._since) == self._most

    def add(self, event: Event) -> None:
        """Take an event; one of another model or version, or that cannot be read, is left out."""
        if not self._is_readable(event):
            return
        try:
            at_ms = utc_ms(event["timestamp"])
        except (TypeError, ValueError):
            return
        self._count += 1
        side = self._since if at_ms >= self._since_ms else self._before
        if len(side) == self._most and at_ms < side[0][0]:
            return
        features = event["features"]
        row = tuple(map(features.get, self._names)) + tuple(map(event.get, ANSWERS))
        entry = (at_ms, self._count, row)
        if len(side) < self._most:
            heapq.heappush(side, entry)
        else:
            heapq.heappushpop(side, entry)

    def search(self) -> Search:
        """Return the segment that holds the drift, or that none stands out."""
        drift = self._alert["drift"]
        return search(
            self._reference.baseline,
            self._reference.feature_set,
            self._columns([row for _, _, row in sorted(self._before)]),
            self._columns([row for _, _, row in sorted(self._since)]),
            channel=drift["channel"],
            kind=drift["change"],
            direction=drift["direction"],
        )

    def _is_readable(self, event: Event) -> bool:
        """Return whether an event is of the model and version, and has what is looked at."""
        is_of_model = event.get("Model") == self._alert["model"]
        is_of_version = event.get("model_version") == self._alert["model_version"]
        has_features = isinstance(event.get("features"), dict)
        return is_of_model and is_of_version and has_features and "timestamp" in event

    def _columns(self, rows: Sequence[Row]) -> Events:
        """Return rows as columns."""
        columns: dict[str, np.ndarray[Any, Any]] = {}
        for place, feature in enumerate(self._reference.feature_set.features):
            values = [row[place] for row in rows]
            if feature.type == "category":
                columns[feature.name] = np.array(values, dtype=object)
            else:
                columns[feature.name] = _numbers(values)
        first = len(self._names)
        predictions, labels, margins, entropies = (
            [row[first + place] for row in rows] for place in range(len(ANSWERS))
        )
        if not self._reference.baseline.classes:
            return Events(columns, _numbers(predictions))
        return Events(
            columns,
            _numbers(predictions),
            labels=np.array(labels, dtype=object),
            margins=_numbers(margins),
            entropies=_numbers(entropies),
        )


def search_events(
    alert: Alert,
    reference: Reference,
    events: Iterable[Event],
) -> Search:
    """Return the segment that holds the drift of an alert, or that none stands out.

    Args:
        alert: of drift of all traffic.
        reference: of the alert's model and version.
        events: prediction events of that model, in any order; others are passed over.
    """
    gathered = GatheredEvents(alert, reference)
    for event in events:
        gathered.add(event)
    return gathered.search()


def is_searched_for(alert: Alert) -> bool:
    """Return whether an alert is one whose segment is searched for: of drift of all traffic."""
    is_raised = alert["state"] == "ALARM" and alert["kind"] == "drift"
    # An alert of an earlier release waits since then, and does not say what a search needs.
    return is_raised and alert["contract"] == "alert.v2" and "segment" not in alert


def _numbers(values: Sequence[object]) -> np.ndarray[Any, Any]:
    """Return values as numbers, NaN for what is none."""
    numbers = [float(value) if isinstance(value, int | float) else np.nan for value in values]
    return np.array(numbers, dtype=np.float64)
