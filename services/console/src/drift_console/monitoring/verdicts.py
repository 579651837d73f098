"""The verdict as the page shows it, from the alerts that stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from drift_ml.verdict import Drift, decide

if TYPE_CHECKING:
    from collections.abc import Sequence

    from drift_contracts.types import WindowReportV1
    from drift_monitor.alerts import Alert

    from drift_console.page_types import DriftEntry, VerdictEntry


def verdict_entry(
    alerts: Sequence[Alert],
    report: WindowReportV1,
    moving: Sequence[str] = (),
) -> VerdictEntry:
    """Return the verdict on a model's traffic.

    The page writes the times, in the reader's zone: the words have none.

    Args:
        alerts: of the drifts that stand, and of those that are muted.
        report: of the effect sizes over the span shown.
        moving: every feature that drifts, those included that joined an alert later.
    """
    drifts = [drift_entry(alert) for alert in alerts]
    verdict = decide([_drift(drift) for drift in drifts], report, moving)
    return {
        "level": verdict.level,
        "headline": verdict.headline,
        "others": list(verdict.others),
        "unproven": verdict.unproven,
        "drifts": drifts,
    }


def drift_entry(alert: Alert) -> DriftEntry:
    """Return the drift that an alert of either version is about."""
    # Alerts that stand are of drift; those of the first version have their words in the title.
    drift = alert["drift"]
    title = alert["title"].partition(": drift in ")[2] or alert["title"]
    muted = alert.get("muted")
    until: str | None = None
    if isinstance(muted, dict):
        until = str(muted["until"])
    return {
        "alert_id": alert["alert_id"],
        "words": str(drift.get("words", title)),
        "of": drift["of"],
        "since": drift["since"],
        "muted_until": until,
    }


def _drift(entry: DriftEntry) -> Drift:
    until = entry["muted_until"]
    # The day is enough for a sentence.
    return Drift(entry["words"], tuple(entry["of"]), muted_until=until and until[:10])
