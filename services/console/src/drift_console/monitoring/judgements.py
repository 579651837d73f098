"""What the evaluator has decided of each series last, kept for the page."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, TypedDict, cast

if TYPE_CHECKING:
    import sqlite3

    from drift_contracts.types import DetectorStateV2Finding
    from drift_monitor.alerts import Alert
    from drift_monitor.differences import Differing
    from drift_monitor.evaluation import Evaluation
    from drift_monitor.keys import Series
    from drift_monitor.segments import SegmentEntry

    from drift_console.page_types import DifferenceEntry


class Judgement(TypedDict):
    """The latest decision on a series, as the store keeps it."""

    #: The number of the last window that was decided on; -1 for none.
    judged: int
    #: Whether the evidence's alarm is on.
    alarm: bool
    #: ln of the odds that an alarm takes; None before the first decision.
    needed: float | None
    finding: DetectorStateV2Finding | None
    #: What raised each alarm that is on, the oldest first.
    standing: list[DetectorStateV2Finding]
    #: The alerts of these, and those of muted features, as they were written.
    alerts: list[Alert]
    #: Every feature that drifts, those included that joined an alert later.
    moving: list[str]
    #: What is known of the traffic's rhythm, in words; None where it is not learned.
    rhythm: str | None
    #: What is known of requests that repeat each other, in words; None before an evaluation.
    repeats: str | None
    #: What differs from training, the largest first.
    differs: list[DifferenceEntry]
    #: Of each segment; empty where the traffic is not cut.
    segments: list[SegmentEntry]


def write_judgement(connection: sqlite3.Connection, evaluation: Evaluation, judged: int) -> None:
    """Store an evaluation's decision; the caller owns the transaction.

    Args:
        connection: Of the console's store, to write.
        evaluation: What the evaluator found.
        judged: The number of the last window that it decided on.
    """
    finding = None
    if evaluation.finding:
        finding = evaluation.finding.to_json()
    judgement: Judgement = {
        "judged": judged,
        "alarm": evaluation.alarm,
        "needed": evaluation.needed,
        "finding": finding,
        "standing": [standing.to_json() for standing in evaluation.standing],
        "alerts": [*evaluation.alerts, *evaluation.muted],
        "moving": list(evaluation.moving),
        "rhythm": evaluation.rhythm,
        "repeats": evaluation.repeats,
        "differs": [_difference_entry(each) for each in evaluation.differs or ()],
        "segments": [segment.to_json() for segment in evaluation.segments],
    }
    series = evaluation.series
    connection.execute(
        "INSERT OR REPLACE INTO judgements VALUES (?, ?, ?)",
        (series.model, series.version, json.dumps(judgement)),
    )


def read_judgement(connection: sqlite3.Connection, series: Series) -> Judgement:
    """Return the latest decision on a series.

    Args:
        connection: Of the console's store.
        series: Model and version.
    """
    row = connection.execute(
        "SELECT body FROM judgements WHERE model = ? AND version = ?",
        (series.model, series.version),
    ).fetchone()
    if row is None:
        return {
            "judged": -1,
            "alarm": False,
            "needed": None,
            "finding": None,
            "standing": [],
            "alerts": [],
            "moving": [],
            "rhythm": None,
            "repeats": None,
            "differs": [],
            "segments": [],
        }
    judgement = json.loads(row[0])
    # Earlier releases kept one alarm, which is the finding.
    former = [judgement["finding"]] if judgement["alarm"] else []
    judgement.setdefault("standing", former)
    judgement.setdefault("alerts", [])
    judgement.setdefault("moving", [])
    judgement.setdefault("rhythm", None)
    judgement.setdefault("repeats", None)
    judgement.setdefault("differs", [])
    judgement.setdefault("segments", [])
    return cast("Judgement", judgement)


def _difference_entry(difference: Differing) -> DifferenceEntry:
    """Return a difference as the page shows it; who has acknowledged it is a member of its own."""
    words = str(replace(difference, acknowledged=None))
    return {
        "channel": difference.channel,
        "of": list(difference.of),
        "words": words,
        "alerts": list(difference.alerts),
    }
