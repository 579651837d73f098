"""Look for the segment that holds a drift of all traffic, among prediction events."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from drift_contracts.timestamps import utc_ms
from drift_ml.segments.search import Events, Search, search

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from drift_contracts import FeatureSet

    from drift_monitor.alerts import Alert
    from drift_monitor.reference import Reference

#: Events of either side of the onset that are looked at, the newest.
MOST_EVENTS = 10_000


# Any: events are of whoever wrote them, and those that cannot be read are passed over.
def search_events(
    alert: Alert,
    reference: Reference,
    events: Iterable[Mapping[str, Any]],
) -> Search:
    """Return the segment that holds the drift of an alert, or that none stands out.

    Args:
        alert: of drift of all traffic.
        reference: of the alert's model and version.
        events: prediction events of that model, in any order; others are passed over.
    """
    drift = alert["drift"]
    since_ms = utc_ms(drift["since"])
    sides: tuple[list[tuple[int, Mapping[str, Any]]], ...] = ([], [])
    for event in events:
        if not _is_readable(event, alert):
            continue
        try:
            at_ms = utc_ms(event["timestamp"])
        except (TypeError, ValueError):
            continue
        sides[at_ms >= since_ms].append((at_ms, event))
    before, since = [_newest(side, reference) for side in sides]
    return search(
        reference.baseline,
        reference.feature_set,
        before,
        since,
        channel=drift["channel"],
        kind=drift["change"],
        direction=drift["direction"],
    )


def _is_readable(
    event: Mapping[str, Any],
    alert: Alert,
) -> bool:
    """Return whether an event is of an alert's model and version, and has what is looked at."""
    is_of_model = event.get("Model") == alert["model"]
    is_of_version = event.get("model_version") == alert["model_version"]
    has_features = isinstance(event.get("features"), dict)
    return is_of_model and is_of_version and has_features and "timestamp" in event


def _newest(
    side: Sequence[tuple[int, Mapping[str, Any]]],
    reference: Reference,
) -> Events:
    """Return the newest events of a side as columns."""
    ordered = sorted(side, key=lambda pair: pair[0])[-MOST_EVENTS:]
    listed = [event for _, event in ordered]
    answers = _answers(listed) if reference.baseline.classes else {}
    predictions = np.array([_number(event.get("Prediction")) for event in listed], dtype=np.float64)
    return Events(_columns(reference.feature_set, listed), predictions, **answers)


def _answers(events: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return a classifier's answers as columns."""
    return {
        "labels": np.array([event.get("label") for event in events], dtype=object),
        "margins": np.array([_number(event.get("margin")) for event in events]),
        "entropies": np.array([_number(event.get("entropy")) for event in events]),
    }


def _columns(
    feature_set: FeatureSet,
    events: Sequence[Mapping[str, Any]],
) -> dict[str, np.ndarray[Any, Any]]:
    columns = {}
    for feature in feature_set.features:
        values = [event["features"].get(feature.name) for event in events]
        if feature.type == "category":
            columns[feature.name] = np.array(values, dtype=object)
        else:
            columns[feature.name] = np.array([_number(value) for value in values])
    return columns


def _number(value: object) -> float:
    """Return a number, NaN for what is none."""
    return float(value) if isinstance(value, int | float) else np.nan
